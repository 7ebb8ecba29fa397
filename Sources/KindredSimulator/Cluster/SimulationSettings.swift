package import KindredModel
import KindredTesting

/// What a run is like, beside its seed.
package struct SimulationSettings: Hashable, Sendable {
    /// How many nodes the cluster begins with.
    package var nodes: Int
    /// How many replicas each partition has.
    package var replicas: Int
    package var partitions: UInt16
    package var profile: FaultProfile
    /// For how long clients write and faults happen, in virtual microseconds.
    package var duration: UInt64
    package var clients: Int
    /// How many keys each strategy has.
    package var keysPerStrategy: Int
    package var strategies: [ConflictStrategy]
    /// The mean time between two requests of a client, in virtual microseconds.
    package var pause: UInt64
    /// Whether each seed takes only some of the strategies, keys and habits of clients: what few things happen in a run, happen often.
    /// (Groce et al., "Swarm Testing", 2012.)
    package var isMixed: Bool

    package init(
        nodes: Int = 4, replicas: Int = 3, partitions: UInt16 = 2, profile: FaultProfile = .everything,
        duration: UInt64 = 20_000_000, clients: Int = 8, keysPerStrategy: Int = 3,
        strategies: [ConflictStrategy] = ConflictStrategy.allCases, pause: UInt64 = 120_000, isMixed: Bool = true
    ) {
        self.nodes = nodes
        self.replicas = replicas
        self.partitions = partitions
        self.profile = profile
        self.duration = duration
        self.clients = clients
        self.keysPerStrategy = keysPerStrategy
        self.strategies = strategies
        self.pause = pause
        self.isMixed = isMixed
    }
}

extension SimulationSettings {
    /// The settings that a seed takes of these.
    func mixed(by seed: UInt64) -> (settings: SimulationSettings, habits: [SimulatedClient.Habit]) {
        var habits = SimulatedClient.Habit.allCases
        guard isMixed else { return (self, habits) }
        var chance = SplitMix64(seed: seed ^ 0x6d69_7874_7572_6573)
        var mixed = self
        func some<Item>(of items: [Item], atLeast least: Int) -> [Item] {
            if chance.chance(40) { return items }
            var left = items
            let count = min(items.count, least + chance.below(2))
            while left.count > count { left.remove(at: chance.below(left.count)) }
            return left
        }
        mixed.strategies = some(of: strategies, atLeast: 1)
        habits = some(of: habits, atLeast: 2)
        mixed.keysPerStrategy = 1 + chance.below(keysPerStrategy)
        return (mixed, habits)
    }
}
