import Foundation
import KindredClient
import KindredModel
import KindredWire
import Synchronization
import Testing

/// The client against a server that answers what it is told to.
@Suite struct ClientTests {
    private let bucket = Bucket("carts", type: "siblings")

    private func connected(
        patience: Duration = .seconds(20), pending: Int = 1_024, answerBytes: Int = 1 << 20,
        _ respond: @escaping @Sendable (FakeServer.Request) -> [FakeServer.Reply],
        _ test: (Client, FakeServer) async throws -> Void
    ) async throws {
        var configuration = ClientConfiguration()
        configuration.requestTimeout = patience
        configuration.maximumPendingRequests = pending
        configuration.maximumAnswerBytes = answerBytes
        try await FakeServer.serving(respond) { server in
            let client = try await Client.connect(port: server.port, configuration: configuration)
            try await test(client, server)
            await client.close()
        }
    }

    /// The code of the error that something ends with; nil if it ends well.
    private func failure(_ body: () async throws(ClientError) -> Void) async -> ClientError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return error.code
        }
    }

    // MARK: What is sent and read

    @Test func askingTheServer() async throws {
        var info = RpbGetServerInfoResp()
        info.node = Data("node@host".utf8)
        info.serverVersion = Data("1.2".utf8)
        let answer = info
        try await connected { request in
            request.code == .pingRequest
                ? [.frame(.pingResponse)] : [.message(.getServerInfoResponse, answer)]
        } _: { client, _ in
            try await client.ping()
            let info = try await client.serverInfo()
            #expect(info == ServerInfo(node: "node@host", version: "1.2"))
        }
    }

    @Test func readingSiblings() async throws {
        try await connected { _ in
            var message = RpbGetResp()
            message.content = [.text("milk", tag: "3.a7"), .text("eggs", tag: "3.a8")]
            message.content[1].charset = Data("utf-8".utf8)
            var pair = RpbPair()
            pair.key = Data("by".utf8)
            pair.value = Data("anna".utf8)
            message.content[1].usermeta = [pair]
            message.vclock = Data([9, 8, 7])
            return [.message(.getResponse, message)]
        } _: { client, server in
            let object = try await client.get("anna", in: bucket)
            #expect(object.siblings.map(\.content.text) == ["milk", "eggs"])
            #expect(object.siblings.map(\.version) == [VersionTag("3.a7"), VersionTag("3.a8")])
            #expect(object.siblings[0].lastModified == Date(timeIntervalSince1970: 1_795_442_592.123456))
            #expect(
                object.siblings[1].content.userMetadata == [.init(key: Array("by".utf8), value: Array("anna".utf8))])
            #expect(object.context == Context(bytes: [9, 8, 7]))
            #expect(object.content == nil)

            let request = try #require(server.requests.first)
            let sent = try request.body.withUnsafeBytes { try RpbGetReq(riakBody: $0) }
            #expect(sent.bucket == Data("carts".utf8) && sent.key == Data("anna".utf8))
            #expect(sent.type == Data("siblings".utf8) && sent.deletedvclock)
        }
    }

    @Test func theDefaultTypeIsNotNamed() async throws {
        try await connected { _ in
            [.frame(.getResponse)]
        } _: { client, server in
            let object = try await client.get("k", in: Bucket("b"))
            #expect(object == StoredObject() && !object.exists)
            let sent = try #require(server.requests.first).body.withUnsafeBytes { try RpbGetReq(riakBody: $0) }
            #expect(!sent.hasType)
        }
    }

    @Test func writing() async throws {
        try await connected { request in
            var message = RpbPutResp()
            if request.number == 0 {
                message.content = [.text("milk", tag: "1.1")]
                message.vclock = Data([5])
            } else {
                message.key = Data("made".utf8)
            }
            return [.message(.putResponse, message)]
        } _: { client, server in
            let first = try await client.put(
                ObjectContent(text: "milk"), at: "anna", in: bucket, context: Context(bytes: [1, 2]),
                condition: .unchanged, answer: .object)
            #expect(first.key == "anna" && first.object?.content?.text == "milk")
            #expect(first.object?.context == Context(bytes: [5]))
            let second = try await client.put(ObjectContent(text: "x"), at: nil, in: bucket, condition: .absent)
            #expect(second == PutResult(key: "made"))

            let sent = try server.requests.map { try $0.body.withUnsafeBytes { try RpbPutReq(riakBody: $0) } }
            #expect(sent[0].vclock == Data([1, 2]) && sent[0].ifNotModified && sent[0].returnBody)
            #expect(sent[0].content.contentType == Data("text/plain".utf8))
            #expect(!sent[0].ifNoneMatch && !sent[0].returnHead)
            #expect(!sent[1].hasKey && !sent[1].hasVclock && sent[1].ifNoneMatch && !sent[1].returnBody)
        }
    }

    @Test func deleting() async throws {
        try await connected { _ in
            [.frame(.deleteResponse)]
        } _: { client, server in
            try await client.delete("anna", in: bucket, context: Context(bytes: [7]))
            let sent = try #require(server.requests.first).body.withUnsafeBytes { try RpbDelReq(riakBody: $0) }
            #expect(sent.key == Data("anna".utf8) && sent.vclock == Data([7]))
        }
    }

    // MARK: Errors

    @Test(arguments: [
        ("match_found", ClientError.Code.preconditionFailed), ("modified", .preconditionFailed),
        ("notfound", .preconditionFailed), ("overload", .refused), ("", .refused),
    ])
    func aRefusalLeavesTheConnection(text: String, code: ClientError.Code) async throws {
        try await connected { request in
            request.number == 0 ? [.error(text)] : [.frame(.pingResponse)]
        } _: { client, _ in
            #expect(await failure { () throws(ClientError) in _ = try await client.get("k", in: bucket) } == code)
            try await client.ping()
        }
    }

    @Test func nobodyListens() async throws {
        let server = try await FakeServer.start { _ in [] }
        try await server.stop()
        let error = await #expect(throws: ClientError.self) { _ = try await Client.connect(port: server.port) }
        #expect(error?.code == .unreachable)
        #expect(error?.message == "cannot reach 127.0.0.1:\(server.port): connection refused")
    }

    @Test func anAnswerThatDoesNotCome() async throws {
        try await connected(patience: .milliseconds(40)) { _ in
            []
        } _: { client, _ in
            async let first = failure { () throws(ClientError) in try await client.ping() }
            #expect(await first == .timeout)
            #expect(await failure { () throws(ClientError) in try await client.ping() } == .connectionClosed)
        }
    }

    @Test func requestsBehindOneThatTimesOutFail() async throws {
        try await connected(patience: .milliseconds(40)) { _ in
            []
        } _: { client, _ in
            let codes = await withTaskGroup(of: ClientError.Code?.self) { group in
                for _ in 0..<4 {
                    group.addTask { await failure { () throws(ClientError) in try await client.ping() } }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.filter { $0 == .timeout }.count == 1)
            #expect(codes.filter { $0 == .connectionClosed }.count == 3)
        }
    }

    @Test(arguments: [
        FakeServer.Reply.bytes([0, 0, 0, 0, 2]), .bytes([0xFF, 0xFF, 0xFF, 0xFF, 2]),
        .bytes(Array("HTTP/1.1 400".utf8)),
        .frame(.getResponse), .frame(.errorResponse), .bytes([0, 0, 0, 1, 201]),
    ])
    func whatIsNoAnswerEndsTheConnection(reply: FakeServer.Reply) async throws {
        try await connected { _ in
            [reply]
        } _: { client, _ in
            #expect(await failure { () throws(ClientError) in try await client.ping() } == .protocolViolation)
            #expect(await failure { () throws(ClientError) in try await client.ping() } == .connectionClosed)
        }
    }

    @Test func anAnswerThatCannotBeRead() async throws {
        try await connected { request in
            request.number == 0 ? [.frame(.getResponse, [0x0A, 0x7F])] : [.frame(.pingResponse)]
        } _: { client, _ in
            let code = await failure { () throws(ClientError) in _ = try await client.get("k", in: bucket) }
            #expect(code == .protocolViolation)
            try await client.ping()
        }
    }

    @Test func anAnswerNobodyAskedFor() async throws {
        try await connected { _ in
            [.frame(.pingResponse), .frame(.pingResponse)]
        } _: { client, _ in
            try await client.ping()
            #expect(await failure { () throws(ClientError) in try await client.ping() } == .connectionClosed)
        }
    }

    @Test func anAnswerBeyondTheBound() async throws {
        try await connected(answerBytes: 1_000) { request in
            request.number == 0
                ? [.frame(.getResponse, [0x12] + [0xE4, 0x07] + [UInt8](repeating: 7, count: 996))]
                : [.bytes([0, 0, 3, 0xE9, 10])]
        } _: { client, _ in
            // 999 bytes and the code are 1,000; one byte more is announced, not sent.
            let object = try await client.get("k", in: bucket)
            #expect(object.context?.bytes.count == 996)
            let code = await failure { () throws(ClientError) in _ = try await client.get("k", in: bucket) }
            #expect(code == .protocolViolation)
        }
    }

    @Test func theServerHangsUp() async throws {
        try await connected { _ in
            [.bytes([0, 0]), .close]
        } _: { client, _ in
            #expect(await failure { () throws(ClientError) in try await client.ping() } == .connectionClosed)
        }
    }

    @Test func closingFailsWhatWaits() async throws {
        try await connected { _ in
            []
        } _: { client, server in
            async let waiting = failure { () throws(ClientError) in try await client.ping() }
            while server.requests.isEmpty { await Task.yield() }
            await client.close()
            #expect(await waiting == .connectionClosed)
            #expect(await failure { () throws(ClientError) in try await client.ping() } == .connectionClosed)
        }
    }

    @Test func tooManyRequestsAtOnce() async throws {
        try await connected(pending: 1) { request in
            request.number == 0 ? [] : [.frame(.pingResponse), .frame(.pingResponse)]
        } _: { client, server in
            async let held = failure { () throws(ClientError) in try await client.ping() }
            while server.requests.isEmpty { await Task.yield() }
            #expect(await failure { () throws(ClientError) in try await client.ping() } == .invalidRequest)
            await client.close()
            #expect(await held == .connectionClosed)
        }
    }

    @Test func aCancelledRequestLeavesTheOrder() async throws {
        try await connected { request in
            request.number == 0 ? [] : [.object([("first", "1.1")]), .object([("second", "1.2")])]
        } _: { client, server in
            let cancelled = Task {
                await failure { () throws(ClientError) in _ = try await client.get("k", in: bucket) }
            }
            while server.requests.isEmpty { await Task.yield() }
            cancelled.cancel()
            #expect(await cancelled.value == .cancelled)
            let object = try await client.get("k", in: bucket)
            #expect(object.content?.text == "second")
        }
    }

    // MARK: Many at once

    @Test func manyRequestsShareTheConnectionInOrder() async throws {
        let count = 200
        let asked = Collected()
        try await connected { request in
            // Nothing is answered until all have been asked; then all are, in order.
            asked.bodies.withLock { $0.append(request.body) }
            guard request.number == count - 1 else { return [] }
            return asked.bodies.withLock { $0 }.map { body in
                let key = body.withUnsafeBytes { (try? RpbGetReq(riakBody: $0))?.key } ?? Data()
                return .object([(String(decoding: key, as: UTF8.self), "1.1")])
            }
        } _: { client, _ in
            let wrong = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<count {
                    group.addTask {
                        let object = try? await client.get(Name("key \(number)"), in: bucket)
                        return object?.content?.text != "key \(number)"
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(wrong == 0)
        }
    }

    private final class Collected: Sendable {
        let bodies = Mutex<[[UInt8]]>([])
    }

    @Test func anAnswerInManyPieces() async throws {
        try await connected { _ in
            let body: [UInt8] = [0x12, 200] + [1] + [UInt8](repeating: 9, count: 200)
            return ([0, 0, 0, UInt8(body.count + 1), 10] + body).map { .bytes([$0]) }
        } _: { client, _ in
            for _ in 0..<3 {
                let object = try await client.get("k", in: bucket)
                #expect(object.context == Context(bytes: [UInt8](repeating: 9, count: 200)))
            }
        }
    }
}
