package import KindredReplication
internal import KindredTesting

extension FaultPlan {
    /// The plan that belongs to a seed: the same arguments give the same plan, on every machine.
    ///
    /// Episodes begin at random times and overlap, but never two on the process or disk of one node, two cuts, two
    /// outages, or two changes of membership, so that each ends what it began.
    ///
    /// - Parameters:
    ///   - nodes: the members at the beginning. New nodes get the numbers after the largest.
    ///   - from: when the first fault may happen.
    ///   - quietFrom: when the last one has ended.
    package static func generate(
        seed: UInt64, profile: FaultProfile, nodes: [NodeID], from: VirtualTime = .zero, quietFrom: VirtualTime,
        policy: FaultPolicy
    ) -> FaultPlan {
        var generator = FaultPlanGenerator(
            seed: seed, profile: profile, nodes: nodes, from: from, quietFrom: quietFrom, policy: policy)
        return FaultPlan(
            seed: seed, profile: profile, nodes: nodes, minimumMembers: policy.minimumMembers, quietFrom: quietFrom,
            episodes: generator.generate())
    }
}

/// Chooses episodes one after the other, in the order in which they begin. So at the beginning of each, everything
/// that is active by then is known, and the policy can be held exactly.
private struct FaultPlanGenerator {
    /// What there can be only one of.
    private enum Resource: Hashable {
        /// The process and the disk of a node.
        case node(NodeID)
        case clock(NodeID)
        case speed(NodeID)
        case cuts
        case membership
        case service
    }

    private let policy: FaultPolicy
    private let weighted: [(kind: EpisodeKind, weight: Int)]
    private let quietFrom: VirtualTime

    private var chance: SplitMix64
    private var now: VirtualTime
    private var episodes: [FaultEpisode] = []

    /// In ascending order. Nodes join and leave in a while, in which nothing else is done to them but cuts.
    private var members: [NodeID]
    private var joining: [(node: NodeID, until: VirtualTime)] = []
    private var leaving: [(node: NodeID, until: VirtualTime)] = []
    private var nextNode: UInt32
    /// Only looked up.
    private var takenUntil: [Resource: VirtualTime] = [:]
    /// For each node that is destroyed, when its episode ends.
    private var destroyed: [VirtualTime] = []
    /// For each stop of a node that has begun, when it ends.
    private var stops: [VirtualTime] = []

    init(
        seed: UInt64, profile: FaultProfile, nodes: [NodeID], from: VirtualTime, quietFrom: VirtualTime,
        policy: FaultPolicy
    ) {
        precondition(!nodes.isEmpty, "a cluster without nodes")
        precondition(policy.meanGap > 0, "all faults at once")
        self.policy = policy
        self.quietFrom = quietFrom
        weighted = profile.episodes
        chance = SplitMix64(seed: seed)
        now = from
        members = nodes.sorted()
        nextNode = (nodes.map(\.rawValue).max() ?? 0) + 1
    }

    mutating func generate() -> [FaultEpisode] {
        guard !weighted.isEmpty else { return [] }
        while true {
            now = now.advanced(byMicroseconds: 1 + number(below: 2 * policy.meanGap))
            guard now.advanced(byMicroseconds: policy.length.lowerBound) <= quietFrom else { return episodes }
            members = (members + joining.filter { $0.until < now }.map(\.node)).sorted()
            joining = joining.filter { $0.until >= now }
            leaving = leaving.filter { $0.until >= now }
            destroyed = destroyed.filter { !hasRecovered(from: $0) }

            let kind = randomKind()
            if policy.destructive.contains(kind) && destroyed.count >= policy.maximumDestroyed {
                // Now and then the cluster gets a lull, or nobody would ever recover.
                if policy.maximumDestroyed > 0 && chance.chance(40) { rest() }
                continue
            }
            if let episode = episode(kind) { episodes.append(episode) }
        }
    }

    /// Goes to when everything has ended and the destroyed nodes have recovered.
    private mutating func rest() {
        let end = episodes.map(\.end).max() ?? now
        now = max(now, end).advanced(byMicroseconds: policy.recovery)
    }

    // MARK: Policy

    /// Whether the cluster had the time to make a node whole whose episode ended then: the time since, without the
    /// times in which something else was in the way.
    private func hasRecovered(from end: VirtualTime) -> Bool {
        guard end < now else { return false }
        var calm: UInt64 = 0
        var reached = end
        // Ordered by beginning, so what is between them is what none of them covers.
        for episode in episodes where episode.kind.disturbsRecovery {
            let begin = min(episode.begin, now)
            calm += begin.microseconds(since: reached)
            reached = max(reached, min(episode.end, now))
        }
        calm += now.microseconds(since: reached)
        return calm >= policy.recovery
    }

    /// Whether `count` more nodes may stop now. What stops later asks for itself, so this moment is all that counts.
    private func mayStop(_ count: Int) -> Bool {
        stops.count { $0 >= now } + count <= policy.maximumStopped
    }

    private func isFree(_ resource: Resource) -> Bool {
        takenUntil[resource].map { $0 < now } ?? true
    }

    // MARK: Chance

