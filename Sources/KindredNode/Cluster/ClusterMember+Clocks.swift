import KindredModel
import KindredReplication
import Logging

/// How a node keeps an eye on the clocks of its cluster.
extension ClusterMember {
    /// Compares the clocks; to be called every so often.
    func watchClocks(now: UInt64, wall: UInt64) {
        let hybrid = node.time.last.milliseconds
        let before = clocks.refusal
        let news = clocks.observe(transport.clocks(), hybridLead: hybrid > wall ? hybrid - wall : 0, now: now)
        if clocks.refusal != before { step(.clockAhead(milliseconds: clocks.refusal), now: now, wall: wall) }
        for item in news { log(item) }
    }

    /// This node's row of the matrix.
    var clockReport: ClockReport {
        clocks.report(
            configuration.nodes.compactMap { other in
                guard let id = other.id, id != node.id else { return nil }
                return (id, other.name)
            })
    }

    private func log(_ news: ClockWatch.News) {
        switch news {
        case .peer(let peer, let level, let measurement):
            let metadata: Logger.Metadata = [
                "node": "\(configuration.name(of: peer))", "milliseconds ahead": "\(measurement.offset / 1_000)",
                "limit": "\(clocks.limit / 1_000)", "round trip, microseconds": "\(2 * measurement.uncertainty)",
            ]
            switch level {
            case .ok: logger.notice("a node's clock is close to this node's again", metadata: metadata)
            case .warning: logger.warning("a node's clock is far from this node's", metadata: metadata)
            case .refused:
                logger.error(
                    "a node's clock is too far from this node's: last-write-wins writes of the one ahead are refused",
                    metadata: metadata)
            }
        case .refuses(let milliseconds):
            logger.error(
                "this node is too far ahead of most others, and coordinates no last-write-wins writes",
                metadata: ["milliseconds ahead": "\(milliseconds)", "limit": "\(clocks.limit / 1_000)"])
        case .takes:
            logger.notice("this node is not too far ahead any more, and coordinates last-write-wins writes again")
        }
    }
}
