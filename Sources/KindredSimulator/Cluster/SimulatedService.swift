import KindredModel
import KindredReplication

/// The configuration service of a simulated cluster: holds the topology, takes requests one after the other, and can be away.
struct SimulatedService {
    private(set) var topology: Topology
    var isAway = false
    /// How many requests were refused because things had moved on.
    private(set) var refused = 0
    /// Why the last one was.
    private(set) var lastRefusal: TopologyRefusal?

    init(topology: Topology) {
        self.topology = topology
    }

    /// Counts a start of a node's process; nil if the service is away or the node has been declared lost.
    mutating func registerStart(of node: NodeID) -> UInt64? {
        guard !isAway else { return nil }
        return try? topology.registerStart(of: node)
    }

    /// Takes a request of a node.
    mutating func handle(_ request: ConfigurationRequest, from node: NodeID) {
        guard !isAway else { return }
        do throws(TopologyRefusal) {
            try topology.apply(request, from: node)
        } catch {
            refused += 1
            lastRefusal = error
        }
    }

    /// An operator's change of the members. Refused if another one is under way.
    mutating func change(_ changes: [MembershipChange]) -> Bool {
        guard !isAway else { return false }
        do throws(TopologyRefusal) {
            let plan = try topology.plan(changes) { _ in 0 }
            try topology.begin(plan)
            return true
        } catch {
            refused += 1
            lastRefusal = error
            return false
        }
    }

    /// An operator gives a node up for good.
    mutating func declareLost(_ node: NodeID) -> Bool {
        guard !isAway else { return false }
        do throws(TopologyRefusal) {
            try topology.declareLost(node)
            return true
        } catch {
            refused += 1
            lastRefusal = error
            return false
        }
    }

    /// An operator registers a new machine; nil if the service is away.
    mutating func register() -> NodeID? {
        guard !isAway else { return nil }
        return try? topology.register()
    }
}
