/// What a set of properties is set on, which decides what may change.
enum PropertyScope {
    /// A type that does not exist yet.
    case newType
    /// A type that exists.
    case type
    /// One bucket of a type.
    case bucket
}

/// Which properties go together, and which of them may still change.
///
/// Riak's three flags and our `conflict_strategy` say the same thing in two ways; a set keeps all four and they agree:
///
/// | `conflict_strategy` | `allow_mult` | `last_write_wins` | `write_once` |
/// |---|---|---|---|
/// | `version-vectors` | true | false | false |
/// | `last-write-wins` | false | true or false | false |
/// | `immutable` | false | false | true |
/// | `version-numbers` | true | false | false |
///
/// A type with a `datatype` has `allow_mult=true` and no `conflict_strategy`.
enum StrategyRules {
    /// Checks what is asked against each other and against what is there.
    ///
    /// - Parameters:
    ///   - requested: any properties, in any form a protocol may give them.
    ///   - current: the complete properties in force; of a new type, the defaults.
    ///   - isActive: whether the type is active: `active` may be written back, but not be changed.
    /// - Returns: what has to be laid over `current`: canonical values, completed so that the four properties that name the strategy
    ///   agree.
    static func changes(
        _ requested: PropertySet, to current: PropertySet, at scope: PropertyScope, isActive: Bool
    ) throws(InvalidProperties) -> PropertySet {
        var problems: [InvalidProperty] = []
        var changes = PropertySet()
        for property in requested.entries where !PropertyRules.descriptive.contains(property.name) {
            if property.name == "active" {
                if property.value != .bool(isActive) {
                    problems.append(InvalidProperty(name: "active", reason: "a type is activated, never set active"))
                }
                continue
            }
            switch PropertyRules.canonical(property) {
            case .success(let value): changes[property.name] = value
            case .failure(let refusal):
                problems.append(InvalidProperty(name: property.name, reason: refusal.reason))
            }
        }
        settleDataType(&changes, current, scope, &problems)
        if changes["datatype"] ?? current["datatype"] == nil {
            settleStrategy(&changes, current, scope, &problems)
        }
        guard problems.isEmpty else { throw InvalidProperties(problems: problems) }
        return changes
    }

    // MARK: Data types

    private static func settleDataType(
        _ changes: inout PropertySet, _ current: PropertySet, _ scope: PropertyScope,
        _ problems: inout [InvalidProperty]
    ) {
        func refuse(_ name: String, _ reason: String) {
            problems.append(InvalidProperty(name: name, reason: reason))
        }
        if scope != .newType, let dataType = changes["datatype"], dataType != current["datatype"] {
            refuse("datatype", "cannot be changed after the type was created")
        }
        let dataType = changes["datatype"] ?? current["datatype"]
        if dataType != nil {
            if changes["allow_mult"] == false { refuse("allow_mult", "a data type needs allow_mult=true") }
            if changes["last_write_wins"] == true {
                refuse("last_write_wins", "would drop writes that a data type merges")
            }
            if changes["write_once"] == true { refuse("write_once", "a data type is there to be updated") }
            if changes["conflict_strategy"] != nil {
                refuse("conflict_strategy", "a data type merges by itself; it has no other strategy")
            }
            if scope == .newType { changes["allow_mult"] = true }
        }
        if let precision = changes["hll_precision"]?.integer {
            if dataType != .text(DataType.hll.rawValue) {
                refuse("hll_precision", "belongs to types with datatype=hll")
            } else if scope != .newType, let now = current["hll_precision"]?.integer, precision > now {
                refuse("hll_precision", "can be lowered but never raised, and is \(now)")
            }
        } else if scope == .newType, dataType == .text(DataType.hll.rawValue) {
            changes["hll_precision"] = 14
        }
    }

    // MARK: Strategies

    /// What the three flags of Riak are for a strategy; nil where both values agree with it.
    private static func flags(
        of strategy: ConflictStrategy
    ) -> (allowMult: Bool, lastWriteWins: Bool?, writeOnce: Bool) {
        switch strategy {
        case .versionVectors, .versionNumbers: (true, false, false)
        case .lastWriteWins: (false, nil, false)
        case .immutable: (false, false, true)
        }
    }

