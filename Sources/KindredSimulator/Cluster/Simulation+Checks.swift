import KindredModel
import KindredReplication
import KindredStorage

/// The checkers that look while the cluster runs. Each names the promise that it holds; those of the end are in `Simulation+End`.
extension Simulation {
    // MARK: Writing the history

    /// Enters what a node has decided into the history, before anybody can know of it.
    mutating func register(_ effects: [NodeEffect], _ index: Int) {
        for effect in effects {
            switch effect {
            case .coordinated(let request, let write):
                guard let dot = write.dot, case .write(let clientWrite, _, let id) = request.operation,
                    let key = keys.firstIndex(where: { $0.address == request.address })
                else { continue }
                register(dot, write, clientWrite, name: id, key: key, by: index)
            case .salvaged(let partition, let write):
                counts.salvaged += 1
                registerSalvage(partition, write, by: index)
            default: break
            }
        }
    }

    private mutating func register(
        _ dot: Dot, _ write: CoordinatedWrite, _ request: ClientWrite, name: ClientRequestID?, key: Int, by index: Int
    ) {
        var seen = EventBits()
        let replica = nodes[index].process?.node.replica(of: keys[key].partition)
        let isLoose = replica.map { !isWhole($0) } ?? false
        if let token = request.seen {
            // What the client has truly seen is what its token was checked against when it got it.
            seen = histories[key].closure(of: covered(by: token.context, key: key))
        } else if request.content == nil, let replica {
            seen = histories[key].closure(
                of: histories[key].known { $0 != dot && replica.reflects($0) })
        }
        let version = write.object.versions.first { $0.dot == dot }
        let timestamp = version?.timestamp ?? nodes[index].process?.node.time.last ?? .zero
        for position in seen.positions where histories[key].events[position].timestamp >= timestamp {
            if keys[key].strategy == .lastWriteWins {
                violated(
                    .timestamps, "\(dot) of \(keys[key].name) is not later than \(histories[key].events[position].dot)")
            }
        }
        let event = KeyHistory.Event(
            dot: dot, content: request.content, timestamp: timestamp, seen: seen, client: Int(name?.client ?? 0),
            isLoose: isLoose, numberBefore: highestNumbers[key])
        guard let position = histories[key].append(event) else {
            violated(.dotReused, "\(dot) of \(keys[key].name) has been minted twice")
            return
        }
        events.add(node: index, key: key, position: position, partition: keys[key].partition, dot: dot)
        if let name {
            let minting = MintedRequest(node: index, process: nodes[index].processes, key: key, request: name)
            if !minted.insert(minting).inserted {
                violated(.repeatedWrite, "\(nodes[index].id) minted \(dot) for a write that it had minted before")
            }
        }
        trace.record(
            now, "  \(nodes[index].id) mints \(dot) for \(keys[key].name)" + (request.content == nil ? " (delete)" : "")
        )
    }

    /// Enters a write that goes on under another dot: it knows what the voided ones had seen.
    private mutating func registerSalvage(_ partition: UInt16, _ write: SalvagedWrite, by index: Int) {
        for key in keys.indices where keys[key].partition == partition {
            let voided = write.voided.compactMap { histories[key].position(of: $0) }
            guard !voided.isEmpty else { continue }
            let old = write.version.flatMap { histories[key].position(of: $0) }
            var seen = EventBits()
            for position in voided { seen.formUnion(histories[key].events[position].seen) }
            let model = histories[key].events[old ?? voided[0]]
            let event = KeyHistory.Event(
                dot: write.dot, content: old == nil ? nil : model.content, timestamp: model.timestamp,
                seen: histories[key].closure(of: seen), client: model.client)
            guard let position = histories[key].append(event) else {
                violated(.dotReused, "\(write.dot) of \(keys[key].name) has been minted twice")
                return
            }
            for old in voided { histories[key].void(old, successor: position) }
            if model.isAcknowledged { histories[key].acknowledge(position, copies: model.promisedCopies) }
            trace.record(now, "  \(nodes[index].id) salvages \(write.voided) of \(keys[key].name) as \(write.dot)")
            events.add(node: index, key: key, position: position, partition: partition, dot: write.dot)
            return
        }
    }

