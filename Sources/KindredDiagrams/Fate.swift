/// What became of an operation, in all drawings by the same name, colour and mark.
///
/// The colour is never the only carrier: marks differ in shape, and every drawing says the name.
package enum Fate: String, CaseIterable, Hashable, Sendable {
    /// Stored, and there at the end.
    case kept
    /// Gone because a later writer had seen it.
    case replaced
    /// Gone although no later writer had seen it, and somebody was told.
    case lostReported
    /// Gone although no later writer had seen it, and nobody was told.
    case lostSilently
    /// Never stored: the writer got an error.
    case refused
    /// Kept beside concurrent versions.
    case sibling
    /// A read.
    case read
    /// Anything else: a merge, a crash, a restart.
    case other

    /// The short name, as legends and labels have it.
    package var name: String {
        switch self {
        case .kept: "kept"
        case .replaced: "replaced"
        case .lostReported: "lost, reported"
        case .lostSilently: "lost silently"
        case .refused: "refused"
        case .sibling: "sibling"
        case .read: "read"
        case .other: "other"
        }
    }

    /// One clause for those who see the name for the first time.
    package var meaning: String {
        switch self {
        case .kept: "stored, and still there at the end"
        case .replaced: "replaced by a writer who had seen it"
        case .lostReported: "dropped unseen by a concurrent write, and reported"
        case .lostSilently: "dropped unseen by a concurrent write, and nobody was told"
        case .refused: "not stored; the writer was told"
        case .sibling: "kept beside concurrent versions"
        case .read: "a read"
        case .other: "neither a read nor a write"
        }
    }

    /// The mark in terminals.
    package var symbol: Character {
        switch self {
        case .kept: "●"
        case .replaced: "○"
        case .lostReported: "▲"
        case .lostSilently: "✕"
        case .refused: "⊟"
        case .sibling: "◉"
        case .read: "◇"
        case .other: "•"
        }
    }

    /// Whether this is what a reader of the key gets at the end.
    var isCurrent: Bool { self == .kept || self == .sibling }

    var ink: Ink {
        switch self {
        case .kept: .kept
        case .replaced: .replaced
        case .lostReported: .lostReported
        case .lostSilently: .lostSilently
        case .refused: .refused
        case .sibling: .sibling
        case .read: .read
        case .other: .other
        }
    }
}
