import Foundation
import KindredModel
import NIOCore
import SwiftProtobuf
import Testing

@testable import KindredWire

/// The hand-written codecs say what the generated ones say.
@Suite struct RiakCodecTests {
    private static let rounds = 2_000

    @Test func getRequests() throws {
        let seed: UInt64 = 0x6E70_0009
        var random = RiakRandomMessages(seed: seed)
        for round in 0..<Self.rounds {
            let message = random.getRequest()
            let bytes: [UInt8] = try message.serializedBytes()
            let decoded = try bytes.withUnsafeBytes { RpbGetReq(try RiakGetRequest($0)) }
            #expect(decoded == message, "seed \(seed), round \(round)")

            let options = try bytes.withUnsafeBytes { try RiakGetRequest($0).options }
            var buffer = ByteBuffer()
            try buffer.appendRiakGetRequest(
                bucket: [UInt8](message.bucket), key: [UInt8](message.key),
                type: message.hasType ? [UInt8](message.type) : nil,
                ifModified: message.hasIfModified ? [UInt8](message.ifModified) : nil, options: options)
            #expect(try body(of: buffer, .getRequest) == bytes, "seed \(seed), round \(round)")
        }
    }

    @Test func putRequests() throws {
        let seed: UInt64 = 0x6E70_0011
        var random = RiakRandomMessages(seed: seed)
        for round in 0..<Self.rounds {
            let message = random.putRequest()
            let bytes: [UInt8] = try message.serializedBytes()
            let decoded = try bytes.withUnsafeBytes { RpbPutReq(try RiakPutRequest($0)) }
            #expect(decoded == message, "seed \(seed), round \(round)")

            let sent = random.putRequest(complete: true)
            let sentBytes: [UInt8] = try sent.serializedBytes()
            let options = try sentBytes.withUnsafeBytes { try RiakPutRequest($0).options }
            var buffer = ByteBuffer()
            try buffer.appendRiakPutRequest(
                bucket: [UInt8](sent.bucket), key: sent.hasKey ? [UInt8](sent.key) : nil,
                type: sent.hasType ? [UInt8](sent.type) : nil,
                vclock: sent.hasVclock ? [UInt8](sent.vclock) : nil,
                content: ObjectContent(sent.content), options: options)
            #expect(try body(of: buffer, .putRequest) == sentBytes, "seed \(seed), round \(round)")
        }
    }

    @Test func deleteRequests() throws {
        let seed: UInt64 = 0x6E70_0013
        var random = RiakRandomMessages(seed: seed)
        for round in 0..<Self.rounds {
            let message = random.deleteRequest()
            let bytes: [UInt8] = try message.serializedBytes()
            let decoded = try bytes.withUnsafeBytes { RpbDelReq(try RiakDeleteRequest($0)) }
            #expect(decoded == message, "seed \(seed), round \(round)")

            let options = try bytes.withUnsafeBytes { try RiakDeleteRequest($0).options }
            var buffer = ByteBuffer()
            try buffer.appendRiakDeleteRequest(
                bucket: [UInt8](message.bucket), key: [UInt8](message.key),
                type: message.hasType ? [UInt8](message.type) : nil,
                vclock: message.hasVclock ? [UInt8](message.vclock) : nil, options: options)
            #expect(try body(of: buffer, .deleteRequest) == bytes, "seed \(seed), round \(round)")
        }
    }

    @Test func whatAPutStoresIsTheClientsPartOfItsContent() throws {
        let seed: UInt64 = 0x6E70_00C0
        var random = RiakRandomMessages(seed: seed)
        for round in 0..<Self.rounds {
            let message = random.content()
            let bytes: [UInt8] = try message.serializedBytes()
            let (content, encoded) = try bytes.withUnsafeBytes { buffer in
                let decoded = try RiakContent(buffer)
                #expect(decoded.linkCount == message.links.count)
                #expect(decoded.userMetadataCount == message.usermeta.count)
                #expect(decoded.indexCount == message.indexes.count)
                return (decoded.objectContent(), decoded.encodedObjectContent())
            }
            #expect(content == ObjectContent(message), "seed \(seed), round \(round)")
            #expect(encoded == content.encoded(), "seed \(seed), round \(round)")
        }
    }

