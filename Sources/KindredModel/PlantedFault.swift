#if DEBUG || KINDRED_PLANTED_FAULTS
    import Synchronization
#endif

/// Mistakes that the simulator must be able to catch, each at the place in the code where somebody could make it.
///
/// They exist in debug builds, and in builds with `-DKINDRED_PLANTED_FAULTS`. In every other build `isActive` is the constant `false`, and
/// nothing is left of them. docs/TESTING.md has the table of what catches which.
package enum PlantedFault: UInt8, CaseIterable, Sendable {
    /// Compiled into this build or not.
    #if DEBUG || KINDRED_PLANTED_FAULTS
        package static let isAvailable = true
    #else
        package static let isAvailable = false
    #endif

    // What an object is.
    /// A merge keeps a version that the other side has replaced.
    case replacedVersionKept
    /// A merge compares with the highest counter of an actor instead of the exact events.
    case mergeByMaximum
    /// Of two writes with equal timestamps each replica keeps the one it had.
    case tieBreakMissing
    /// A merge forgets the other side's context.
    case contextLostInMerge
    /// Contexts are stripped of everything up to an actor's highest event, gaps or not.
    case stripByMaximum
    /// A writer's context is rounded up to a vector.
    case contextRoundedUp
    /// A writer is told the object's whole context, without having been shown the object.
    case writerKnowsEverything
    /// A put with the context of another key is taken at its word.
    case contextOfAnotherKey
    /// A delete removes the versions without an event of its own.
    case deleteWithoutEvent
    /// Different content replaces that of an immutable key.
    case immutableReplaced

    // What is told of conflicts.
    /// What a replica notices does not go into the conflict log.
    case conflictNotEntered
    /// A read's coordinator drops what last-write-wins has no place for before any replica has noticed it.
    case repairSettled

    // What time is.
    /// A write's timestamp does not follow what its writer had seen.
    case timestampIgnoresContext
    /// A write from a clock far ahead is accepted.
    case skewAccepted
    /// A last-write-wins tombstone is dropped at once although others may have older writes.
    case tombstoneForgotten
    /// A last-write-wins tombstone is dropped as soon as everybody has it, whatever else may still arrive.
    case tombstoneDroppedEarly
    /// A new incarnation's clock starts without the floor.
    case clockFloorIgnored

    // What a replica records.
    /// What another replica says of an object that is only on the disk is left for later, again and again.
    case coldObjectsSkipped
    /// A clock is merged with the peer's, instead of adding the events whose objects came with it.
    case clockMerged
    /// Removals travel without the events that caused them.
    case effectWithoutEvent
    /// Answers leave before what they say is durable.
    case answeredBeforeDurable
    /// After a restart the log is not replayed, so dots are minted again.
    case logNotReplayed
    /// A failed read counts as "there is nothing".
    case readErrorIsAbsence
    /// A lost disk goes unnoticed: the replica mints under its old id.
    case lostDiskUnnoticed
    /// An older copy of a disk goes unnoticed.
    case rollbackUnnoticed

    // How replicas exchange.
    /// Events that the log has forgotten are passed over instead of transferring everything.
    case prunedWithoutTransfer
    /// The objects of an answer are newer than the clock they are filled with.
    case answerFromTwoSnapshots
    /// A full transfer claims everything with its first part.
    case transferClaimsEarly
    /// A full transfer does not look at keys that only the receiver has.
    case transferSkipsAbsent
    /// Read repair sends the versions with their own events only.
    case repairWithoutEvents

    // Who counts.
    /// One acknowledgement less is enough.
    case quorumOffByOne
    /// A replica that could not read counts as an answer.
    case refusalCounts
    /// A replica that has not caught up counts in quorums.
    case learnerCounts
    /// A fallback fills its copies, as if it had a clock that vouches for anything.
    case fallbackFills
    /// A hint is forgotten when it is sent, not when it has arrived.
    case hintForgottenEarly
    /// A retried write is written again.
    case retryWritesAgain
    /// Requests under an old epoch are accepted.
    case staleEpochAccepted

    // Actors and leaders.
    /// Writes of an actor that is being closed are still let in.
    case closingIgnored
    /// A write under a voided dot is dropped.
    case salvageOmitted
    /// A leader acknowledges with a majority of its members.
    case leaderNeedsMajorityOnly
    /// A new leader serves before its members have promised.
    case leaderWithoutPromises
    /// A member follows a leader that has been replaced.
    case oldLeaderFollowed
    /// A leader answers reads without asking its members.
    case leaderReadsAlone

    #if DEBUG || KINDRED_PLANTED_FAULTS
        private static let active = Atomic<Int>(-1)

        /// Makes this mistake from now on, in the whole process; with nil no mistake.
        package static func plant(_ fault: PlantedFault?) {
            active.store(fault.map { Int($0.rawValue) } ?? -1, ordering: .relaxed)
        }

        /// Whether this mistake is to be made.
        package var isActive: Bool {
            PlantedFault.active.load(ordering: .relaxed) == Int(rawValue)
        }
    #else
        /// Whether this mistake is to be made: never in this build.
        @inlinable package var isActive: Bool { false }
    #endif
}
