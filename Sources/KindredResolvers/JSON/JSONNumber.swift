/// A number of a JSON document: its text, as it was written.
///
/// Two numbers are equal if their texts are. Nothing is rounded, and `1.10` stays what somebody wrote, where a price
/// or the last digits of a 64-bit id would be lost in a double. The order is that of the values; texts of one value
/// (`1`, `1.0`, `1e0`) are ordered by length and bytes, so the order is total.
package struct JSONNumber: Hashable, Comparable, Sendable {
    /// The characters.
    package let text: [UInt8]

    /// A number of this text; nil if it is none, or its exponent is beyond the limit.
    package init?(_ text: some Collection<UInt8>) {
        let text = Array(text)
        guard Self.end(in: text, from: 0) == text.count else { return nil }
        self.init(scanned: text)
    }

    /// A number whose text has been found by `end(in:from:)`; nil if its exponent is beyond the limit.
    init?(scanned text: [UInt8]) {
        self.text = text
        guard let mark = text.firstIndex(where: Self.isExponentMark) else { return }
        let digits = text[(mark + 1)...].drop { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
            .drop { $0 == UInt8(ascii: "0") }
        guard digits.count <= 9 else { return nil }
    }

    /// Where a number that begins at `start` ends; nil if none begins there. The grammar of RFC 8259.
    static func end(in bytes: [UInt8], from start: Int) -> Int? {
        var position = start
        func digits() -> Bool {
            let begin = position
            while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
            return position > begin
        }
        func skip(_ characters: [UInt8]) -> Bool {
            guard position < bytes.count, characters.contains(bytes[position]) else { return false }
            position += 1
            return true
        }
        _ = skip([UInt8(ascii: "-")])
        if !skip([UInt8(ascii: "0")]), !digits() { return nil }
        if skip([UInt8(ascii: ".")]), !digits() { return nil }
        if skip([UInt8(ascii: "e"), UInt8(ascii: "E")]) {
            _ = skip([UInt8(ascii: "+"), UInt8(ascii: "-")])
            if !digits() { return nil }
        }
        return position
    }

    private static func isExponentMark(_ byte: UInt8) -> Bool { byte | 0x20 == UInt8(ascii: "e") }

    /// The order of the values, then of the texts.
    package static func < (left: JSONNumber, right: JSONNumber) -> Bool {
        if left.text == right.text { return false }
        // Most numbers are short and whole, and there may be a million of them to sort.
        if left.text.count <= 18, right.text.count <= 18, let one = Int(String(decoding: left.text, as: UTF8.self)),
            let other = Int(String(decoding: right.text, as: UTF8.self)), one != other
        {
            return one < other
        }
        let (one, other) = (left.decimal, right.decimal)
        if one.sign != other.sign { return one.sign < other.sign }
        let order = one.sign < 0 ? other.compare(one) : one.compare(other)
        if order != 0 { return order < 0 }
        if left.text.count != right.text.count { return left.text.count < right.text.count }
        return left.text.lexicographicallyPrecedes(right.text)
    }

    /// Sign × 0.digits × 10^scale, without leading and trailing zeros: never computed with, so of any length.
    private struct Decimal {
        var sign = 0
        var digits: ArraySlice<UInt8> = []
        var scale = 0

        /// Compares magnitudes: negative if this one is smaller, 0 if they are equal.
        func compare(_ other: Decimal) -> Int {
            if scale != other.scale { return scale < other.scale ? -1 : 1 }
            if digits == other.digits { return 0 }
            return digits.lexicographicallyPrecedes(other.digits) ? -1 : 1
        }
    }

    private var decimal: Decimal {
        var result = Decimal()
        let mark = text.firstIndex(where: Self.isExponentMark) ?? text.count
        var mantissa = text[..<mark]
        let isNegative = mantissa.first == UInt8(ascii: "-")
        if isNegative { mantissa.removeFirst() }
        let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissa.endIndex
        result.scale = point - mantissa.startIndex
        var digits = Array(mantissa.filter { $0 != UInt8(ascii: ".") })[...]
        while digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            result.scale -= 1
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        guard !digits.isEmpty else { return Decimal() }
        result.sign = isNegative ? -1 : 1
        result.digits = digits
        // Nine digits at most, as checked when the number was made.
        let exponent = text[min(mark + 1, text.count)...]
        result.scale += Int(String(decoding: exponent, as: UTF8.self)) ?? 0
        return result
    }
}
