package import KindredReplication

/// One thing that the simulation does to the cluster: damage, or the end of damage.
package enum Fault: Hashable, Sendable {
    // MARK: Processes

    /// Ends a node's process.
    case crash(NodeID, CrashKind)
    /// Starts a node's process again, on the disk as it is.
    case restart(NodeID)

    // MARK: Network

    /// Cuts the network between groups. Every member is in one, as is who is just joining or leaving.
    case partition([[NodeID]])
    /// Blocks one direction of one link.
    case blockOneWay(from: NodeID, to: NodeID)
    /// Ends all cuts.
    case heal
    /// Makes a node and its links slower by a factor.
    case slowNode(NodeID, factor: Int)
    /// Ends the slowness.
    case nodeSpeedRestored(NodeID)
    /// Delivers a message again that was sent long ago.
    case replayOldMessage

    // MARK: Clocks

    /// Puts a node's wall clock forward, or back.
    case clockJump(NodeID, milliseconds: Int64)
    /// Makes a node's clocks run wrong.
    case clockDrift(NodeID, partsPerMillion: Int)
    /// Sets a node's wall clock right and ends its drift.
    case clockCorrected(NodeID)

    // MARK: Disks

    /// Makes a node's next reads fail.
    case diskReadErrors(NodeID, count: Int)
    /// Changes a bit of some record on a node's disk.
    case diskBitFlip(NodeID)
    /// Makes a node read everything on its disk, so that it meets what is damaged. Not damage itself.
    case diskScrub(NodeID)
    /// Fills a node's disk.
    case diskFull(NodeID)
    /// Makes room on it.
    case diskFreed(NodeID)
    /// Makes a node's next commit fail, with or without having been written.
    case diskCommitFailure(NodeID)
    /// Ends read errors, and forgets commit failures that have not happened.
    case diskHealed(NodeID)
    /// Replaces a stopped node's disk by an empty one.
    case diskLost(NodeID)
    /// Keeps an image of a node's disk. Not damage itself.
    case takeSnapshot(NodeID)
    /// Puts a stopped node's disk back to the image that was kept last.
    case diskRollback(NodeID)
    /// Makes a node's disk report synchronizations that it does not do.
    case lyingSync(NodeID)
    /// Ends the lying; what was promised becomes true.
    case honestSync(NodeID)

    // MARK: Membership

    /// Puts a new node in the place of another.
    case replaceNode(NodeID, by: NodeID)
    /// Takes a node out of the cluster.
    case removeNode(NodeID)
    /// Adds a new node to the cluster.
    case addNode(NodeID)
    /// The configuration service cannot be reached by anyone.
    case serviceOutageBegins
    /// It can be reached again.
    case serviceOutageEnds
}

extension Fault {
    /// The node it happens to, or nil if it concerns several or none.
    package var node: NodeID? {
        switch self {
        case .crash(let node, _), .restart(let node), .slowNode(let node, _), .nodeSpeedRestored(let node),
            .clockJump(let node, _), .clockDrift(let node, _), .clockCorrected(let node),
            .diskReadErrors(let node, _), .diskBitFlip(let node), .diskScrub(let node), .diskFull(let node),
            .diskFreed(let node), .diskCommitFailure(let node), .diskHealed(let node), .diskLost(let node),
            .takeSnapshot(let node), .diskRollback(let node), .lyingSync(let node), .honestSync(let node),
            .replaceNode(let node, _), .removeNode(let node), .addNode(let node):
            node
        case .partition, .blockOneWay, .heal, .replayOldMessage, .serviceOutageBegins, .serviceOutageEnds: nil
        }
    }

    /// What kind of fault it is, for counting.
    package var kind: FaultKind {
        switch self {
        case .crash(_, .process): .processCrash
        case .crash(_, .power): .powerCrash
        case .restart: .restart
        case .partition: .partition
        case .blockOneWay: .blockOneWay
        case .heal: .heal
        case .slowNode: .slowNode
        case .nodeSpeedRestored: .nodeSpeedRestored
        case .replayOldMessage: .replayOldMessage
        case .clockJump: .clockJump
        case .clockDrift: .clockDrift
        case .clockCorrected: .clockCorrected
        case .diskReadErrors: .diskReadErrors
        case .diskBitFlip: .diskBitFlip
        case .diskScrub: .diskScrub
        case .diskFull: .diskFull
        case .diskFreed: .diskFreed
        case .diskCommitFailure: .diskCommitFailure
        case .diskHealed: .diskHealed
        case .diskLost: .diskLost
        case .takeSnapshot: .takeSnapshot
        case .diskRollback: .diskRollback
        case .lyingSync: .lyingSync
        case .honestSync: .honestSync
        case .replaceNode: .replaceNode
        case .removeNode: .removeNode
        case .addNode: .addNode
        case .serviceOutageBegins: .serviceOutageBegins
        case .serviceOutageEnds: .serviceOutageEnds
        }
    }
}

extension Fault: CustomStringConvertible {
    /// A line for a person: the name of the kind, and to whom it happens.
    package var description: String {
        switch self {
        case .partition(let groups):
            "partition " + groups.map { $0.map(\.description).joined(separator: ",") }.joined(separator: " | ")
        case .blockOneWay(let from, let to): "block-one-way \(from) → \(to)"
        case .slowNode(let node, let factor): "slow-node \(node) × \(factor)"
        case .clockJump(let node, let milliseconds): "clock-jump \(node) by \(milliseconds) ms"
        case .clockDrift(let node, let partsPerMillion): "clock-drift \(node) by \(partsPerMillion) ppm"
        case .diskReadErrors(let node, let count): "disk-read-errors \(node) × \(count)"
        case .replaceNode(let node, let successor): "replace-node \(node) by \(successor)"
        default: kind.rawValue + (node.map { " \($0)" } ?? "")
        }
    }
}
