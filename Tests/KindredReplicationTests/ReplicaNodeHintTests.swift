import KindredModel
import KindredReplication
import KindredStorage
import Testing

/// What a node does with hints: keeps them whole, and hands them over once.
@Suite struct ReplicaNodeHintTests {
    private let target = NodeID(2)

    /// Node 1, which has a replica of partition 0 and stands in for node 2's of partition 1.
    private struct Bench {
        var node: ReplicaNode
        var now: UInt64 = 0

        init() throws {
            let members = (1...3).map {
                ReplicaMember(
                    node: NodeID(UInt32($0)), actor: ActorID(UInt32($0)), role: .voter, counterCeiling: 1_000_000)
            }
            node = try ReplicaNode(
                id: NodeID(1), generation: 1, store: ObjectStore(engine: MemoryStorageEngine(), byteLimit: 1 << 20),
                settings: NodeSettings(replicas: 3, hash: { _ in 1 }, rules: { _ in ConflictRules(.versionVectors) }),
                views: [
                    PartitionView(partition: 0, epoch: 1, members: members),
                    PartitionView(partition: 1, epoch: 1, members: Array(members[1...])),
                ], fallbacks: { _ in [] }, isTrusted: true, now: 0, wall: 1_000_000)
        }

        mutating func step(_ input: NodeInput) -> [PeerMessage] {
            var effects: [NodeEffect] = []
            node.step(input, now: now, wall: 1_000_000 + now, into: &effects)
            return effects.compactMap { if case .send(let message, _) = $0 { message } else { nil } }
        }

        /// What it says to a hint.
        mutating func keep(_ hint: Hint) -> ReplicaRefusal?? {
            for case .hinted(let reply) in step(.message(.hint(hint), from: NodeID(3))) { return reply.refusal }
            return nil
        }

        /// The hints that it hands over in so many milliseconds.
        mutating func handedOver(for milliseconds: UInt64) -> [Replicate] {
            let end = now + milliseconds
            var sent: [Replicate] = []
            while now < end {
                now += 50
                for case .replicate(let message) in step(.tick) { sent.append(message) }
            }
            return sent
        }
    }

    private func update(_ key: UInt8, _ counter: UInt64, bytes: Int = 1) -> ObjectUpdate {
        let version = Version(
            dot: Dot(ActorID(3), counter), timestamp: HybridTimestamp(milliseconds: 1_000_000),
            content: [UInt8](repeating: 7, count: bytes)[...])
        return ObjectUpdate(
            address: [key], object: CausalObject(versions: [version], context: CausalContext()),
            events: [version.dot])
    }

    private func hint(_ key: UInt8, _ counter: UInt64, bytes: Int = 1, records: [ObjectUpdate] = []) -> Hint {
        Hint(id: 1, target: target, partition: 1, update: update(key, counter, bytes: bytes), records: records)
    }

    @Test("whoever has no room for a record that belongs to a hint does not acknowledge the hint")
    func noRoom() throws {
        var bench = try Bench()
        #expect(bench.keep(hint(1, 1)) == .some(nil))
        #expect(bench.keep(hint(2, 2, bytes: Limits.hintBytes - 100_000)) == .some(nil))
        #expect(bench.keep(hint(1, 3, records: [update(3, 4, bytes: 200_000)])) == .overload)
        #expect(bench.keep(hint(1, 3, records: [update(3, 4, bytes: 1_000)])) == .some(nil))
        #expect(bench.node.hints.count(for: target) == 3)
    }

    @Test("whoever refuses a record that belongs to a write does not acknowledge the write")
    func refusedRecord() throws {
        var bench = try Bench()
        func reply(_ record: ObjectUpdate) -> ReplicaRefusal?? {
            let write = Replicate(id: 1, partition: 0, epoch: 1, update: update(1, 1), records: [record])
            for case .replicated(let reply) in bench.step(.message(.replicate(write), from: NodeID(3))) {
                return reply.refusal
            }
            return nil
        }
        #expect(reply(update(3, ReplicaClock.maximumGap + 10)) == .notReady)
        #expect(reply(update(3, 2)) == .some(nil))
    }

    @Test("a hint whose target takes its time is sent once, and is gone when the answer comes")
    func slowTarget() throws {
        var bench = try Bench()
        _ = bench.keep(hint(1, 1))
        let sent = bench.handedOver(for: Limits.exchangeMilliseconds - 100)
        #expect(sent.map(\.update.address) == [[1]])
        let reply = Replicated(id: try #require(sent.first).id, refusal: nil)
        _ = bench.step(.message(.replicated(reply), from: target))
        #expect(bench.node.hints.count == 0)
    }

    @Test("one that is not answered is sent again, and one that has changed at once")
    func sentAgain() throws {
        var bench = try Bench()
        _ = bench.keep(hint(1, 1))
        #expect(bench.handedOver(for: Limits.exchangeMilliseconds / 2).count == 1)
        _ = bench.keep(hint(1, 2))
        let changed = bench.handedOver(for: Limits.handOffMilliseconds)
        #expect(changed.map(\.update.events.count) == [2])
        #expect(bench.handedOver(for: Limits.exchangeMilliseconds + Limits.handOffMilliseconds).count == 1)
    }
}
