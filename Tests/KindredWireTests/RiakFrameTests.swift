import KindredModel
import NIOCore
import Testing

@testable import KindredWire

@Suite struct RiakFrameTests {
    @Test func framesFedByteByByteComeOutWhole() throws {
        var stream = ByteBuffer()
        stream.appendRiakFrame(.pingRequest)
        try stream.appendRiakFrame(.getRequest, body: [1, 2, 3])
        stream.writeBytes([0, 0, 0, 2, 199, 7])  // a code nobody gave out is a frame all the same
        try stream.appendRiakFrame(.setClientIDRequest, body: [UInt8](repeating: 9, count: 300))

        var received = ByteBuffer()
        var frames: [(UInt8, [UInt8])] = []
        for byte in stream.readableBytesView {
            received.writeInteger(byte)
            switch received.riakFrame() {
            case .frame(let frame):
                frames.append((frame.code, received.withUnsafeReadableBytes { [UInt8]($0[frame.body]) }))
                #expect(frame.end == received.readableBytes)
                received.moveReaderIndex(forwardBy: frame.end)
            case .incomplete(let needed):
                #expect(needed > received.readableBytes)
            case .invalid(let length):
                Issue.record("length \(length)")
            }
        }
        #expect(received.readableBytes == 0)
        #expect(frames.map(\.0) == [1, 9, 199, 5])
        #expect(frames.map(\.1) == [[], [1, 2, 3], [7], [UInt8](repeating: 9, count: 300)])
    }

    @Test func pipelinedFramesAreCutInPlace() throws {
        var stream = ByteBuffer()
        for count in 0..<50 {
            try stream.appendRiakFrame(.getRequest, body: [UInt8](repeating: UInt8(count), count: count))
        }
        stream.withUnsafeReadableBytes { bytes in
            var offset = 0
            for count in 0..<50 {
                guard case .frame(let frame) = RiakFrame.cut(bytes, at: offset) else {
                    Issue.record("frame \(count) is missing")
                    return
                }
                #expect(frame.message == .getRequest)
                #expect(frame.body.count == count)
                #expect(bytes[frame.body].allSatisfy { $0 == UInt8(count) })
                offset = frame.end
            }
            #expect(offset == bytes.count)
            #expect(RiakFrame.cut(bytes, at: offset) == .incomplete(needed: 5))
            #expect(RiakFrame.cut(bytes, at: offset + 1) == .incomplete(needed: 5))
            #expect(RiakFrame.cut(bytes, at: -1) == .incomplete(needed: 5))
        }
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0, 1], RiakFrame.Cut.invalid(length: 0)),
            ([0, 0, 0, 0], .invalid(length: 0)),
            ([0xFF, 0xFF, 0xFF, 0xFF, 1], .invalid(length: .max)),
            ([4, 0, 0, 1, 1], .invalid(length: 64 << 20 | 1)),
            ([4, 0, 0, 0, 1], .incomplete(needed: 64 << 20 + 4)),
            ([0, 0, 0, 1], .incomplete(needed: 5)),
            ([0, 0, 0], .incomplete(needed: 5)),
            ([], .incomplete(needed: 5)),
            ([0, 0, 0, 1, 1], .frame(RiakFrame(code: 1, body: 5..<5))),
        ] as [([UInt8], RiakFrame.Cut)])
    func lengthsAreBounded(bytes: [UInt8], expected: RiakFrame.Cut) {
        #expect(ByteBuffer(bytes: bytes).riakFrame() == expected)
    }

    @Test func theMaximumCanBeConfigured() {
        let bytes: [UInt8] = [0, 0, 0, 3, 9, 1, 2]
        #expect(ByteBuffer(bytes: bytes).riakFrame(maximumLength: 2) == .invalid(length: 3))
        #expect(
            ByteBuffer(bytes: bytes).riakFrame(maximumLength: 3) == .frame(RiakFrame(code: 9, body: 5..<7)))
        #expect(ByteBuffer(bytes: bytes).riakFrame(maximumLength: -1) == .invalid(length: 3))
    }

    @Test func aMessageThatNoBufferCanHoldIsRefused() {
        var buffer = ByteBuffer()
        #expect(throws: MalformedBytes.self) {
            try buffer.appendRiakFrame(.putResponse, bodyLength: Int(Int32.max)) { _ in }
        }
        #expect(buffer.readableBytes == 0)
    }

    @Test func goldenFrames() throws {
        var buffer = ByteBuffer()
        buffer.appendRiakFrame(.pingResponse)
        #expect(taken(&buffer) == [0, 0, 0, 1, 2])
        try buffer.appendRiakGetRequest(
            bucket: Array("b".utf8), key: Array("k".utf8), type: Array("t".utf8))
        #expect(taken(&buffer) == [0, 0, 0, 10, 9, 0x0A, 1, 0x62, 0x12, 1, 0x6B, 0x6A, 1, 0x74])
        var options = RiakPutOptions()
        options.w = RiakQuorum.quorum
        options.returnBody = true
        options.nodeConfirms = 1
        try buffer.appendRiakPutRequest(
            bucket: [1], key: nil, type: [2], content: ObjectContent(value: [3], contentType: [4]), options: options)
        #expect(
            taken(&buffer) == [
                0, 0, 0, 27, 11, 0x0A, 1, 1, 0x22, 6, 0x0A, 1, 3, 0x12, 1, 4, 0x28, 0xFD, 0xFF, 0xFF, 0xFF, 0x0F,
                0x38, 1, 0x82, 1, 1, 2, 0x88, 1, 1,
            ])
        try buffer.appendRiakDeleteRequest(bucket: [1], key: [2], vclock: [3])
        #expect(taken(&buffer) == [0, 0, 0, 10, 13, 0x0A, 1, 1, 0x12, 1, 2, 0x22, 1, 3])
        buffer.appendRiakDeleteResponse()
        #expect(taken(&buffer) == [0, 0, 0, 1, 14])
        buffer.appendRiakNotFound()
        #expect(taken(&buffer) == [0, 0, 0, 1, 10])
        buffer.appendRiakUnchanged()
        #expect(taken(&buffer) == [0, 0, 0, 3, 10, 0x18, 1])
        try buffer.appendRiakPutResponse()
        #expect(taken(&buffer) == [0, 0, 0, 1, 12])
        buffer.appendRiakError("no")
        #expect(taken(&buffer) == [0, 0, 0, 7, 0, 0x0A, 2, 0x6E, 0x6F, 0x10, 0])
    }

    private func taken(_ buffer: inout ByteBuffer) -> [UInt8] {
        buffer.readBytes(length: buffer.readableBytes) ?? []
    }
}
