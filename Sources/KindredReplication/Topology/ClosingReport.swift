package import KindredModel

/// What one member has of an actor that mints no more.
package struct ClosingReport: Hashable, Sendable {
    /// The closing actor.
    package let actor: ActorID
    /// The member that reports.
    package let reporter: ActorID
    /// The member has the actor's events 1 to `base`.
    package let base: UInt64
    /// And these beyond the gap, in ascending order.
    package let beyond: [UInt64]

    /// - Throws: `outOfBounds` if the events are out of order, touch the base, or are more or further away than
    ///   `Limits` and `ReplicaClock` allow.
    package init(
        actor: ActorID, reporter: ActorID, base: UInt64, beyond: [UInt64]
    ) throws(TopologyRefusal) {
        guard beyond.count <= Limits.closingReportEvents, base < UInt64.max - ReplicaClock.maximumGap - 1 else {
            throw .outOfBounds
        }
        var previous = base + 1
        for counter in beyond {
            guard counter > previous else { throw .outOfBounds }
            previous = counter
        }
        guard previous - base <= ReplicaClock.maximumGap else { throw .outOfBounds }
        self.actor = actor
        self.reporter = reporter
        self.base = base
        self.beyond = beyond
    }

    /// The actor's last event that the member has.
    var last: UInt64 { beyond.last ?? base }

    /// The events below the last one that the member does not have.
    var missing: [UInt64] {
        var missing: [UInt64] = []
        var next = base + 1
        for counter in beyond {
            while next < counter {
                missing.append(next)
                next += 1
            }
            next = counter + 1
        }
        return missing
    }
}

extension PartitionRecord {
    /// Takes note of what a member has of a closing actor. When all members that are not lost have reported the same,
    /// the actor is closed: what they have is what there is, and the rest is voided.
    ///
    /// From the view in which an actor is closing on, members believe only each other about its events. So once all
    /// have the same, nobody's can grow.
    mutating func take(_ report: ClosingReport, epoch: UInt64, lost: [NodeID]) throws(TopologyRefusal) {
        guard member(report.reporter) != nil else { throw .notCurrent }
        guard view.closing.contains(report.actor) else { throw .notClosing }
        try check(epoch: epoch)
        closingReports.removeAll { $0.actor == report.actor && $0.reporter == report.reporter }
        closingReports.append(report)
        for member in view.members where !lost.contains(member.node) {
            let agrees = closingReports.contains {
                $0.actor == report.actor && $0.reporter == member.actor && $0.base == report.base
                    && $0.beyond == report.beyond
            }
            guard agrees else { return }
        }
        view.closed.close(report.actor, last: report.last, voided: report.missing)
        view.closing.removeAll { $0 == report.actor }
        closingReports.removeAll { $0.actor == report.actor }
        view.epoch += 1
    }
}
