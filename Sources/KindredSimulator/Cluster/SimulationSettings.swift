package import KindredModel

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

    package init(
        nodes: Int = 4, replicas: Int = 3, partitions: UInt16 = 2, profile: FaultProfile = .everything,
        duration: UInt64 = 20_000_000, clients: Int = 8, keysPerStrategy: Int = 3,
        strategies: [ConflictStrategy] = ConflictStrategy.allCases, pause: UInt64 = 120_000
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
    }
}
