/// Something that must hold, and did not.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// Which promise was broken.
    package enum Kind: String, CaseIterable, Sendable {
        case lostWrite = "P1 no lost acknowledgement"
        case wrongAnswer = "P2 exactness of an answer"
        case wrongReplica = "P2 exactness of a replica"
        case tooManySiblings = "P3 sibling bound"
        case noConvergence = "P4 convergence"
        case dotReused = "P6 unique dots"
        case dishonestClock = "P9 own entry complete"
        case metadata = "P12 metadata bound"
        case session = "P13 sessions"
        case digest = "P14 equal clocks, equal digests"
        case fencing = "P16 one leader, rising versions"
        case token = "P18 token safety"
        case conflictLog = "the conflict log says all, and no more"
        case timestamps = "P19 timestamps follow causality"
        case liveness = "P20 liveness"
        case repeatedWrite = "a write minted twice for one request"
        case quorum = "an acknowledgement that too few have"
        case staleRead = "a strict read that misses an acknowledged write"
        case writerKnowledge = "R9 what a writer is told"
        case alarm = "an alarm without a cause"
        case codec = "a message that does not survive its own codec"
    }

    package let kind: Kind
    package let time: VirtualTime
    package let text: String

    /// Whether something bad happened, or something good did not.
    package var isLiveness: Bool { kind == .liveness || kind == .noConvergence }

    package var description: String { "\(time)  \(kind.rawValue): \(text)" }
}