    // MARK: Fences

    /// What a replica must refuse, it refuses.
    mutating func checkFences(_ fences: FenceState, _ effects: [NodeEffect], _ index: Int) {
        let isAccepted = effects.contains { effect in
            if case .send(.replicated(let reply), _) = effect { return reply.id == fences.id && reply.refusal == nil }
            return false
        }
        if isAccepted { violated(.fencing, "\(nodes[index].id) took a write \(fences.reason)") }
    }

    // MARK: What a replica has

    /// Compares the keys that a step was about with what the node must have, by the events that its clock vouches for.
    mutating func check(_ input: NodeInput, _ effects: [NodeEffect], _ index: Int) {
        guard violations.isEmpty, case .some(let process) = nodes[index].process else { return }
        var touched: [Int] = []
        func touch(_ address: [UInt8]) {
            if let key = keys.firstIndex(where: { $0.address == address }), !touched.contains(key) {
                touched.append(key)
            }
        }
        switch input {
        case .client(let request, _): touch(request.address)
        case .message(.replicate(let request), _): touch(request.update.address)
        case .message(.pulled(let reply), _):
            if case .updates(let updates, _) = reply.content { for update in updates { touch(update.address) } }
        case .message(.transferred(let reply), _): for update in reply.updates { touch(update.address) }
        case .message(.forward(let request), _): touch(request.request.address)
        default: break
        }
        for key in touched { checkReplica(process.node, key: key) }
        for partition in process.node.partitions { checkOwnEntry(partition.replica, index) }
    }

    /// Whether a replica knows all that the others have forgotten the events of. Who has begun anew, or just come, gets writes whose history
    /// nobody tells any more; it is held to account once it has caught up.
    private mutating func isWhole(_ replica: PartitionReplica) -> Bool {
        let incarnation = Incarnation(partition: replica.partition, actor: replica.actor)
        if whole.contains(incarnation) { return true }
        let isOriginal = replica.actor.rawValue <= UInt32(settings.replicas)
        let role = replica.view.members.first { $0.actor == replica.actor }?.role
        guard isOriginal || (role != .learner && replica.hasCaughtUp(replicas: settings.replicas)) else { return false }
        whole.insert(incarnation)
        return true
    }

    mutating func checkReplica(_ node: ReplicaNode, key: Int) {
        guard let replica = node.replica(of: keys[key].partition), replica.transfer == nil else { return }
        guard isWhole(replica) else { return }
        counts.checks += 1
        let objectKey = ObjectKey(partition: replica.partition, address: keys[key].address) { SimulatedKey.hash($0) }
        let object: CausalObject
        do throws(StorageError) {
            guard case .object(let found, _) = try replica.read(objectKey, from: node.store) else { return }
            object = found
        } catch {
            // A disk that cannot be read says nothing, and must be treated so; the answers show whether it is.
            return
        }
        let known = histories[key].known { replica.reflects($0) }
        let right = histories[key].kept(known).map(\.dot)
        let found = object.versions.filter { !$0.isTombstone }.map(\.dot)
        if right != found {
            violated(
                .wrongReplica,
                "\(node.id) has \(list(found)) of \(keys[key].name); its clock \(replica.clock) vouches for \(list(known, key)), so it must have \(list(right))"
            )
        }
    }

    private mutating func checkOwnEntry(_ replica: PartitionReplica, _ index: Int) {
        if let entry = replica.clock.entry(of: replica.actor), !entry.beyond.isEmpty {
            violated(.dishonestClock, "\(nodes[index].id) has a gap among its own events: \(replica.clock)")
        }
    }

    func list(_ dots: [Dot]) -> String { "[" + dots.map(\.description).joined(separator: ", ") + "]" }

    func list(_ bits: EventBits, _ key: Int) -> String { list(bits.positions.map { histories[key].events[$0].dot }) }

    // MARK: What a client is told

