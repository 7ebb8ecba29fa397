/// A JSON document that is read and written without loss, and in one way only.
///
/// Foundation's JSON does not keep what resolvers promise. It turns numbers into doubles or decimals of 38 digits,
/// accepts an object that has a name twice (and keeps one of the two), compares texts by Unicode equivalence, so that
/// two different keys become one, and may write the same value differently in another version. Replicas must agree
/// byte for byte. So this is a small reader and writer of our own:
///
/// - Numbers keep their text; texts are the bytes of their UTF-8, neither normalized nor compared by anything but
///   bytes.
/// - A name that occurs twice, a lone surrogate, invalid UTF-8, or anything beyond RFC 8259 is refused.
/// - Depth, size and the number of values are bounded before memory is taken.
/// - Written text is canonical: names sorted by bytes, no spaces, one form of each escape.
///
/// (The scenarios of the simulator have a `JSONValue` on Foundation's coders. It serves files that people write by
/// hand, and gives up exactly these properties.)
package enum ExactJSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    /// The text in UTF-8, without escapes.
    case string([UInt8])
    case array([ExactJSON])
    /// Members in ascending order of their names, each name once.
    case object([Member])

    /// A named value of an object.
    package struct Member: Hashable, Sendable {
        /// The name in UTF-8, without escapes.
        package let name: [UInt8]
        package let value: ExactJSON

        package init(_ name: [UInt8], _ value: ExactJSON) {
            self.name = name
            self.value = value
        }

        package init(_ name: String, _ value: ExactJSON) {
            self.init(Array(name.utf8), value)
        }
    }

    /// An object of members in any order, whose names are different.
    package static func object(unordered members: [Member]) -> ExactJSON {
        .object(members.sorted { $0.name.lexicographicallyPrecedes($1.name) })
    }

    /// A text.
    package static func string(_ text: String) -> ExactJSON { .string(Array(text.utf8)) }

    /// A whole number.
    package static func integer(_ number: some BinaryInteger) -> ExactJSON {
        JSONNumber(Array(String(number).utf8)).map { .number($0) } ?? .null
    }

    /// The value of this name, if this is an object that has it.
    package subscript(name: String) -> ExactJSON? {
        guard case .object(let members) = self else { return nil }
        let name = Array(name.utf8)
        return members.first { $0.name == name }?.value
    }

    /// The members, if this is an object.
    package var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// The elements, if this is an array.
    package var elements: [ExactJSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The text, if this is one.
    package var text: [UInt8]? {
        if case .string(let text) = self { text } else { nil }
    }
}

/// The canonical order, which is total: by kind, then by value. Objects are the largest, so that a merge that prefers
/// the larger value keeps what has parts.
extension ExactJSON: Comparable {
    package static func < (left: ExactJSON, right: ExactJSON) -> Bool {
        switch (left, right) {
        case (.bool(let one), .bool(let other)): return !one && other
        case (.number(let one), .number(let other)): return one < other
        case (.string(let one), .string(let other)): return one.lexicographicallyPrecedes(other)
        case (.array(let one), .array(let other)): return one.lexicographicallyPrecedes(other)
        case (.object(let one), .object(let other)):
            return one.lexicographicallyPrecedes(other) { one, other in
                one.name == other.name
                    ? one.value < other.value : one.name.lexicographicallyPrecedes(other.name)
            }
        default: return left.rank < right.rank
        }
    }

    private var rank: Int {
        switch self {
        case .null: 0
        case .bool: 1
        case .number: 2
        case .string: 3
        case .array: 4
        case .object: 5
        }
    }
}

extension ExactJSON {
    /// The canonical text.
    package func canonical() -> [UInt8] {
        var result: [UInt8] = []
        write(to: &result)
        return result
    }

    private func write(to result: inout [UInt8]) {
        switch self {
        case .null: result += "null".utf8
        case .bool(let value): result += (value ? "true" : "false").utf8
        case .number(let number): result += number.text
        case .string(let text): Self.write(text, to: &result)
        case .array(let elements):
            result.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { result.append(UInt8(ascii: ",")) }
                element.write(to: &result)
            }
            result.append(UInt8(ascii: "]"))
        case .object(let members):
            result.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { result.append(UInt8(ascii: ",")) }
                Self.write(member.name, to: &result)
                result.append(UInt8(ascii: ":"))
                member.value.write(to: &result)
            }
            result.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: [UInt8], to result: inout [UInt8]) {
        result.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""): result += #"\""#.utf8
            case UInt8(ascii: "\\"): result += #"\\"#.utf8
            case 0x08: result += #"\b"#.utf8
            case 0x09: result += #"\t"#.utf8
            case 0x0A: result += #"\n"#.utf8
            case 0x0C: result += #"\f"#.utf8
            case 0x0D: result += #"\r"#.utf8
            case 0..<0x20:
                result += (byte < 16 ? #"\u000"# : #"\u00"#).utf8
                result += String(byte, radix: 16).utf8
            default: result.append(byte)
            }
        }
        result.append(UInt8(ascii: "\""))
    }
}
