package import KindredModel

/// What a member tells the configuration service, so that a change of members can go on.
///
/// "Since" in the following is about the epoch that the report names: everything must have been observed under that
/// view or a later one.
package enum TransitionReport: Hashable, Sendable {
    /// A learner has pulled everything from so many voters, since it became a learner, that it knows every write which a majority
    /// acknowledged.
    case ready(ActorID)
    /// An old voter, or a draining member, goes by this view: it refuses requests of older epochs.
    case acknowledged(ActorID)
    /// A member has pulled everything from every old voter that can be reached, and from so many that no write which a majority of them
    /// acknowledged is missing, since those voters went by this view.
    case caughtUp(ActorID)
    /// A member has pulled everything from a draining one, since that one went by this view and minted no more.
    case pulled(from: ActorID, by: ActorID)
    /// The leader of the present leadership epoch has come through its recovery: all its members have every version that was
    /// acknowledged before. Void with the next leadership.
    case led(ActorID)

    /// The actors that must be members for the report to mean something.
    var actors: [ActorID] {
        switch self {
        case .ready(let actor), .acknowledged(let actor), .caughtUp(let actor), .led(let actor): [actor]
        case .pulled(let source, let actor): [source, actor]
        }
    }
}
