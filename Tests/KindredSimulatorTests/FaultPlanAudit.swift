import KindredReplication
import KindredSimulator

/// Plays a plan, fault by fault, and finds the first that breaks the rules. Knows nothing of how plans are made.
struct FaultPlanAudit {
    private struct Active {
        var stopped: Set<NodeID> = []
        var slow: Set<NodeID> = []
        var wrongClocks: Set<NodeID> = []
        var failing: Set<NodeID> = []
        var full: Set<NodeID> = []
        var lying: Set<NodeID> = []
        var cuts = 0
        var outages = 0
        var members: Set<NodeID>
        var snapshots: Set<NodeID> = []

        var isQuiet: Bool {
            stopped.isEmpty && slow.isEmpty && wrongClocks.isEmpty && failing.isEmpty && full.isEmpty && lying.isEmpty
                && cuts == 0 && outages == 0
        }
    }

    /// What is wrong with the plan, or nil.
    private(set) var problem: String?

    private let plan: FaultPlan
    private let policy: FaultPolicy
    /// Whether episodes were left out. Then there may be members that would have left, and that no cut knows.
    private let isPart: Bool
    private var active: Active

    init(_ plan: FaultPlan, _ policy: FaultPolicy, isPart: Bool = false) {
        self.isPart = isPart
        self.plan = plan
        self.policy = policy
        active = Active(members: Set(plan.nodes))
        play()
        if problem == nil { problem = destructionProblem() }
    }

    private mutating func play() {
        let schedule = plan.schedule
        if schedule.count != plan.episodes.reduce(0, { $0 + $1.steps.count }) { problem = "faults are missing" }
        var last = VirtualTime.zero
        for step in schedule where problem == nil {
            if step.time < last { problem = "\(step) is out of order" }
            if step.time > plan.quietFrom { problem = "\(step) breaks the quiet" }
            last = step.time
            if let node = step.fault.node, !isAddition(step.fault), !active.members.contains(node) {
                problem = "\(step): not a member"
            }
            if let wrong = apply(step.fault) { problem = "\(step): \(wrong)" }
            if active.stopped.count > policy.maximumStopped { problem = "\(step): too many nodes are stopped" }
            if active.members.count < policy.minimumMembers { problem = "\(step): too few members" }
        }
        if problem == nil && !active.isQuiet { problem = "does not end quiet: \(active)" }
    }

    private func isAddition(_ fault: Fault) -> Bool {
        if case .addNode = fault { true } else { false }
    }

    /// Applies a fault; returns what is wrong with it.
    private mutating func apply(_ fault: Fault) -> String? {
        let isGood: Bool
        switch fault {
        case .crash(let node, _): isGood = active.stopped.insert(node).inserted
        case .restart(let node): isGood = active.stopped.remove(node) != nil
        case .partition(let groups):
            active.cuts += 1
            let cut = Set(groups.joined())
            isGood =
                groups.count > 1 && groups.allSatisfy { !$0.isEmpty } && cut.count == groups.joined().count
                && (isPart || cut.isSuperset(of: active.members))
        case .blockOneWay(let from, let to):
            active.cuts += 1
            isGood = from != to
        case .heal:
            isGood = active.cuts > 0
            active.cuts = 0
        case .slowNode(let node, let factor): isGood = factor > 1 && active.slow.insert(node).inserted
        case .nodeSpeedRestored(let node): isGood = active.slow.remove(node) != nil
        case .replayOldMessage: isGood = true
        case .clockJump(let node, let milliseconds):
            isGood =
                active.wrongClocks.insert(node).inserted && milliseconds != 0
                && abs(milliseconds) <= policy.longestClockJump
        case .clockDrift(let node, let drift):
            isGood = active.wrongClocks.insert(node).inserted && drift != 0 && abs(drift) <= policy.largestClockDrift
        case .clockCorrected(let node): isGood = active.wrongClocks.remove(node) != nil
        case .diskReadErrors(let node, let count): isGood = count > 0 && active.failing.insert(node).inserted
        case .diskCommitFailure(let node), .diskBitFlip(let node): isGood = active.failing.insert(node).inserted
        case .diskHealed(let node), .diskScrub(let node): isGood = active.failing.remove(node) != nil
        case .diskFull(let node): isGood = active.full.insert(node).inserted
        case .diskFreed(let node): isGood = active.full.remove(node) != nil
        case .diskLost(let node): isGood = active.stopped.contains(node)
        case .takeSnapshot(let node): isGood = active.snapshots.insert(node).inserted
        case .diskRollback(let node):
            isGood = active.stopped.contains(node) && active.snapshots.remove(node) != nil
        case .lyingSync(let node): isGood = active.lying.insert(node).inserted
        case .honestSync(let node): isGood = active.lying.remove(node) != nil && !active.stopped.contains(node)
        case .replaceNode(let node, let successor):
            isGood = active.members.insert(successor).inserted
            leave(node)
        case .removeNode(let node):
            isGood = !active.stopped.contains(node)
            leave(node)
        case .addNode(let node): isGood = active.members.insert(node).inserted
        case .serviceOutageBegins:
            active.outages += 1
            isGood = active.outages == 1
        case .serviceOutageEnds:
            active.outages -= 1
            isGood = active.outages == 0
        }
        return isGood ? nil : "makes no sense when \(active)"
    }

    private mutating func leave(_ node: NodeID) {
        active.members.remove(node)
        active.stopped.remove(node)
    }

    /// Whether too many nodes are destroyed at a time: looked at from the beginning of each destructive episode.
    private func destructionProblem() -> String? {
        let destructive = plan.episodes.filter { policy.destructive.contains($0.kind) }
        for episode in destructive {
            let destroyed = destructive.filter { earlier in
                earlier == episode
                    || (earlier.begin <= episode.begin && calm(from: earlier.end, to: episode.begin) < policy.recovery)
            }
            if destroyed.count > policy.maximumDestroyed {
                return "destroyed at once: \(destroyed)"
            }
        }
        return nil
    }

    /// The microseconds between two times in which nothing is in the way of recovery, found by cutting the time at
    /// every beginning and end.
    private func calm(from: VirtualTime, to: VirtualTime) -> UInt64 {
        guard from < to else { return 0 }
        let disturbing = plan.episodes.filter { $0.kind.disturbsRecovery && $0.begin < to && $0.end > from }
        let edges = ([from, to] + disturbing.flatMap { [max(from, $0.begin), min(to, $0.end)] }).sorted()
        return zip(edges, edges.dropFirst()).reduce(0) { sum, piece in
            let isCovered = disturbing.contains { $0.begin <= piece.0 && $0.end >= piece.1 }
            return isCovered ? sum : sum + piece.1.microseconds(since: piece.0)
        }
    }
}
