import Crypto
package import KindredModel
import KindredStorage

extension RecordingLine.Events {
    package init(_ context: CausalContext) {
        let single = context.cloud.map(\.description)
        self.init(
            upTo: context.vector.entries.map { Dot($0.actor, $0.counter).description },
            single: single.isEmpty ? nil : single)
    }

    /// The set; nil if it is not well formed.
    package var context: CausalContext? {
        var vector = VersionVector()
        for text in upTo {
            guard let dot = Dot(recorded: text) else { return nil }
            vector.include(through: dot)
        }
        var context = CausalContext(vector)
        for text in single ?? [] {
            guard let dot = Dot(recorded: text) else { return nil }
            context.insert(dot)
        }
        return context
    }
}

extension Dot {
    /// No replica lives to mint more; beyond, a recording from elsewhere could make counters overflow.
    private static let largestRecorded: UInt64 = 1 << 62

    /// Reads what `description` wrote.
    package init?(recorded text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let actor = UInt32(parts[0]), let counter = UInt64(parts[1]),
            1...Self.largestRecorded ~= counter
        else {
            return nil
        }
        self.init(ActorID(actor), counter)
    }
}

extension WriteRefusal {
    /// The refusal in a word.
    package var recorded: String {
        switch self {
        case .exists: "exists"
        case .immutable: "immutable"
        case .tooManySiblings: "too-many-siblings"
        case .preconditionFailed: "precondition"
        }
    }
}

/// Turns what the data loop has recorded into lines: hashes what is to be hashed, names what is to be named.
package struct RecordingWriter: Sendable {
    private let options: RecordingOptions
    private let node: String
    /// Known to nobody but this recording: without it nobody can find out by trying which key or value a hash is of.
    private let salt: [UInt8]

    package init(_ options: RecordingOptions, node: String, salt: [UInt8]) {
        self.options = options
        self.node = node
        self.salt = salt
    }

    /// The line of an event; nil for one whose address makes no sense.
    ///
    /// - Parameter typeName: the name of a bucket type by its id.
    package func line(_ entry: RecordingBuffer.Entry, typeName: (UInt32) -> String) -> RecordingLine? {
        switch entry.event {
        case .write(let event):
            guard let name = name(event.address, typeName) else { return nil }
            return .write(write(event, number: entry.number, name))
        case .read(let event):
            guard let name = name(event.address, typeName) else { return nil }
            return .read(
                RecordingLine.Read(
                    node: node, number: entry.number, at: event.wall, name: name, partition: event.partition,
                    strategy: event.strategy.rawValue, shown: event.shown.map(\.description)))
        }
    }

    /// The id of the bucket type that an event is about.
    package static func type(of event: RecordedEvent) -> UInt32 {
        let address =
            switch event {
            case .write(let write): write.address
            case .read(let read): read.address
            }
        return address.withUnsafeBytes { AddressFields($0)?.bucketType ?? BucketType.defaultID }
    }

    private func write(_ event: RecordedWrite, number: UInt64, _ name: RecordingLine.Name) -> RecordingLine.Write {
        var line = RecordingLine.Write(
            node: node, number: number, at: event.wall, name: name, partition: event.partition,
            strategy: event.strategy.rawValue, operation: event.isDelete ? "delete" : "put", outcome: "unchanged",
            hasContext: event.hasToken, seen: RecordingLine.Events(event.context),
            found: event.found.map(\.description))
        switch event.outcome {
        case .applied(let dot, let timestamp):
            line.outcome = "applied"
            line.dot = dot.description
            line.timestamp = timestamp.rawValue
        case .unchanged: break
        case .refused(let refusal): line.outcome = refusal.recorded
        }
        if !event.writer.isEmpty {
            line.client =
                options.hashesKeys ? digest(event.writer[...], "client") : String(decoding: event.writer, as: UTF8.self)
        }
        if !event.precondition.isEmpty { line.conditions = conditions(event.precondition) }
        line.reflected = event.reflected.map { RecordingLine.Events($0) }
        if let content = event.content, options.values != .none {
            line.digest = digest(content, "content")
            tell(content, in: &line)
        }
        return line
    }

    private func tell(_ content: ArraySlice<UInt8>, in line: inout RecordingLine.Write) {
        // What is stored has been checked when it came.
        guard let stored = try? ObjectContent(encoded: Array(content)) else {
            line.bytes = content.count
            return
        }
        line.bytes = stored.value.count
        guard options.values == .full else { return }
        (line.value, line.valueForm) = Self.text(stored.value)
    }

    private func conditions(_ precondition: Precondition) -> [String] {
        var words: [String] = []
        if precondition.mustNotExist { words.append("absent") }
        if precondition.mustExist { words.append("present") }
        if precondition.notModifiedSince != nil { words.append("unchanged-since-seen") }
        if precondition.matches != nil || precondition.matchesNone != nil
            || precondition.unmodifiedSinceMilliseconds != nil
        {
            words.append("other")
        }
        return words
    }

    private func name(_ address: [UInt8], _ typeName: (UInt32) -> String) -> RecordingLine.Name? {
        address.withUnsafeBytes { bytes in
            guard let fields = AddressFields(bytes) else { return nil }
            let (bucket, bucketForm) = Self.text(Array(fields.bucket))
            if options.hashesKeys {
                // The whole address: equal keys of different buckets are not to be recognised.
                return RecordingLine.Name(
                    type: typeName(fields.bucketType), bucket: bucket, key: digest(address[...], "key"),
                    keyForm: "hash", bucketForm: bucketForm)
            }
            let (key, form) = Self.text(Array(fields.key))
            return RecordingLine.Name(
                type: typeName(fields.bucketType), bucket: bucket, key: key, keyForm: form, bucketForm: bucketForm)
        }
    }

    /// 128 bits of an HMAC with the salt as its key.
    private func digest(_ bytes: ArraySlice<UInt8>, _ purpose: String) -> String {
        var code = HMAC<SHA256>(key: SymmetricKey(data: salt))
        code.update(data: Array(purpose.utf8) + [0])
        bytes.withUnsafeBytes { code.update(data: $0) }
        return code.finalize().prefix(16).map(Self.hexadecimal).joined()
    }

    private static func text(_ bytes: [UInt8]) -> (String, form: String?) {
        if let text = String(validating: bytes, as: UTF8.self) { return (text, nil) }
        return (bytes.map(hexadecimal).joined(), "hex")
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
