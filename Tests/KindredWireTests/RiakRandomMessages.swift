import Foundation
import KindredModel

@testable import KindredWire

/// Random messages as generated code represents them, from a seed.
struct RiakRandomMessages: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func chance() -> Bool { next() & 1 == 0 }

    mutating func bytes(upTo limit: Int) -> [UInt8] {
        (0..<Int(next() % UInt64(limit + 1))).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    mutating func data(upTo limit: Int = 20) -> Data { Data(bytes(upTo: limit)) }

    /// Numbers of every encoded length, the symbolic quorums among them.
    mutating func number() -> UInt32 {
        chance() ? UInt32.max - UInt32(next() % 6) : UInt32(truncatingIfNeeded: next() >> (32 + next() % 32))
    }

    mutating func getRequest() -> RpbGetReq {
        var message = RpbGetReq()
        message.bucket = data()
        message.key = data()
        if chance() { message.r = number() }
        if chance() { message.pr = number() }
        if chance() { message.basicQuorum = chance() }
        if chance() { message.notfoundOk = chance() }
        if chance() { message.ifModified = data(upTo: 200) }
        if chance() { message.head = chance() }
        if chance() { message.deletedvclock = chance() }
        if chance() { message.timeout = number() }
        if chance() { message.sloppyQuorum = chance() }
        if chance() { message.nVal = number() }
        if chance() { message.type = data() }
        if chance() { message.nodeConfirms = number() }
        return message
    }

    mutating func putRequest(complete: Bool = false) -> RpbPutReq {
        var message = RpbPutReq()
        message.bucket = data()
        message.content = content(complete: complete)
        if chance() { message.key = data() }
        if chance() { message.vclock = data(upTo: 200) }
        if chance() { message.w = number() }
        if chance() { message.dw = number() }
        if chance() { message.returnBody = chance() }
        if chance() { message.pw = number() }
        if chance() { message.ifNotModified = chance() }
        if chance() { message.ifNoneMatch = chance() }
        if chance() { message.returnHead = chance() }
        if chance() { message.timeout = number() }
        if chance() { message.asis = chance() }
        if chance() { message.sloppyQuorum = chance() }
        if chance() { message.nVal = number() }
        if chance() { message.type = data() }
        if chance() { message.nodeConfirms = number() }
        return message
    }

    mutating func deleteRequest() -> RpbDelReq {
        var message = RpbDelReq()
        message.bucket = data()
        message.key = data()
        if chance() { message.rw = number() }
        if chance() { message.vclock = data(upTo: 200) }
        if chance() { message.r = number() }
        if chance() { message.w = number() }
        if chance() { message.pr = number() }
        if chance() { message.pw = number() }
        if chance() { message.dw = number() }
        if chance() { message.timeout = number() }
        if chance() { message.sloppyQuorum = chance() }
        if chance() { message.nVal = number() }
        if chance() { message.type = data() }
        return message
    }

    mutating func getResponse() -> RpbGetResp {
        var message = RpbGetResp()
        message.content = (0..<next() % 4).map { _ in content() }
        if chance() { message.vclock = data(upTo: 200) }
        if chance() { message.unchanged = chance() }
        return message
    }

    mutating func putResponse() -> RpbPutResp {
        var message = RpbPutResp()
        message.content = (0..<next() % 4).map { _ in content() }
        if chance() { message.vclock = data(upTo: 200) }
        if chance() { message.key = data() }
        return message
    }

    /// Content with or without each field; `complete` is content as a client of ours writes it: every part of every link
    /// and pair present, and nothing that the server alone sets.
    mutating func content(complete: Bool = false) -> RpbContent {
        var message = RpbContent()
        message.value = data(upTo: chance() ? 20 : 400)
        if chance() { message.contentType = data() }
        if chance() { message.charset = data() }
        if chance() { message.contentEncoding = data() }
        if !complete, chance() { message.vtag = data() }
        message.links = (0..<next() % 3).map { _ in
            var link = RpbLink()
            if complete || chance() { link.bucket = data() }
            if complete || chance() { link.key = data() }
            if complete || chance() { link.tag = data(upTo: 150) }
            return link
        }
        if !complete, chance() { message.lastMod = number() }
        if !complete, chance() { message.lastModUsecs = number() }
        message.usermeta = (0..<next() % 3).map { _ in pair(complete: complete) }
        message.indexes = (0..<next() % 3).map { _ in pair(complete: complete) }
        if !complete, chance() { message.deleted = chance() }
        return message
    }

    private mutating func pair(complete: Bool) -> RpbPair {
        var pair = RpbPair()
        pair.key = data()
        if complete || chance() { pair.value = data(upTo: 150) }
        return pair
    }
}

/// Bytes at addresses that stay valid as long as this object.
final class Arena {
    private var blocks: [UnsafeMutableRawBufferPointer] = []

    func copy(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        block.copyBytes(from: bytes)
        blocks.append(block)
        return UnsafeRawBufferPointer(block)
    }

    deinit {
        for block in blocks { block.deallocate() }
    }
}

