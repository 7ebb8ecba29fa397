import KindredModel
import KindredReplication
import KindredStorage

/// New incarnations, and what a replica forgets by itself.
extension ScenarioRun {
    /// A replica comes back with an empty disk; a fallback has lost its hints.
    mutating func loseDisk(of node: Int) throws(StorageError) {
        if node < replicas.count {
            try restart(node, from: nil)
        } else {
            fallbacks[node - replicas.count] = []
        }
    }

    /// Starts a replica under the next actor. The old one mints no more, and is no member any more.
    mutating func restart(_ replica: Int, from backup: ScenarioBackup?) throws(StorageError) {
        let actor = ActorID(nextActor)
        nextActor += 1
        hasReplacedIncarnation = true
        var next = view
        next.epoch += 1
        next.members[replica].actor = actor
        try adopt(next, except: replica)
        replicas[replica] = try replicas[replica].restarted(
            as: actor, view: view, from: backup, floor: floor(at: replica))
        leadership.members.removeAll { $0 == replica }
    }

    /// Where the hybrid clock of a new incarnation starts: it must not write below a tombstone that others have
    /// dropped, nor below what the one before it has written. What the others would refuse as too far ahead is no
    /// reason to start there.
    private func floor(at replica: Int) -> HybridTimestamp {
        let limit = wall(of: replica).addingReportingOverflow(scenario.maximumSkew ?? .max)
        let admissible = limit.overflow ? latestTimestamp : HybridTimestamp(milliseconds: limit.partialValue)
        return max(view.clockFloor, min(latestTimestamp, admissible))
    }

    private mutating func adopt(_ newer: PartitionView, except missing: Int? = nil) throws(StorageError) {
        view = newer
        for index in replicas.indices where index != missing {
            try replicas[index].adopt(newer, surroundings(of: index))
        }
    }

    /// A replica forgets its log, and the tombstones that nobody can need any more.
    mutating func prune(_ replica: Int) throws(StorageError) {
        try replicas[replica].forgetLog()
        try settle([replica])
    }

    /// Has replicas drop the tombstones below which nothing can arrive any more, raising the clock floor where they
    /// wait for it.
    ///
    /// After an incarnation has been replaced none is dropped: what it minted and never said may still be on its way,
    /// until the configuration service has closed its actor, and no scenario goes so far.
    mutating func settle(_ some: [Int]) throws(StorageError) {
        guard !hasReplacedIncarnation else { return }
        var floor = view.clockFloor
        for index in some {
            floor = max(floor, try replicas[index].settle(surroundings(of: index)) ?? .zero)
        }
        guard floor > view.clockFloor else { return }
        var next = view
        next.epoch += 1
        next.clockFloor = floor
        try adopt(next)
        for index in some { _ = try replicas[index].settle(surroundings(of: index)) }
    }
}
