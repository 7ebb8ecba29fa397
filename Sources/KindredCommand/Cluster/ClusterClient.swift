import KindredNode
import NIOHTTP1

/// Asks nodes for what `/kindred/v1/cluster…` has, and does there what operators do.
struct ClusterClient: Sendable {
    private static let prefix = "/kindred/v1/cluster"

    private let http: NodeHTTP

    var timeout: Duration { http.timeout }

    /// Opens a client for as long as `body` runs.
    static func with<Result: Sendable>(
        _ nodes: [NodeURL], timeout: Duration, _ body: (ClusterClient) async throws -> Result
    ) async throws -> Result {
        try await NodeHTTP.with(nodes, timeout: timeout, afterDoubt: "kindred cluster status") { http in
            try await body(ClusterClient(http: http))
        }
    }

    // MARK: Questions

    func report() async throws(CommandFailure) -> NodeAnswer<ClusterReport> { try await get("") }

    /// What one node says of the cluster and of itself.
    func report(of node: NodeURL, within limit: Duration) async throws(NodeFailure) -> ClusterReport {
        let bytes = try await http.send(node, NodeRequest(.GET, Self.prefix), within: min(limit, timeout))
        return try NodeHTTP.decode(bytes, from: node)
    }

    func plan() async throws(CommandFailure) -> NodeAnswer<PlanReport> { try await get("/plan") }

    private func get<Value: Decodable & Sendable>(_ path: String) async throws(CommandFailure) -> NodeAnswer<Value> {
        try await http.answer(NodeRequest(.GET, Self.prefix + path))
    }

    // MARK: Changes

    func create(partitions: UInt16, replicas: UInt8, nodes: [String]?) async throws(CommandFailure) {
        try await post("/create", Creation(partitions: partitions, replicas: replicas, nodes: nodes))
    }

    func stage(_ change: StagedChange) async throws(CommandFailure) { try await post("/staged", change) }

    func clearStaged() async throws(CommandFailure) {
        _ = try await http.ask(NodeRequest(.DELETE, Self.prefix + "/staged"))
    }

    func commit(planFor epoch: UInt64) async throws(CommandFailure) {
        try await post("/commit", Commit(membershipEpoch: epoch))
    }

    func cancel() async throws(CommandFailure) -> NodeAnswer<Cancellation> {
        try await http.answer(NodeRequest(.POST, Self.prefix + "/cancel"))
    }

    func declareLost(_ name: String) async throws(CommandFailure) { try await post("/lost", Lost(node: name)) }

    /// A change of the nodes, as it is asked for.
    struct StagedChange: Encodable, Hashable, Sendable {
        var change: String
        var node: String
        var with: String?
        var weight: UInt16?
    }

    /// What came of giving a commit up.
    struct Cancellation: Codable, Hashable, Sendable {
        /// The partitions that go on, because their new members count already.
        var tooLate: [UInt16]
    }

    private struct Creation: Encodable {
        var partitions: UInt16
        var replicas: UInt8
        var nodes: [String]?
    }

    private struct Commit: Encodable {
        var membershipEpoch: UInt64
    }

    private struct Lost: Encodable {
        var node: String
    }

    private func post(_ path: String, _ body: some Encodable) async throws(CommandFailure) {
        _ = try await http.ask(NodeRequest(.POST, Self.prefix + path, json: body))
    }
}
