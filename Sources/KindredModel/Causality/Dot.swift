/// Names one incarnation of one partition replica, the only thing that may mint dots.
///
/// An id is never used again: a replica that may have lost durable state takes a new, larger one before it mints again. Ids are
/// compared only to break ties; a larger id is a later incarnation of the same replica, or any other replica.
public struct ActorID: Hashable, Comparable, Sendable {
    /// The id as assigned, from 1.
    public let rawValue: UInt32

    /// Wraps an assigned id.
    @inlinable
    public init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Stands for all actors that have been closed: its counter in a context or clock is the number of closings that this reflects. Never
    /// assigned, never part of a version's dot.
    public static let closed = ActorID(0)

    /// Orders by age: earlier assigned ids first.
    @inlinable
    public static func < (left: ActorID, right: ActorID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The name of one write: the `counter`-th event (from 1) of one actor.
///
/// Two different events never carry the same dot, across crashes, restores and membership changes. The order of dots (actor, then
/// counter) is only a canonical one for storage and for breaking ties; it says nothing about causality.
/// (Preguiça et al., "Dotted Version Vectors", arXiv:1011.5808.)
public struct Dot: Hashable, Comparable, Sendable {
    /// Who minted it.
    public let actor: ActorID
    /// The how-manieth event of this actor it is, from 1.
    public let counter: UInt64

    /// Names the `counter`-th event of `actor`.
    @inlinable
    public init(_ actor: ActorID, _ counter: UInt64) {
        self.actor = actor
        self.counter = counter
    }

    /// The canonical order: by actor, then by counter.
    @inlinable
    public static func < (left: Dot, right: Dot) -> Bool {
        left.actor == right.actor ? left.counter < right.counter : left.actor < right.actor
    }
}

extension Dot: CustomStringConvertible {
    /// `3:17` is the 17th event of actor 3.
    public var description: String { "\(actor.rawValue):\(counter)" }
}
