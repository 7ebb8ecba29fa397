/// Values that are smaller than a value and like it: of JSON if it is JSON, lines of text or bytes otherwise.
enum SmallerValues {
    /// At most this many for a value: a large one is halved first, so that it is soon small enough for the rest.
    private static let limit = 200

    /// Each is shorter, or as long and of simpler bytes. The smallest come first.
    static func of(_ value: [UInt8]) -> [[UInt8]] {
        var candidates: [[UInt8]] = [[]]
        if let document = try? ExactJSON(reading: value) {
            candidates += smaller(document).prefix(limit).map { $0.canonical() }
        } else {
            candidates += bytes(value)
        }
        var seen: Set<[UInt8]> = []
        return candidates.filter { isSmaller($0, value) && seen.insert($0).inserted }.sorted(by: isSmaller)
    }

    private static func isSmaller(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count
            ? left.lexicographicallyPrecedes(right) { complexity($0) < complexity($1) } : left.count < right.count
    }

    /// Orders bytes by how easy they are to read: digits, small letters, what can be printed, the rest.
    private static func complexity(_ byte: UInt8) -> Int {
        let kind =
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): 0
            case UInt8(ascii: "a")...UInt8(ascii: "z"): 1
            case 0x21...0x7E: 2
            default: 3
            }
        return kind << 8 | Int(byte)
    }

    private static func bytes(_ value: [UInt8]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        // Lines first: they are what most texts are made of.
        let lines = value.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.count > 1 {
            for places in removals(lines.count) {
                var rest = lines
                rest.removeSubrange(places)
                result.append(Array(rest.joined(separator: [UInt8(ascii: "\n")])))
            }
        }
        for places in removals(value.count) {
            var rest = value
            rest.removeSubrange(places)
            result.append(rest)
        }
        for (index, byte) in value.enumerated().prefix(limit) {
            for simpler in [UInt8(ascii: "0"), UInt8(ascii: "a")]
            where complexity(byte) > complexity(simpler) {
                var simplified = value
                simplified[index] = simpler
                result.append(simplified)
            }
        }
        return result
    }

    /// Which of `count` items are left out: each half, each quarter and so on, at last each by itself.
    private static func removals(_ count: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var size = (count + 1) / 2
        while size > 0, result.count < limit {
            result += stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
            size /= 2
        }
        return result
    }

    private static func smaller(_ value: ExactJSON) -> [ExactJSON] {
        var result: [ExactJSON] = [.integer(0), .integer(1)]
        switch value {
        case .null, .bool: break
        case .number(let number):
            result.append(.integer(2))
            // Without its fraction, without its last digit, without its sign.
            let whole = number.text.prefix { $0 != UInt8(ascii: ".") && $0 | 0x20 != UInt8(ascii: "e") }
            for text in [whole, whole.dropLast(), whole.drop { $0 == UInt8(ascii: "-") }] {
                if let shorter = JSONNumber(text) { result.append(.number(shorter)) }
            }
        case .string(let text):
            result += [.string(""), .string("a")]
            for shorter in bytes(text).prefix(20) where String(validating: shorter, as: UTF8.self) != nil {
                result.append(.string(shorter))
            }
        case .array(let elements):
            result += elements
            for places in removals(elements.count) {
                var rest = elements
                rest.removeSubrange(places)
                result.append(.array(rest))
            }
            for (index, element) in elements.enumerated().prefix(limit) {
                for simpler in smaller(element).prefix(limit) {
                    var simplified = elements
                    simplified[index] = simpler
                    result.append(.array(simplified))
                }
            }
        case .object(let members):
            result += members.map(\.value)
            for places in removals(members.count) {
                var rest = members
                rest.removeSubrange(places)
                result.append(.object(rest))
            }
            for (index, member) in members.enumerated().prefix(limit) {
                for simpler in smaller(member.value).prefix(limit) {
                    var simplified = members
                    simplified[index] = .init(member.name, simpler)
                    result.append(.object(simplified))
                }
            }
        }
        return Array(result.prefix(10 * limit))
    }
}
