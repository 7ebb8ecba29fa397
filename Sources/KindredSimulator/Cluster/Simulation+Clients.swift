import KindredModel
import KindredReplication
import KindredTesting

/// What the clients of a simulated cluster do, and what they conclude from the answers.
extension Simulation {
    // MARK: Asking

    mutating func clientActs(_ index: Int) {
        guard !isQuiet else { return }
        defer { queue.schedule(.client(index), afterMicroseconds: nextPause(of: index)) }
        guard clients[index].pending == nil else { return }
        if let retry = clients[index].retry {
            clients[index].retry = nil
            send(retry.request, key: retry.key, of: index, preferring: retry.node)
            return
        }
        // Few keys are hot, the others are not.
        let key = chance.chance(50) ? chance.below(keys.count) : chance.below(min(4, keys.count))
        let isWrite: Bool
        let isDelete: Bool
        var usesToken = true
        switch clients[index].habit {
        case .readModifyWrite:
            isWrite = chance.chance(50)
            isDelete = isWrite && chance.chance(10)
        case .ownTokenOnly:
            isWrite = chance.chance(95)
            isDelete = chance.chance(5)
        case .blind:
            isWrite = chance.chance(80)
            isDelete = false
            usesToken = false
        case .stale:
            isWrite = chance.chance(80)
            isDelete = chance.chance(10)
        case .deleter:
            isWrite = chance.chance(70)
            isDelete = chance.chance(50)
            usesToken = chance.chance(70)
        case .offline:
            isWrite = chance.chance(60)
            isDelete = chance.chance(10)
        }
        let quorums = requestQuorums()
        let address = keys[key].address
        guard isWrite else {
            let request = ClientRequest(
                partition: keys[key].partition, address: address, strategy: keys[key].strategy, operation: .get,
                quorums: quorums, timeout: 3_000,
                session: clients[index].usesSessions ? clients[index].sessions[keys[key].partition] ?? .init() : .init()
            )
            send(request, key: key, of: index)
            return
        }
        var knowledge: Knowledge?
        // Now and then a client mixes its keys up: the token must be refused, and nothing may happen.
        let source = chance.chance(3) ? chance.below(keys.count) : key
        if usesToken, let token = clients[index].memories[source].token {
            switch SimulatedToken.open(token, address: keys[key].address) {
            case .success(let opened):
                if source != key, !PlantedFault.contextOfAnotherKey.isActive {
                    violated(.token, "a token of \(keys[source].name) was taken for \(keys[key].name)")
                }
                knowledge = opened
            case .failure:
                counts.refusedTokens += 1
                if source == key { violated(.token, "a good token of \(keys[key].name) was refused") }
                return
            }
        }
        clients[index].requests += 1
        let number = clients[index].requests
        let content: ArraySlice<UInt8>? =
            isDelete ? nil : Array("\(index).\(number)".utf8)[...]
        let write = ClientWrite(
            content: keys[key].strategy == .immutable
                ? content.map { _ in Array("\(chance.below(6))".utf8)[...] } : content,
            seen: knowledge)
        let request = ClientRequest(
            partition: keys[key].partition, address: address, strategy: keys[key].strategy,
            operation: .write(
                write, precondition: .none, request: ClientRequestID(client: UInt64(index), number: number)),
            quorums: quorums, timeout: 3_000)
        send(request, key: key, of: index)
    }

    private mutating func nextPause(of index: Int) -> UInt64 {
        let pause = settings.pause / 2 + UInt64(chance.below(Int(settings.pause)))
        return clients[index].habit == .offline && chance.chance(10) ? pause * 40 : pause
    }

    /// Any of the combinations that people use, the default most often.
    private mutating func requestQuorums() -> RequestQuorums {
        let n = UInt8(settings.replicas)
        let majority = n / 2 + 1
        // A disk that lies can lose what only it has, and nobody can promise anything for a single copy then.
        let disksAreHonest = settings.profile != .disk && settings.profile != .everything
        switch chance.below(10) {
        case 0..<4:
            return RequestQuorums(n: n, r: majority, w: majority, isSloppy: true)
        case 4..<7:
            return RequestQuorums(n: n, r: majority, pr: majority, w: majority, pw: majority, isSloppy: false)
        case 7: return RequestQuorums(n: n, r: 1, w: n, notFoundOK: false, isSloppy: false)
        case 8: return RequestQuorums(n: n, r: n, w: disksAreHonest ? 1 : majority, basicQuorum: true, isSloppy: false)
        default: return RequestQuorums(n: n, r: majority, w: majority, dw: n, isSloppy: true)
        }
    }

