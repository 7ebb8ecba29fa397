package import KindredModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A property that cannot travel in Riak's message, and why.
package struct UnsendableProperty: Error, Hashable, Sendable, CustomStringConvertible {
    /// The property, as whoever wants to send it named it.
    package let name: String
    /// Why not, without the name.
    package let reason: String

    /// Names what cannot be sent.
    package init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }

    /// One line that says both.
    package var description: String { "\(name): \(reason)" }
}

/// The translation between Riak's message of bucket properties and `PropertySet`.
///
/// It knows the form of each property, not which values are allowed: that is the registry's to say, in one place for all protocols.
/// A field that is absent is a property that is not in the set. Fields of later versions of the protocol are passed over.
extension RpbBucketProps {
    /// The properties that are present.
    ///
    /// - Throws: `MalformedBytes` if a text is not UTF-8.
    package func propertySet() throws(MalformedBytes) -> PropertySet {
        var set = PropertySet()
        for field in PropertyFields.flags where self[keyPath: field.isPresent] {
            set[field.name] = .bool(self[keyPath: field.value])
        }
        for field in PropertyFields.numbers where self[keyPath: field.isPresent] {
            set[field.name] = .integer(Int64(self[keyPath: field.value]))
        }
        for field in PropertyFields.quorums where self[keyPath: field.isPresent] {
            let quorum = Quorum(code: self[keyPath: field.value])
            set[field.name] = quorum.word.map(PropertyValue.text) ?? .integer(Int64(quorum.code))
        }
        for field in PropertyFields.texts where self[keyPath: field.isPresent] {
            set[field.name] = .text(try Self.text(self[keyPath: field.value], field.name))
        }
        for field in PropertyFields.functions where self[keyPath: field.isPresent] {
            set[field.name] = try Self.function(self[keyPath: field.value], field.name)
        }
        // Some clients set the flag, some only give the hooks; either way the list is meant.
        if hasPrecommit_p || !precommit.isEmpty { set["precommit"] = try Self.hooks(precommit, "precommit") }
        if hasPostcommit_p || !postcommit.isEmpty { set["postcommit"] = try Self.hooks(postcommit, "postcommit") }
        if hasRepl {
            set["repl"] =
                switch repl {
                case .false: false
                case .true: true
                case .realtime: "realtime"
                case .fullsync: "fullsync"
                }
        }
        if hasSyncOnWrite {
            let value: KindredModel.SyncOnWrite =
                switch syncOnWrite {
                case .backend: .backend
                case .one: .one
                case .all: .all
                }
            set["sync_on_write"] = .text(value.rawValue)
        }
        return set
    }

    /// A message with these properties.
    ///
    /// - Throws: `UnsendableProperty` if the message has no field for one of them, or its field cannot hold the value.
    package init(_ properties: PropertySet) throws(UnsendableProperty) {
        self.init()
        for property in properties.entries { try set(property) }
    }

    private mutating func set(_ property: Property) throws(UnsendableProperty) {
        let name = property.name
        if let field = PropertyFields.flags.first(where: { $0.name == name }) {
            guard let flag = property.value.bool else { throw .wrong(property, "true or false") }
            self[keyPath: field.value] = flag
        } else if let field = PropertyFields.numbers.first(where: { $0.name == name }) {
            guard let number = property.value.integer.flatMap(UInt32.init(exactly:)) else {
                throw .wrong(property, "a number from 0 to \(UInt32.max)")
            }
            self[keyPath: field.value] = number
        } else if let field = PropertyFields.quorums.first(where: { $0.name == name }) {
            self[keyPath: field.value] = try Self.quorum(property)
        } else if let field = PropertyFields.texts.first(where: { $0.name == name }) {
            guard let text = property.value.text else { throw .wrong(property, "text") }
            self[keyPath: field.value] = Data(text.utf8)
        } else if let field = PropertyFields.functions.first(where: { $0.name == name }) {
            guard let function = Self.function(property.value) else {
                throw .wrong(property, "a pair of a module and a function, {mod, fun}")
            }
            self[keyPath: field.value] = function
        } else {
            try setSpecial(property)
        }
    }

    private mutating func setSpecial(_ property: Property) throws(UnsendableProperty) {
        switch property.name {
        case "precommit":
            precommit = try Self.hooks(property)
            hasPrecommit_p = true
        case "postcommit":
            postcommit = try Self.hooks(property)
            hasPostcommit_p = true
        case "repl":
            switch property.value {
            case .bool(false): repl = .false
            case .bool(true): repl = .true
            case .text("realtime"): repl = .realtime
            case .text("fullsync"): repl = .fullsync
            default: throw .wrong(property, "one of true, false, realtime, fullsync")
            }
        case "sync_on_write":
            switch property.value.text.flatMap(KindredModel.SyncOnWrite.init(rawValue:)) {
            case .backend: syncOnWrite = .backend
            case .one: syncOnWrite = .one
            case .all: syncOnWrite = .all
            case nil: throw .wrong(property, "one of backend, one, all")
            }
        default:
            throw UnsendableProperty(name: property.name, reason: "there is no such property")
        }
    }

    // MARK: Forms