    private mutating func number(below bound: UInt64) -> UInt64 {
        UInt64(chance.below(Int(clamping: bound)))
    }

    private mutating func randomKind() -> EpisodeKind {
        var left = chance.below(weighted.reduce(0) { $0 + $1.weight })
        for (kind, weight) in weighted {
            if left < weight { return kind }
            left -= weight
        }
        return weighted[0].kind
    }

    private mutating func randomMember(free resource: (NodeID) -> Resource) -> NodeID? {
        let free = members.filter { isFree(resource($0)) }
        return free.isEmpty ? nil : free[chance.below(free.count)]
    }

    /// When an episode that begins now ends.
    private mutating func randomEnd() -> VirtualTime {
        let length =
            policy.length.lowerBound
            + number(below: policy.length.upperBound - policy.length.lowerBound + 1)
        return min(now.advanced(byMicroseconds: length), quietFrom)
    }

    /// A time between two others.
    private mutating func randomTime(from: VirtualTime, to: VirtualTime) -> VirtualTime {
        from.advanced(byMicroseconds: number(below: to.microseconds(since: from) + 1))
    }

    private mutating func randomCrash() -> CrashKind {
        chance.chance(50) ? .process : .power
    }

    // MARK: Episodes

    /// An episode of this kind that begins now, or nil if what it needs is taken.
    private mutating func episode(_ kind: EpisodeKind) -> FaultEpisode? {
        switch kind {
        case .processCrash, .powerCrash, .lostDisk, .rollback, .lyingDisk: stoppingEpisode(kind)
        case .powerCut: powerCut()
        case .readErrors, .bitFlip, .fullDisk, .commitFailure: diskEpisode(kind)
        case .partition, .oneWayBlock: cut(kind)
        case .slowNode, .clockJump, .clockDrift: clockOrSpeedEpisode(kind)
        case .oldMessage: FaultEpisode(kind: kind, steps: [TimedFault(time: now, fault: .replayOldMessage)])
        case .replacement, .removal, .addition: membershipEpisode(kind)
        case .serviceOutage: serviceOutage()
        }
    }

    /// An episode in which one node stops, at least if chance wants it so.
    private mutating func stoppingEpisode(_ kind: EpisodeKind) -> FaultEpisode? {
        let end = randomEnd()
        guard mayStop(1), let node = randomMember(free: Resource.node) else { return nil }
        let stop = randomTime(from: now, to: end)
        let crash = randomCrash()
        let steps: [TimedFault]
        switch kind {
        case .processCrash:
            steps = [at(now, .crash(node, .process)), at(end, .restart(node))]
        case .lostDisk:
            steps = [at(now, .crash(node, crash)), at(now, .diskLost(node)), at(end, .restart(node))]
        case .rollback:
            let restart = randomTime(from: stop, to: end)
            steps = [
                at(now, .takeSnapshot(node)), at(stop, .crash(node, crash)), at(stop, .diskRollback(node)),
                at(restart, .restart(node)),
            ]
        case .lyingDisk:
            let restart = randomTime(from: stop, to: end)
            let outage = [at(stop, .crash(node, .power)), at(restart, .restart(node))]
            steps = [at(now, .lyingSync(node))] + (crash == .power ? outage : []) + [at(end, .honestSync(node))]
        default:
            steps = [at(now, .crash(node, .power)), at(end, .restart(node))]
        }
        let episode = FaultEpisode(kind: kind, steps: steps)
        take(.node(node), for: episode)
        noteDestroyed(by: episode)
        stops.append(episode.end)
        return episode
    }

    private mutating func powerCut() -> FaultEpisode? {
        let end = randomEnd()
        guard members.allSatisfy({ isFree(.node($0)) }), mayStop(members.count) else { return nil }
        var steps = members.map { at(now, .crash($0, .power)) }
        var restarts: [TimedFault] = []
        for node in members { restarts.append(at(randomTime(from: now, to: end), .restart(node))) }
        // Nodes of one time stay in their order.
        steps += restarts.enumerated().sorted { left, right in
            left.element.time == right.element.time
                ? left.offset < right.offset : left.element.time < right.element.time
        }.map(\.element)
        let episode = FaultEpisode(kind: .powerCut, steps: steps)
        for node in members {
            take(.node(node), for: episode)
            stops.append(episode.end)
        }
        return episode
    }

    /// An episode of a node that goes on.
    private mutating func diskEpisode(_ kind: EpisodeKind) -> FaultEpisode? {
        guard let node = randomMember(free: Resource.node) else { return nil }
        let end = randomEnd()
        let steps: [TimedFault]
        switch kind {
        case .readErrors:
            steps = [at(now, .diskReadErrors(node, count: 1 + chance.below(20))), at(end, .diskHealed(node))]
        case .bitFlip:
            steps = [at(now, .diskBitFlip(node)), at(end, .diskScrub(node))]
        case .fullDisk:
            steps = [at(now, .diskFull(node)), at(end, .diskFreed(node))]
        default:
            steps = [at(now, .diskCommitFailure(node)), at(end, .diskHealed(node))]
        }
        let episode = FaultEpisode(kind: kind, steps: steps)
        take(.node(node), for: episode)
        noteDestroyed(by: episode)
        return episode
    }

