/// Which kinds of trouble a run has. The raw value is the name on the command line.
package enum FaultProfile: String, CaseIterable, Sendable {
    /// None: what fails here fails without any fault.
    case calm
    /// Cuts, losses, duplicates, delays and slow nodes.
    case network
    /// Disks that fail, fill up, lie, forget and get lost.
    case disk
    /// Killed processes and power cuts.
    case crash
    /// Clocks that jump and drift.
    case clock
    /// Nodes that join, leave and are replaced, with crashes and outages of the configuration service meanwhile.
    case membership
    /// All of them.
    case everything

    /// How the network is when there is no cut.
    package var networkConditions: NetworkConditions {
        switch self {
        case .network, .everything: .bad
        case .calm, .disk, .crash, .clock, .membership: .good
        }
    }

    /// The kinds of episodes, each with its weight in the choice.
    var episodes: [(kind: EpisodeKind, weight: Int)] {
        switch self {
        case .calm: []
        case .network: Self.networkEpisodes
        case .disk: Self.diskEpisodes
        case .crash: Self.crashEpisodes
        case .clock: Self.clockEpisodes
        case .membership: Self.membershipEpisodes + [(.processCrash, 3), (.partition, 1)]
        case .everything:
            Self.networkEpisodes + Self.diskEpisodes + Self.crashEpisodes + Self.clockEpisodes + Self.membershipEpisodes
        }
    }

    private static let networkEpisodes: [(kind: EpisodeKind, weight: Int)] = [
        (.partition, 4), (.oneWayBlock, 3), (.slowNode, 2), (.oldMessage, 3),
    ]
    private static let diskEpisodes: [(kind: EpisodeKind, weight: Int)] = [
        (.readErrors, 3), (.bitFlip, 2), (.fullDisk, 2), (.commitFailure, 3), (.lostDisk, 2), (.rollback, 2),
        (.lyingDisk, 2),
    ]
    private static let crashEpisodes: [(kind: EpisodeKind, weight: Int)] = [
        (.processCrash, 5), (.powerCrash, 5), (.powerCut, 1),
    ]
    private static let clockEpisodes: [(kind: EpisodeKind, weight: Int)] = [(.clockJump, 3), (.clockDrift, 2)]
    private static let membershipEpisodes: [(kind: EpisodeKind, weight: Int)] = [
        (.replacement, 2), (.removal, 1), (.addition, 1), (.serviceOutage, 2),
    ]
}

/// A kind of trouble, from its beginning to its end.
package enum EpisodeKind: String, CaseIterable, Sendable {
    /// A killed process, and its restart.
    case processCrash = "process crash"
    /// A machine without power, and its restart.
    case powerCrash = "power crash"
    /// All machines without power at once.
    case powerCut = "power cut"
    /// A network in two or three parts.
    case partition
    /// One or more links that work in one direction only.
    case oneWayBlock = "one-way block"
    /// A slow node.
    case slowNode = "slow node"
    /// One old message again.
    case oldMessage = "old message"
    /// A wall clock that jumps, and is set right.
    case clockJump = "clock jump"
    /// Clocks that drift, and are set right.
    case clockDrift = "clock drift"
    /// Reads that fail.
    case readErrors = "read errors"
    /// A flipped bit, and a scrub that makes the node meet it.
    case bitFlip = "bit flip"
    /// A full disk, and room again.
    case fullDisk = "full disk"
    /// A commit of unknown fate.
    case commitFailure = "commit failure"
    /// A crash after which the node has an empty disk.
    case lostDisk = "lost disk"
    /// A crash after which the node has an older image of its disk.
    case rollback
    /// A disk that lies about synchronizing, and perhaps a power cut meanwhile.
    case lyingDisk = "lying disk"
    /// A new node for an old one, alive or dead.
    case replacement
    /// A node that leaves.
    case removal
    /// A node that joins.
    case addition
    /// No configuration service.
    case serviceOutage = "service outage"
}