    private mutating func send(_ request: ClientRequest, key: Int, of index: Int, preferring preferred: Int? = nil) {
        let running = nodes.indices.filter { nodes[$0].process != nil }
        guard !running.isEmpty else { return }
        var target = running[chance.below(running.count)]
        if let preferred, running.contains(preferred), chance.chance(60) { target = preferred }
        guard let process = nodes[target].process else { return }
        clients[index].requests += 1
        let number = clients[index].requests
        var isWrite = false
        if case .write = request.operation { isWrite = true }
        counts.requests += 1
        clients[index].pending = SimulatedClient.Pending(
            number: number, key: key, node: target, process: process.number, request: request, isWrite: isWrite,
            began: now, mustSee: isStrict(request) ? strictlyAcknowledged(key) : EventBits(),

            sessionSeen: request.session.isEmpty ? EventBits() : sessionSeen(request.session, key: key))
        trace.record(now, "client \(index) → \(nodes[target].id): \(request.summary) of \(keys[key].name)")
        queue.schedule(.clientTimeout(index, number: number), afterMicroseconds: 4_000_000)
        step(target, .client(request, token: UInt64(index) << 40 | number))
    }

    mutating func clientGivesUp(_ index: Int, number: UInt64) {
        guard let pending = clients[index].pending, pending.number == number else { return }
        if let process = nodes[pending.node].process, process.number == pending.process, !isQuiet {
            violated(.liveness, "client \(index) was never answered by \(nodes[pending.node].id)")
        }
        clients[index].pending = nil
        counts.unknown += 1
        unknownOutcome(pending, of: index)
    }

    /// A write may have happened or not: now and then the client asks again, under the same name.
    private mutating func unknownOutcome(_ pending: SimulatedClient.Pending, of index: Int) {
        guard pending.isWrite, chance.chance(40) else { return }
        clients[index].retry = (pending.request, pending.key, pending.node)
    }

    // MARK: Being answered

    mutating func clientIsAnswered(_ index: Int, number: UInt64, _ reply: ClientReply, by node: Int) {
        guard let pending = clients[index].pending, pending.number == number else { return }
        clients[index].pending = nil
        trace.record(now, "client \(index) ← \(reply.summary)")
        let key = pending.key
        switch reply {
        case .object(let object):
            counts.reads += 1
            checkAnswer(object, key: key, pending, of: index)
            remember(object, key: key, of: index)
        case .written(let written):
            counts.writes += 1
            checkAcknowledgement(written, key: key, pending, of: index)
            guard written.dot.flatMap({ histories[key].position(of: $0) }) != nil else {
                if written.dot == nil { return }
                violated(
                    .lostWrite, "client \(index) was told of \(written.dot.map(\.description) ?? "") which is unknown")
                return
            }
            clients[index].memories[key].token = SimulatedToken.seal(written.writerKnows, address: keys[key].address)
            var session = clients[index].sessions[keys[key].partition] ?? CausalContext()
            if let dot = written.dot { session.insert(dot) }
            clients[index].sessions[keys[key].partition] = session
        case .refused:
            counts.refused += 1
        case .unavailable(let reason, let mayHaveHappened):
            counts.unavailable += 1
            if mayHaveHappened {
                counts.unknown += 1
                unknownOutcome(pending, of: index)
            } else if case .unsatisfied = reason {
                counts.unsatisfied += 1
            }
        }
    }

    /// Takes a read to heart, unless this client's habit is not to.
    private mutating func remember(_ object: CausalObject, key: Int, of index: Int) {
        if clients[index].habit == .stale, clients[index].memories[key].token != nil, chance.chance(80) { return }
        var knowledge = Knowledge(
            context: object.context, timestamp: object.latestTimestamp, number: object.latestNumber)
        if keys[key].strategy != .lastWriteWins { knowledge.timestamp = object.latestTimestamp }
        clients[index].memories[key].token = SimulatedToken.seal(knowledge, address: keys[key].address)
        if clients[index].usesSessions {
            var session = clients[index].sessions[keys[key].partition] ?? CausalContext()
            for version in object.versions { session.insert(version.dot) }
            clients[index].sessions[keys[key].partition] = session
        }
    }
}
