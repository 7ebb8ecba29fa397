import Foundation
import NIOCore
import NIOPosix
import Synchronization

@testable import KindredCommand

/// A node that answers operators' questions over HTTP as a test tells it to, sense or nonsense.
final class FakeNode: Sendable {
    struct Request: Sendable, Equatable {
        /// `GET /kindred/v1/cluster`
        let line: String
        let body: String
    }

    enum Reply: Sendable {
        case text(String, status: Int = 200)
        case bytes(String)
        case close
        case nothing

        static func json(_ value: some Encodable) -> Reply {
            .text((try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null")
        }

        static let done = Reply.bytes("HTTP/1.1 204 No Content\r\n\r\n")

        static func refusal(_ text: String) -> Reply { .text(#"{"error":"\#(text)"}"#, status: 409) }
    }

    let port: Int
    private let channel: any Channel
    private let log: Log

    /// The requests of all connections, in the order in which they came.
    var requests: [Request] { log.requests.withLock { $0 } }
    var lines: [String] { requests.map { $0.line.replacing("/kindred/v1/cluster", with: "") } }
    var url: String { "http://127.0.0.1:\(port)" }

    private final class Log: Sendable {
        let requests = Mutex<[Request]>([])
    }

    private init(channel: any Channel, log: Log) {
        self.channel = channel
        self.log = log
        port = channel.localAddress?.port ?? 0
    }

    /// - Parameter respond: is told what is asked, without the prefix of all paths (`GET /plan`), and after how many others.
    static func start(_ respond: @escaping @Sendable (_ line: String, _ before: Int) -> Reply) async throws -> FakeNode
    {
        let log = Log()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler { request in
                            let before = log.requests.withLock { requests in
                                requests.append(request)
                                return requests.count - 1
                            }
                            return respond(request.line.replacing("/kindred/v1/cluster", with: ""), before)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return FakeNode(channel: channel, log: log)
    }

    func stop() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let respond: (Request) -> Reply
        private var received = ""

        init(_ respond: @escaping (Request) -> Reply) { self.respond = respond }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            guard let end = received.range(of: "\r\n\r\n") else { return }
            let head = received[..<end.lowerBound].split(separator: "\r\n")
            let length =
                head.first { $0.lowercased().hasPrefix("content-length:") }
                .flatMap { Int($0.split(separator: ":")[1].trimmingCharacters(in: .whitespaces)) } ?? 0
            let body = received[end.upperBound...]
            guard body.utf8.count >= length else { return }
            let line = head.first?.split(separator: " ").prefix(2).joined(separator: " ") ?? ""
            received = ""
            send(respond(Request(line: line, body: String(body))), context)
        }

        private func send(_ reply: Reply, _ context: ChannelHandlerContext) {
            switch reply {
            case .text(let text, let status):
                let head =
                    "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\nContent-Length: \(text.utf8.count)"
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "\(head)\r\n\r\n\(text)")), promise: nil)
            case .bytes(let text): context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            case .close: context.close(promise: nil)
            case .nothing: break
            }
        }
    }
}