    @Test func responsesAsClientsDecodeThem() throws {
        let seed: UInt64 = 0x6E70_0010
        var random = RiakRandomMessages(seed: seed)
        for round in 0..<Self.rounds {
            let got = random.getResponse()
            let gotBytes: [UInt8] = try got.serializedBytes()
            try gotBytes.withUnsafeBytes { buffer in
                let response = try RiakGetResponse(buffer)
                #expect(response.contentCount == got.content.count)
                #expect(RpbGetResp(response) == got, "seed \(seed), round \(round)")
            }
            let put = random.putResponse()
            let putBytes: [UInt8] = try put.serializedBytes()
            try putBytes.withUnsafeBytes { buffer in
                let response = try RiakPutResponse(buffer)
                #expect(response.contentCount == put.content.count)
                #expect(RpbPutResp(response) == put, "seed \(seed), round \(round)")
            }
            var failure = RpbErrorResp()
            failure.errmsg = random.data(upTo: 300)
            failure.errcode = random.number()
            let failureBytes: [UInt8] = try failure.serializedBytes()
            #expect(try failureBytes.withUnsafeBytes { RpbErrorResp(try RiakErrorResponse($0)) } == failure)
        }
    }

    @Test(arguments: [false, true])
    func responsesAsTheServerEncodesThem(head: Bool) throws {
        let seed: UInt64 = 0x6E70_0012
        var random = RiakRandomMessages(seed: seed)
        for round in 0..<Self.rounds {
            let arena = Arena()
            var siblings: [RiakSibling] = []
            var contents: [RpbContent] = []
            for _ in 0..<random.next() % 4 {
                let stored = ObjectContent(random.content())
                let sibling = RiakSibling(
                    content: try ObjectContentView(arena.copy(stored.encoded())),
                    vtag: arena.copy(random.bytes(upTo: 30)), lastModified: random.number(),
                    lastModifiedMicroseconds: random.number() % 1_000_000, isDeleted: random.chance())
                siblings.append(sibling)
                contents.append(expected(sibling, stored, head: head))
            }
            let vclock = random.chance() ? arena.copy(random.bytes(upTo: 200)) : nil
            let key = random.chance() ? arena.copy(random.bytes(upTo: 30)) : nil

            var get = RpbGetResp()
            get.content = contents
            vclock.map { get.vclock = Data($0) }
            var buffer = ByteBuffer()
            try siblings.withUnsafeBufferPointer { siblings in
                try buffer.appendRiakGetResponse(siblings, vclock: vclock, head: head)
            }
            let getBytes: [UInt8] = try get.serializedBytes()
            #expect(try body(of: buffer, .getResponse) == getBytes, "seed \(seed), round \(round)")
            if siblings.count == 1 {
                buffer.clear()
                try buffer.appendRiakGetResponse(siblings[0], vclock: vclock, head: head)
                #expect(try body(of: buffer, .getResponse) == getBytes, "seed \(seed), round \(round)")
            }

            var put = RpbPutResp()
            put.content = contents
            vclock.map { put.vclock = Data($0) }
            key.map { put.key = Data($0) }
            buffer.clear()
            try siblings.withUnsafeBufferPointer { siblings in
                try buffer.appendRiakPutResponse(siblings, vclock: vclock, key: key, head: head)
            }
            let putBytes: [UInt8] = try put.serializedBytes()
            #expect(try body(of: buffer, .putResponse) == putBytes, "seed \(seed), round \(round)")
            withExtendedLifetime(arena) {}
        }
    }

    @Test func errorsAsTheServerEncodesThem() throws {
        for text in ["", "timeout", "Schlüssel", String(repeating: "x", count: 65_536)] {
            var failure = RpbErrorResp()
            failure.errmsg = Data(text.utf8)
            failure.errcode = 7
            let bytes: [UInt8] = try failure.serializedBytes()
            var buffer = ByteBuffer()
            buffer.appendRiakError(text, code: 7)
            #expect(try body(of: buffer, .errorResponse) == bytes)
        }
        var buffer = ByteBuffer()
        buffer.appendRiakError(String(repeating: "x", count: 70_000))
        let bytes = try body(of: buffer, .errorResponse)
        #expect(try bytes.withUnsafeBytes { try RiakErrorResponse($0).message.count } == 65_536)
    }

