import Foundation
import KindredClient
import KindredWire
import Testing

/// Listings: pieces, ends, and readers that are slow or go away.
@Suite struct NameListingTests {
    private static func piece(_ keys: [String], done: Bool = false) -> FakeServer.Reply {
        var message = RpbListKeysResp()
        message.keys = keys.map { Data($0.utf8) }
        if done { message.done = true }
        return .message(.listKeysResponse, message)
    }

    private func listed(_ replies: [FakeServer.Reply]) async throws -> [Name] {
        var names: [Name] = []
        try await FakeServer.serving { _ in
            replies
        } _: { server in
            let client = try await Client.connect(port: server.port)
            for try await name in client.keys(in: Bucket("b", type: "siblings")) { names.append(name) }
            let request = try #require(server.requests.first)
            let sent = try request.body.withUnsafeBytes { try RpbListKeysReq(riakBody: $0) }
            #expect(request.code == .listKeysRequest)
            #expect(sent.bucket == Data("b".utf8) && sent.type == Data("siblings".utf8))
        }
        return names
    }

    @Test func allPiecesInOrder() async throws {
        let names = try await listed([
            Self.piece(["a", "b"]), Self.piece([]), Self.piece(["c"]), Self.piece([], done: true),
        ])
        #expect(names == ["a", "b", "c"])
    }

    @Test func theLastPieceMayHoldNames() async throws {
        #expect(try await listed([Self.piece(["a"], done: true)]) == ["a"])
    }

    @Test func nothingToList() async throws {
        #expect(try await listed([Self.piece([], done: true)]) == [])
    }

    @Test func anErrorInTheMiddle() async throws {
        let error = await #expect(throws: ClientError.self) {
            _ = try await listed([Self.piece(["a"]), .error("timeout")])
        }
        #expect(error == ClientError(.refused, "timeout"))
    }

    @Test func theServerHangsUpInTheMiddle() async throws {
        let error = await #expect(throws: ClientError.self) { _ = try await listed([Self.piece(["a"]), .close]) }
        #expect(error?.code == .connectionClosed)
    }

    @Test func buckets() async throws {
        var message = RpbListBucketsResp()
        message.buckets = [Data("x".utf8), Data([0xFF])]
        message.done = true
        let answer = message
        try await FakeServer.serving { _ in
            [.message(.listBucketsResponse, answer)]
        } _: { server in
            let client = try await Client.connect(port: server.port)
            var names: [Name] = []
            for try await name in client.buckets() { names.append(name) }
            #expect(names == ["x", Name(bytes: [0xFF])])
            let sent = try #require(server.requests.first).body.withUnsafeBytes { try RpbListBucketsReq(riakBody: $0) }
            #expect(sent.stream && !sent.hasType)
        }
    }

    /// Far more than fits between the two of them, so the reader has to hold the server back; and requests of the same client go on.
    @Test func aSlowReaderOfALongListing() async throws {
        let pieces = 400
        let replies =
            (0..<pieces).map { piece in
                Self.piece((0..<100).map { "\(piece) \($0) " + String(repeating: "x", count: 100) })
            } + [Self.piece([], done: true)]
        try await FakeServer.serving { request in
            request.code == .pingRequest ? [.frame(.pingResponse)] : replies
        } _: { server in
            let client = try await Client.connect(port: server.port)
            var count = 0
            for try await _ in client.keys(in: Bucket("b")) {
                count += 1
                if count.isMultiple(of: 1_000) { try await client.ping() }
            }
            #expect(count == pieces * 100)
        }
    }

    @Test func aReaderThatStopsEarly() async throws {
        let replies = (0..<200).map { Self.piece(["\($0)"]) } + [Self.piece([], done: true)]
        try await FakeServer.serving { request in
            request.code == .pingRequest ? [.frame(.pingResponse)] : replies
        } _: { server in
            let client = try await Client.connect(port: server.port)
            var first: Name?
            for try await name in client.keys(in: Bucket("b")) {
                first = name
                break
            }
            #expect(first == "0")
            try await client.ping()
        }
    }
}