// What a hand-written codec decoded, as the generated code would represent it.

extension RpbGetReq {
    init(_ request: RiakGetRequest) {
        self.init()
        bucket = Data(request.bucket)
        key = Data(request.key)
        let options = request.options
        options.r.map { r = $0 }
        options.pr.map { pr = $0 }
        options.basicQuorum.map { basicQuorum = $0 }
        options.notFoundOK.map { notfoundOk = $0 }
        request.ifModified.map { ifModified = Data($0) }
        options.head.map { head = $0 }
        options.deletedVclock.map { deletedvclock = $0 }
        options.timeoutMilliseconds.map { timeout = $0 }
        options.sloppyQuorum.map { sloppyQuorum = $0 }
        options.n.map { nVal = $0 }
        request.type.map { type = Data($0) }
        options.nodeConfirms.map { nodeConfirms = $0 }
    }
}

extension RpbPutReq {
    init(_ request: RiakPutRequest) {
        self.init()
        bucket = Data(request.bucket)
        request.key.map { key = Data($0) }
        request.vclock.map { vclock = Data($0) }
        content = RpbContent(request.content)
        let options = request.options
        options.w.map { w = $0 }
        options.dw.map { dw = $0 }
        options.returnBody.map { returnBody = $0 }
        options.pw.map { pw = $0 }
        options.ifNotModified.map { ifNotModified = $0 }
        options.ifNoneMatch.map { ifNoneMatch = $0 }
        options.returnHead.map { returnHead = $0 }
        options.timeoutMilliseconds.map { timeout = $0 }
        options.asIs.map { asis = $0 }
        options.sloppyQuorum.map { sloppyQuorum = $0 }
        options.n.map { nVal = $0 }
        request.type.map { type = Data($0) }
        options.nodeConfirms.map { nodeConfirms = $0 }
    }
}

extension RpbDelReq {
    init(_ request: RiakDeleteRequest) {
        self.init()
        bucket = Data(request.bucket)
        key = Data(request.key)
        let options = request.options
        options.rw.map { rw = $0 }
        request.vclock.map { vclock = Data($0) }
        options.r.map { r = $0 }
        options.w.map { w = $0 }
        options.pr.map { pr = $0 }
        options.pw.map { pw = $0 }
        options.dw.map { dw = $0 }
        options.timeoutMilliseconds.map { timeout = $0 }
        options.sloppyQuorum.map { sloppyQuorum = $0 }
        options.n.map { nVal = $0 }
        request.type.map { type = Data($0) }
    }
}

extension RpbContent {
    init(_ decoded: RiakContent) {
        self.init()
        value = Data(decoded.value)
        decoded.contentType.map { contentType = Data($0) }
        decoded.charset.map { charset = Data($0) }
        decoded.contentEncoding.map { contentEncoding = Data($0) }
        decoded.vtag.map { vtag = Data($0) }
        links = decoded.links.map { decodedLink in
            var link = RpbLink()
            decodedLink.bucket.map { link.bucket = Data($0) }
            decodedLink.key.map { link.key = Data($0) }
            decodedLink.tag.map { link.tag = Data($0) }
            return link
        }
        decoded.lastModified.map { lastMod = $0 }
        decoded.lastModifiedMicroseconds.map { lastModUsecs = $0 }
        usermeta = decoded.userMetadata.map(RpbPair.init)
        indexes = decoded.indexes.map(RpbPair.init)
        decoded.isDeleted.map { deleted = $0 }
    }
}

extension RpbPair {
    init(_ decoded: RiakPair) {
        self.init()
        key = Data(decoded.key)
        decoded.value.map { value = Data($0) }
    }
}

extension RpbGetResp {
    init(_ response: RiakGetResponse) {
        self.init()
        content = response.contents.map(RpbContent.init)
        response.vclock.map { vclock = Data($0) }
        response.isUnchanged.map { unchanged = $0 }
    }
}

extension RpbPutResp {
    init(_ response: RiakPutResponse) {
        self.init()
        content = response.contents.map(RpbContent.init)
        response.vclock.map { vclock = Data($0) }
        response.key.map { key = Data($0) }
    }
}

extension RpbErrorResp {
    init(_ response: RiakErrorResponse) {
        self.init()
        errmsg = Data(response.message)
        errcode = response.code
    }
}

extension ObjectContent {
    init(_ message: RpbContent) {
        self.init(
            value: [UInt8](message.value),
            contentType: message.hasContentType ? [UInt8](message.contentType) : nil,
            charset: message.hasCharset ? [UInt8](message.charset) : nil,
            contentEncoding: message.hasContentEncoding ? [UInt8](message.contentEncoding) : nil,
            links: message.links.map { link in
                Link(bucket: [UInt8](link.bucket), key: [UInt8](link.key), tag: [UInt8](link.tag))
            },
            userMetadata: message.usermeta.map { Entry(key: [UInt8]($0.key), value: [UInt8]($0.value)) },
            indexes: message.indexes.map { Entry(key: [UInt8]($0.key), value: [UInt8]($0.value)) })
    }
}
