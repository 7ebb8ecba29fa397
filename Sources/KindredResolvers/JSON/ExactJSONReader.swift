/// Why bytes are not the JSON that resolvers take.
package struct ExactJSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let reason: String
    /// At which byte, from 0.
    package let offset: Int

    package var description: String { "\(reason), at byte \(offset)" }
}

extension ExactJSON {
    /// Reads a document of RFC 8259.
    ///
    /// - Throws: for everything else, for a name that an object has twice, and beyond the bounds of `ResolverLimits`.
    package init(reading bytes: [UInt8]) throws(ExactJSONError) {
        guard bytes.count <= ResolverLimits.maximumBytes else {
            throw ExactJSONError(reason: "more than \(ResolverLimits.maximumBytes) bytes", offset: bytes.count)
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw ExactJSONError(reason: "not UTF-8", offset: 0)
        }
        var reader = Reader(bytes: bytes)
        self = try reader.document()
    }

    /// Reads a document from left to right. The bytes are known to be UTF-8.
    private struct Reader {
        let bytes: [UInt8]
        var position = 0
        var values = 0

        mutating func document() throws(ExactJSONError) -> ExactJSON {
            let value = try value(depth: 0)
            skipSpaces()
            guard position == bytes.count else { throw error("something follows the document") }
            return value
        }

        private func error(_ reason: String) -> ExactJSONError {
            ExactJSONError(reason: reason, offset: position)
        }

        private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func skipSpaces() {
            while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
        }

        /// Skips spaces, and this character if it is next.
        private mutating func skip(_ character: UInt8) -> Bool {
            skipSpaces()
            guard current == character else { return false }
            position += 1
            return true
        }

        private mutating func value(depth: Int) throws(ExactJSONError) -> ExactJSON {
            skipSpaces()
            values += 1
            guard values <= ResolverLimits.maximumJSONValues else {
                throw error("more than \(ResolverLimits.maximumJSONValues) values")
            }
            switch current {
            case UInt8(ascii: "{"): return try object(depth: try deeper(depth))
            case UInt8(ascii: "["): return try array(depth: try deeper(depth))
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try word("true", .bool(true))
            case UInt8(ascii: "f"): return try word("false", .bool(false))
            case UInt8(ascii: "n"): return try word("null", .null)
            case nil: throw error("the document ends too early")
            default: return try number()
            }
        }

        private func deeper(_ depth: Int) throws(ExactJSONError) -> Int {
            guard depth < ResolverLimits.maximumDepth else {
                throw error("nested more than \(ResolverLimits.maximumDepth) deep")
            }
            return depth + 1
        }

        private mutating func word(_ word: String, _ value: ExactJSON) throws(ExactJSONError) -> ExactJSON {
            guard bytes[position...].starts(with: word.utf8) else { throw error("no value") }
            position += word.utf8.count
            return value
        }

        private mutating func number() throws(ExactJSONError) -> ExactJSON {
            guard let end = JSONNumber.end(in: bytes, from: position) else { throw error("no value") }
            guard let number = JSONNumber(scanned: Array(bytes[position..<end])) else {
                throw error("an exponent beyond \(ResolverLimits.maximumExponent)")
            }
            position = end
            return .number(number)
        }

        private mutating func array(depth: Int) throws(ExactJSONError) -> ExactJSON {
            position += 1
            var elements: [ExactJSON] = []
            if skip(UInt8(ascii: "]")) { return .array(elements) }
            repeat {
                elements.append(try value(depth: depth))
            } while skip(UInt8(ascii: ","))
            guard skip(UInt8(ascii: "]")) else { throw error("no ',' or ']' after an element") }
            return .array(elements)
        }

        private mutating func object(depth: Int) throws(ExactJSONError) -> ExactJSON {
            let begin = position
            position += 1
            var members: [Member] = []
            if skip(UInt8(ascii: "}")) { return .object(members) }
            repeat {
                skipSpaces()
                guard current == UInt8(ascii: "\"") else { throw error("no name of a member") }
                let name = try string()
                guard skip(UInt8(ascii: ":")) else { throw error("no ':' after a name") }
                members.append(Member(name, try value(depth: depth)))
            } while skip(UInt8(ascii: ","))
            guard skip(UInt8(ascii: "}")) else { throw error("no ',' or '}' after a member") }
            members.sort { $0.name.lexicographicallyPrecedes($1.name) }
            for (one, next) in zip(members, members.dropFirst()) where one.name == next.name {
                let name = String(decoding: one.name.prefix(40), as: UTF8.self)
                throw ExactJSONError(reason: "an object has the name '\(name)' twice", offset: begin)
            }
            return .object(members)
        }

        private mutating func string() throws(ExactJSONError) -> [UInt8] {
            position += 1
            var text: [UInt8] = []
            while let byte = current {
                switch byte {
                case UInt8(ascii: "\""):
                    position += 1
                    return text
                case UInt8(ascii: "\\"):
                    position += 1
                    try escape(into: &text)
                case 0..<0x20:
                    throw error("a control character in a text")
                default:
                    text.append(byte)
                    position += 1
                }
            }
            throw error("a text without an end")
        }

        private mutating func escape(into text: inout [UInt8]) throws(ExactJSONError) {
            let byte = current
            position += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): if let byte { text.append(byte) }
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"): text += try scalar().utf8.map { $0 }
            default:
                position -= 1
                throw error("an unknown escape")
            }
        }

        /// What follows `\u`: four digits, or a pair of surrogates.
        private mutating func scalar() throws(ExactJSONError) -> Character {
            var code = UInt32(try unit())
            if (0xD800..<0xDC00).contains(code), bytes[position...].starts(with: #"\u"#.utf8) {
                position += 2
                let low = UInt32(try unit())
                guard (0xDC00..<0xE000).contains(low) else { throw error("half a pair of surrogates") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = UnicodeScalar(code) else { throw error("half a pair of surrogates") }
            return Character(scalar)
        }

        private mutating func unit() throws(ExactJSONError) -> UInt16 {
            let digits = bytes[position...].prefix(4)
            // `UInt16` would take a sign as well.
            guard digits.count == 4, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
                let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
            else { throw error("no four hexadecimal digits after \\u") }
            position += 4
            return unit
        }
    }
}
