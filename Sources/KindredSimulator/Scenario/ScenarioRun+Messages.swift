import KindredModel
import KindredReplication

/// What replicas and fallbacks tell each other.
extension ScenarioRun {
    /// The message as its receiver reads it.
    func carried(_ message: PeerMessage) throws(MalformedBytes) -> PeerMessage {
        try PeerMessage(encoded: message.encoded())
    }

    /// Has a replica merge an update.
    ///
    /// - Returns: why it was refused; nil if it was merged.
    mutating func deliver(_ update: ObjectUpdate, to replica: Int) throws -> ReplicaRefusal? {
        let message = Replicate(id: exchangeID(), partition: Self.partition, epoch: view.epoch, update: update)
        return try deliver(PeerMessage.replicate(message).encoded(), to: replica)
    }

    private mutating func deliver(_ bytes: [UInt8], to replica: Int) throws -> ReplicaRefusal? {
        guard case .replicate(let message) = try PeerMessage(encoded: bytes) else {
            throw ScenarioFailure("a message changed its kind")
        }
        // Of the sender's epoch a node would have it renewed and sent again, so what counts here is the update.
        return try replicas[replica].merge(message.update, surroundings(of: replica))
    }

    // MARK: Single writes

    mutating func replicate(_ name: String, to receiver: Int) throws -> ScenarioOutcome {
        guard let message = messages[name] else { return Self.noMessage(name) }
        guard network.reaches(message.sender, receiver) else { return ScenarioOutcome(.dropped) }
        return Self.outcome(of: try deliver(message.bytes, to: receiver))
    }

    mutating func hint(_ name: String, at node: Int) throws -> ScenarioOutcome {
        guard let message = messages[name] else { return Self.noMessage(name) }
        guard network.reaches(message.sender, node) else { return ScenarioOutcome(.dropped) }
        guard case .replicate(let write) = try PeerMessage(encoded: message.bytes) else {
            throw ScenarioFailure("a message changed its kind")
        }
        // A scenario says where a hint goes when it hands it over, not before; so the target is nobody in particular.
        let hint = Hint(
            id: exchangeID(), target: replicas[message.sender].node, partition: Self.partition, update: write.update)
        fallbacks[node - replicas.count].append(PeerMessage.hint(hint).encoded())
        return ScenarioOutcome(.ok)
    }

    /// A fallback hands over all it holds, and forgets what has arrived.
    mutating func handOff(_ node: Int, to receiver: Int, keep: Bool) throws -> ScenarioOutcome {
        guard network.reaches(node, receiver) else { return ScenarioOutcome(.dropped) }
        let fallback = node - replicas.count
        var left: [[UInt8]] = []
        var refusal: ReplicaRefusal?
        for bytes in fallbacks[fallback] {
            guard case .hint(let hint) = try PeerMessage(encoded: bytes) else {
                throw ScenarioFailure("a message changed its kind")
            }
            let refused = try deliver(hint.update, to: receiver)
            refusal = refusal ?? refused
            if keep || refused != nil { left.append(bytes) }
        }
        fallbacks[fallback] = left
        return Self.outcome(of: refusal)
    }

    // MARK: Anti-entropy

    mutating func pullIfReachable(by asker: Int, from answerer: Int) throws -> ScenarioOutcome {
        guard network.reaches(asker, answerer) else { return ScenarioOutcome(.dropped) }
        return Self.outcome(of: try pull(by: asker, from: answerer))
    }

    mutating func exchange(_ left: Int, _ right: Int) throws -> ScenarioOutcome {
        guard network.reaches(left, right) else { return ScenarioOutcome(.dropped) }
        let first = try pull(by: left, from: right)
        let second = try pull(by: right, from: left)
        return Self.outcome(of: first ?? second)
    }

    /// One replica asks another one until that has nothing more to tell.
    ///
    /// - Returns: why some of it was refused; nil if all of it was taken.
    mutating func pull(by asker: Int, from answerer: Int) throws -> ReplicaRefusal? {
        guard asker != answerer else { return nil }
        var refusal: ReplicaRefusal?
        while true {
            let request = PeerMessage.pull(replicas[asker].pullRequest(id: exchangeID()))
            guard case .pull(let asked) = try carried(request) else {
                throw ScenarioFailure("a message changed its kind")
            }
            let answer = try replicas[answerer].answer(asked, surroundings(of: answerer))
            guard case .pulled(let reply) = try carried(.pulled(answer)) else {
                throw ScenarioFailure("a message changed its kind")
            }
            if case .refused(let why) = reply.content { throw ScenarioFailure("a pull was refused: \(why)") }
            let before = replicas[asker].core.clock
            let outcome = try replicas[asker].apply(reply, surroundings(of: asker))
            // Nothing but a clock makes a replica refuse a member.
            if outcome.refused > 0 { refusal = .clockSkew }
            if outcome.needsTransfer {
                return try transfer(to: asker, from: answerer, reply) ?? refusal
            }
            guard outcome.hasMore else { return refusal }
            guard replicas[asker].core.clock != before else { throw ScenarioFailure("a pull gets no further") }
        }
    }

    /// Everything, part by part. If some of it is refused, the transfer is given up: what it has brought stays, and a
    /// later one begins anew.
    private mutating func transfer(to asker: Int, from answerer: Int, _ reply: PullReply) throws -> ReplicaRefusal? {
        try replicas[asker].beginTransfer(from: reply.actor, clock: reply.clock)
        while let before = replicas[asker].core.transfer {
            let request = PeerMessage.transfer(replicas[asker].transferRequest(id: exchangeID()))
            guard case .transfer(let asked) = try carried(request) else {
                throw ScenarioFailure("a message changed its kind")
            }
            let answer = try replicas[answerer].answer(asked, surroundings(of: answerer))
            guard case .transferred(let part) = try carried(.transferred(answer)) else {
                throw ScenarioFailure("a message changed its kind")
            }
            let outcome = try replicas[asker].apply(part, surroundings(of: asker))
            if outcome.refused > 0 {
                try replicas[asker].endTransfer()
                return .clockSkew
            }
            guard replicas[asker].core.transfer != before else { throw ScenarioFailure("a transfer gets no further") }
        }
        return nil
    }

    // MARK: Outcomes

    private static func noMessage(_ name: String) -> ScenarioOutcome {
        ScenarioOutcome(.skipped, why: "there is no message \(name)")
    }

    private static func outcome(of refusal: ReplicaRefusal?) -> ScenarioOutcome {
        switch refusal {
        case nil: ScenarioOutcome(.ok)
        case .clockSkew: ScenarioOutcome(.refused, why: "clock skew")
        case .some(let other): ScenarioOutcome(.refused, why: "\(other)")
        }
    }
}
