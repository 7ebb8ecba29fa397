import KindredModel
import KindredReplication
import KindredStorage
import Testing

/// What a node asks of the configuration service about leadership, and when.
@Suite struct ReplicaNodeLeadershipTests {
    private let first = NodeID(1)
    private let second = NodeID(2)
    private let third = NodeID(3)

    private func view(_ leadership: Leadership?, role: ReplicaMember.Role = .voter) -> PartitionView {
        let members = (1...3).map { number in
            ReplicaMember(
                node: NodeID(UInt32(number)), actor: ActorID(UInt32(number)), role: number == 3 ? role : .voter,
                counterCeiling: 1_000_000)
        }
        return PartitionView(partition: 0, epoch: 9, members: members, leadership: leadership)
    }

    /// A node that runs by itself: whoever it asks for a promise gives it.
    private struct Bench {
        var node: ReplicaNode
        var now: UInt64 = 0
        var wishes: Set<ConfigurationRequest> = []

        init(_ id: NodeID, _ view: PartitionView) throws {
            node = try ReplicaNode(
                id: id, generation: 1, store: ObjectStore(engine: MemoryStorageEngine(), byteLimit: 1 << 20),
                settings: NodeSettings(replicas: 3, hash: { _ in 1 }, rules: { _ in ConflictRules(.versionNumbers) }),
                views: [view], fallbacks: { _ in [] }, isTrusted: true, now: 0, wall: 1_000_000)
        }

        mutating func step(_ input: NodeInput) {
            var inputs = [input]
            while !inputs.isEmpty {
                var effects: [NodeEffect] = []
                node.step(inputs.removeFirst(), now: now, wall: 1_000_000 + now, into: &effects)
                for effect in effects {
                    switch effect {
                    case .send(.promise(let request), let receiver):
                        let reply = PromiseReply(id: request.id, result: .success(ReplicaClock()))
                        inputs.append(.message(.promised(reply), from: receiver))
                    case .configure(let request): wishes.insert(request)
                    default: break
                    }
                }
            }
        }

        mutating func run(for milliseconds: UInt64) {
            let end = now + milliseconds
            while now < end {
                now += 50
                step(.tick)
            }
        }
    }

    @Test func aLeaderOutOfTurnHandsOverOnceAllIsQuiet() throws {
        let leadership = Leadership(epoch: 4, leader: second, members: [second, first, third])
        let handOver = ConfigurationRequest.elect(
            partition: 0, leader: first, members: [second, first, third], replacing: 4)
        var bench = try Bench(second, view(leadership))
        bench.run(for: Limits.leadershipRestMilliseconds / 2)
        #expect(!bench.wishes.contains(handOver))
        bench.run(for: Limits.leadershipRestMilliseconds)
        #expect(bench.wishes.contains(handOver))
    }

    @Test func itDoesNotWhileSomebodyIsAwayOrLearning() throws {
        let leadership = Leadership(epoch: 4, leader: second, members: [second, first, third])
        for isAway in [true, false] {
            var bench = try Bench(second, view(leadership, role: isAway ? .voter : .learner))
            if isAway { bench.step(.reachable(first, false)) }
            bench.run(for: 3 * Limits.leadershipRestMilliseconds)
            #expect(!bench.wishes.contains { $0.names(leader: first) })
        }
    }

    @Test func theFirstMemberStaysLeader() throws {
        var bench = try Bench(first, view(Leadership(epoch: 4, leader: first, members: [first, second, third])))
        bench.run(for: 3 * Limits.leadershipRestMilliseconds)
        #expect(!bench.wishes.contains { $0.names(leader: first) || $0.names(leader: second) })
    }

    @Test func whereNobodyLeadsTheFirstMemberAsksToWithAllOfThem() throws {
        let wish = ConfigurationRequest.electAnew(partition: 0, leader: first)
        var bench = try Bench(first, view(nil))
        bench.run(for: 1_000)
        #expect(bench.wishes.contains(wish))

        var other = try Bench(second, view(nil))
        other.run(for: 1_000)
        #expect(!other.wishes.contains { $0.names(leader: first) || $0.names(leader: second) })

        var early = try Bench(first, view(nil, role: .learner))
        early.run(for: 1_000)
        #expect(!early.wishes.contains(wish))

        var lonely = try Bench(first, view(nil))
        lonely.step(.reachable(third, false))
        lonely.run(for: 1_000)
        #expect(!lonely.wishes.contains(wish))
    }
}

extension ConfigurationRequest {
    fileprivate func names(leader: NodeID) -> Bool {
        switch self {
        case .elect(_, leader, _, _), .electAnew(_, leader): true
        default: false
        }
    }
}
