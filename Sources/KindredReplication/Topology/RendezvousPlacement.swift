import KindredModel

/// Which nodes a partition's replicas belong on: a function of the partition and the nodes alone, the same on every
/// machine and for ever.
///
/// Every node draws a number for every partition, by a hash of the two; the smallest numbers win. A node that comes
/// takes over only the replicas for which it drew a winning number, about 1/nodes of all; a node that goes leaves only
/// its own to others. A number is drawn as −log₂(u)/weight from a uniform u, so that a node of twice the weight wins
/// twice as often.
///
/// **Zones** come first: a zone is as good as the best node in it (as if it had drawn a number itself, with the sum of
/// its nodes' weights), and no zone is used for a second replica while another one is unused. So the replicas are in as
/// many zones as there are, up to their number, and evenly spread over fewer.
///
/// All arithmetic is on integers: floating-point logarithms differ between machines. (Thaler, Ravishankar, "Using
/// Name-Based Mappings to Increase Hit Rates", 1998; Schindelhauer, Schomaker, "Weighted Distributed Hash Tables",
/// 2005, for the weights.)
package enum RendezvousPlacement {
    /// All the nodes in the order of preference for a partition: the first n are its replicas, the rest its fallbacks.
    ///
    /// - Parameters:
    ///   - nodes: in any order; their ids must be distinct.
    ///   - taken: nodes that have been chosen already, for the spread over zones; none of `nodes`.
    package static func order(
        partition: UInt16, nodes: [ClusterNode], beside taken: [ClusterNode] = []
    ) -> [NodeID] {
        let drawn = nodes.map { Draw(node: $0, cost: cost(partition: partition, seat: $0.seat)) }
            .sorted { $0.isBefore($1) }
        // The k-th node of a zone (those taken counted) has to wait for the (k − 1)-th of all the others.
        var used: [String: Int] = [:]
        for node in taken { used[node.zone, default: 0] += 1 }
        var ranked: [(round: Int, position: Int)] = []
        for (position, draw) in drawn.enumerated() {
            ranked.append((used[draw.node.zone, default: 0], position))
            used[draw.node.zone, default: 0] += 1
        }
        ranked.sort { $0 < $1 }
        return ranked.map { drawn[$0.position].node.id }
    }

    /// The nodes of a partition's replicas, in the order of the preference list: `n` distinct ones, or all if there are
    /// fewer.
    package static func replicas(partition: UInt16, nodes: [ClusterNode], n: UInt8) -> [NodeID] {
        Array(order(partition: partition, nodes: nodes).prefix(Int(n)))
    }

    /// One node's number for one partition, before its weight.
    private struct Draw {
        let node: ClusterNode
        let cost: UInt64

        /// By cost/weight, multiplied out. A cost has 38 bits and a weight 16, so nothing overflows.
        func isBefore(_ other: Draw) -> Bool {
            let left = cost * UInt64(max(other.node.weight, 1))
            let right = other.cost * UInt64(max(node.weight, 1))
            return left == right ? node.id < other.node.id : left < right
        }
    }

    /// −log₂ of the hash as a fraction of 2⁶⁴, with 32 bits behind the binary point.
    private static func cost(partition: UInt16, seat: UInt32) -> UInt64 {
        (64 << 32) - binaryLogarithm(max(hash(partition: partition, seat: seat), 1))
    }

    /// FNV-1a (64 bits) over partition and seat in big-endian order, finished with the mixer of MurmurHash3.
    private static func hash(partition: UInt16, seat: UInt32) -> UInt64 {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: partition)
        bytes.append(bigEndian: seat)
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return hash ^ hash >> 33
    }

    /// log₂ of a number above 0, rounded down to 32 bits behind the binary point: the position of its highest bit, then
    /// one bit for each squaring of the rest.
    static func binaryLogarithm(_ number: UInt64) -> UInt64 {
        var result = UInt64(63 - number.leadingZeroBitCount)
        // Between 1 and 2, with 63 bits behind the point.
        var rest = number << UInt64(number.leadingZeroBitCount)
        for _ in 0..<32 {
            let square = rest.multipliedFullWidth(by: rest)
            result <<= 1
            if square.high >> 63 == 1 {
                result |= 1
                rest = square.high
            } else {
                rest = square.high << 1 | square.low >> 63
            }
        }
        return result
    }
}
