import KindredModel
import KindredTesting
import Testing

/// The laws of a join: replicas may exchange what they know in any order, any number of times, in any grouping.
///
/// They are checked on objects of one history, which is all that ever meets; contents of different histories share no dots.
@Suite struct MergeLawTests {
    /// What the replicas of a cluster know of its first key, what they would know together, and nothing.
    private func objects(in cluster: ModelCluster) throws -> [CausalObject] {
        var objects = [CausalObject()]
        for replica in cluster.replicas { objects.append(try replica.object(0)) }
        for left in cluster.replicas.indices {
            for right in cluster.replicas.indices where left < right {
                var merged = try cluster.replicas[left].object(0)
                _ = cluster.configuration.strategy.merge(try cluster.replicas[right].object(0), into: &merged)
                objects.append(merged)
            }
        }
        return objects
    }

    @Test("hold in every state of a few operations", arguments: ConflictStrategy.allCases)
    func smallScope(strategy: ConflictStrategy) throws {
        var search = ExhaustiveSearch(
            configuration: ModelCluster.Configuration(
                strategy: strategy, replicas: 3, clients: 3, keys: 1, clockOffsets: [7, 0, 7], sendsWrites: false),
            operations: ExhaustiveSearch.operations(clients: 3, replicas: 3, deletes: true))
        var seen: Set<Set<CausalObject>> = []
        try search.run(length: strategy == .versionNumbers ? 3 : 4) { cluster in
            let objects = Set(try objects(in: cluster))
            guard seen.insert(objects).inserted else { return }
            if let violation = MergeLaws.violation(of: strategy, among: Array(objects)) {
                throw LawViolation(violation)
            }
        }
        #expect(seen.count > 10)
    }

    /// Takes objects from different moments, so that one of them may be far behind another.
    @Test("hold along random histories", arguments: ConflictStrategy.allCases)
    func randomHistories(strategy: ConflictStrategy) throws {
        for seed in Seeds.upTo(150) {
            let history = RandomHistory(seed: seed, strategy: strategy)
            var random = SplitMix64(seed: seed)
            var cluster = ModelCluster(history.configuration)
            var reached: Set<CausalObject> = []
            for operation in history.operations {
                try cluster.perform(operation)
                for replica in cluster.replicas { reached.insert(try replica.object(0)) }
            }
            let chosen = reached.sorted { $0.context.description < $1.context.description }
                .shuffled(using: &random).prefix(6)
            if let violation = MergeLaws.violation(of: strategy, among: Array(chosen)) {
                Issue.record("seed \(seed), \(strategy): \(violation)")
                return
            }
        }
    }

    @Test("a join that forgets is noticed")
    func noticesViolations() {
        let first = CausalObject(versions: [version(1, 1, "a")], context: CausalContext())
        let second = CausalObject(versions: [version(2, 1, "b")], context: CausalContext())
        let violation = MergeLaws.violation(among: [first, second]) { _, into in into = first }
        #expect(violation != nil)
        let keepsLeft = MergeLaws.violation(among: [first, second]) { _, _ in }
        #expect(keepsLeft != nil)
    }

    /// Only damage or an actor id used twice can cause this. Even then replicas must not end up different.
    @Test("hold even for different contents under one dot, which are reported")
    func divergentContents() {
        let contexts = [CausalContext(), CausalContext(vector([1: 1])), CausalContext(vector([1: 1, 2: 1]))]
        let variants: [Version?] = [
            nil, version(1, 1, at: 5, "a"), version(1, 1, at: 5, "b"), version(1, 1, at: 5, "bb"),
            version(1, 1, at: 6, "a"), version(1, 1, at: 5, number: 2, "a"), version(1, 1, at: 5, nil),
        ]
        let objects = variants.flatMap { variant in
            contexts.map { CausalObject(versions: variant.map { [$0] } ?? [], context: $0) }
        }
        let violation = MergeLaws.violation(among: objects) { other, object in _ = object.merge(other) }
        #expect(violation == nil, "\(violation ?? "")")
        var object = objects[4]
        #expect(object.merge(objects[7]).map(\.dot) == [dot(1, 1)])
        #expect(texts(object.versions) == ["b"])
        #expect(object.merge(objects[7]).isEmpty)
    }
}