    private static func settleStrategy(
        _ changes: inout PropertySet, _ current: PropertySet, _ scope: PropertyScope,
        _ problems: inout [InvalidProperty]
    ) {
        let named = changes["conflict_strategy"]?.text.flatMap(ConflictStrategy.init(rawValue:))
        let allowMult = changes["allow_mult"]?.bool
        let lastWriteWins = changes["last_write_wins"]?.bool
        let writeOnce = changes["write_once"]?.bool
        guard named != nil || allowMult != nil || lastWriteWins != nil || writeOnce != nil else { return }

        let contradictions = contradictions(named, allowMult, lastWriteWins, writeOnce)
        guard contradictions.isEmpty else {
            problems.append(contentsOf: contradictions)
            return
        }
        let before = current["conflict_strategy"]?.text.flatMap(ConflictStrategy.init(rawValue:)) ?? .versionVectors
        let after = named ?? strategy(from: before, allowMult, lastWriteWins, writeOnce)
        if scope != .newType, before != after, !isChangeable(before, after) {
            // Named after the property that asked for it, so that the writer finds it.
            let name =
                named != nil
                ? "conflict_strategy"
                : before == .immutable || after == .immutable
                    ? "write_once" : allowMult != nil ? "allow_mult" : "last_write_wins"
            problems.append(
                InvalidProperty(
                    name: name,
                    reason: "would change the conflict strategy from \(before.rawValue) to \(after.rawValue); "
                        + "that takes a new bucket type"))
            return
        }
        let settled = flags(of: after)
        changes["conflict_strategy"] = .text(after.rawValue)
        changes["allow_mult"] = .bool(settled.allowMult)
        changes["write_once"] = .bool(settled.writeOnce)
        // Riak knows two ways to keep one value, with and without `last_write_wins`; they read back as they were set.
        changes["last_write_wins"] = .bool(
            settled.lastWriteWins ?? lastWriteWins
                ?? (named != nil || (before == after && current["last_write_wins"] == true)))
    }

    /// Between these two, every version carries what the other one needs; all other changes would have to invent or lose something.
    private static func isChangeable(_ before: ConflictStrategy, _ after: ConflictStrategy) -> Bool {
        let changeable: [ConflictStrategy] = [.versionVectors, .lastWriteWins]
        return changeable.contains(before) && changeable.contains(after)
    }

    /// The strategy that Riak's flags ask for where none is named: the one in force, if they agree with it.
    private static func strategy(
        from before: ConflictStrategy, _ allowMult: Bool?, _ lastWriteWins: Bool?, _ writeOnce: Bool?
    ) -> ConflictStrategy {
        let flags = flags(of: before)
        if allowMult ?? flags.allowMult == flags.allowMult,
            writeOnce ?? flags.writeOnce == flags.writeOnce,
            flags.lastWriteWins == nil || lastWriteWins ?? false == flags.lastWriteWins
        {
            return before
        }
        if writeOnce == true { return .immutable }
        if lastWriteWins == true || allowMult == false { return .lastWriteWins }
        return .versionVectors
    }

    private static func contradictions(
        _ named: ConflictStrategy?, _ allowMult: Bool?, _ lastWriteWins: Bool?, _ writeOnce: Bool?
    ) -> [InvalidProperty] {
        var result: [InvalidProperty] = []
        func refuse(_ name: String, _ reason: String) {
            result.append(InvalidProperty(name: name, reason: reason))
        }
        if let named {
            let flags = flags(of: named)
            func check(_ name: String, _ value: Bool?, _ wanted: Bool?) {
                guard let value, let wanted, value != wanted else { return }
                refuse(name, "conflict_strategy=\(named.rawValue) needs \(name)=\(wanted)")
            }
            check("allow_mult", allowMult, flags.allowMult)
            check("last_write_wins", lastWriteWins, flags.lastWriteWins)
            check("write_once", writeOnce, flags.writeOnce)
            return result
        }
        if allowMult == true, lastWriteWins == true {
            refuse("last_write_wins", "keeps one value, but allow_mult=true keeps all concurrent ones: choose one")
        }
        if writeOnce == true, lastWriteWins == true {
            refuse("last_write_wins", "keeps the last value, but write_once=true keeps the first: choose one")
        }
        if writeOnce == true, allowMult == true {
            refuse("allow_mult", "keeps concurrent values, but write_once=true keeps the first: choose one")
        }
        return result
    }
}
