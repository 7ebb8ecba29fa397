/// Riak's protocol buffers: frames of a four-byte big-endian length, a message code and a protobuf message.
///
/// Messages and field numbers are those of riak_kv.proto: RpbGetReq (9), RpbGetResp (10), RpbPutReq (11),
/// RpbPutResp (12) and RpbErrorResp (0). A put asks for nothing back, so its reply is empty.
package struct RiakCodec: RequestCodec {
    private enum Code {
        static let error: UInt8 = 0
        static let getRequest: UInt8 = 9
        static let getReply: UInt8 = 10
        static let putRequest: UInt8 = 11
        static let putReply: UInt8 = 12
    }

    private static let frameHeader = 5
    private static let contentType = Array("application/octet-stream".utf8)

    /// RpbGetReq and RpbPutReq both begin with bucket (1) and key (2); this ends with the key's length.
    private let beforeKey: [UInt8]
    /// RpbGetReq.type (13), or nothing for the default type.
    private let getTail: [UInt8]
    /// RpbPutReq.content (4) up to the value's first byte.
    private let beforeValue: [UInt8]
    /// The rest of the content and RpbPutReq.type (16).
    private let putTail: [UInt8]
    private let valueSize: Int

    package init(_ options: LoadOptions) {
        let isDefaultType = options.bucketType == "default"
        let type = Array(options.bucketType.utf8)
        valueSize = options.valueSize

        beforeKey =
            ProtobufField.delimited(1, Array(options.bucket.utf8)) + ProtobufField.delimitedHeader(2, KeyText.length)
        getTail = isDefaultType ? [] : ProtobufField.delimited(13, type)

        let valueHeader = ProtobufField.delimitedHeader(1, options.valueSize)
        let contentType = ProtobufField.delimited(2, Self.contentType)
        let contentLength = valueHeader.count + options.valueSize + contentType.count
        beforeValue = ProtobufField.delimitedHeader(4, contentLength) + valueHeader
        putTail = contentType + (isDefaultType ? [] : ProtobufField.delimited(16, type))
    }

    package var largestRequest: Int {
        let longest = RequestLimits.longestContext
        let context = ProtobufField.delimitedHeader(3, longest).count + longest
        let put = context + beforeValue.count + valueSize + putTail.count
        return Self.frameHeader + beforeKey.count + KeyText.length + max(put, getTail.count)
    }

    package func encodeGet(key: Int, into destination: UnsafeMutableRawPointer) -> Int {
        var end = destination + Self.frameHeader
        end = end.appending(beforeKey)
        KeyText.write(key, to: end)
        end = (end + KeyText.length).appending(getTail)
        return finish(destination, end: end, code: Code.getRequest)
    }

    package func encodePut(
        key: Int, value: UnsafeRawBufferPointer, context: UnsafeRawBufferPointer,
        into destination: UnsafeMutableRawPointer
    ) -> Int {
        var end = destination + Self.frameHeader
        end = end.appending(beforeKey)
        KeyText.write(key, to: end)
        end += KeyText.length
        if context.count > 0 {
            end = ProtobufField.writeDelimitedHeader(3, context.count, to: end).copying(context) + context.count
        }
        end = end.appending(beforeValue)
        ValueStamp.write(key, to: end.copying(value), size: value.count)
        end = (end + value.count).appending(putTail)
        return finish(destination, end: end, code: Code.putRequest)
    }

    private func finish(_ start: UnsafeMutableRawPointer, end: UnsafeMutableRawPointer, code: UInt8) -> Int {
        let length = end - start
        start.storeBytes(of: UInt32(truncatingIfNeeded: length - 4).bigEndian, as: UInt32.self)
        start.storeBytes(of: code, toByteOffset: 4, as: UInt8.self)
        return length
    }

    package func decodeReply(_ bytes: UnsafeRawBufferPointer, to operation: Operation) -> Reply? {
        guard bytes.count >= 4 else { return nil }
        let length = Int(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
        guard length >= 1, length <= RequestLimits.longestReply else { return .malformed }
        guard bytes.count >= 4 + length else { return nil }
        let message = 5..<(4 + length)
        var reply: Reply
        switch (bytes[4], operation) {
        case (Code.getReply, .get): reply = Self.decodeGetReply(bytes, message)
        case (Code.putReply, .put): reply = Reply(outcome: .success)
        case (Code.error, _): reply = Self.decodeError(bytes, message)
        default: reply = .malformed
        }
        reply.length = 4 + length
        return reply
    }

    /// RpbGetResp: content (1, repeated), vclock (2), unchanged (3).
    private static func decodeGetReply(_ bytes: UnsafeRawBufferPointer, _ message: Range<Int>) -> Reply {
        var reply = Reply(outcome: .notFound)
        var reader = ProtobufReader(bytes, message)
        while let field = reader.next() {
            switch (field.number, field.isDelimited) {
            case (1, true):
                if reply.values == 0 {
                    guard let value = firstValue(bytes, field.range) else { return .malformed }
                    reply.value = value
                    reply.outcome = .success
                }
                reply.values += 1
            case (2, true): reply.context = field.range
            default: break
            }
        }
        return reader.isMalformed ? .malformed : reply
    }

    /// RpbContent.value (1), which every content has.
    private static func firstValue(_ bytes: UnsafeRawBufferPointer, _ content: Range<Int>) -> Range<Int>? {
        var reader = ProtobufReader(bytes, content)
        while let field = reader.next() {
            if field.number == 1, field.isDelimited { return field.range }
        }
        return nil
    }

    /// RpbErrorResp: errmsg (1), errcode (2).
    private static func decodeError(_ bytes: UnsafeRawBufferPointer, _ message: Range<Int>) -> Reply {
        var reply = Reply(outcome: .refused)
        var reader = ProtobufReader(bytes, message)
        while let field = reader.next() {
            if field.number == 1, field.isDelimited { reply.text = field.range }
        }
        return reader.isMalformed ? .malformed : reply
    }
}
