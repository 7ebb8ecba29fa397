import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Why one node has not answered one request.
struct NodeFailure: Error, Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Nothing got there.
        case notReached
        /// It may have got there.
        case noAnswer
        /// The node says no.
        case refused
        /// What answers is no node of a cluster, or not of this version.
        case nonsense
    }

    let kind: Kind
    let node: NodeURL
    let reason: String
    /// Whether a change was asked for, that may have been made.
    let maybeDone: Bool
    /// What it has answered with, if it has answered.
    let status: Int?

    /// Whether it is about the node's state and not about what it was asked: it may answer otherwise later.
    var isOfTheMoment: Bool { status.map { (500..<600).contains($0) } ?? false }

    /// Whether asking again would bring the same answer.
    var isFinal: Bool { (kind == .refused || kind == .nonsense) && !isOfTheMoment }

    init(_ kind: Kind, at node: NodeURL, _ reason: String, maybeDone: Bool = false, status: Int? = nil) {
        self.kind = kind
        self.node = node
        self.reason = reason
        self.maybeDone = maybeDone
        self.status = status
    }

    /// A failure of the connection.
    init(_ error: any Error, at node: NodeURL, after limit: Duration, maybeDone: Bool) {
        func noAnswer(_ reason: String) -> NodeFailure {
            NodeFailure(.noAnswer, at: node, reason, maybeDone: maybeDone)
        }
        switch error {
        case let error as NIOConnectionError:
            let causes = error.connectionErrors.map(\.error)
            let cause = causes.first.map(Self.text) ?? "the name \(node.host) has no address"
            self.init(.notReached, at: node, cause)
        case let error as IOError:
            let isReset = [ECONNRESET, EPIPE].contains(error.errnoCode)
            self = isReset ? noAnswer("the connection was reset") : NodeFailure(.notReached, at: node, Self.text(error))
        case let error as HTTPClientError where error == .connectTimeout:
            self.init(.notReached, at: node, "no connection within \(limit.components.seconds) s")
        case let error as HTTPClientError where error == .deadlineExceeded:
            self = noAnswer("no answer within \(limit.components.seconds) s")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            self = noAnswer("the connection was closed before the answer came")
        case is HTTPParserError:
            self.init(.nonsense, at: node, Self.wrongPort("what answers does not speak HTTP"))
        default:
            self = noAnswer("\(error)")
        }
    }

    /// An answer that says no: `{"error": …}`.
    init(status: Int, _ bytes: [UInt8], at node: NodeURL) {
        guard let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(bytes)) else {
            let what = "it answers \(status), but not as a node of a cluster does"
            self.init(.nonsense, at: node, Self.wrongPort(what), status: status)
            return
        }
        self.init(.refused, at: node, refusal.error, status: status)
    }

    private struct Refusal: Decodable {
        var error: String
    }

    private static func wrongPort(_ what: String) -> String {
        "\(what). Is this where a node speaks HTTP (usually port 8098)?"
    }

    private static func text(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        return String(cString: strerror(error.errnoCode)).lowercased()
    }
}

extension CommandFailure {
    /// - Parameter afterDoubt: the command that tells whether a change has been made whose answer did not come.
    init(_ failure: NodeFailure, afterDoubt: String) {
        let text = failure.node.text
        switch failure.kind {
        case .notReached:
            self.init(
                .unreachable,
                "cannot reach \(text): \(failure.reason). Start a node with 'kindred serve', or name another with --node."
            )
        case .noAnswer where failure.maybeDone:
            self.init(
                .failure,
                "\(text): \(failure.reason). It may have been done: see '\(afterDoubt)' before you try again.")
        case .noAnswer:
            self.init(
                .unreachable, "\(text): \(failure.reason). Wait longer with --timeout, or ask another with --node.")
        case .refused where failure.status == 404:
            self.init(.notFound, failure.reason)
        case .refused where failure.status == 400:
            self.init(.usage, failure.reason)
        case .refused:
            self.init(.failure, failure.reason)
        case .nonsense:
            self.init(.failure, "\(text): \(failure.reason)")
        }
    }
}
