import KindredModel
import KindredReplication

/// What clients ask for.
extension ScenarioRun {
    // MARK: Reading

    mutating func get(_ name: String, at: [Int], bind: String?, repair: Bool) throws -> ScenarioOutcome {
        let key = try objectKey(name)
        var asked = at
        if strategy == .versionNumbers {
            guard let first = at.first, let leader = try servingLeader(for: first) else {
                // A client whose read has failed has no context, whatever it knew before.
                if let bind { contexts[bind] = nil }
                return ScenarioOutcome(.unavailable, why: "no leader with all its members in reach")
            }
            asked = [leader]
        }
        let replies = try asked.map { try reply(of: $0, about: key) }
        guard var merged = replies.first else { throw ScenarioFailure("a read asks nobody") }
        for reply in replies.dropFirst() {
            let divergences = view.closed.merge(reply.object, into: &merged.object, by: strategy)
            guard divergences.isEmpty else { throw ScenarioFailure("two writes under one dot") }
            merged.events = Array(Set(merged.events + reply.events)).sorted()
        }
        if let bind {
            let object = merged.object
            let known = Knowledge(
                context: object.context, timestamp: object.latestTimestamp, number: object.latestNumber)
            contexts[bind] = ScenarioTokens.seal(known, for: key)
        }
        if repair {
            for (replica, reply) in zip(asked, replies)
            where reply.object != merged.object && network.reaches(asked[0], replica) {
                // A replica whose clock is too slow refuses, as with any other message; the reader has its answer all
                // the same.
                _ = try deliver(merged, to: replica)
            }
        }
        return ScenarioOutcome(.ok, shown: try shown(merged.object))
    }

    private mutating func reply(of replica: Int, about key: ObjectKey) throws -> ObjectUpdate {
        let id = exchangeID()
        let question = PeerMessage.read(
            ReadObject(id: id, partition: Self.partition, epoch: view.epoch, address: Array(key.address)))
        guard case .read(let asked) = try carried(question) else { throw ScenarioFailure("a message changed its kind") }
        let answer = ReadReply(id: asked.id, result: .success(try replicas[replica].update(of: key)))
        guard case .readReply(let heard) = try carried(.readReply(answer)), case .success(let update) = heard.result
        else { throw ScenarioFailure("a message changed its kind") }
        return update
    }

    /// What a reader is shown of an object.
    func shown(_ object: CausalObject) throws -> ScenarioValues {
        let visible = strategy.visibleVersions(of: object)
        var hidden: [Version] = []
        if strategy == .immutable {
            hidden = object.versions.filter { version in
                !version.isTombstone && !visible.contains { $0.content == version.content }
            }
        }
        return ScenarioValues(
            values: try visible.map(value), conflict: hidden.isEmpty ? nil : try hidden.map(value))
    }

    private func value(of version: Version) throws -> ScenarioValue {
        try value(of: Array(version.content ?? []))
    }

    func value(of bytes: [UInt8]) throws -> ScenarioValue {
        let content = try ObjectContent(encoded: bytes)
        return ScenarioValue(String(decoding: content.value, as: UTF8.self))
    }

    // MARK: Writing

    /// A put, or with nil a delete.
    mutating func write(
        _ content: ArraySlice<UInt8>?, to name: String, at: Int, context: String?, bind: String?
    ) throws -> ScenarioOutcome {
        let key = try objectKey(name)
        var token: [UInt8]?
        if let context {
            guard let carried = contexts[context] else {
                return ScenarioOutcome(.skipped, why: "the client has no context \(context)")
            }
            token = carried
        }
        var coordinator = at
        if strategy == .versionNumbers {
            guard let leader = try servingLeader(for: at) else {
                return ScenarioOutcome(.unavailable, why: "no leader with all its members in reach")
            }
            coordinator = leader
        }
        var seen: Knowledge?
        if let token {
            do throws(CausalToken.Refusal) {
                seen = try ScenarioTokens.open(token, for: key)
            } catch .notAuthentic {
                return ScenarioOutcome(.rejected, why: "context of another key")
            } catch {
                throw ScenarioFailure("a token does not open: \(error)")
            }
        }
        if let seen, strategy == .lastWriteWins, isAhead(seen.timestamp, of: coordinator) {
            return ScenarioOutcome(.refused, why: "clock skew")
        }

        let request = ReplicaWrite(
            key: key, write: ClientWrite(content: content, seen: seen), strategy: strategy,
            logging: Self.conflictLogging)
        let written = try replicas[coordinator].write(request, wall: wall(of: coordinator))
        if let event = written.reply.event { latestTimestamp = max(latestTimestamp, event.timestamp) }
        if let bind {
            // A write that the strategy refuses, or that changes nothing, tells the others what the coordinator holds,
            // and the client no more than it knew.
            contexts[bind] = ScenarioTokens.seal(written.reply.writerKnows, for: key)
            let message = Replicate(
                id: exchangeID(), partition: Self.partition, epoch: view.epoch, update: written.update)
            messages[bind] = ScenarioMessage(sender: coordinator, bytes: PeerMessage.replicate(message).encoded())
        }
        if strategy == .versionNumbers, case .applied = written.reply.outcome {
            // Acknowledged means: all members have it.
            for member in leadership.members where member != coordinator {
                if let refusal = try deliver(written.update, to: member) {
                    throw ScenarioFailure("a member refused its leader: \(refusal)")
                }
            }
        }
        return Self.outcome(of: written.reply.outcome)
    }

    private static func outcome(of outcome: WriteOutcome) -> ScenarioOutcome {
        switch outcome {
        case .applied, .unchanged: ScenarioOutcome(.ok)
        case .refused(.exists): ScenarioOutcome(.rejected, why: "exists")
        case .refused(.immutable): ScenarioOutcome(.rejected, why: "immutable")
        case .refused(.tooManySiblings): ScenarioOutcome(.rejected, why: "too many siblings")
        case .refused(.preconditionFailed): ScenarioOutcome(.rejected, why: "precondition failed")
        }
    }

    private func isAhead(_ timestamp: HybridTimestamp, of replica: Int) -> Bool {
        let limit = wall(of: replica).addingReportingOverflow(scenario.maximumSkew ?? .max)
        return !limit.overflow && timestamp.milliseconds > limit.partialValue
    }
}
