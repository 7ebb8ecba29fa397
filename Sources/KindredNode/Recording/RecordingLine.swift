/// A line of a recording, as it goes over the wire and as it is kept in a file: docs/formats/recording.md.
package enum RecordingLine: Hashable, Sendable {
    case header(Header)
    case write(Write)
    case read(Read)
    /// After the node's last line so many events were not recorded, because the reader was too slow.
    case dropped(UInt64, node: String)
    /// Nothing has happened for a while; so that both sides notice if the other one is gone.
    case alive
    /// The recording has ended as it should.
    case end(UInt64)

    package static let formatVersion = 1

    package struct Header: Codable, Hashable, Sendable {
        package var format: Int
        /// The nodes that record.
        package var nodes: [String]
        /// When it began, in milliseconds since 1970.
        package var started: UInt64
        /// The only bucket type and bucket that are recorded; nil for all.
        package var type: String?
        package var bucket: String?
        package var hashesKeys: Bool
        package var values: RecordingOptions.Values
        package var reads: Bool

        package init(
            format: Int = formatVersion, nodes: [String], started: UInt64, type: String?, bucket: String?,
            hashesKeys: Bool, values: RecordingOptions.Values, reads: Bool
        ) {
            self.format = format
            self.nodes = nodes
            self.started = started
            self.type = type
            self.bucket = bucket
            self.hashesKeys = hashesKeys
            self.values = values
            self.reads = reads
        }
    }

    /// Which object an event is about.
    package struct Name: Codable, Hashable, Sendable {
        package var type: String
        package var bucket: String
        package var key: String
        /// How the key is written: nil for text, `hex` for bytes that are none, `hash` if only a salted hash of it is
        /// told.
        package var keyForm: String?
        /// `hex` if the bucket's name is no text.
        package var bucketForm: String?

        package init(type: String, bucket: String, key: String, keyForm: String? = nil, bucketForm: String? = nil) {
            self.type = type
            self.bucket = bucket
            self.key = key
            self.keyForm = keyForm
            self.bucketForm = bucketForm
        }
    }

    package struct Write: Codable, Hashable, Sendable {
        package var node: String
        /// The event's place among those of its node, from 1.
        package var number: UInt64
        /// When, by the node's wall clock, in milliseconds since 1970.
        package var at: UInt64
        package var name: Name
        package var partition: UInt16
        package var strategy: String
        /// `put` or `delete`.
        package var operation: String
        /// `applied`, `unchanged`, or why it was refused: `exists`, `immutable`, `too-many-siblings`, `precondition`.
        package var outcome: String
        /// The write's name within its partition, `actor:counter`; nil if it has changed nothing.
        package var dot: String?
        /// Its hybrid timestamp, 48 bits of milliseconds and 16 that count; nil if it has changed nothing.
        package var timestamp: UInt64?
        /// The client's name, or a salted hash of it; nil if it gives none.
        package var client: String?
        /// Whether the client has shown a causal context.
        package var hasContext: Bool
        /// The events that it had seen; of a delete without a context, all that the replica knew.
        package var seen: Events
        /// What must have held: `absent`, `present`, `unchanged-since-seen`, `other`.
        package var conditions: [String]?
        /// The versions that the coordinator had when the write came.
        package var found: [String]
        /// The events that the coordinator knew of; nil if it is the only replica.
        package var reflected: Events?
        /// The value's length, and a salted digest of all that was stored.
        package var bytes: Int?
        package var digest: String?
        /// The value itself, as text or in base 16.
        package var value: String?
        package var valueForm: String?

        package init(
            node: String, number: UInt64, at: UInt64, name: Name, partition: UInt16, strategy: String,
            operation: String, outcome: String, hasContext: Bool, seen: Events, found: [String]
        ) {
            self.node = node
            self.number = number
            self.at = at
            self.name = name
            self.partition = partition
            self.strategy = strategy
            self.operation = operation
            self.outcome = outcome
            self.hasContext = hasContext
            self.seen = seen
            self.found = found
        }
    }

    package struct Read: Codable, Hashable, Sendable {
        package var node: String
        package var number: UInt64
        package var at: UInt64
        package var name: Name
        package var partition: UInt16
        package var strategy: String
        /// The versions that it was shown.
        package var shown: [String]

        package init(
            node: String, number: UInt64, at: UInt64, name: Name, partition: UInt16, strategy: String, shown: [String]
        ) {
            self.node = node
            self.number = number
            self.at = at
            self.name = name
            self.partition = partition
            self.strategy = strategy
            self.shown = shown
        }
    }

    /// A set of events of one partition: of each actor the first ones, up to a counter, and single ones beyond.
    package struct Events: Codable, Hashable, Sendable {
        package var upTo: [String]
        package var single: [String]?

        package init(upTo: [String] = [], single: [String]? = nil) {
            self.upTo = upTo
            self.single = single
        }
    }
}

extension RecordingLine: Codable {
    private enum Key: String, CodingKey {
        case line, node, dropped, at
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        switch try values.decode(String.self, forKey: .line) {
        case "header": self = .header(try Header(from: decoder))
        case "write": self = .write(try Write(from: decoder))
        case "read": self = .read(try Read(from: decoder))
        case "dropped":
            self = .dropped(
                try values.decode(UInt64.self, forKey: .dropped), node: try values.decode(String.self, forKey: .node))
        case "alive": self = .alive
        case "end": self = .end(try values.decode(UInt64.self, forKey: .at))
        case let other:
            throw DecodingError.dataCorruptedError(
                forKey: .line, in: values, debugDescription: "there is no line of the kind '\(other)'")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        switch self {
        case .header(let header):
            try values.encode("header", forKey: .line)
            try header.encode(to: encoder)
        case .write(let write):
            try values.encode("write", forKey: .line)
            try write.encode(to: encoder)
        case .read(let read):
            try values.encode("read", forKey: .line)
            try read.encode(to: encoder)
        case .dropped(let count, let node):
            try values.encode("dropped", forKey: .line)
            try values.encode(count, forKey: .dropped)
            try values.encode(node, forKey: .node)
        case .alive: try values.encode("alive", forKey: .line)
        case .end(let moment):
            try values.encode("end", forKey: .line)
            try values.encode(moment, forKey: .at)
        }
    }
}
