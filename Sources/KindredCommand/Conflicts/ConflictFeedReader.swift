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

    private let http: NodeHTTP
    private let query: QueryText
    private var start: Start
    private var told = RecentNames()
    private var pause = 1_000
    /// Whether any node has ever begun to tell.
    private var hasBegun = false

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
                try tell(.remark("\(node.text) has ended the feed; connecting again"))
            } catch let failure as NodeFailure {
                let isLast = (attempt + 1).isMultiple(of: http.nodes.count)
                // A cursor that no node takes, or a filter that makes no sense, will not be taken later.
                let isFinal = failure.status.map { (400..<500).contains($0) } ?? (failure.kind == .nonsense)
                if isFinal || (!hasBegun && isLast) {
                    throw CommandFailure(failure, afterDoubt: http.afterDoubt)
                }
                if hasBegun { try tell(.remark("\(node.text): \(failure.reason); connecting again")) }
            }
            attempt += 1
            guard hasBegun else { continue }
            // Twice as long each time, so that a node which comes back is not stormed.
            try await Task.sleep(for: .milliseconds(pause))
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// Follows one connection to its end.
    private mutating func follow(_ node: NodeURL, _ tell: (News) throws -> Void) async throws {
        var query = query
        if start == .beginning { query.add("from", "beginning") }
        var request = NodeRequest(.GET, "\(ConflictClient.prefix)/feed\(query.text)")
        request.headers = [("Accept", "text/event-stream")]
        if case .cursor(let cursor) = start { request.headers.append(("Last-Event-ID", cursor)) }
        let body = try await http.open(node, request)
        var parser = EventStreamParser()
        var pieces = body.makeAsyncIterator()
        while true {
            let elements: [EventStreamParser.Element]
            do {
                guard let piece = try await pieces.next() else { return }
                elements = try parser.read(piece.readableBytesView)
            } catch is CancellationError {
                throw CancellationError()
            } catch is EventStreamParser.TooLong {
                throw NodeFailure(.nonsense, at: node, "it sends an event that is too long to be a conflict")
            } catch {
                if Task.isCancelled { throw CancellationError() }
                throw NodeFailure(error, at: node, after: Self.silence, maybeDone: false)
            }
            for element in elements { try take(element, from: node, tell) }
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
            try tell(.remark("\(node.text): \(String(decoding: data, as: UTF8.self))"))
        case .event:
            // A later version may have others.
            break
        case .position(let cursor):
            hasBegun = true
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
