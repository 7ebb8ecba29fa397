/// A property that cannot be set to what was asked, and why.
public struct InvalidProperty: Hashable, Sendable {
    /// The property, as the requester named it.
    public let name: String
    /// Why not, without the name.
    public let reason: String
}

/// Everything that is wrong with a set of properties.
public struct InvalidProperties: Error, Hashable, Sendable, CustomStringConvertible {
    /// At least one, in no particular order.
    public let problems: [InvalidProperty]

    /// One line for a protocol's error text.
    public var description: String {
        "Invalid bucket properties: " + problems.map { "\($0.name): \($0.reason)" }.joined(separator: "; ")
    }
}

/// Which values each property may have by itself, whatever the others are. `StrategyRules` says which go together.
enum PropertyRules {
    /// The longest text a property may have, in UTF-8 bytes: room for any name of a module or an index, too short to
    /// use the registry, which every node keeps in memory, as a store.
    static let maximumTextLength = 256
    /// The largest `n_val`: as many copies as there are partitions by default; more could not be placed.
    static let maximumNVal: Int64 = 64

    /// Properties that say something about a type or bucket but are not set by setting them.
    static let descriptive: Set<String> = ["name", "type", "claimant"]

    private enum Kind {
        case flag
        /// A flag that may only be false, and why.
        case falseOnly(String)
        case integer(ClosedRange<Int64>)
        case quorum(least: Int64)
        case word([String])
        case text
        /// A commit hook list, which may only be empty.
        case hooks
        /// An Erlang function, `{mod, fun}`.
        case function
        case repl
        case searchIndex
    }

    private static let kinds: [String: Kind] = [
        "allow_mult": .flag,
        "last_write_wins": .flag,
        "write_once": .flag,
        "conflict_log": .flag,
        "dvv_enabled": .flag,
        "basic_quorum": .flag,
        "notfound_ok": .flag,
        "consistent": .falseOnly("strongly consistent types are not supported; conditional writes are"),
        "search": .falseOnly("search is not supported"),
        "n_val": .integer(1...maximumNVal),
        "r": .quorum(least: 1),
        "w": .quorum(least: 1),
        "rw": .quorum(least: 1),
        "dw": .quorum(least: 0),
        "pr": .quorum(least: 0),
        "pw": .quorum(least: 0),
        "node_confirms": .quorum(least: 0),
        "old_vclock": .integer(1...Int64(UInt32.max)),
        "young_vclock": .integer(0...Int64(UInt32.max)),
        "big_vclock": .integer(1...Int64(UInt32.max)),
        "small_vclock": .integer(1...Int64(UInt32.max)),
        "hll_precision": .integer(4...16),
        "conflict_strategy": .word(ConflictStrategy.allCases.map(\.rawValue)),
        "datatype": .word(DataType.allCases.map(\.rawValue)),
        "sync_on_write": .word(SyncOnWrite.allCases.map(\.rawValue)),
        "precommit": .hooks,
        "postcommit": .hooks,
        "chash_keyfun": .function,
        "linkfun": .function,
        "backend": .text,
        "search_index": .searchIndex,
        "repl": .repl,
    ]

    /// The value in the one form it is stored and shown in, or the reason why the property cannot have it.
    static func canonical(_ property: Property) -> Result<PropertyValue, Refusal> {
        guard let kind = kinds[property.name] else { return .failure("there is no such property") }
        let value = property.value
        switch kind {
        case .flag:
            return flag(value).map(PropertyValue.bool)
        case .falseOnly(let reason):
            return flag(value).flatMap { $0 ? .failure(Refusal(reason)) : .success(false) }
        case .integer(let range):
            guard let integer = value.integer, range.contains(integer) else {
                return .failure(Refusal("\(value) is not a number from \(range.lowerBound) to \(range.upperBound)"))
            }
            return .success(value)
        case .quorum(let least):
            return quorum(value, least: least)
        case .word(let words):
            guard let text = value.text, words.contains(text) else {
                return .failure(Refusal("\(value) is not one of \(words.joined(separator: ", "))"))
            }
            return .success(value)
        case .text:
            return text(value).map(PropertyValue.text)
        case .hooks:
            guard case .list(let hooks) = value else { return .failure(Refusal("\(value) is not a list")) }
            guard hooks.isEmpty else { return .failure("commit hooks are not supported; the list must be empty") }
            return .success(value)
        case .function:
            return function(value)
        case .repl:
            if let text = value.text, text == "realtime" || text == "fullsync" { return .success(value) }
            guard case .success(let flag) = flag(value) else {
                return .failure(Refusal("\(value) is not one of true, false, realtime, fullsync"))
            }
            return .success(.bool(flag))
        case .searchIndex:
            guard value.text == "" || value.text == "_dont_index_" else {
                return .failure("search is not supported; the only index is _dont_index_")
            }
            return .success(value)
        }
    }

