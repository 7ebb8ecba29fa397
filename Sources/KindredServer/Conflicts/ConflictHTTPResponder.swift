import Foundation
import HTTPTypes
import Hummingbird
import KindredModel
import KindredNode
import KindredReplication
import KindredWire
import NIOCore
import ServiceLifecycle

/// Kindred's own interface to the conflict log, `/kindred/v1/conflicts…`, `/kindred/v1/explain` and `/kindred/v1/resolve`: JSON in and out,
/// and server-sent events for the feed.
struct ConflictHTTPResponder: OperatorInterface {
    let service: ConflictService
    /// A page holds at most some tens of MiB, a feed a partition's part of the log while it looks through it.
    private let pages = ReaderLimit(8)
    private let feeds = ReaderLimit(64)
    /// The largest value takes some 300 MiB on its way from JSON to the data loop.
    private let values = ReaderLimit(2)

    init(service: ConflictService) {
        self.service = service
    }

    static let prefix = "/kindred/v1/conflicts"
    static let explainPath = "/kindred/v1/explain"
    static let resolvePath = "/kindred/v1/resolve"
    private static let bodyLimit = 64 << 10

    /// Whether a request is for this interface.
    static func serves(_ path: String) -> Bool {
        path == prefix || path.hasPrefix(prefix + "/") || path == explainPath || path == resolvePath
    }

    func respond(to request: Request, path: String) async -> Response {
        if let refusal = refusalOfOtherSites(request) { return refusal }
        guard pages.begin() else {
            return refusal("too many read the conflict log at the moment; ask again", status: 503)
        }
        defer { pages.end() }
        return await answering { try await answer(request, path) }
    }

    private func answer(_ request: Request, _ path: String) async throws -> Response {
        let query = ConflictQuery(request)
        let rest = path.hasPrefix(Self.prefix) ? path.dropFirst(Self.prefix.count).split(separator: "/") : []
        switch (path, request.method) {
        case (Self.explainPath, .get):
            return try json(await service.explain(try query.name()))
        case (Self.resolvePath, .post):
            return try json(await resolve(request, by: query.client(request)))
        case (Self.explainPath, _), (Self.resolvePath, _):
            return refusal("method not allowed", status: 405)
        case (_, .get) where rest.isEmpty:
            return try json(await service.page(try await query.wanted(service)))
        case (_, .get) where rest == ["counts"]:
            let filter = try await query.filter(service)
            return try json(
                Counts(counts: await service.counts(filter), isLogged: await service.isLogged(filter)))
        case (_, .get) where rest == ["feed"]:
            return try await feed(request, query)
        case (_, .get) where rest.count == 1:
            guard let id = ConflictID(rest[0]), let report = try await service.conflict(id) else {
                return refusal("the conflict log has no \(rest[0]), or no more", status: 404)
            }
            return try json(report)
        case (_, .post) where rest.count == 2 && rest[1] == "restore":
            guard let id = ConflictID(rest[0]) else { return refusal("'\(rest[0])' names no conflict", status: 400) }
            let isBeside = query["beside"] == "true"
            let dot = query["dot"].flatMap(ConflictReporting.dot)
            guard dot != nil || query["dot"] == nil else {
                return refusal(
                    "dot: '\(query["dot"] ?? "")' names no version; they have names such as 3.a7", status: 400)
            }
            return try json(
                await service.restore(id, valueOf: dot, by: query.client(request), isBeside: isBeside))
        default:
            return refusal("not found", status: 404)
        }
    }

    // MARK: The feed

    private func feed(_ request: Request, _ query: ConflictQuery) async throws -> Response {
        try query.refuse(["state", "since", "until", "limit", "before"], because: "a feed goes on from where it is")
        let filter = try await query.filter(service)
        let partitions = try await service.loop.partitionCount()
        var feed: ConflictFeed
        let last = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] } ?? query["after"]
        if let last, !last.isEmpty {
            guard let cursor = ConflictCursor(last, partitions: partitions) else {
                throw ConflictRefusal(description: "Last-Event-ID: not a cursor of this cluster", status: 400)
            }
            feed = ConflictFeed(service, filter, from: cursor)
        } else {
            feed = ConflictFeed(service, filter, from: ConflictCursor(partitions: partitions))
            if query["from"] != "beginning" { try await feed.skipToNow() }
        }
        let started = feed
        let body = ResponseBody { writer in
            // Here and not before: a body that is never asked for must not count.
            guard feeds.begin() else {
                try await writer.write(ByteBuffer(string: "event: failure\ndata: too many follow the conflict log\n\n"))
                return try await writer.finish(nil)
            }
            defer { feeds.end() }
            var feed = started
            // The reader can go on from here, even if nothing happens.
            try await writer.write(ByteBuffer(string: "retry: 1000\nid: \(feed.cursor.text)\n\n"))
            var idle = 0
            while !Task.isCancelled, !Task.isShuttingDownGracefully {
                var hasTold = false
                for (partition, revision) in try await feed.changed(asksOthers: idle % 4 == 0) {
                    do {
                        let told = try await feed.lookThrough(partition, revision: revision) { report in
                            let data = try encoded(report)
                            try await writer.write(
                                ByteBuffer(
                                    string: "event: conflict\ndata: \(String(decoding: data, as: UTF8.self))\n\n"))
                        }
                        hasTold = hasTold || told
                    } catch let failure as RequestFailure {
                        // It is looked through again; the others go on.
                        let text = RiakErrorText.text(for: failure).split(separator: "\n").joined(separator: " ")
                        try await writer.write(ByteBuffer(string: "event: failure\ndata: \(text)\n\n"))
                    }
                }
                // One position for all of them, after the last: it names the whole of what was looked through.
                if hasTold { try await writer.write(ByteBuffer(string: "id: \(feed.cursor.text)\n\n")) }
                idle += 1
                // A comment now and then finds out whether the reader is still there.
                if idle % 30 == 0 { try await writer.write(ByteBuffer(string: ": \(idle)\n\n")) }
                // The logs are looked at, not listened to, so that writing knows nothing of readers. A person does
                // not notice half a second.
                try await Task.sleep(for: .milliseconds(500))
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: HTTPFields([
                RiakHTTPField("Content-Type", "text/event-stream"), RiakHTTPField("Cache-Control", "no-store"),
            ]), body: body)
    }

    // MARK: Resolving

    private func resolve(_ request: Request, by client: String?) async throws -> ResolutionReport {
        // Who does not say how long the body is may send the longest.
        let isLarge = request.headers[.contentLength].flatMap { Int($0) }.map { $0 > Self.bodyLimit } ?? true
        guard !isLarge || values.begin() else {
            throw ConflictRefusal(description: "too many send large values at the moment; ask again", status: 503)
        }
        defer { if isLarge { values.end() } }
        let wish = try await body(
            ResolutionWish.self, of: request, limit: isLarge ? ResolutionWish.longestBody : Self.bodyLimit)
        let resolution = try wish.resolution()
        return try await service.resolve(wish.name, by: client, resolution, seen: try wish.seenDots())
    }

    // MARK: Bodies

    private struct Counts: Encodable {
        var counts: [ConflictCount]
        /// Whether new conflicts are entered; only told of a single bucket.
        var isLogged: Bool?

        enum CodingKeys: String, CodingKey {
            case counts
            case isLogged = "logged"
        }
    }

}
