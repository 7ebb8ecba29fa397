import KindredModel
import KindredStorage

/// Following the configuration service: which partitions are hosted here, and as whom.
extension ReplicaNode {
    /// Takes over a newer view; an older one is ignored.
    mutating func adopt(
        _ view: PartitionView, fallbacks: [NodeID], isStart: Bool, isTrusted: Bool
    ) throws(StorageError) {
        if let known = self.view(of: view.partition), known.epoch >= view.epoch { return }
        if let member = view.member(at: id) {
            if isStart, position(of: view.partition) == nil {
                try resume(view, as: member, isTrusted: isTrusted)
            } else if position(of: view.partition) == nil {
                begin(view, as: member)
            } else {
                try goOn(view, as: member)
            }
        } else if let index = position(of: view.partition) {
            partitions.remove(at: index)
            PartitionReplica.stageErasure(of: view.partition, in: store)
        } else if isStart, try IncarnationRecord.load(view.partition, from: store.engine) != nil {
            PartitionReplica.stageErasure(of: view.partition, in: store)
        }
        remember(view)
        coordinate(.view(view, fallbacks: fallbacks))
        followLeadership(view)
    }

    private mutating func remember(_ view: PartitionView) {
        if let index = views.firstIndex(where: { $0.partition >= view.partition }) {
            if views[index].partition == view.partition { views[index] = view } else { views.insert(view, at: index) }
        } else {
            views.append(view)
        }
    }

    private mutating func host(_ replica: PartitionReplica, needsRenewal: Bool = false) {
        var hosted = HostedPartition(replica: replica)
        hosted.needsRenewal = needsRenewal
        let index = partitions.firstIndex { $0.replica.partition > replica.partition } ?? partitions.endIndex
        partitions.insert(hosted, at: index)
    }

    // MARK: At a start

    /// Goes on with what the disk has, if that is what this node wrote last.
    ///
    /// Whether it is, four witnesses say: the record that lies with the data, the service's count of starts, the highest counter that the
    /// service has registered, and the shell, which knows how the last run ended. If the record is missing or behind, the disk was lost or
    /// replaced by an older copy; after a power cut nobody knows whether the disk had told the truth. In all these cases the replica
    /// keeps what it has, and takes a new id before it mints or counts again.
    private mutating func resume(
        _ view: PartitionView, as member: ReplicaMember, isTrusted: Bool
    ) throws(StorageError) {
        let partition = view.partition
        guard let record = try IncarnationRecord.load(partition, from: store.engine) else {
            let isFirstStart = generation <= 1 || (member.role == .learner && member.counterCeiling == 0)
            begin(view, as: member)
            if !isFirstStart, !PlantedFault.lostDiskUnnoticed.isActive {
                effects.append(.alarm(.lost(partition: partition, actor: member.actor)))
                needsRenewal(partition)
            }
            return
        }
        let isAhead = record.actor > member.actor
        let isSame = record.actor == member.actor
        // An actor that has registered a ceiling may have minted, and its record was durable before.
        let isOlder = record.actor < member.actor && member.counterCeiling > 0
        let isBehind =
            isSame && (record.counterCeiling < member.counterCeiling || record.generation + 1 < generation)
        let replica = try PartitionReplica(
            partition: partition, actor: member.actor, view: view, loadingFrom: store.engine)
        host(replica)
        if !isSame { raiseClock(to: view.clockFloor) }
        guard let index = position(of: partition) else { return }
        if isAhead || ((isBehind || isOlder) && !PlantedFault.rollbackUnnoticed.isActive) {
            rolledBack(index)
        } else if isSame, !isTrusted, !PlantedFault.rollbackUnnoticed.isActive {
            needsRenewal(partition)
        } else if !isSame || record.generation != generation || record.counterCeiling != member.counterCeiling {
            partitions[index].replica.stageIncarnation(
                generation: generation, ceiling: member.counterCeiling, in: store)
        }
    }