    /// As Riak reads it: a truth value, its word in any case, or an integer that is positive or not.
    private static func flag(_ value: PropertyValue) -> Result<Bool, Refusal> {
        switch value {
        case .bool(let bool): return .success(bool)
        case .integer(let integer): return .success(integer > 0)
        case .text(let text) where text.lowercased() == "true": return .success(true)
        case .text(let text) where text.lowercased() == "false": return .success(false)
        default: return .failure(Refusal("\(value) is not true or false"))
        }
    }

    private static func quorum(_ value: PropertyValue, least: Int64) -> Result<PropertyValue, Refusal> {
        let refusal = Refusal("\(value) is not one, quorum, all or a number from \(least)")
        switch value {
        case .text(let word):
            guard let quorum = Quorum(word: word), quorum != .default else { return .failure(refusal) }
            return .success(value)
        case .integer(let integer):
            guard let code = UInt32(exactly: integer), integer >= least else { return .failure(refusal) }
            switch Quorum(code: code) {
            case .default: return .failure(refusal)
            case .number: return .success(value)
            case let quorum: return .success(quorum.word.map(PropertyValue.text) ?? value)
            }
        default:
            return .failure(refusal)
        }
    }

    private static func text(_ value: PropertyValue) -> Result<String, Refusal> {
        guard let text = value.text else { return .failure(Refusal("\(value) is not text")) }
        guard text.utf8.count <= maximumTextLength else {
            return .failure(Refusal("longer than \(maximumTextLength) bytes"))
        }
        return .success(text)
    }

    private static func function(_ value: PropertyValue) -> Result<PropertyValue, Refusal> {
        guard case .object(let fields) = value, fields.count == 2,
            let module = fields.first(where: { $0.name == "mod" }),
            let function = fields.first(where: { $0.name == "fun" })
        else { return .failure("not a pair of a module and a function, {mod, fun}") }
        return text(module.value).flatMap { module in
            text(function.value).map { function in
                .object([Property("mod", .text(module)), Property("fun", .text(function))])
            }
        }
    }

    /// Why a value is refused.
    struct Refusal: Error, ExpressibleByStringLiteral {
        let reason: String

        init(_ reason: String) { self.reason = reason }
        init(stringLiteral value: String) { reason = value }
    }
}

// MARK: - Defaults

extension PropertyRules {
    /// What Riak sets for every bucket type, the implicit type `default` and all others alike; and `conflict_log`, which is ours.
    private static let common: PropertySet = [
        "basic_quorum": false,
        "big_vclock": 50,
        "chash_keyfun": .object([Property("mod", "riak_core_util"), Property("fun", "chash_std_keyfun")]),
        "conflict_log": true,
        "dw": "quorum",
        "last_write_wins": false,
        "linkfun": .object([Property("mod", "riak_kv_wm_link_walker"), Property("fun", "mapreduce_linkfun")]),
        "n_val": 3,
        "node_confirms": 0,
        "notfound_ok": true,
        "old_vclock": 86400,
        "postcommit": .list([]),
        "pr": 0,
        "precommit": .list([]),
        "pw": 0,
        "r": "quorum",
        "rw": "quorum",
        "small_vclock": 50,
        "sync_on_write": "backend",
        "w": "quorum",
        "write_once": false,
        "young_vclock": 20,
    ]

    /// The properties of the type `default`, whose buckets need no type to be named.
    static let ofDefaultType: PropertySet = common.overridden(by: [
        "allow_mult": false, "dvv_enabled": false,
        "conflict_strategy": .text(ConflictStrategy.lastWriteWins.rawValue),
    ])

    /// The properties of every other type before its creator changes them.
    static let ofOtherTypes: PropertySet = common.overridden(by: [
        "allow_mult": true, "dvv_enabled": true,
        "conflict_strategy": .text(ConflictStrategy.versionVectors.rawValue),
    ])
}
