package import KindredReplication

/// A fault and when it happens.
package struct TimedFault: Hashable, Sendable, CustomStringConvertible {
    /// When.
    package let time: VirtualTime
    /// What.
    package let fault: Fault

    /// Pairs the two.
    package init(time: VirtualTime, fault: Fault) {
        self.time = time
        self.fault = fault
    }

    package var description: String { "\(time)  \(fault)" }
}

/// Trouble with a beginning and an end. It ends everything that it begins, so a plan can spare it.
package struct FaultEpisode: Hashable, Sendable, CustomStringConvertible {
    /// What kind of trouble.
    package let kind: EpisodeKind
    /// The faults, by time; there is at least one. After the last one, nothing of this episode is active.
    package let steps: [TimedFault]

    /// The time of the first fault.
    package var begin: VirtualTime { steps[0].time }
    /// The time of the last fault.
    package var end: VirtualTime { steps[steps.count - 1].time }

    /// Makes an episode of at least one step, ordered by time.
    package init(kind: EpisodeKind, steps: [TimedFault]) {
        precondition(!steps.isEmpty, "an episode without faults")
        precondition(zip(steps, steps.dropFirst()).allSatisfy { $0.time <= $1.time }, "faults out of order: \(steps)")
        self.kind = kind
        self.steps = steps
    }

    package var description: String {
        "\(kind.rawValue): " + steps.map(\.description).joined(separator: "; ")
    }
}

/// All faults of one run. From `quietFrom` on, no fault is active: what is still wrong later is the cluster's fault.
///
/// It is made of episodes, not of single faults, so that it can be made smaller (`keeping`) and still ends quiet and
/// within its policy.
package struct FaultPlan: Hashable, Sendable {
    /// What chose the faults.
    package let seed: UInt64
    /// Which kinds there are.
    package let profile: FaultProfile
    /// The members at the beginning.
    package let nodes: [NodeID]
    /// The members that must remain.
    package let minimumMembers: Int
    /// When the last fault has ended.
    package let quietFrom: VirtualTime
    /// The faults, by the beginning of the episode.
    package let episodes: [FaultEpisode]

    init(
        seed: UInt64, profile: FaultProfile, nodes: [NodeID], minimumMembers: Int, quietFrom: VirtualTime,
        episodes: [FaultEpisode]
    ) {
        self.seed = seed
        self.profile = profile
        self.nodes = nodes
        self.minimumMembers = minimumMembers
        self.quietFrom = quietFrom
        self.episodes = episodes
    }

    /// All faults by time; those of one time in the order of episodes and of their steps.
    package var schedule: [TimedFault] {
        episodes.flatMap(\.steps).enumerated().sorted { left, right in
            left.element.time == right.element.time
                ? left.offset < right.offset : left.element.time < right.element.time
        }.map(\.element)
    }

    /// How often each kind of fault happens.
    package var counts: FaultCounts { FaultCounts(schedule) }

    /// The plan with these of its episodes only, in their order. Without those that have become impossible: of nodes
    /// that no longer join, and removals that would leave too few members.
    package func keeping(_ kept: [FaultEpisode]) -> FaultPlan {
        var members = Set(nodes)
        var possible: [FaultEpisode] = []
        for episode in kept {
            guard episode.steps.allSatisfy({ $0.fault.existingNodes.allSatisfy(members.contains) }) else { continue }
            if episode.kind == .removal && members.count <= minimumMembers { continue }
            for step in episode.steps {
                switch step.fault {
                case .addNode(let node): members.insert(node)
                case .removeNode(let node): members.remove(node)
                case .replaceNode(let node, let successor):
                    members.remove(node)
                    members.insert(successor)
                default: break
                }
            }
            possible.append(episode)
        }
        return FaultPlan(
            seed: seed, profile: profile, nodes: nodes, minimumMembers: minimumMembers, quietFrom: quietFrom,
            episodes: possible)
    }
}

extension Fault {
    /// The nodes that must be members for the fault to make sense. A cut between nodes that are not there does no harm.
    fileprivate var existingNodes: [NodeID] {
        switch self {
        case .addNode: []
        default: node.map { [$0] } ?? []
        }
    }
}
