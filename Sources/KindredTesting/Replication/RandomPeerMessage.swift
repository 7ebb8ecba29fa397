import KindredModel
package import KindredReplication

/// Random messages for tests and fuzzers: every case of every choice, small and large numbers, empty and full lists.
/// Each decodes from its own bytes, which means that addresses and events are as the messages promise.
extension PeerMessage {
    /// A message of any kind.
    package static func random(using random: inout SplitMix64) -> PeerMessage {
        self.random(Kind.allCases[random.below(Kind.allCases.count)], using: &random)
    }

    /// A message of this kind.
    package static func random(_ kind: Kind, using random: inout SplitMix64) -> PeerMessage {
        let id = random.number()
        let partition = UInt16(truncatingIfNeeded: random.number())
        let epoch = random.number()
        switch kind {
        case .replicate:
            let leaderEpoch = random.chance(50) ? 0 : random.number()
            return .replicate(
                Replicate(id: id, partition: partition, epoch: epoch, leaderEpoch: leaderEpoch, update: random.update())
            )
        case .replicated:
            return .replicated(Replicated(id: id, refusal: random.chance(50) ? nil : random.refusal()))
        case .read:
            return .read(
                ReadObject(
                    id: id, partition: partition, epoch: epoch, address: random.address(), atLeast: random.context()))
        case .readReply:
            return .readReply(
                ReadReply(
                    id: id, result: random.chance(70) ? .success(random.update()) : .failure(random.refusal())))
        case .hint:
            return .hint(Hint(id: id, target: random.node(), partition: partition, update: random.update()))
        case .hinted:
            return .hinted(Hinted(id: id, refusal: random.chance(50) ? nil : random.refusal()))
        case .pull:
            return .pull(
                PullRequest(
                    id: id, partition: partition, epoch: epoch, actor: random.actorID(), clock: random.clock(),
                    digest: random.chance(50) ? random.digest() : nil))
        case .pulled:
            return .pulled(
                PullReply(id: id, actor: random.actorID(), clock: random.clock(), content: random.pullContent()))
        case .transfer:
            return .transfer(
                TransferRequest(
                    id: id, partition: partition, epoch: epoch, after: random.chance(60) ? random.address() : nil,
                    goal: random.clock()))
        case .transferred:
            return .transferred(
                TransferReply(
                    id: id, actor: random.actorID(), clock: random.clock(), updates: random.updates(),
                    through: random.chance(60) ? random.address() : nil,
                    refusal: random.chance(20) ? random.refusal() : nil))
        case .promise:
            return .promise(PromiseRequest(id: id, partition: partition, leaderEpoch: epoch))
        case .promised:
            return .promised(
                PromiseReply(id: id, result: random.chance(70) ? .success(random.clock()) : .failure(random.refusal())))
        case .forward:
            return .forward(ForwardedRequest(id: id, request: random.clientRequest()))
        case .forwarded:
            return .forwarded(ForwardedReply(id: id, reply: random.clientReply()))
        case .list:
            return .list(
                ListRequest(
                    id: id, partition: partition, bucketType: UInt32(random.below(5)),
                    bucket: random.chance(50) ? random.address() : nil,
                    after: random.chance(50) ? random.address() : nil, limit: UInt32(random.below(1_000))))
        case .listed:
            var closed = ClosedActors()
            for _ in 0..<random.below(3) {
                closed.close(random.actorID(), last: 9, voided: [UInt64(random.below(9)) + 1])
            }
            let log = ConflictLogState(
                actor: random.actorID(), revision: random.chance(80) ? random.number() : nil, clock: random.clock(),
                closed: closed)
            let page = ListPage(
                names: (0..<random.below(4)).map { _ in random.address() }, isLast: random.chance(50),
                log: random.chance(50) ? log : nil)
            return .listed(
                ListReply(id: id, result: random.chance(80) ? .success(page) : .failure(random.refusal())))
        }
    }
}

// MARK: - Fields of messages between replicas

extension SplitMix64 {
    /// A number of any length in bits, so that small ones are as frequent as large ones.
    fileprivate mutating func number() -> UInt64 {
        next() >> UInt64(below(64))
    }

    fileprivate mutating func node() -> NodeID {
        NodeID(UInt32(truncatingIfNeeded: number()))
    }

    /// Any actor but the reserved one; few, most of the time, so that events of one actor meet.
    fileprivate mutating func actorID() -> ActorID {
        ActorID(chance(80) ? UInt32(1 + below(4)) : max(1, UInt32(truncatingIfNeeded: number())))
    }

    fileprivate mutating func dot() -> Dot {
        Dot(actorID(), chance(60) ? UInt64(1 + below(20)) : max(1, number()))
    }

    fileprivate mutating func dots(below bound: Int) -> [Dot] {
        let count = below(bound)
        return (0..<count).map { _ in dot() }
    }

    fileprivate mutating func refusal() -> ReplicaRefusal {
        ReplicaRefusal.allCases[below(ReplicaRefusal.allCases.count)]
    }

    fileprivate mutating func digest() -> PartitionDigest {
        PartitionDigest(high: next(), low: next())
    }

    fileprivate mutating func context() -> CausalContext {
        if chance(30) { return CausalContext() }
        var context = CausalContext(VersionVector(dots(below: 5).map { VersionVector.Entry($0.actor, $0.counter) }))
        for dot in dots(below: 6) { context.insert(dot) }
        if chance(20) { context.insert(Dot(.closed, 1)) }
        return context
    }

