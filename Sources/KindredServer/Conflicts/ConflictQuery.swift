import HTTPTypes
import Hummingbird
import KindredModel
import KindredNode
import KindredReplication

/// The parameters of a request for conflicts.
struct ConflictQuery {
    private let parameters: [String: String]

    init(_ request: Request) {
        var parameters: [String: String] = [:]
        for (name, value) in request.uri.queryParameters { parameters[String(name)] = String(value) }
        self.parameters = parameters
    }

    subscript(name: String) -> String? { parameters[name].flatMap { $0.isEmpty ? nil : $0 } }

    func refuse(_ names: [String], because reason: String) throws(ConflictRefusal) {
        for name in names where self[name] != nil {
            throw ConflictRefusal(description: "\(name) is not possible here: \(reason)", status: 400)
        }
    }

    func client(_ request: Request) -> String? {
        HTTPField.Name("X-Kindred-Client").flatMap { request.headers[$0] } ?? self["client"]
    }

    func name() throws(ConflictRefusal) -> ObjectName {
        guard let bucket = self["bucket"], let key = self["key"] else {
            throw ConflictRefusal(description: "name a bucket and a key: ?type=…&bucket=…&key=…", status: 400)
        }
        return ObjectName(
            type: Array((self["type"] ?? "default").utf8), bucket: Array(bucket.utf8), key: Array(key.utf8))
    }

    func wanted(_ service: ConflictService) async throws -> ConflictService.Query {
        var wanted = ConflictService.Query()
        wanted.filter = try await filter(service)
        wanted.state = try word("state", ["open", "resolved", "lost", "restored", "refused", "shadowed"])
        if let limit = try number("limit") {
            guard 1...UInt64(ConflictService.largestPage) ~= limit else {
                throw refused("limit", "a number from 1 to \(ConflictService.largestPage)")
            }
            wanted.limit = Int(limit)
        }
        if let before = self["before"] {
            guard let position = ConflictPosition(before) else {
                throw refused("before", "what an earlier page has named as 'next'")
            }
            wanted.before = position
        }
        return wanted
    }

    func filter(_ service: ConflictService) async throws -> ConflictFilter {
        var filter = ConflictFilter()
        if let type = self["type"] {
            filter.type = try await service.loop.run { loop throws(RequestFailure) -> UInt32? in
                try Array(type.utf8).withBytes { name throws(RequestFailure) in try loop.typeID(name) }
            }
        }
        filter.bucket = self["bucket"].map { Array($0.utf8) }
        filter.key = self["key"].map { Array($0.utf8) }
        if let strategy = try word("strategy", ConflictStrategy.allCases.map(\.rawValue)) {
            filter.strategies = Set(ConflictStrategy(rawValue: strategy).map { [$0] } ?? [])
        }
        if let kind = try word("kind", Conflict.Kind.allCases.map(\.name)) {
            filter.kinds = Set(Conflict.Kind(name: kind).map { [$0] } ?? [])
        }
        filter.writer = self["writer"].map { Array($0.utf8) }
        if let actor = self["actor"] {
            guard let id = UInt32(actor, radix: 36) else { throw refused("actor", "an actor, as in the dot 3.a7") }
            filter.actor = ActorID(id)
        }
        filter.since = try number("since")
        filter.until = try number("until")
        return filter
    }

    private func number(_ name: String) throws(ConflictRefusal) -> UInt64? {
        guard let text = self[name] else { return nil }
        guard let number = UInt64(text) else { throw refused(name, "a number") }
        return number
    }

    private func word(_ name: String, _ words: [String]) throws(ConflictRefusal) -> String? {
        guard let text = self[name] else { return nil }
        guard words.contains(text) else { throw refused(name, "one of: \(words.joined(separator: ", "))") }
        return text
    }

    private func refused(_ name: String, _ expected: String) -> ConflictRefusal {
        ConflictRefusal(description: "\(name): '\(self[name] ?? "")' is not \(expected)", status: 400)
    }
}
