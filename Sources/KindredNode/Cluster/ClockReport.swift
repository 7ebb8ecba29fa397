import KindredReplication

/// What a node knows of the others' clocks: its row of the matrix that all of them make up.
package struct ClockReport: Codable, Sendable {
    /// How far two clocks may be apart before last-write-wins writes are refused.
    package var limitMilliseconds: UInt64
    /// By how much the time of this node is ahead of more than half of the peers that it can compare itself with;
    /// negative if it is behind, nil if there is nobody.
    package var aheadMilliseconds: Double?
    /// Whether it coordinates no last-write-wins writes, because it is too far ahead.
    package var refusesLastWriteWins: Bool
    package var peers: [PeerClockReport]
}

/// How far one peer's clock is from that of the node that says so.
package struct PeerClockReport: Codable, Sendable {
    package var node: String
    /// By how much the peer is ahead; negative if it is behind, nil if that has not been measured lately.
    package var offsetMilliseconds: Double?
    /// The true offset is at most so far away.
    package var uncertaintyMilliseconds: Double?
    /// How long ago that was measured.
    package var ageMilliseconds: UInt64?
    /// `ok`; `warning`: more than half of the limit; `refused`: more than the limit, beyond doubt; `unknown`.
    package var state: String
}

extension ClockWatch {
    /// - Parameter nodes: the other nodes' ids and names.
    func report(_ nodes: [(id: NodeID, name: String)]) -> ClockReport {
        ClockReport(
            limitMilliseconds: UInt64(limit / 1_000), aheadMilliseconds: lead.map(milliseconds),
            refusesLastWriteWins: refusal != nil,
            peers: nodes.map { id, name in
                guard let peer = peers[id] else { return PeerClockReport(node: name, state: "unknown") }
                return PeerClockReport(
                    node: name, offsetMilliseconds: milliseconds(peer.measurement.offset),
                    uncertaintyMilliseconds: milliseconds(peer.measurement.uncertainty),
                    ageMilliseconds: peer.measurement.age, state: "\(peer.level)")
            })
    }

    private func milliseconds(_ microseconds: Int64) -> Double { Double(microseconds) / 1_000 }
}

extension ClockReport {
    /// Before there is anything to say.
    static let nothing = ClockWatch().report([])

    /// What a person should look at, as far as it is this node that is ahead: so each pair is spoken of once.
    package func warnings(of name: String) -> [String] {
        var warnings = peers.compactMap { $0.warning(seenBy: name, limit: limitMilliseconds, isAhead: false) }
        if refusesLastWriteWins {
            let ahead = aheadMilliseconds.map { " \(text($0))" } ?? ""
            warnings.append(
                "\(name) is\(ahead) ahead of most other nodes, and coordinates no last-write-wins writes until that is over"
            )
        }
        return warnings
    }
}

extension PeerClockReport {
    /// A pair of clocks that are too far apart, in a sentence; nil if they are not.
    ///
    /// - Parameter isAhead: whether to speak of it if the peer is the one ahead, or if the other is.
    package func warning(seenBy name: String, limit: UInt64, isAhead: Bool) -> String? {
        guard state == "warning" || state == "refused", let offset = offsetMilliseconds, (offset > 0) == isAhead else {
            return nil
        }
        let (first, second) = isAhead ? (node, name) : (name, node)
        let consequence =
            state == "refused"
            ? "more than \(limit) ms, so \(second) refuses last-write-wins writes of \(first)"
            : "more than half of the \(limit) ms that are allowed"
        return "the clock of \(first) is \(text(offset)) ahead of that of \(second): \(consequence)"
    }
}

/// Whole milliseconds, of any number that another node may have sent.
private func text(_ milliseconds: Double) -> String { "\(Int(min(milliseconds.magnitude, 1e15).rounded())) ms" }