    @Test func aTombstoneShowsNoContent() throws {
        let arena = Arena()
        var buffer = ByteBuffer()
        try buffer.appendRiakGetResponse(
            RiakSibling(
                content: .empty, vtag: arena.copy([1]), lastModified: 2, lastModifiedMicroseconds: 3, isDeleted: true),
            vclock: arena.copy([4]))
        var content = RpbContent()
        content.value = Data()
        content.vtag = Data([1])
        content.lastMod = 2
        content.lastModUsecs = 3
        content.deleted = true
        var message = RpbGetResp()
        message.content = [content]
        message.vclock = Data([4])
        let bytes: [UInt8] = try message.serializedBytes()
        #expect(try body(of: buffer, .getResponse) == bytes)
        withExtendedLifetime(arena) {}
    }

    @Test(arguments: [
        [0x10, 2, 9, 0] as [UInt8],  // a metadata field that does not exist
        [0x10, 2, 1, 5],  // one longer than the metadata
        [0x10, 6, 6, 2, 0, 0, 1, 0],  // an index entry before the content type
    ])
    func damagedContentIsAnErrorAndLeavesNoTrace(bytes: [UInt8]) throws {
        let arena = Arena()
        let sound = RiakSibling(
            content: .empty, vtag: arena.copy([1]), lastModified: 0, lastModifiedMicroseconds: 0)
        var damaged = sound
        damaged.content = try ObjectContentView(arena.copy(bytes))
        var buffer = ByteBuffer()
        buffer.appendRiakFrame(.pingResponse)
        [sound, damaged].withUnsafeBufferPointer { siblings in
            #expect(throws: MalformedBytes.self) { try buffer.appendRiakGetResponse(siblings, vclock: nil) }
            #expect(throws: MalformedBytes.self) { try buffer.appendRiakPutResponse(siblings) }
        }
        #expect(buffer.readableBytes == 5)
        withExtendedLifetime(arena) {}
    }

    @Test func generatedMessagesTravelInFrames() throws {
        var keys = RpbListKeysResp()
        keys.keys = [Data([1]), Data([2])]
        keys.done = true
        var buffer = ByteBuffer()
        try buffer.appendRiakFrame(.listKeysResponse, keys)
        let bytes = try body(of: buffer, .listKeysResponse)
        #expect(try bytes.withUnsafeBytes { try RpbListKeysResp(riakBody: $0) } == keys)
        #expect(throws: MalformedBytes.self) { try RpbGetBucketReq().riakBody() }
        #expect(throws: MalformedBytes.self) { try [0xFF].withUnsafeBytes { try RpbListKeysReq(riakBody: $0) } }
    }

    private func expected(_ sibling: RiakSibling, _ stored: ObjectContent, head: Bool) -> RpbContent {
        var content = RpbContent()
        content.value = head ? Data() : Data(stored.value)
        stored.contentType.map { content.contentType = Data($0) }
        stored.charset.map { content.charset = Data($0) }
        stored.contentEncoding.map { content.contentEncoding = Data($0) }
        if !sibling.vtag.isEmpty { content.vtag = Data(sibling.vtag) }
        content.links = stored.links.map { stored in
            var link = RpbLink()
            link.bucket = Data(stored.bucket)
            link.key = Data(stored.key)
            link.tag = Data(stored.tag)
            return link
        }
        content.lastMod = sibling.lastModified
        content.lastModUsecs = sibling.lastModifiedMicroseconds
        func pair(_ entry: ObjectContent.Entry) -> RpbPair {
            var pair = RpbPair()
            pair.key = Data(entry.key)
            pair.value = Data(entry.value)
            return pair
        }
        content.usermeta = stored.userMetadata.sorted().map(pair)
        content.indexes = Set(stored.indexes).sorted().map(pair)
        if sibling.isDeleted { content.deleted = true }
        return content
    }

    private func body(of buffer: ByteBuffer, _ code: RiakMessageCode) throws -> [UInt8] {
        guard case .frame(let frame) = buffer.riakFrame() else { throw MalformedBytes("no frame") }
        #expect(frame.message == code)
        #expect(frame.end == buffer.readableBytes)
        return buffer.withUnsafeReadableBytes { [UInt8]($0[frame.body]) }
    }
}
