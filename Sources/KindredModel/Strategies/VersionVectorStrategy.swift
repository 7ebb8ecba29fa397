/// Siblings: a write replaces exactly the versions its writer had seen; what it had not seen stays beside it.
///
/// Leaderless, the default. Nothing is ever lost, and a client that always writes with the context of its own last answer leaves at
/// most one sibling, for ever.
enum VersionVectorStrategy {
    static func apply(
        _ write: ClientWrite, as event: WriteEvent, to object: inout CausalObject, siblingLimit: Int
    ) -> WriteOutcome {
        guard write.content != nil else { return delete(write, as: event, from: &object) }
        return put(write, number: 0, as: event, to: &object, siblingLimit: siblingLimit)
    }

    /// Shared with `VersionNumberStrategy`, which only adds the number.
    static func put(
        _ write: ClientWrite, number: UInt64, as event: WriteEvent, to object: inout CausalObject, siblingLimit: Int
    ) -> WriteOutcome {
        let seen = write.seen ?? .nothing
        if object.versions.count >= siblingLimit, !object.versions.contains(where: { seen.context.contains($0.dot) }) {
            return .refused(.tooManySiblings(count: object.versions.count))
        }
        let replaced = object.discard(seen.context)
        object.insert(event.version(of: write, number: number, replacing: replaced))
        return .applied(replaced: replaced, discarded: [])
    }

    /// A delete is an event with a dot and no version. One that neither removes a version nor knows more than this replica would
    /// say nothing new, and does not happen.
    static func delete(_ write: ClientWrite, as event: WriteEvent, from object: inout CausalObject) -> WriteOutcome {
        let seen = write.seen?.context ?? object.context
        let removes = object.versions.contains { seen.contains($0.dot) }
        guard removes || !object.context.isSuperset(of: seen) else { return .unchanged }
        let replaced = object.discard(seen)
        if !PlantedFault.deleteWithoutEvent.isActive { object.record(event.dot) }
        return .applied(replaced: replaced, discarded: [])
    }
}
