import AsyncHTTPClient
import Foundation
import KindredServer
import NIOCore
import NIOHTTP1

/// Follows the feed of conflicts, over restarts and from one node to the next, from a cursor on.
///
/// A feed tells everything at least once. What a lost connection makes a node tell again is recognised by the conflict's name, so within
/// one reader each conflict comes once.
struct ConflictFeedReader {
    /// Where a reader begins.
    enum Start: Hashable, Sendable {
        case now
        case beginning
        case cursor(String)
    }

    /// What a feed has told.
    enum News: Sendable {
        /// As it came, and as it is understood.
        case conflict(json: [UInt8], ConflictReport)
        /// All conflicts up to here have been told.
        case cursor(String)
        /// Something for people.
        case remark(String)
    }

    /// For how long a node may say nothing; it says something every fifteen seconds.
    static let silence = Duration.seconds(60)
    private static let longestPause = 10_000
    /// So many different remarks are recognised when they come again.
    private static let mostRemarks = 100

    private let http: NodeHTTP
    private let query: QueryText
    private var start: Start
    private var told = RecentNames()
    private var pause = 1_000
    /// Whether any node has begun to tell, or has said that it cannot do so now: from then on it is worth to wait.
    private var hasAnswered = false
    /// What was told to people since a feed has last got on: while nothing changes, it is told once.
    private var toldRemarks: Set<String> = []

    init(_ http: NodeHTTP, _ query: QueryText, from start: Start) {
        self.http = http
        self.query = query
        self.start = start
    }

    /// Follows until the task is cancelled, or something is wrong that does not pass.
    mutating func run(_ tell: (News) throws -> Void) async throws {
        var attempt = 0
        while !Task.isCancelled {
            let node = http.nodes[attempt % http.nodes.count]
            do {
                try await follow(node, tell)
                try remark("\(node.text) has ended the feed; connecting again", tell)
            } catch let failure as NodeFailure {
                let isLast = (attempt + 1).isMultiple(of: http.nodes.count)
                hasAnswered = hasAnswered || failure.isOfTheMoment
                if failure.isFinal || (!hasAnswered && isLast) {
                    throw CommandFailure(failure, afterDoubt: http.afterDoubt)
                }
                if hasAnswered { try remark("\(node.text): \(failure.reason); connecting again", tell) }
            }
            attempt += 1
            guard hasAnswered else { continue }
            // Twice as long each time, so that a node which comes back is not stormed.
            try await Task.sleep(for: .milliseconds(pause))
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private mutating func remark(_ text: String, _ tell: (News) throws -> Void) throws {
        if toldRemarks.count == Self.mostRemarks, !toldRemarks.contains(text) { toldRemarks = [] }
        if toldRemarks.insert(text).inserted { try tell(.remark(text)) }
    }

    /// Follows one connection to its end. A feed that ends before its first position was none: the node has no room for
    /// another reader.
    private mutating func follow(_ node: NodeURL, _ tell: (News) throws -> Void) async throws {
        var query = query
        if start == .beginning { query.add("from", "beginning") }
        var request = NodeRequest(.GET, "\(ConflictClient.prefix)/feed\(query.text)")
        request.headers = [("Accept", "text/event-stream")]
        if case .cursor(let cursor) = start { request.headers.append(("Last-Event-ID", cursor)) }
        let body = try await http.open(node, request)
        var parser = EventStreamParser()
        var pieces = body.makeAsyncIterator()
        var hasBegun = false
        var reason = "it ended the feed before it began"
        while true {
            let piece: ByteBuffer?
            var elements: [EventStreamParser.Element] = []
            do {
                piece = try await pieces.next()
                if let piece { elements = try parser.read(piece.readableBytesView) }
            } catch is CancellationError {
                throw CancellationError()
            } catch is EventStreamParser.TooLong {
                throw NodeFailure(.nonsense, at: node, "it sends an event that is too long to be a conflict")
            } catch {
                if Task.isCancelled { throw CancellationError() }
                throw NodeFailure(error, at: node, after: Self.silence, maybeDone: false)
            }
            guard piece != nil else {
                if hasBegun { return }
                throw NodeFailure(.refused, at: node, reason, status: 503)
            }
            for element in elements {
                if case .position = element { hasBegun = true }
                if !hasBegun, case .event("failure", let data) = element {
                    reason = String(decoding: data, as: UTF8.self)
                } else {
                    try take(element, from: node, tell)
                }
            }
        }
    }

    private mutating func take(
        _ element: EventStreamParser.Element, from node: NodeURL, _ tell: (News) throws -> Void
    ) throws {
        switch element {
        case .event("conflict", let data):
            let report: ConflictReport = try NodeHTTP.decode(data, from: node)
            if told.insert(report.id) { try tell(.conflict(json: data, report)) }
        case .event("failure", let data):
            try remark("\(node.text): \(String(decoding: data, as: UTF8.self))", tell)
        case .event:
            // A later version may have others.
            break
        case .position(let cursor):
            hasAnswered = true
            toldRemarks = []
            pause = min(pause, 1_000)
            start = .cursor(cursor)
            try tell(.cursor(cursor))
        case .retry(let milliseconds):
            pause = min(max(milliseconds, 100), Self.longestPause)
        }
    }
}

/// The names of the conflicts that were told last.
struct RecentNames {
    /// More than a node tells between two cursors, unless somebody begins at the beginning.
    private static let most = 100_000

    private var names: Set<String> = []
    private var order: [String] = []
    private var oldest = 0

    /// - Returns: whether the name is new.
    mutating func insert(_ name: String) -> Bool {
        guard names.insert(name).inserted else { return false }
        if order.count < Self.most {
            order.append(name)
        } else {
            names.remove(order[oldest])
            order[oldest] = name
            oldest = (oldest + 1) % Self.most
        }
        return true
    }
}
