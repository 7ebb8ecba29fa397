import KindredModel
import KindredReplication

/// Who numbers the versions, and on whom an acknowledged write is.
struct ScenarioLeadership {
    var leader: Int
    /// In ascending order. A replica that has lost its disk is none until it has caught up; if that is the leader,
    /// nobody leads.
    var members: [Int]
}

/// Version numbers: one leader serves everybody, and acknowledges what all members have.
extension ScenarioRun {
    /// Whether there is a leader that reaches all of its members.
    private var isLed: Bool {
        leadership.members.contains(leadership.leader)
            && leadership.members.allSatisfy { network.reaches(leadership.leader, $0) }
    }

    /// The leader, if it can serve a request that has arrived at a replica.
    mutating func servingLeader(for replica: Int) throws -> Int? {
        guard isLed, network.reaches(replica, leadership.leader) else { return nil }
        try readmit()
        return leadership.leader
    }

    /// Has the leader take back the replicas in its reach that are no members: they catch up first.
    private mutating func readmit() throws {
        for replica in replicas.indices
        where !leadership.members.contains(replica) && network.reaches(leadership.leader, replica) {
            if let refusal = try pull(by: replica, from: leadership.leader) {
                throw ScenarioFailure("a replica could not catch up: \(refusal)")
            }
            leadership.members.append(replica)
            leadership.members.sort()
        }
    }

    /// Makes a member the leader of those members that it reaches, if it is on the side of the majority of all
    /// replicas.
    ///
    /// What was acknowledged is on every member, so any of them will do; nobody else will.
    mutating func failOver(to successor: Int) throws -> ScenarioOutcome {
        guard strategy == .versionNumbers else { return ScenarioOutcome(.ok, why: "there is no leader to replace") }
        if isLed { try readmit() }
        guard leadership.members.contains(successor) else {
            return ScenarioOutcome(.unavailable, why: "not a member: it may lack what was acknowledged")
        }
        let side = replicas.indices.filter { network.reaches(successor, $0) }
        guard side.count * 2 > replicas.count else {
            return ScenarioOutcome(.unavailable, why: "not on the side of a majority")
        }
        leadership = ScenarioLeadership(
            leader: successor, members: leadership.members.filter { network.reaches(successor, $0) })
        for (asker, answerer) in leadership.members.map({ (successor, $0) })
            + leadership.members.map({ ($0, successor) })
        {
            if let refusal = try pull(by: asker, from: answerer) {
                throw ScenarioFailure("a member could not catch up: \(refusal)")
            }
        }
        return ScenarioOutcome(.ok)
    }
}
