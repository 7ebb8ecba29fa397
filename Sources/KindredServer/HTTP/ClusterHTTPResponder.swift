import Foundation
import Hummingbird
package import KindredNode
import KindredWire
import NIOConcurrencyHelpers

/// The node's part in its cluster, for listeners that begin to listen before it has one.
package final class ClusterAccess: Sendable {
    private let box = NIOLockedValueBox<ClusterService?>(nil)
    /// Whether the node is one of a cluster, so that it serves nothing before it has joined.
    package let isExpected: Bool

    package init(isExpected: Bool = false) {
        self.isExpected = isExpected
    }

    package var service: ClusterService? {
        get { box.withLockedValue { $0 } }
        set { box.withLockedValue { $0 = newValue } }
    }
}

/// Kindred's own interface for operators, `/kindred/v1/cluster…`: JSON in and out. Every node serves it, also while it waits to join.
struct ClusterHTTPResponder: OperatorInterface {
    let access: ClusterAccess

    static let prefix = "/kindred/v1/cluster"

    /// Answers a request whose path begins with `prefix`.
    func respond(to request: Request, path: String) async -> Response {
        if let refusal = refusalOfOtherSites(request) { return refusal }
        guard let service = access.service else {
            if access.isExpected { return refusal("the node is starting", status: 503) }
            return refusal("this node is not of a cluster: start it with --etcd and --cluster", status: 409)
        }
        return await answering { try await answer(request, String(path.dropFirst(Self.prefix.count)), service) }
    }

    private func answer(_ request: Request, _ path: String, _ service: ClusterService) async throws -> Response {
        switch (path, request.method) {
        case ("", .get): return try json(await service.report())
        case ("/plan", .get): return try json(await service.plan())
        case ("/clocks", .get): return try json(await service.clocks())
        case ("/create", .post):
            let wish = try await body(Creation.self, of: request)
            try await service.create(
                partitions: wish.partitions ?? 64, n: wish.replicas ?? 3, nodes: wish.nodes)
        case ("/staged", .post):
            try await service.stage(try await body(Change.self, of: request).wish())
        case ("/staged", .delete):
            try await service.clearStaged()
        case ("/commit", .post):
            try await service.commit(planFor: try await body(Commit.self, of: request).membershipEpoch)
        case ("/cancel", .post):
            return try json(Cancellation(tooLate: await service.cancel()))
        case ("/lost", .post):
            try await service.declareLost(try await body(Lost.self, of: request).node)
        case ("", _), ("/plan", _), ("/clocks", _), ("/create", _), ("/staged", _), ("/commit", _), ("/cancel", _),
            ("/lost", _):
            return refusal("method not allowed", status: 405)
        default:
            return refusal("not found", status: 404)
        }
        return Response(bytes: [], status: 204, fields: [])
    }

    /// Whether the node serves requests.
    func ready() async -> Response {
        guard let service = access.service else {
            return access.isExpected
                ? Response(text: "the node is starting\n", status: 503) : Response(text: "OK\n", status: 200)
        }
        guard let impediment = await service.impediment() else { return Response(text: "OK\n", status: 200) }
        return Response(text: impediment + "\n", status: 503)
    }

    // MARK: Bodies

    private struct Creation: Decodable {
        var partitions: UInt16?
        var replicas: UInt8?
        var nodes: [String]?
    }

    private struct Change: Decodable {
        var change: String
        var node: String
        var with: String?
        var weight: UInt16?

        func wish() throws -> ClusterService.Wish {
            switch (change, with, weight) {
            case ("join", nil, nil): return .join(node)
            case ("leave", nil, nil): return .leave(node)
            case ("replace", let with?, nil): return .replace(node, with: with)
            case ("reweigh", nil, let weight?): return .reweigh(node, weight)
            default:
                throw ClusterRefusal(
                    "a change is join or leave of a node, replace of a node with another, or reweigh with a weight")
            }
        }
    }

    private struct Commit: Decodable {
        var membershipEpoch: UInt64?
    }

    private struct Lost: Decodable {
        var node: String
    }

    private struct Cancellation: Encodable {
        var tooLate: [UInt16]
    }

}
