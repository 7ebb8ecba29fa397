package import KindredModel

/// The query parameters that Riak knows. Others are ignored, and of one that occurs twice the first counts.
package struct RiakHTTPParameters: Hashable, Sendable {
    /// Whether, and how, a list is wanted.
    package enum Listing: Hashable, Sendable {
        case no
        case whole
        /// As concatenated JSON objects, as they are found.
        case stream
    }

    /// `r`
    package private(set) var r = Quorum.default
    /// `w`
    package private(set) var w = Quorum.default
    /// `dw`
    package private(set) var dw = Quorum.default
    /// `rw`
    package private(set) var rw = Quorum.default
    /// `pr`
    package private(set) var pr = Quorum.default
    /// `pw`
    package private(set) var pw = Quorum.default
    /// `node_confirms`
    package private(set) var nodeConfirms = Quorum.default
    /// `basic_quorum`; nil where the bucket decides.
    package private(set) var basicQuorum: Bool?
    /// `notfound_ok`; nil where the bucket decides.
    package private(set) var notfoundOK: Bool?
    /// `sync_on_write`; nil where the bucket decides.
    package private(set) var syncOnWrite: SyncOnWrite?
    /// `timeout`, in milliseconds; nil where the client sets none. A listing takes 0 as none.
    package private(set) var timeoutMilliseconds: UInt32?
    /// `returnbody=true`
    package private(set) var returnBody = false
    /// `vtag`: which sibling is wanted.
    package private(set) var vtag: String?
    /// `keys`
    package private(set) var keys = Listing.no
    /// `buckets`
    package private(set) var buckets = Listing.no
    /// `props`; true unless it says `false`.
    package private(set) var properties = true

    /// Reads the query of a target: what follows the question mark.
    ///
    /// - Throws: a refusal with status 400 for a value that its parameter cannot have, in Riak's words.
    package init(query: [UInt8]) throws(RiakHTTPRefusal) {
        var seen: Set<String> = []
        for item in query.split(separator: UInt8(ascii: "&")) {
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.text(parts[0])
            guard seen.insert(name).inserted else { continue }
            try set(name, to: parts.count > 1 ? Self.text(parts[1]) : "")
        }
    }

    private mutating func set(_ name: String, to value: String) throws(RiakHTTPRefusal) {
        switch name {
        case "r": r = try Self.quorum(name, value)
        case "w": w = try Self.quorum(name, value)
        case "dw": dw = try Self.quorum(name, value)
        case "rw": rw = try Self.quorum(name, value)
        case "pr": pr = try Self.quorum(name, value)
        case "pw": pw = try Self.quorum(name, value)
        case "node_confirms": nodeConfirms = try Self.quorum(name, value)
        case "basic_quorum": basicQuorum = try Self.flag(name, value)
        case "notfound_ok": notfoundOK = try Self.flag(name, value)
        // Its meaning, a put without a new event, does not exist here; a value that is none is refused all the same.
        case "asis": _ = try Self.flag(name, value)
        case "sync_on_write":
            if value.lowercased() == "default" { return }
            guard let sync = SyncOnWrite(rawValue: value.lowercased()) else {
                throw RiakHTTPRefusal(
                    400,
                    "sync_on_write query parameter must be one of the following words: "
                        + "[default,backend,one,all]\n")
            }
            syncOnWrite = sync
        case "timeout":
            guard let milliseconds = UInt32(value) else {
                throw RiakHTTPRefusal(400, "Bad timeout value \"\(value)\"\n")
            }
            timeoutMilliseconds = milliseconds
        case "returnbody": returnBody = try Self.flag(name, value) ?? false
        case "vtag": vtag = value
        case "keys": keys = Self.listing(value)
        case "buckets": buckets = Self.listing(value)
        case "props": properties = value != "false"
        default: break
        }
    }

    private static func quorum(_ name: String, _ value: String) throws(RiakHTTPRefusal) -> Quorum {
        if let quorum = Quorum(word: value) { return quorum }
        // The integers that are words in protocol buffers are numbers here, and larger than any number of replicas.
        guard let number = UInt32(value) else {
            throw RiakHTTPRefusal(
                400,
                "\(name) query parameter must be an integer or one of the following words: "
                    + "'one', 'quorum' or 'all'\n")
        }
        return .number(number)
    }

    private static func flag(_ name: String, _ value: String) throws(RiakHTTPRefusal) -> Bool? {
        switch value.lowercased() {
        case "true": return true
        case "false": return false
        case "default": return nil
        default: throw RiakHTTPRefusal(400, "\(name) query parameter must be true or false\n")
        }
    }

    private static func listing(_ value: String) -> Listing {
        switch value {
        case "true": .whole
        case "stream": .stream
        default: .no
        }
    }

    private static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: RiakHTTPText.percentDecoded(bytes, malformed: .keep) ?? [], as: UTF8.self)
    }
}