    private mutating func raiseClock(to floor: HybridTimestamp) {
        guard !PlantedFault.clockFloorIgnored.isActive else { return }
        time = HybridLogicalClock(floor: max(time.last, floor))
    }

    // MARK: While running

    /// Begins a replica that has nothing yet.
    private mutating func begin(_ view: PartitionView, as member: ReplicaMember) {
        let replica = PartitionReplica(beginning: view.partition, actor: member.actor, view: view)
        replica.stageIncarnation(generation: generation, ceiling: member.counterCeiling, in: store)
        raiseClock(to: view.clockFloor)
        host(replica)
    }

    private mutating func goOn(_ view: PartitionView, as member: ReplicaMember) throws(StorageError) {
        guard let index = position(of: view.partition) else { return }
        if member.actor != partitions[index].replica.actor {
            if partitions[index].isDamaged {
                PartitionReplica.stageErasure(of: view.partition, in: store)
                partitions.remove(at: index)
                begin(view, as: member)
                return
            }
            partitions[index].replica.renew(as: member.actor)
            partitions[index].needsRenewal = false
            partitions[index].exchange = nil
            raiseClock(to: view.clockFloor)
        }
        let merged = try partitions[index].replica.adopt(view, surroundings, time: &time, in: store)
        report(merged, partition: view.partition)
        partitions[index].replica.stageIncarnation(generation: generation, ceiling: member.counterCeiling, in: store)
        partitions[index].nextReport = 0
        partitions[index].nextPull = 0
    }

    // MARK: Leadership

    /// Begins the way to leadership if the view says that this node leads, and stops leading if it says otherwise.
    private mutating func followLeadership(_ view: PartitionView) {
        guard let index = position(of: view.partition) else { return }
        if let led = partitions[index].ledEpoch, led != view.leadership?.epoch || view.leadership?.leader != id {
            partitions[index].ledEpoch = nil
            coordinate(.leading(partition: view.partition, epoch: nil))
        }
        if partitions[index].recovery?.leadership == view.leadership, partitions[index].recovery != nil {
            recover(at: index) { recovery, clock, now in recovery.handle(.view(view), clock: clock, now: now) }
        } else {
            partitions[index].recovery =
                partitions[index].ledEpoch == view.leadership?.epoch && partitions[index].ledEpoch != nil
                ? nil : LeaderRecovery(view: view, node: id, id: exchangeID())
            if PlantedFault.leaderWithoutPromises.isActive, let recovery = partitions[index].recovery {
                lead(index, epoch: recovery.leadership.epoch)
            }
        }
    }

    /// Takes the recovery of a leader one step further.
    mutating func recover(
        at index: Int, _ step: (inout LeaderRecovery, ReplicaClock, UInt64) -> [LeaderRecovery.Effect]
    ) {
        guard var recovery = partitions[index].recovery, partitions[index].replica.isSure else { return }
        let wanted = step(&recovery, partitions[index].replica.clock, now)
        partitions[index].recovery = recovery
        for effect in wanted {
            switch effect {
            case .send(let message, let receiver) where receiver == id:
                if case .promised(let reply) = answer(message, from: id) { promised(reply, from: id) }
            case .send(let message, let receiver):
                effects.append(.send(message, to: receiver))
            case .leading(_, let epoch):
                lead(index, epoch: epoch)
            case .wake:
                break
            }
        }
        // A full transfer that is under way goes on with its own source, and must get its turn.
        if partitions[index].exchange == nil, partitions[index].replica.transfer == nil,
            let recovery = partitions[index].recovery,
            let source = recovery.sources(for: partitions[index].replica.clock).first
        {
            ask(source, at: index)
        }
    }

    private mutating func lead(_ index: Int, epoch: UInt64) {
        partitions[index].ledEpoch = epoch
        partitions[index].ledSince = now
        partitions[index].recovery = nil
        coordinate(.leading(partition: partitions[index].replica.partition, epoch: epoch))
    }
}
