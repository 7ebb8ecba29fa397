/// Redis's RESP: GET and SET as arrays of bulk strings.
package struct RedisCodec: RequestCodec {
    private static let lineEnd: [UInt8] = [13, 10]

    private let beforeGetKey = Array("*2\r\n$3\r\nGET\r\n$\(KeyText.length)\r\n".utf8)
    private let beforeSetKey = Array("*3\r\n$3\r\nSET\r\n$\(KeyText.length)\r\n".utf8)
    private let beforeValue: [UInt8]
    private let valueSize: Int

    package init(_ options: LoadOptions) {
        valueSize = options.valueSize
        beforeValue = Array("\r\n$\(options.valueSize)\r\n".utf8)
    }

    package var largestRequest: Int {
        beforeSetKey.count + KeyText.length + beforeValue.count + valueSize + Self.lineEnd.count
    }

    package func encodeGet(key: Int, into destination: UnsafeMutableRawPointer) -> Int {
        let end = destination.appending(beforeGetKey)
        KeyText.write(key, to: end)
        return (end + KeyText.length).appending(Self.lineEnd) - destination
    }

    package func encodePut(
        key: Int, value: UnsafeRawBufferPointer, context: UnsafeRawBufferPointer,
        into destination: UnsafeMutableRawPointer
    ) -> Int {
        var end = destination.appending(beforeSetKey)
        KeyText.write(key, to: end)
        end = (end + KeyText.length).appending(beforeValue)
        ValueStamp.write(key, to: end.copying(value), size: value.count)
        return (end + value.count).appending(Self.lineEnd) - destination
    }

    package func decodeReply(_ bytes: UnsafeRawBufferPointer, to operation: Operation) -> Reply? {
        guard let first = bytes.first else { return nil }
        guard let line = firstLine(bytes) else {
            return bytes.count > RequestLimits.longestLine ? .malformed : nil
        }
        let afterLine = line.upperBound + Self.lineEnd.count
        switch (first, operation) {
        case (UInt8(ascii: "+"), .put): return Reply(outcome: .success, length: afterLine)
        case (UInt8(ascii: "-"), _): return Reply(outcome: .refused, length: afterLine, text: line)
        case (UInt8(ascii: "$"), .get):
            if line.count == 2, bytes[line.lowerBound] == UInt8(ascii: "-"), bytes[line.lowerBound + 1] == 0x31 {
                return Reply(outcome: .notFound, length: afterLine)
            }
            guard let size = decimal(bytes, line), size <= RequestLimits.longestReply else { return .malformed }
            let length = afterLine + size + Self.lineEnd.count
            guard bytes.count >= length else { return nil }
            guard bytes[length - 2] == 13, bytes[length - 1] == 10 else { return .malformed }
            return Reply(outcome: .success, length: length, value: afterLine..<afterLine + size, values: 1)
        default: return .malformed
        }
    }

    /// The first line without its type byte and its CR LF.
    private func firstLine(_ bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        let last = min(bytes.count - 1, RequestLimits.longestLine)
        var position = 1
        while position < last {
            if bytes[position] == 13, bytes[position + 1] == 10 { return 1..<position }
            position += 1
        }
        return nil
    }

    /// A number of at most nine digits.
    private func decimal(_ bytes: UnsafeRawBufferPointer, _ digits: Range<Int>) -> Int? {
        guard (1...9).contains(digits.count) else { return nil }
        var number = 0
        for position in digits {
            let byte = bytes[position]
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number * 10 + Int(byte - 0x30)
        }
        return number
    }
}