    private static func text(_ bytes: Data, _ name: String) throws(MalformedBytes) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw MalformedBytes("bucket property \(name) is not UTF-8")
        }
        return text
    }

    private static func function(_ function: RpbModFun, _ name: String) throws(MalformedBytes) -> PropertyValue {
        .object([
            Property("mod", .text(try text(function.module, name))),
            Property("fun", .text(try text(function.function, name))),
        ])
    }

    private static func function(_ value: PropertyValue) -> RpbModFun? {
        guard case .object(let fields) = value, fields.count == 2,
            let module = fields.first(where: { $0.name == "mod" })?.value.text,
            let function = fields.first(where: { $0.name == "fun" })?.value.text
        else { return nil }
        var message = RpbModFun()
        message.module = Data(module.utf8)
        message.function = Data(function.utf8)
        return message
    }

    /// A hook is a function of the server, `{mod, fun}`, or one of a script, `{name}`.
    private static func hooks(_ hooks: [RpbCommitHook], _ name: String) throws(MalformedBytes) -> PropertyValue {
        var values: [PropertyValue] = []
        for hook in hooks {
            if hook.hasModfun {
                values.append(try function(hook.modfun, name))
            } else if hook.hasName {
                values.append(.object([Property("name", .text(try text(hook.name, name)))]))
            } else {
                throw MalformedBytes("bucket property \(name) has a hook without a function")
            }
        }
        return .list(values)
    }

    private static func hooks(_ property: Property) throws(UnsendableProperty) -> [RpbCommitHook] {
        guard case .list(let values) = property.value else { throw .wrong(property, "a list of hooks") }
        var hooks: [RpbCommitHook] = []
        for value in values {
            var hook = RpbCommitHook()
            if let function = function(value) {
                hook.modfun = function
            } else if case .object(let fields) = value, fields.count == 1, fields[0].name == "name",
                let name = fields[0].value.text
            {
                hook.name = Data(name.utf8)
            } else {
                throw .wrong(property, "a list of hooks, each {mod, fun} or {name}")
            }
            hooks.append(hook)
        }
        return hooks
    }

    private static func quorum(_ property: Property) throws(UnsendableProperty) -> UInt32 {
        switch property.value {
        case .text(let word):
            if let quorum = Quorum(word: word) { return quorum.code }
        case .integer(let number):
            if let code = UInt32(exactly: number) { return code }
        default: break
        }
        throw .wrong(property, "one, quorum, all or a number")
    }
}

extension UnsendableProperty {
    fileprivate static func wrong(_ property: Property, _ wanted: String) -> UnsendableProperty {
        UnsendableProperty(name: property.name, reason: "\(property.value) is not \(wanted)")
    }
}

/// The fields whose properties have the same form, one table for each form.
private enum PropertyFields {
    struct Field<Value>: Sendable {
        let name: String
        let value: any WritableKeyPath<RpbBucketProps, Value> & Sendable
        let isPresent: any KeyPath<RpbBucketProps, Bool> & Sendable

        init(
            _ name: String, _ value: any WritableKeyPath<RpbBucketProps, Value> & Sendable,
            _ isPresent: any KeyPath<RpbBucketProps, Bool> & Sendable
        ) {
            self.name = name
            self.value = value
            self.isPresent = isPresent
        }
    }

    static let flags: [Field<Bool>] = [
        Field("allow_mult", \.allowMult, \.hasAllowMult),
        Field("last_write_wins", \.lastWriteWins, \.hasLastWriteWins),
        Field("write_once", \.writeOnce, \.hasWriteOnce),
        Field("dvv_enabled", \.dvvEnabled, \.hasDvvEnabled),
        Field("basic_quorum", \.basicQuorum, \.hasBasicQuorum),
        Field("notfound_ok", \.notfoundOk, \.hasNotfoundOk),
        Field("consistent", \.consistent, \.hasConsistent),
        Field("search", \.search, \.hasSearch),
        Field("conflict_log", \.conflictLog, \.hasConflictLog),
    ]
    static let numbers: [Field<UInt32>] = [
        Field("n_val", \.nVal, \.hasNVal),
        Field("old_vclock", \.oldVclock, \.hasOldVclock),
        Field("young_vclock", \.youngVclock, \.hasYoungVclock),
        Field("big_vclock", \.bigVclock, \.hasBigVclock),
        Field("small_vclock", \.smallVclock, \.hasSmallVclock),
        Field("hll_precision", \.hllPrecision, \.hasHllPrecision),
    ]
    static let quorums: [Field<UInt32>] = [
        Field("r", \.r, \.hasR),
        Field("w", \.w, \.hasW),
        Field("dw", \.dw, \.hasDw),
        Field("rw", \.rw, \.hasRw),
        Field("pr", \.pr, \.hasPr),
        Field("pw", \.pw, \.hasPw),
        Field("node_confirms", \.nodeConfirms, \.hasNodeConfirms),
    ]
    static let texts: [Field<Data>] = [
        Field("conflict_strategy", \.conflictStrategy, \.hasConflictStrategy),
        Field("datatype", \.datatype, \.hasDatatype),
        Field("backend", \.backend, \.hasBackend),
        Field("search_index", \.searchIndex, \.hasSearchIndex),
    ]
    static let functions: [Field<RpbModFun>] = [
        Field("chash_keyfun", \.chashKeyfun, \.hasChashKeyfun),
        Field("linkfun", \.linkfun, \.hasLinkfun),
    ]
}