    private mutating func cut(_ kind: EpisodeKind) -> FaultEpisode? {
        let present = (members + joining.map(\.node) + leaving.map(\.node)).sorted()
        guard present.count > 1, isFree(.cuts) else { return nil }
        let end = randomEnd()
        var faults: [Fault] = []
        if kind == .partition {
            var groups = [[NodeID]](repeating: [], count: present.count > 2 && chance.chance(25) ? 3 : 2)
            var left = present
            while !left.isEmpty {
                // The first ones go into one group each, so that none is empty.
                let dealt = present.count - left.count
                let group = dealt < groups.count ? dealt : chance.below(groups.count)
                groups[group].append(left.remove(at: chance.below(left.count)))
            }
            faults.append(.partition(groups.map { $0.sorted() }))
        } else {
            for _ in 0...chance.below(present.count) {
                let from = chance.below(present.count)
                let to = (from + 1 + chance.below(present.count - 1)) % present.count
                faults.append(.blockOneWay(from: present[from], to: present[to]))
            }
        }
        let episode = FaultEpisode(kind: kind, steps: faults.map { at(now, $0) } + [at(end, .heal)])
        take(.cuts, for: episode)
        return episode
    }

    private mutating func clockOrSpeedEpisode(_ kind: EpisodeKind) -> FaultEpisode? {
        let resource = kind == .slowNode ? Resource.speed : Resource.clock
        guard let node = randomMember(free: resource) else { return nil }
        let end = randomEnd()
        let fault: Fault
        switch kind {
        case .slowNode:
            fault = .slowNode(node, factor: 2 + chance.below(49))
        case .clockJump:
            let distance = 1 + Int64(number(below: UInt64(max(1, policy.longestClockJump))))
            fault = .clockJump(node, milliseconds: chance.chance(50) ? distance : -distance)
        default:
            let drift = 1 + chance.below(max(1, policy.largestClockDrift))
            fault = .clockDrift(node, partsPerMillion: chance.chance(50) ? drift : -drift)
        }
        let relief: Fault = kind == .slowNode ? .nodeSpeedRestored(node) : .clockCorrected(node)
        let episode = FaultEpisode(kind: kind, steps: [at(now, fault), at(end, relief)])
        take(resource(node), for: episode)
        return episode
    }

    private mutating func membershipEpisode(_ kind: EpisodeKind) -> FaultEpisode? {
        guard isFree(.membership) else { return nil }
        let end = randomEnd()
        if kind == .addition {
            let episode = FaultEpisode(kind: kind, steps: [at(now, .addNode(newNode(until: end)))])
            take(.membership, until: end)
            return episode
        }
        // Whoever leaves has nothing under way that would have to end after it has left.
        let free = members.filter { node in
            isFree(.node(node)) && isFree(.clock(node)) && isFree(.speed(node))
        }
        guard !free.isEmpty, kind != .removal || members.count > policy.minimumMembers else { return nil }
        let node = free[chance.below(free.count)]
        let steps: [TimedFault]
        if kind == .removal {
            steps = [at(now, .removeNode(node))]
        } else {
            let isDead = chance.chance(50) && mayStop(1)
            let replaced = randomTime(from: now, to: end)
            let successor = newNode(until: end)
            steps =
                isDead
                ? [at(now, .crash(node, randomCrash())), at(replaced, .replaceNode(node, by: successor))]
                : [at(now, .replaceNode(node, by: successor))]
            if isDead { stops.append(replaced) }
        }
        members.removeAll { $0 == node }
        leaving.append((node, end))
        let episode = FaultEpisode(kind: kind, steps: steps)
        take(.membership, until: end)
        noteDestroyed(by: episode)
        return episode
    }

    private mutating func serviceOutage() -> FaultEpisode? {
        guard isFree(.service) else { return nil }
        let end = randomEnd()
        let episode = FaultEpisode(
            kind: .serviceOutage, steps: [at(now, .serviceOutageBegins), at(end, .serviceOutageEnds)])
        take(.service, for: episode)
        return episode
    }

    // MARK: Bookkeeping

    private func at(_ time: VirtualTime, _ fault: Fault) -> TimedFault {
        TimedFault(time: time, fault: fault)
    }

    private mutating func newNode(until end: VirtualTime) -> NodeID {
        let node = NodeID(nextNode)
        nextNode += 1
        joining.append((node, end))
        return node
    }

    private mutating func take(_ resource: Resource, for episode: FaultEpisode) {
        take(resource, until: episode.end)
    }

    private mutating func take(_ resource: Resource, until end: VirtualTime) {
        takenUntil[resource] = end
    }

    /// One node, if the policy has this kind as destructive.
    private mutating func noteDestroyed(by episode: FaultEpisode) {
        if policy.destructive.contains(episode.kind) { destroyed.append(episode.end) }
    }
}

extension EpisodeKind {
    /// Whether a destroyed node may be unable to get back what it lost while this lasts.
    package var disturbsRecovery: Bool {
        switch self {
        case .oldMessage, .clockJump, .clockDrift: false
        default: true
        }
    }
}
