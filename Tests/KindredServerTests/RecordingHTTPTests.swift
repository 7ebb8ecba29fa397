import Foundation
import KindredModel
import KindredNode
import KindredServer
import Logging
import NIOCore
import NIOPosix
import Testing

/// `/kindred/v1/lab/record` over a real socket, while somebody writes.
@Suite struct RecordingHTTPTests {
    private let node: TestNode

    init() throws {
        node = try TestNode()
    }

    /// Starts a listener for as long as the body runs.
    private func serving(_ body: (Int) async throws -> Void) async throws {
        let listener = try await HTTPListener.start(
            host: "127.0.0.1", port: 0, loop: node.loop, nodeName: "test",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let port = try #require(Int(listener.address.split(separator: ":").last ?? ""))
        do {
            try await body(port)
        } catch {
            try? await listener.stop()
            throw error
        }
        try await listener.stop()
    }

    /// Sends a request, and hands over all that has come each time more comes, until that is enough.
    private func ask(
        _ port: Int, _ target: String, fields: String = "", until isEnough: (String) async throws -> Bool
    ) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(
                ByteBuffer(string: "GET \(target) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\(fields)\r\n"))
            var text = ""
            for try await piece in inbound {
                text += String(buffer: piece)
                if try await isEnough(text) { break }
            }
            return text
        }
    }

    private func put(_ value: String, _ key: String, bucket: String = "b", type: String = "siblings") async throws {
        let content = ObjectContent(value: Array(value.utf8)).encoded()
        let name = ObjectName(type: Array(type.utf8), bucket: Array(bucket.utf8), key: Array(key.utf8))
        _ = try await node.loop.run { loop throws(RequestFailure) in
            try name.withReference { object throws(RequestFailure) in
                try loop.put(
                    PutRequest(object: object, content: content, token: nil, writer: Array("anna".utf8)[...]))?.isNew
            }
        }
    }

    /// The lines of an answer that are whole, without the pieces' lengths that HTTP puts between them.
    private func lines(_ text: String) -> [RecordingLine] {
        text.split(whereSeparator: \.isNewline).compactMap {
            try? JSONDecoder().decode(RecordingLine.self, from: Data($0.utf8))
        }
    }

    private func writes(_ text: String) -> [RecordingLine.Write] {
        lines(text).compactMap { if case .write(let write) = $0 { write } else { nil } }
    }

    @Test("Writes come as lines, with what they found, their outcome and their client, and nothing of other buckets")
    func stream() async throws {
        try await serving { port in
            var hasWritten = false
            let text = try await ask(port, "/kindred/v1/lab/record?type=immutable&bucket=b") { text in
                if !hasWritten, text.contains(#""line":"header""#) {
                    hasWritten = true
                    try await self.put("one", "k", type: "immutable")
                    try await self.put("one", "k", bucket: "other", type: "immutable")
                    try await self.put("one", "k")
                    try await self.put("one", "k", type: "immutable")
                    await #expect(throws: RequestFailure.self) {
                        try await self.put("two", "k", type: "immutable")
                    }
                }
                return self.writes(text).count >= 3
            }
            let found = writes(text)
            try #require(found.count == 3, "\(text.suffix(300))")
            #expect(found.map(\.outcome) == ["applied", "unchanged", "exists"])
            #expect(found.map(\.number) == [1, 2, 3])
            #expect(found.map(\.name) == Array(repeating: .init(type: "immutable", bucket: "b", key: "k"), count: 3))
            #expect(found.allSatisfy { $0.client == "anna" && $0.strategy == "immutable" && $0.bytes == 3 })
            #expect(found[0].dot != nil && found[1].dot == nil && found[1].found == [found[0].dot])
            #expect(found[0].digest == found[1].digest && found[1].digest != found[2].digest)
            #expect(found[0].reflected == nil)
        }
    }

    @Test("Keys and clients are hashed if that is asked for, and equal salts hash alike")
    func hashing() async throws {
        let salt = String(repeating: "0a", count: 32)
        try await serving { port in
            var keys: [String] = []
            for _ in 0..<2 {
                var hasWritten = false
                let text = try await ask(
                    port, "/kindred/v1/lab/record?hash-keys=true&values=none",
                    fields: "X-Kindred-Recording-Salt: \(salt)\r\n"
                ) { text in
                    if !hasWritten, text.contains("header") {
                        hasWritten = true
                        try await self.put("hidden", "secret")
                    }
                    return !self.writes(text).isEmpty
                }
                #expect(!text.contains("secret") && !text.contains("hidden") && !text.contains("anna"))
                #expect(!text.contains(salt))
                let write = try #require(writes(text).first)
                #expect(write.bytes == nil && write.digest == nil)
                keys.append(write.name.key)
            }
            #expect(keys.count == 2 && keys.first == keys.last)
        }
    }

    @Test("A recording that has a length ends with a line that says so")
    func end() async throws {
        try await serving { port in
            let text = try await ask(port, "/kindred/v1/lab/record?seconds=1") { _ in false }
            guard case .end = lines(text).last else {
                Issue.record("the last line is \(text.suffix(100))")
                return
            }
        }
    }

    @Test("There are four recordings at a time; those whose reader has gone end by themselves")
    func readersThatGo() async throws {
        let path = "/kindred/v1/lab/record"
        try await serving { port in
            let refused = try await withFour(port, path) {
                try await self.ask(port, path) { $0.contains("header") || $0.contains("recordings as it can") }
            }
            #expect(refused.hasPrefix("HTTP/1.1 429"))
            // A node finds out when it next says something.
            let deadline = ContinuousClock.now + .seconds(120)
            while ContinuousClock.now < deadline {
                let text = try await ask(port, path) { $0.contains("header") || $0.contains("recordings as it can") }
                if text.hasPrefix("HTTP/1.1 200") { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            Issue.record("the recordings go on without a reader")
        }
    }

    /// Has four recordings while the body runs.
    private func withFour(
        _ port: Int, _ path: String, _ body: @escaping () async throws -> String
    ) async throws -> String {
        func nested(_ count: Int) async throws -> String {
            guard count > 0 else { return try await body() }
            var answer = ""
            _ = try await ask(port, path) { text in
                guard text.contains("header") else { return false }
                answer = try await nested(count - 1)
                return true
            }
            return answer
        }
        return try await nested(4)
    }

    @Test("A node that stops ends the recordings in good order")
    func shutdown() async throws {
        let listener = try await HTTPListener.start(
            host: "127.0.0.1", port: 0, loop: node.loop, nodeName: "test",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let port = try #require(Int(listener.address.split(separator: ":").last ?? ""))
        var stopping: Task<Void, any Error>?
        let text = try await ask(port, "/kindred/v1/lab/record") { text in
            if stopping == nil, text.contains("header") { stopping = Task { try await listener.stop() } }
            return false
        }
        try await stopping?.value
        guard case .end = lines(text).last else {
            Issue.record("the last line is \(text.suffix(100))")
            return
        }
    }

    @Test(
        "What makes no sense, or comes from another site's page, is refused",
        arguments: [
            ("?values=some", "", "400"), ("?seconds=0", "", "400"), ("?bukcet=b", "", "400"),
            ("?hash-keys=perhaps", "", "400"), ("?type=nothing", "", "404"),
            ("", "X-Kindred-Recording-Salt: 00\r\n", "400"), ("", "Origin: http://elsewhere\r\n", "403"),
        ])
    func refusals(query: String, fields: String, status: String) async throws {
        try await serving { port in
            let text = try await ask(port, "/kindred/v1/lab/record" + query, fields: fields) { _ in false }
            #expect(text.hasPrefix("HTTP/1.1 \(status)"), "\(text.prefix(200))")
        }
    }
}
