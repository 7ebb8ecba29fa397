/// A request that Riak's HTTP interface answers with an error: the status and the plain text that explains it.
package struct RiakHTTPRefusal: Error, Hashable, Sendable {
    /// The status code, 4xx or 5xx.
    package let status: Int
    /// One or more lines for a person, each with its line feed.
    package let text: String

    /// Refuses with a status and an explanation.
    package init(_ status: Int, _ text: String) {
        self.status = status
        self.text = text
    }
}

/// Bytes in the places where URLs and header lines allow only some of them.
package enum RiakHTTPText {
    /// What to do about a `%` that is not followed by two hexadecimal digits.
    package enum Malformed {
        case refuse
        /// Take it as a per cent sign, as Riak does.
        case keep
    }

    /// Undoes percent-encoding, with `+` as a space: Riak reads paths and queries alike in this way.
    ///
    /// - Returns: nil if an escape is malformed and `malformed` says to refuse.
    package static func percentDecoded(_ bytes: some Sequence<UInt8>, malformed: Malformed) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.underestimatedCount)
        var pending: [UInt8] = []
        for byte in bytes {
            guard pending.isEmpty else {
                pending.append(byte)
                guard hexadecimal(byte) != nil else {
                    guard malformed == .keep else { return nil }
                    // The byte that broke the escape may begin the next one.
                    result += pending.dropLast()
                    pending = byte == UInt8(ascii: "%") ? [byte] : []
                    if pending.isEmpty { result.append(byte == UInt8(ascii: "+") ? 0x20 : byte) }
                    continue
                }
                if pending.count == 3, let high = hexadecimal(pending[1]), let low = hexadecimal(pending[2]) {
                    result.append(high << 4 | low)
                    pending = []
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "%"): pending = [byte]
            case UInt8(ascii: "+"): result.append(0x20)
            default: result.append(byte)
            }
        }
        guard pending.isEmpty || malformed == .keep else { return nil }
        return result + pending
    }

    /// Percent-encodes everything but letters, digits and `-._~`, and writes a space as `+`; `percentDecoded` undoes it.
    package static func percentEncoded(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.underestimatedCount)
        for byte in bytes {
            if isAlphanumeric(byte) || "-._~".utf8.contains(byte) {
                result.append(byte)
            } else {
                appendEscape(of: byte, to: &result)
            }
        }
        return result
    }

    /// What may stand in a header line: control characters, which could end the line and begin another, become spaces.
    package static func headerValue(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.map { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F ? 0x20 : $0 }
    }

    /// What may stand in a header's name (RFC 9110 §5.6.2, a token): other bytes are percent-encoded.
    package static func headerName(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        for byte in bytes {
            if isTokenByte(byte) { result.append(byte) } else { appendEscape(of: byte, to: &result) }
        }
        return result
    }

    static func isTokenByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// A space or a horizontal tab.
    static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09
    }

    static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// Without blanks at either end.
    static func trimmed<Bytes: BidirectionalCollection<UInt8>>(_ bytes: Bytes) -> Bytes.SubSequence {
        var slice = bytes[...]
        while let first = slice.first, isBlank(first) { slice.removeFirst() }
        while let last = slice.last, isBlank(last) { slice.removeLast() }
        return slice
    }

    /// Whether the two are the same but for the case of ASCII letters.
    static func equalsIgnoringCase(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Bool {
        left.lazy.map(lowercased).elementsEqual(right.lazy.map(lowercased))
    }

    /// What follows `prefix`, compared without case, or nil if it does not stand at the beginning.
    static func suffix(of bytes: String.UTF8View, after prefix: StaticString) -> Substring.UTF8View? {
        guard bytes.count >= prefix.utf8CodeUnitCount else { return nil }
        return prefix.withUTF8Buffer { prefix in
            equalsIgnoringCase(bytes.prefix(prefix.count), prefix) ? bytes.dropFirst(prefix.count) : nil
        }
    }

    static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func appendEscape(of byte: UInt8, to result: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
    }
}

/// Base64 (RFC 4648 §4), in which causal contexts travel in headers.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Encodes with padding.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var length = 0
        func flush() {
            for position in 0..<4 {
                let sextet = Int(group >> UInt32(18 - 6 * position)) & 0x3F
                result.append(position <= length ? alphabet[sextet] : UInt8(ascii: "="))
            }
        }
        for byte in bytes {
            group |= UInt32(byte) << UInt32(16 - 8 * length)
            length += 1
            if length == 3 {
                flush()
                (group, length) = (0, 0)
            }
        }
        if length > 0 { flush() }
        return String(decoding: result, as: UTF8.self)
    }

    /// Decodes; nil for anything that `encode` would not have written.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count.isMultiple(of: 4) else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(characters.count / 4 * 3)
        for start in stride(from: 0, to: characters.count, by: 4) {
            let isLast = start + 4 == characters.count
            var group: UInt32 = 0
            var padding = 0
            for position in 0..<4 {
                let character = characters[start + position]
                if character == UInt8(ascii: "="), isLast, position >= 2 {
                    padding += 1
                    group <<= 6
                    continue
                }
                guard padding == 0, let sextet = value(of: character) else { return nil }
                group = group << 6 | UInt32(sextet)
            }
            // The bits that padding leaves over must be zero, so that one string of bytes has one text.
            guard group & (UInt32(1) << UInt32(8 * padding) - 1) == 0 else { return nil }
            for position in 0..<(3 - padding) {
                result.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * position)))
            }
        }
        return result
    }

    private static func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
