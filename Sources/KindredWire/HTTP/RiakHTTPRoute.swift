import KindredModel

/// A bucket as a path names it.
package struct RiakHTTPBucket: Hashable, Sendable {
    /// Which of Riak's three ways of writing paths the client used; links and locations are written in the same way.
    package enum Form: Hashable, Sendable {
        /// `/riak/B/K`
        case riak
        /// `/buckets/B/keys/K`
        case buckets
        /// `/types/T/buckets/B/keys/K`
        case types
    }

    /// How the path was written.
    package let form: Form
    /// The bucket type; `default` where the path names none.
    package let type: [UInt8]
    /// The bucket, decoded.
    package let name: [UInt8]

    /// Names a bucket.
    package init(form: Form, type: [UInt8] = BucketType.defaultName, name: [UInt8]) {
        self.form = form
        self.type = type
        self.name = name
    }

    /// The path of an object in this bucket, for `Location`.
    package func path(ofKey key: [UInt8]) -> String {
        func encoded(_ bytes: [UInt8]) -> String {
            String(decoding: RiakHTTPText.percentEncoded(bytes), as: UTF8.self)
        }
        return switch form {
        case .riak: "/riak/\(encoded(name))/\(encoded(key))"
        case .buckets: "/buckets/\(encoded(name))/keys/\(encoded(key))"
        case .types: "/types/\(encoded(type))/buckets/\(encoded(name))/keys/\(encoded(key))"
        }
    }
}

/// What a request's path asks for, whatever its method. All names are decoded and not empty.
package enum RiakHTTPRoute: Hashable, Sendable {
    /// `/`: what there is.
    case root
    case ping
    case stats
    /// The buckets of a type.
    case bucketList(type: [UInt8])
    /// `/riak/B`: keys, properties or both, as the query says; a POST stores under a new key.
    case bucket(RiakHTTPBucket)
    /// The keys of a bucket; a POST stores under a new key.
    case keyList(RiakHTTPBucket)
    case bucketProperties(RiakHTTPBucket)
    case typeProperties(type: [UInt8])
    case object(RiakHTTPBucket, key: [UInt8])
    case preferenceList(RiakHTTPBucket, key: [UInt8])
    /// Something that Riak has and we do not: what it is, in the plural.
    case unsupported(String)
    /// No path of Riak's.
    case unknown
    /// A path of Riak's with something wrong in it, in words.
    case malformed(String)

    /// Splits a request's target (RFC 9112 §3.2.1) into its route and the bytes of its query, which are empty if there is none.
    package static func parse(target: String) -> (route: RiakHTTPRoute, query: [UInt8]) {
        var path = Array(target.utf8)
        var query: [UInt8] = []
        if let mark = path.firstIndex(of: UInt8(ascii: "?")) {
            query = Array(path[(mark + 1)...])
            path.removeSubrange(mark...)
        }
        return (parse(path: path), query)
    }

    private static func parse(path: [UInt8]) -> RiakHTTPRoute {
        guard path.first == UInt8(ascii: "/") else { return .malformed("the path must begin with a slash") }
        var parts = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        // A slash at the end says nothing.
        if let last = parts.last, last.isEmpty { parts.removeLast() }
        var segments: [[UInt8]] = []
        for part in parts {
            guard let segment = RiakHTTPText.percentDecoded(part, malformed: .refuse) else {
                return .malformed("the path has a per cent sign that is not followed by two hexadecimal digits")
            }
            segments.append(segment)
        }
        // The words of the interface are compared as they are written, so that a bucket named `keys` can be told from them.
        let words = parts.map { String(decoding: $0, as: UTF8.self) }
        return parse(words[...], segments[...])
    }

    private static func parse(_ words: ArraySlice<String>, _ segments: ArraySlice<[UInt8]>) -> RiakHTTPRoute {
        guard let first = words.first else { return .root }
        let (rest, names) = (words.dropFirst(), Array(segments.dropFirst()))
        switch first {
        case "ping" where rest.isEmpty: return .ping
        case "stats" where rest.isEmpty: return .stats
        case "riak":
            return parseOld(names)
        case "buckets":
            guard let bucket = names.first else { return .bucketList(type: BucketType.defaultName) }
            return parse(RiakHTTPBucket(form: .buckets, name: bucket), Array(rest.dropFirst()), names.dropFirst())
        case "types":
            guard let type = names.first, rest.count >= 2, let word = rest.dropFirst().first else { return .unknown }
            guard !type.isEmpty else { return .malformed("Type cannot be zero-length") }
            switch (word, rest.count) {
            case ("props", 2): return .typeProperties(type: type)
            case ("buckets", 2): return .bucketList(type: type)
            case ("buckets", _):
                let bucket = RiakHTTPBucket(form: .types, type: type, name: names[2])
                return parse(bucket, Array(rest.dropFirst(3)), names.dropFirst(3))
            default: return .unknown
            }
        case "mapred": return .unsupported("MapReduce jobs")
        case "solr", "search": return .unsupported("search queries")
        case "siblings", "objectsizes", "objectstats", "tombs", "reap", "erase", "cachedtrees", "rangetrees",
            "rangerepl", "rangerepair", "aaebucketlist", "queuename", "membership_request", "query":
            return .unsupported("operations of Riak's replication and of its queries over all keys")
        default: return .unknown
        }
    }

    /// `/riak`, `/riak/B`, `/riak/B/K`
    private static func parseOld(_ names: [[UInt8]]) -> RiakHTTPRoute {
        guard let name = names.first else { return .bucketList(type: BucketType.defaultName) }
        let bucket = RiakHTTPBucket(form: .riak, name: name)
        guard !name.isEmpty else { return .malformed("Bucket cannot be zero-length") }
        switch names.count {
        case 1: return .bucket(bucket)
        case 2 where names[1].isEmpty: return .malformed("Key cannot be zero-length")
        case 2: return .object(bucket, key: names[1])
        default: return .unsupported("link walks")
        }
    }

    /// What comes after the bucket's name.
    private static func parse(
        _ bucket: RiakHTTPBucket, _ words: [String], _ names: ArraySlice<[UInt8]>
    ) -> RiakHTTPRoute {
        guard !bucket.name.isEmpty else { return .malformed("Bucket cannot be zero-length") }
        guard let first = words.first else { return .unknown }
        switch first {
        case "props" where words.count == 1: return .bucketProperties(bucket)
        case "keys":
            guard let key = names.dropFirst().first else { return .keyList(bucket) }
            guard !key.isEmpty else { return .malformed("Key cannot be zero-length") }
            switch words.count {
            case 2: return .object(bucket, key: key)
            case 3 where words[2] == "preflist": return .preferenceList(bucket, key: key)
            // A step of a walk is written `bucket,tag,keep`.
            default: return words.dropFirst(2).allSatisfy { $0.contains(",") } ? .unsupported("link walks") : .unknown
            }
        case "index": return .unsupported("secondary index queries")
        case "counters" where bucket.form == .buckets: return .unsupported("counters")
        case "datatypes" where bucket.form == .types: return .unsupported("data types")
        default: return .unknown
        }
    }
}
