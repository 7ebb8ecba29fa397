/// How many replicas have to answer, in one of Riak's five ways of saying so.
public enum Quorum: Hashable, Sendable {
    case one
    /// A majority of the replicas.
    case quorum
    case all
    /// What the bucket's properties say. Only a request says this; a property never does.
    case `default`
    case number(UInt32)
}

extension Quorum {
    /// Reads the integer of Riak's protocol buffers, where the words are the four integers from 2³² − 2 downward.
    public init(code: UInt32) {
        self =
            switch code {
            case 4_294_967_294: .one
            case 4_294_967_293: .quorum
            case 4_294_967_292: .all
            case 4_294_967_291: .default
            default: .number(code)
            }
    }

    /// The integer of Riak's protocol buffers; `init(code:)` reads it back.
    public var code: UInt32 {
        switch self {
        case .one: 4_294_967_294
        case .quorum: 4_294_967_293
        case .all: 4_294_967_292
        case .default: 4_294_967_291
        case .number(let number): number
        }
    }

    /// Reads one of Riak's words, in lower case as Riak writes them.
    public init?(word: String) {
        switch word {
        case "one": self = .one
        case "quorum": self = .quorum
        case "all": self = .all
        case "default": self = .default
        default: return nil
        }
    }

    /// The word, if this is one and not a number.
    public var word: String? {
        switch self {
        case .one: "one"
        case .quorum: "quorum"
        case .all: "all"
        case .default: "default"
        case .number: nil
        }
    }

    /// What a request asks for where the bucket's property is `property`.
    public func orElse(_ property: Quorum) -> Quorum {
        self == .default ? property : self
    }

    /// The number of replicas meant where each key has `nVal` of them, or nil if that is more than there are. `default` that
    /// no property has replaced means a majority, as Riak's own properties do.
    public func replicas(of nVal: Int) -> Int? {
        switch self {
        case .one: nVal >= 1 ? 1 : nil
        case .quorum, .default: nVal / 2 + 1
        case .all: nVal
        case .number(let number): Int(number) <= nVal ? Int(number) : nil
        }
    }
}
