package import KindredModel

/// JSON (RFC 8259) as Riak's HTTP interface speaks it: lists of names, properties, and small documents about the node.
///
/// What is written is ASCII: clients that read a stream in blocks need not care where a character ends. A `}` within a
/// string is written as an escape, because Riak's Python client ends each object of a stream at the first one it sees.
package enum RiakHTTPJSON {
    /// The largest document that is read.
    package static let maximumLength = 65_536
    /// The deepest nesting of arrays and objects that is read; properties need four.
    package static let maximumDepth = 8

    // MARK: Writing

    /// `{"field":["name",…]}`: keys or buckets, whole or a piece of a stream. Bytes that are not UTF-8 become U+FFFD.
    package static func list<Names: Sequence>(_ field: String, of names: Names) -> [UInt8]
    where Names.Element == [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        append(field.utf8, to: &bytes)
        bytes += [UInt8(ascii: ":"), UInt8(ascii: "[")]
        var isFirst = true
        for name in names {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            append(name, to: &bytes)
        }
        bytes += [UInt8(ascii: "]"), UInt8(ascii: "}")]
        return bytes
    }

    /// `{"props":{…}}`
    package static func properties(_ set: PropertySet) -> [UInt8] {
        encode(.object([Property("props", .object(set.entries))]))
    }

    /// What is wrong with properties, by name: the body of status 400.
    package static func problems(_ invalid: InvalidProperties) -> [UInt8] {
        encode(.object(invalid.problems.map { Property($0.name, .text($0.reason)) }))
    }

    /// Writes a value, the fields of objects in their order.
    package static func encode(_ value: PropertyValue) -> [UInt8] {
        var bytes: [UInt8] = []
        append(value, to: &bytes)
        return bytes
    }

    private static func append(_ value: PropertyValue, to bytes: inout [UInt8]) {
        switch value {
        case .bool(let bool): bytes += Array((bool ? "true" : "false").utf8)
        case .integer(let integer): bytes += Array(String(integer).utf8)
        case .text(let text): append(text.utf8, to: &bytes)
        case .list(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let fields):
            bytes.append(UInt8(ascii: "{"))
            for (index, field) in fields.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(field.name.utf8, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                append(field.value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func append(_ text: some Collection<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        if text.allSatisfy(isPlain) {
            bytes += text
        } else {
            for unit in String(decoding: text, as: UTF8.self).utf16 {
                if let byte = UInt8(exactly: unit), isPlain(byte) {
                    bytes.append(byte)
                } else if unit == 0x22 || unit == 0x5C {
                    bytes += [0x5C, UInt8(truncatingIfNeeded: unit)]
                } else {
                    let digits = String(unit, radix: 16)
                    bytes += Array(("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits).utf8)
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Whether a byte stands for itself in the strings we write.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20..<0x7F).contains(byte) && byte != 0x22 && byte != 0x5C && byte != UInt8(ascii: "}")
    }

    // MARK: Reading

    /// Reads the body of a request that sets properties: an object with `props`, and in it the properties.
    ///
    /// - Throws: a refusal with status 400, in Riak's words.
    package static func parseProperties(_ body: some Collection<UInt8>) throws(RiakHTTPRefusal) -> PropertySet {
        let value: PropertyValue
        do {
            value = try decode(body)
        } catch {
            throw refusal("The body is not JSON as it is understood here: \(error)\n")
        }
        guard case .object(let fields) = value, case .object(let properties)? = PropertySet(fields)["props"] else {
            throw refusal("")
        }
        return PropertySet(properties)
    }

    private static func refusal(_ reason: String) -> RiakHTTPRefusal {
        RiakHTTPRefusal(
            400, reason + "bucket PUT must be a JSON object of the form:\n{\"props\":{...bucket properties...}}\n")
    }

    /// Reads a document, strictly: UTF-8, nothing after it, no `null`, no fractions, no number beyond 64 bits, not too long and not too
    /// deep.
    package static func decode(_ document: some Collection<UInt8>) throws(MalformedBytes) -> PropertyValue {
        guard document.count <= maximumLength else { throw MalformedBytes("longer than \(maximumLength) bytes") }
        var parser = Parser(bytes: Array(document))
        return try parser.document()
    }

    private struct Parser {
        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func document() throws(MalformedBytes) -> PropertyValue {
            let result = try value(depth: 0)
            skipSpace()
            guard position == bytes.count else { throw unexpected() }
            return result
        }

        private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

        private func unexpected() -> MalformedBytes {
            MalformedBytes(position < bytes.count ? "unexpected byte at \(position)" : "unexpected end")
        }

        private mutating func skipSpace() {
            while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
        }

        /// Steps over `byte`, if it comes next after white space.
        private mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard current == byte else { return false }
            position += 1
            return true
        }

        private mutating func expect(_ text: String) throws(MalformedBytes) {
            for byte in text.utf8 {
                guard current == byte else { throw unexpected() }
                position += 1
            }
        }

        private mutating func value(depth: Int) throws(MalformedBytes) -> PropertyValue {
            guard depth < maximumDepth else { throw MalformedBytes("nested more than \(maximumDepth) deep") }
            skipSpace()
            switch current {
            case UInt8(ascii: "t"):
                try expect("true")
                return .bool(true)
            case UInt8(ascii: "f"):
                try expect("false")
                return .bool(false)
            case UInt8(ascii: "n"):
                try expect("null")
                throw MalformedBytes("null is not a value that anything here can have")
            case UInt8(ascii: "\""):
                return .text(try string())
            case UInt8(ascii: "["):
                return .list(try list(depth: depth))
            case UInt8(ascii: "{"):
                return .object(try object(depth: depth))
            default:
                return .integer(try integer())
            }
        }

        private mutating func list(depth: Int) throws(MalformedBytes) -> [PropertyValue] {
            position += 1
            var values: [PropertyValue] = []
            if take(UInt8(ascii: "]")) { return values }
            repeat { values.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "]")) else { throw unexpected() }
            return values
        }

        private mutating func object(depth: Int) throws(MalformedBytes) -> [Property] {
            position += 1
            var fields: [Property] = []
            if take(UInt8(ascii: "}")) { return fields }
            repeat {
                skipSpace()
                guard current == UInt8(ascii: "\"") else { throw unexpected() }
                let name = try string()
                guard take(UInt8(ascii: ":")) else { throw unexpected() }
                fields.append(Property(name, try value(depth: depth + 1)))
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw unexpected() }
            return fields
        }

        private mutating func integer() throws(MalformedBytes) -> Int64 {
            let start = position
            if current == UInt8(ascii: "-") { position += 1 }
            let firstDigit = position
            while let byte = current, RiakHTTPText.isDigit(byte) { position += 1 }
            guard position > firstDigit, position == firstDigit + 1 || bytes[firstDigit] != UInt8(ascii: "0") else {
                throw unexpected()
            }
            if let byte = current, ".eE".utf8.contains(byte) { throw MalformedBytes("a number that is not an integer") }
            guard let value = Int64(String(decoding: bytes[start..<position], as: UTF8.self)) else {
                throw MalformedBytes("a number beyond 64 bits")
            }
            return value
        }

        private mutating func string() throws(MalformedBytes) -> String {
            position += 1
            var text: [UInt8] = []
            while let byte = current {
                position += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard let string = String(validating: text, as: UTF8.self) else {
                        throw MalformedBytes("a string that is not UTF-8")
                    }
                    return string
                case UInt8(ascii: "\\"):
                    text += Array(String(try escape()).utf8)
                case ..<0x20:
                    throw MalformedBytes("a control character in a string")
                default:
                    text.append(byte)
                }
            }
            throw unexpected()
        }

        private mutating func escape() throws(MalformedBytes) -> Unicode.Scalar {
            guard let byte = current else { throw unexpected() }
            position += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
            case UInt8(ascii: "b"): return "\u{8}"
            case UInt8(ascii: "f"): return "\u{C}"
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            case UInt8(ascii: "u"):
                let unit = try codeUnit()
                if let scalar = Unicode.Scalar(unit) { return scalar }
                // What is left are surrogates, of which two make a character, the high one first.
                try expect("\\u")
                let low = try codeUnit()
                guard unit < 0xDC00, (0xDC00...0xDFFF).contains(low),
                    let scalar = Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00))
                else { throw MalformedBytes("half of a surrogate pair") }
                return scalar
            default: throw MalformedBytes("an unknown escape in a string")
            }
        }

        private mutating func codeUnit() throws(MalformedBytes) -> UInt16 {
            var unit: UInt16 = 0
            for _ in 0..<4 {
                guard let digit = current.flatMap(RiakHTTPText.hexadecimal) else { throw unexpected() }
                unit = unit << 4 | UInt16(digit)
                position += 1
            }
            return unit
        }
    }
}

// MARK: - Documents about the node

extension RiakHTTPJSON {
    /// What `/` names: Riak's names of what there is, and where. Clients leave out what they do not find here.
    package static let resources: [Property] = [
        Property("riak_kv_wm_bucket_type", "/types"),
        Property("riak_kv_wm_buckets", "/buckets"),
        // Without it the Python client says that counters do not exist, instead of asking and being told so.
        Property("riak_kv_wm_counter", "/buckets"),
        Property("riak_kv_wm_keylist", "/buckets"),
        Property("riak_kv_wm_object", "/buckets"),
        Property("riak_kv_wm_ping", "/ping"),
        Property("riak_kv_wm_preflist", "/buckets"),
        Property("riak_kv_wm_props", "/buckets"),
        Property("riak_kv_wm_raw", "/riak"),
        Property("riak_kv_wm_stats", "/stats"),
    ]

    /// One replica of a key's preference list.
    package struct PreferredReplica: Hashable, Sendable {
        /// The partition, from 0.
        package let partition: Int64
        /// The name of the node that holds the replica.
        package let node: String
        /// Whether it stands in for none.
        package let isPrimary: Bool

        /// Describes a replica.
        package init(partition: Int64, node: String, isPrimary: Bool) {
            self.partition = partition
            self.node = node
            self.isPrimary = isPrimary
        }
    }

    /// `{"preflist":[{"partition":…,"node":…,"primary":…},…]}`
    package static func preferenceList(_ replicas: [PreferredReplica]) -> [UInt8] {
        let values = replicas.map { replica in
            PropertyValue.object([
                Property("partition", .integer(replica.partition)), Property("node", .text(replica.node)),
                Property("primary", .bool(replica.isPrimary)),
            ])
        }
        return encode(.object([Property("preflist", .list(values))]))
    }
}
