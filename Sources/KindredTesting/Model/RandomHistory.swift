package import KindredModel

/// A random configuration and what happens to it, from one seed.
package struct RandomHistory: Sendable {
    /// The seed that gives this history again.
    package let seed: UInt64
    /// The cluster it happens to.
    package let configuration: ModelCluster.Configuration
    /// What happens.
    package private(set) var operations: [ModelOperation]

    /// The history that belongs to `seed`.
    package init(
        seed: UInt64, strategy: ConflictStrategy, forgetsDots: Bool = false, defect: PlantedDefect? = nil
    ) {
        self.seed = seed
        var random = SplitMix64(seed: seed)
        let replicas = 1 + random.below(CausalHistory.maximumReplicas)
        // Equal clocks make for equal timestamps, which the dots have to tell apart.
        let clocksDiffer = random.chance(50)
        configuration = ModelCluster.Configuration(
            strategy: strategy, replicas: replicas, clients: 1 + random.below(4), keys: 1 + random.below(3),
            clockOffsets: (0..<replicas).map { _ in clocksDiffer ? UInt64(random.below(400)) : 0 },
            sendsWrites: random.chance(80), forgetsDots: forgetsDots, defect: defect)
        operations = (0..<(4 + random.below(32))).map { _ in ModelOperation.random(using: &random) }
    }

    /// Lets it happen.
    ///
    /// - Returns: the first thing that did not hold; nil if all did.
    package func violation() -> String? {
        var cluster = ModelCluster(configuration)
        do {
            for operation in operations { try cluster.perform(operation) }
            try cluster.converge()
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// The history without the operations that its violation does not need.
    package func shortened() -> RandomHistory {
        var shortest = self
        var index = shortest.operations.count - 1
        while index >= 0 {
            var candidate = shortest
            candidate.operations.remove(at: index)
            if candidate.violation() != nil { shortest = candidate }
            index -= 1
        }
        return shortest
    }

    /// What went wrong, the seed, and the shortest list of operations that still goes wrong.
    package var report: String {
        let shortest = shortened()
        return """
            seed \(seed): \(shortest.violation() ?? "holds when replayed")
            \(shortest.configuration)
            \(shortest.operations.map { "  \($0)" }.joined(separator: "\n"))
            """
    }
}

extension ModelOperation {
    /// Any operation; those that make histories interesting are more frequent.
    package static func random(using random: inout SplitMix64) -> ModelOperation {
        let client = random.below(12)
        let replica = random.below(12)
        let key = random.below(6)
        return switch random.below(100) {
        case 0..<34:
            .put(
                client: client, replica: replica, key: key, content: UInt8(random.below(3)),
                withContext: random.chance(60))
        case 34..<44: .delete(client: client, replica: replica, key: key, withContext: random.chance(60))
        case 44..<60: .read(client: client, replicas: random.below(16), key: key)
        case 60..<78: .deliver(message: random.below(64), again: random.chance(20))
        case 78..<82: .lose(message: random.below(64))
        case 82..<94: .pull(into: replica, from: random.below(12), limit: 1 + random.below(4))
        default: .wait(random.below(300))
        }
    }
}
