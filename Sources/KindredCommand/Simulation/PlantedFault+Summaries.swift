import KindredModel
import KindredSimulator

extension PlantedFault {
    /// What goes wrong, in a line.
    var summary: String {
        switch self {
        case .replacedVersionKept: "a merge keeps a version that the other side has replaced"
        case .mergeByMaximum: "a merge compares with the highest counter of an actor instead of the exact events"
        case .tieBreakMissing: "of two writes with equal timestamps each replica keeps the one it had"
        case .contextLostInMerge: "a merge forgets the other side's context"
        case .stripByMaximum: "contexts are stripped of everything up to an actor's highest event, gaps or not"
        case .contextRoundedUp: "a writer's context is rounded up to a vector"
        case .writerKnowsEverything: "a writer is told the object's whole context, without having been shown the object"
        case .contextOfAnotherKey: "a put with the context of another key is taken at its word"
        case .deleteWithoutEvent: "a delete removes the versions without an event of its own"
        case .immutableReplaced: "different content replaces that of an immutable key"
        case .conflictNotEntered: "what a replica notices does not go into the conflict log"
        case .repairSettled: "a read's coordinator drops what last-write-wins has no place for, noticed by nobody"
        case .timestampIgnoresContext: "a write's timestamp does not follow what its writer had seen"
        case .skewAccepted: "a write from a clock far ahead is accepted"
        case .tombstoneForgotten: "a last-write-wins tombstone is dropped at once although others may have older writes"
        case .tombstoneDroppedEarly:
            "a last-write-wins tombstone is dropped as soon as everybody has it, whatever else may still arrive"
        case .clockFloorIgnored: "a new incarnation's clock starts without the floor"
        case .coldObjectsSkipped:
            "what another replica says of an object that is only on the disk is left for later, again and again"
        case .clockMerged: "a clock is merged with the peer's, instead of adding the events whose objects came with it"
        case .effectWithoutEvent: "removals travel without the events that caused them"
        case .answeredBeforeDurable: "answers leave before what they say is durable"
        case .logNotReplayed: "after a restart the log is not replayed, so dots are minted again"
        case .readErrorIsAbsence: "a failed read counts as 'there is nothing'"
        case .lostDiskUnnoticed: "a lost disk goes unnoticed: the replica mints under its old id"
        case .rollbackUnnoticed: "an older copy of a disk goes unnoticed"
        case .prunedWithoutTransfer:
            "events that the log has forgotten are passed over instead of transferring everything"
        case .answerFromTwoSnapshots: "the objects of an answer are newer than the clock they are filled with"
        case .transferClaimsEarly: "a full transfer claims everything with its first part"
        case .transferSkipsAbsent: "a full transfer does not look at keys that only the receiver has"
        case .repairWithoutEvents: "read repair sends the versions with their own events only"
        case .quorumOffByOne: "one acknowledgement less is enough"
        case .refusalCounts: "a replica that could not read counts as an answer"
        case .learnerCounts: "a replica that has not caught up counts in quorums"
        case .fallbackFills: "a fallback fills its copies, as if it had a clock that vouches for anything"
        case .hintForgottenEarly: "a hint is forgotten when it is sent, not when it has arrived"
        case .retryWritesAgain: "a retried write is written again"
        case .staleEpochAccepted: "requests under an old epoch are accepted"
        case .closingIgnored: "writes of an actor that is being closed are still let in"
        case .salvageOmitted: "a write under a voided dot is dropped"
        case .leaderNeedsMajorityOnly: "a leader acknowledges with a majority of its members"
        case .leaderWithoutPromises: "a new leader serves before its members have promised"
        case .oldLeaderFollowed: "a member follows a leader that has been replaced"
        case .leaderReadsAlone: "a leader answers reads without asking its members"
        }
    }

    /// The profiles in the order in which they are tried: those in which the fault can do harm, then all at once, then
    /// the others.
    var profiles: [FaultProfile] {
        let first = likely + [.everything]
        return first + FaultProfile.allCases.filter { !first.contains($0) }
    }

    private var likely: [FaultProfile] {
        switch self {
        case .replacedVersionKept, .contextLostInMerge, .contextRoundedUp, .writerKnowsEverything,
            .contextOfAnotherKey, .immutableReplaced, .conflictNotEntered, .effectWithoutEvent:
            [.calm, .network]
        case .repairSettled, .mergeByMaximum, .tieBreakMissing, .stripByMaximum, .deleteWithoutEvent,
            .repairWithoutEvents,
            .answerFromTwoSnapshots, .fallbackFills, .hintForgottenEarly, .retryWritesAgain, .quorumOffByOne:
            [.network]
        case .timestampIgnoresContext: []
        case .skewAccepted: [.clock]
        case .tombstoneForgotten, .tombstoneDroppedEarly: [.network, .membership]
        case .clockMerged, .answeredBeforeDurable, .logNotReplayed, .coldObjectsSkipped: [.crash]
        case .readErrorIsAbsence, .lostDiskUnnoticed, .rollbackUnnoticed, .refusalCounts: [.disk]
        case .prunedWithoutTransfer, .transferClaimsEarly, .transferSkipsAbsent, .learnerCounts:
            [.disk, .membership]
        case .staleEpochAccepted, .closingIgnored: [.membership]
        case .clockFloorIgnored, .salvageOmitted: []
        case .leaderNeedsMajorityOnly, .leaderWithoutPromises, .oldLeaderFollowed, .leaderReadsAlone:
            [.network, .membership]
        }
    }
}