    /// Runs of events of some actors, and single ones beyond gaps.
    fileprivate mutating func clock() -> ReplicaClock {
        var clock = ReplicaClock()
        for _ in 0..<below(4) {
            let actor = chance(10) ? ActorID.closed : actorID()
            for counter in 0..<UInt64(below(200)) { clock.insert(Dot(actor, 1 + counter)) }
            for _ in 0..<below(4) { clock.insert(Dot(actor, UInt64(1 + below(400)))) }
        }
        return clock
    }

    /// Bucket type, length of the bucket's name, bucket, key; now and then as long as it may be.
    fileprivate mutating func address() -> [UInt8] {
        let bucket = chance(2) ? Limits.bucketNameBytes : below(12)
        let key = chance(2) ? Limits.keyBytes : below(20)
        var address: [UInt8] = []
        address.append(bigEndian: UInt32(truncatingIfNeeded: number()))
        address.append(bigEndian: UInt16(bucket))
        return address + bytes(bucket + key)
    }

    fileprivate mutating func timestamp() -> HybridTimestamp {
        HybridTimestamp(rawValue: number())
    }

    fileprivate mutating func content() -> [UInt8] {
        bytes(chance(5) ? 300 : below(24))
    }

    fileprivate mutating func version(_ dot: Dot) -> Version {
        Version(
            dot: dot, timestamp: timestamp(), number: chance(50) ? 0 : number(),
            content: chance(20) ? nil : content()[...])
    }

    /// A filled object.
    fileprivate mutating func object() -> CausalObject {
        var object = CausalObject(versions: [], context: context())
        for dot in dots(below: 5) { object.insert(version(dot)) }
        return object
    }

    fileprivate mutating func update() -> ObjectUpdate {
        let object = object()
        let events = Set(dots(below: 6) + object.versions.map(\.dot)).sorted()
        return ObjectUpdate(address: address(), object: object, events: events)
    }

    fileprivate mutating func updates() -> [ObjectUpdate] {
        let count = below(4)
        return (0..<count).map { _ in update() }
    }

    fileprivate mutating func pullContent() -> PullReply.Content {
        switch below(5) {
        case 0: .nothing(digest: nil)
        case 1: .nothing(digest: digest())
        case 2: .updates(updates(), more: chance(50))
        case 3: .transferNeeded
        default: .refused(refusal())
        }
    }
}

// MARK: - Fields of forwarded requests

extension SplitMix64 {
    fileprivate mutating func knowledge() -> Knowledge {
        Knowledge(context: context(), timestamp: timestamp(), number: number())
    }

    fileprivate mutating func quorums() -> RequestQuorums {
        let counts = bytes(6)
        return RequestQuorums(
            n: counts[0], r: counts[1], pr: counts[2], w: counts[3], pw: counts[4], dw: counts[5],
            notFoundOK: chance(50), basicQuorum: chance(50), isSloppy: chance(50))
    }

    fileprivate mutating func tags() -> [Precondition.VersionTag] {
        let count = below(4)
        return (0..<count).map { _ in chance(50) ? .tag(chance(80) ? version(dot()).tag : "") : .number(number()) }
    }

    fileprivate mutating func precondition() -> Precondition {
        var precondition = Precondition()
        precondition.mustNotExist = chance(20)
        precondition.mustExist = chance(20)
        precondition.notModifiedSince = chance(30) ? context() : nil
        precondition.matches = chance(30) ? tags() : nil
        precondition.matchesNone = chance(30) ? tags() : nil
        precondition.unmodifiedSinceMilliseconds = chance(30) ? number() : nil
        return precondition
    }

    fileprivate mutating func operation() -> ClientRequest.Operation {
        if chance(30) { return .get }
        let write = ClientWrite(content: chance(70) ? content()[...] : nil, seen: chance(60) ? knowledge() : nil)
        let request = chance(60) ? ClientRequestID(client: next(), number: number()) : nil
        return .write(write, precondition: precondition(), request: request)
    }

    fileprivate mutating func clientRequest() -> ClientRequest {
        ClientRequest(
            partition: UInt16(truncatingIfNeeded: number()), address: address(),
            strategy: ConflictStrategy.allCases[below(ConflictStrategy.allCases.count)], logsConflicts: chance(70),
            operation: operation(), quorums: quorums(), timeout: number(), session: context())
    }

    fileprivate mutating func writeRefusal() -> WriteRefusal {
        switch below(6) {
        case 0: .exists
        case 1: .immutable
        case 2: .tooManySiblings(count: Int(number() >> 1))
        case 3: .preconditionFailed(.exists)
        case 4: .preconditionFailed(.missing)
        default: .preconditionFailed(.modified)
        }
    }

    fileprivate mutating func unavailability() -> Unavailability {
        let count = UInt8(below(256))
        switch below(11) {
        case 0:
            let kind = Unavailability.Kind.allCases[below(Unavailability.Kind.allCases.count)]
            return .unsatisfied(kind, required: count, got: UInt8(below(256)))
        case 1: return .timeout
        case 2: return .overload
        case 3: return .noCoordinator
        case 4: return .notTheLeader(leader: nil)
        case 5: return .notTheLeader(leader: node())
        case 6: return .sessionNotServed
        case 7: return .tooManyAskedFor(n: count)
        case 8: return .clockSkew(milliseconds: number())
        case 9: return .clockAhead(milliseconds: number())
        default: return .storage
        }
    }

    fileprivate mutating func clientReply() -> ClientReply {
        switch below(4) {
        case 0:
            return .object(object())
        case 1:
            return .written(
                WrittenReply(
                    object: object(), writerKnows: knowledge(), dot: chance(70) ? dot() : nil,
                    discarded: dots(below: 4).map { version($0) }))
        case 2:
            return .refused(writeRefusal())
        default:
            return .unavailable(unavailability(), mayHaveHappened: chance(50))
        }
    }
}
