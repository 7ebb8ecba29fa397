import KindredModel
import KindredReplication
import KindredStorage
import NIOConcurrencyHelpers

/// What a data loop keeps for its part in a cluster, whatever that part is at the moment.
struct ClusterSide {
    /// What peers have said since the last tick.
    var inbox: [(messages: [PeerMessage], sender: NodeID)] = []
    /// Whether the core is to be told that time has passed, and how often it has been.
    var isTickDue = false
    var ticks: UInt64 = 0
    /// What the failure detector has said of the other nodes.
    var reachable: [NodeID: Bool] = [:]
    let ruleTable = ConflictRulesTable()
    /// The pages of listings that other nodes have been asked for.
    var listings = PendingListings()
    var rejoin: (@Sendable () -> Void)?

    /// The answers that the participants' current requests have got so far.
    var journals: [ObjectIdentifier: RequestJournal] = [:]
    /// How many answers of its journal the current participant has used.
    var journalPosition = 0
    /// Whether the current participant waits for an answer that it has not got.
    var isAsking = false

    /// A participant begins to perform.
    mutating func beginPerformance() {
        journalPosition = 0
        isAsking = false
    }

    /// It has performed. Unless it waits for something, what it has been answered is used up.
    mutating func endPerformance(of participant: any TickParticipant) {
        if !isAsking, !journals.isEmpty { journals[ObjectIdentifier(participant)] = nil }
    }
}

/// What the rules of a bucket are, for the replication core, which asks in the middle of a step. Used on one event loop, so that the lock is
/// never contended.
final class ConflictRulesTable: Sendable {
    private let box = NIOLockedValueBox(BucketTypeRegistry())

    var registry: BucketTypeRegistry {
        get { box.withLockedValue { $0 } }
        set { box.withLockedValue { $0 = newValue } }
    }

    /// - Parameter address: bucket type, bucket and key, as `ObjectKey.address` has them.
    func rules(of address: ArraySlice<UInt8>) -> ConflictRules {
        // Of a type that this node has not heard of, everything is kept, and told.
        let unknown = ConflictRules(.versionVectors)
        return address.withUnsafeBytes { bytes in
            guard let fields = AddressFields(bytes) else { return unknown }
            return box.withLockedValue { registry in
                registry.resolved(type: fields.bucketType, bucket: fields.bucket)?.conflictRules ?? unknown
            }
        }
    }
}
