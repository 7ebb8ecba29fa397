import KindredModel

extension Topology {
    /// Carries out what a node asks of the configuration service.
    package mutating func apply(_ request: ConfigurationRequest, from node: NodeID) throws(TopologyRefusal) {
        switch request {
        case .renew(let partition, let actor):
            _ = try renew(node, in: partition, replacing: actor)
        case .report(let report, let partition, let epoch):
            try self.report(report, in: partition, epoch: epoch)
        case .reportClosing(let report, let partition, let epoch):
            try reportClosing(report, in: partition, epoch: epoch)
        case .raiseCounterCeiling(let partition, let actor, let counter):
            try raiseCeiling(of: actor, in: partition, to: counter)
        case .raiseClockFloor(let partition, let timestamp):
            try raiseClockFloor(in: partition, to: timestamp)
        case .elect(let partition, let leader, let members, let epoch):
            try electLeader(leader, members: members, in: partition, replacing: epoch)
        case .electAnew(let partition, let leader):
            try electLeaderAnew(leader, in: partition)
        case .joinLeadership(let partition, let node, let epoch):
            try addLeadershipMember(node, in: partition, to: epoch)
        }
    }
}
