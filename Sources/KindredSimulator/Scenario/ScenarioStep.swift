/// One step of a scenario. Replicas and fallbacks are named by their positions: the replicas of the scenario from 0,
/// then its fallbacks.
package enum ScenarioStep: Hashable, Sendable {
    /// Reads at one replica, or at several whose answers are merged. With `repair`, those that know less are told.
    case get(at: [Int], key: String, bind: String?, repair: Bool)
    case put(at: Int, value: ScenarioValue, key: String, context: String?, bind: String?)
    case delete(at: Int, key: String, context: String?, bind: String?)
    /// An operation of a data type, which no strategy of the core has.
    case dataType(at: Int, operation: String, path: String, key: String)
    /// Delivers the message of the put or delete that bound this name, once more if it was delivered before.
    case replicate(message: String, to: Int)
    /// Stores that message at a fallback.
    case hint(message: String, to: Int)
    /// A fallback hands over all that it holds.
    case handoff(from: Int, to: Int, keep: Bool)
    /// One round of anti-entropy: `to` asks `from`.
    case pull(from: Int, to: Int)
    /// One round in each direction.
    case exchange(Int, Int)
    /// From now on messages pass within a group only. Who is in none of them is in one more group, with the others that
    /// are in none.
    case partition(groups: [[Int]])
    case heal
    /// Sets the offset of a replica's physical clock.
    case skew(at: Int, milliseconds: Int64)
    /// A replica, or a fallback, loses its disk.
    case amnesia(at: Int)
    case snapshot(at: Int, name: String)
    /// A replica is started from a backup.
    case restore(at: Int, name: String)
    case prune(at: Int)
    /// With version numbers: another leader.
    case failover(to: Int)

    /// The key that a client's step is about; nil for the other steps.
    package var key: String? {
        switch self {
        case .get(_, let key, _, _), .put(_, _, let key, _, _), .delete(_, let key, _, _), .dataType(_, _, _, let key):
            key
        case .replicate, .hint, .handoff, .pull, .exchange, .partition, .heal, .skew, .amnesia, .snapshot, .restore,
            .prune, .failover:
            nil
        }
    }

    /// The step as a sentence.
    ///
    /// - Parameter nodes: the names of the replicas, then those of the fallbacks.
    package func words(_ nodes: [String]) -> String {
        func name(_ node: Int) -> String { node < nodes.count ? nodes[node] : "?" }
        func names(_ members: [Int]) -> String { members.map(name).joined(separator: ", ") }
        func of(_ key: String) -> String { key == ScenarioStep.defaultKey ? "" : " of \(key)" }
        func with(_ context: String?, _ none: String) -> String { context.map { "knowing \($0)" } ?? none }
        func bound(_ bind: String?) -> String { bind.map { ", called \($0)" } ?? "" }
        return switch self {
        case .get(let at, let key, let bind, let repair):
            "get\(of(key)) at \(names(at))\(repair ? " with repair" : "")\(bound(bind))"
        case .put(let at, let value, let key, let context, let bind):
            "put \(value)\(of(key)) at \(name(at)) \(with(context, "knowing nothing"))\(bound(bind))"
        case .delete(let at, let key, let context, let bind):
            "delete\(of(key)) at \(name(at)) \(with(context, "knowing what it holds"))\(bound(bind))"
        case .dataType(let at, let operation, let path, let key):
            "\(operation)\(path.isEmpty ? "" : " \(path)")\(of(key)) at \(name(at))"
        case .replicate(let message, let to): "deliver \(message) to \(name(to))"
        case .hint(let message, let to): "store \(message) at \(name(to))"
        case .handoff(let from, let to, let keep):
            "\(name(from)) hands over to \(name(to))\(keep ? " and keeps its copies" : "")"
        case .pull(let from, let to): "\(name(to)) pulls from \(name(from))"
        case .exchange(let left, let right): "\(name(left)) and \(name(right)) exchange"
        case .partition(let groups): "partition " + groups.map { "{\(names($0))}" }.joined(separator: " ")
        case .heal: "heal"
        case .skew(let at, let milliseconds): "the clock of \(name(at)) is off by \(milliseconds) ms"
        case .amnesia(let at): "\(name(at)) loses its disk"
        case .snapshot(let at, let backup): "snapshot \(backup) of \(name(at))"
        case .restore(let at, let backup): "restore \(name(at)) from \(backup)"
        case .prune(let at): "\(name(at)) drops its log"
        case .failover(let to): "failover to \(name(to))"
        }
    }

    /// The key of a step that names none.
    package static let defaultKey = "k"
}