    /// The events of a key that a context covers, be their actors closed or not.
    func covered(by context: CausalContext, key: Int) -> EventBits {
        let closed = service.topology.view(of: keys[key].partition)?.closed ?? ClosedActors()
        return histories[key].known { dot in
            if context.contains(dot) { return !closed.isVoided(dot) }
            guard let closing = closed.closing(of: dot.actor) else { return false }
            return closing.epoch <= context.closedEpoch && !closed.isVoided(dot)
        }
    }

    mutating func checkAnswer(_ object: CausalObject, key: Int, _ pending: SimulatedClient.Pending, of client: Int) {
        let known = covered(by: object.context, key: key)
        let right = histories[key].kept(known).map(\.dot)
        let found = object.versions.filter { !$0.isTombstone }.map(\.dot)
        if right != found {
            violated(
                .wrongAnswer,
                "client \(client) was shown \(list(found)) of \(keys[key].name) with a context that covers \(list(known, key)), which leaves \(list(right))"
            )
        }
        let closure = histories[key].closure(of: known)
        for position in pending.mustSee.positions where !closure.contains(position) {
            let event = histories[key].events[position]
            if event.isVoid || event.isExempt { continue }
            if keys[key].strategy == .lastWriteWins, overruled(event, by: object, key: key) { continue }
            violated(
                .staleRead,
                "client \(client) asked a majority for \(keys[key].name) after \(event.dot) had been acknowledged by one, and was shown \(list(found))"
            )
        }
        for position in pending.sessionSeen.positions
        where !closure.contains(position) && !histories[key].events[position].isVoid {
            let event = histories[key].events[position]
            // What has been beaten is not claimed to have been shown.
            if keys[key].strategy == .lastWriteWins, overruled(event, by: object, key: key) { continue }
            violated(
                .session,
                "client \(client) had seen \(histories[key].events[position].dot) before and is shown \(list(found))")
        }
        checkSiblings(found, key: key)
    }

    /// Whether last-write-wins has dropped an event in favour of a later one that the answer has.
    private func overruled(_ event: KeyHistory.Event, by object: CausalObject, key: Int) -> Bool {
        object.versions.contains { $0.timestamp >= event.timestamp }
    }

    /// A client that always writes with the token of its own last answer leaves one sibling at most.
    private mutating func checkSiblings(_ dots: [Dot], key: Int) {
        guard keys[key].strategy == .versionVectors || keys[key].strategy == .versionNumbers else { return }
        let shown = dots.compactMap { histories[key].position(of: $0) }
        for left in shown {
            for right in shown where left != right {
                if histories[key].events[right].seen.contains(left) {
                    violated(
                        .tooManySiblings,
                        "\(histories[key].events[left].dot) and \(histories[key].events[right].dot) of \(keys[key].name) are siblings, and one had seen the other"
                    )
                }
            }
        }
    }

    mutating func checkAcknowledgement(
        _ written: WrittenReply, key: Int, _ pending: SimulatedClient.Pending, of client: Int
    ) {
        guard let dot = written.dot, let position = histories[key].position(of: dot) else { return }
        let quorums = pending.request.quorums
        histories[key].acknowledge(position, copies: Int(max(quorums.w, quorums.dw, quorums.pw)))
        let isMajority = !quorums.isSloppy && quorums.w * 2 > quorums.n
        if isMajority || keys[key].strategy == .versionNumbers { strict[key].insert(position) }
        // What the writer is told it knows: what it knew, and its own write.
        var allowed = histories[key].events[position].seen
        allowed.insert(position)
        let told = covered(by: written.writerKnows.context, key: key)
        if !allowed.isSuperset(of: told), !histories[key].events[position].isLoose {
            violated(
                .writerKnowledge,
                "client \(client) wrote \(dot) of \(keys[key].name) having seen \(list(histories[key].events[position].seen, key)), and is told it knows \(list(told, key))"
            )
        }
        checkCopies(dot, key: key, pending)
        checkLeader(dot, key: key, pending, written)
    }

    /// How long an answer to a client can be on its way.
    private static let answerMicroseconds: UInt64 = 3_000_000

    /// An acknowledged write must be durable at as many replicas as the request asked for, fallbacks included unless it asked for none.
    private mutating func checkCopies(_ dot: Dot, key: Int, _ pending: SimulatedClient.Pending) {
        let partition = keys[key].partition
        let quorums = pending.request.quorums
        var copies = 0
        for index in nodes.indices {
            if quorums.isSloppy, nodes[index].process == nil {
                // What a fallback that has just stopped holds cannot be seen.
                copies += 1
            } else if nodes[index].durableClocks[partition]?.contains(dot) == true {
                copies += 1
            } else if damages.contains(where: {
                $0.node == index && $0.partition == partition
                    && $0.time.microseconds + Self.answerMicroseconds > now.microseconds
            }) {
                // It may have acknowledged the write before its damage was found, while the answer was on its way.
                copies += 1
            } else if quorums.isSloppy,
                nodes[index].process?.node.hints.holds(dot, partition: partition, address: keys[key].address) == true
            {
                copies += 1
            }
        }
        let closed = service.topology.view(of: partition)?.closed.closing(of: dot.actor) != nil
        let needed = Int(max(quorums.w, quorums.dw, quorums.pw))
        if copies < needed, !closed, !histories[key].isExempt(dot) {
            violated(
                .quorum, "\(dot) of \(keys[key].name) was acknowledged with w = \(needed), and is durable at \(copies)")
        }
    }

    private mutating func checkLeader(
        _ dot: Dot, key: Int, _ pending: SimulatedClient.Pending, _ written: WrittenReply
    ) {
        guard keys[key].strategy == .versionNumbers,
            let number = written.object.versions.first(where: { $0.dot == dot })?.number,
            let leadership = service.topology.view(of: keys[key].partition)?.leadership
        else { return }
        guard service.topology.view(of: keys[key].partition)?.closed.closing(of: dot.actor) == nil else { return }
        let before = histories[key].position(of: dot).map { histories[key].events[$0].numberBefore } ?? 0
        // Numbers rise from one acknowledged write to the next, as long as nobody has deleted the key.
        if !histories[key].hasDeletes, number <= before {
            violated(
                .fencing,
                "\(dot) of \(keys[key].name) is version \(number), and version \(before) was acknowledged before it happened"
            )
        }
        highestNumbers[key] = max(highestNumbers[key], number)
        // Every member that the acknowledgement speaks for has the write, unless its disk was destroyed while the answer was on its way.
        guard lastDestruction < pending.began else { return }
        let partition = keys[key].partition
        if nodes.count(where: { $0.durableClocks[partition]?.contains(dot) == true }) * 2
            <= min(
                leadership.members.count, settings.replicas)
        {
            violated(.fencing, "\(dot) of \(keys[key].name), version \(number), was acknowledged by a minority")
        }
    }

    // MARK: Strict reads and sessions

    func isStrict(_ request: ClientRequest) -> Bool {
        if request.strategy == .versionNumbers { return true }
        let quorums = request.quorums
        guard case .get = request.operation else { return false }
        return quorums.r * 2 > quorums.n
    }

    /// The events that were acknowledged by strict majorities so far, and that no destroyed disk can have taken along.
    func strictlyAcknowledged(_ key: Int) -> EventBits {
        strict[key]
    }

    func sessionSeen(_ session: CausalContext, key: Int) -> EventBits {
        histories[key].known { session.contains($0) }
    }

    // MARK: Alarms

    mutating func alarmed(_ alarm: NodeAlarm, by index: Int) {
        trace.record(now, "\(nodes[index].id) raises an alarm: \(alarm)")
        switch alarm {
        case .divergence(let partition, let dot):
            violated(.alarm, "\(nodes[index].id): two writes under \(dot) in partition \(partition)")
        case .digestMismatch(let partition, let peer):
            violated(.digest, "\(nodes[index].id): partition \(partition) differs from \(peer)'s at equal clocks")
        case .storage(let partition, _, let isDamaged):
            if isDamaged { damages.append((index, partition, now)) }
        case .rolledBack, .lost: break
        case .discarded(let partition, let dot):
            counts.discarded += 1
            for key in keys.indices where keys[key].partition == partition { histories[key].report(dot) }
        }
    }
}
