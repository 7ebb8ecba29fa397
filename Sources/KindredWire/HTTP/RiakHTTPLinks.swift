package import KindredModel

/// Links to other objects, as `Link` header lines (RFC 8288) carry them.
///
///     </buckets/B/keys/K>; riaktag="T"          a link
///     </riak/B/K>; riaktag="T"                  the same, in Riak's older form
///     </buckets/B>; rel="up"                    the bucket of the object itself: always first, and dropped when it comes back
package enum RiakHTTPLinks {
    /// The longest line that is sent. Riak sends all links in one line, and clients rely on it: Python's keeps the last line only. Its
    /// limit is 65,536 bytes with the name, so only what could not be read at all is divided.
    package static let maximumLineLength = 60_000

    /// The values of the `Link` lines of an object: `rel="up"` and its links, in as few lines as can be read.
    package static func lines(for links: [ObjectContent.Link], in bucket: RiakHTTPBucket) -> [[UInt8]] {
        let name = RiakHTTPText.percentEncoded(bucket.name)
        // Links to objects cannot name a type, in this form; the bucket itself can.
        let prefix = bucket.form == .riak ? "</riak/" : "</buckets/"
        let up =
            bucket.form == .types
            ? Array("</types/".utf8) + RiakHTTPText.percentEncoded(bucket.type) + Array("/buckets/".utf8) + name
            : Array(prefix.utf8) + name
        var items = [up + Array(">; rel=\"up\"".utf8)]
        for link in links {
            var item = Array(prefix.utf8) + RiakHTTPText.percentEncoded(link.bucket)
            item += Array((bucket.form == .riak ? "/" : "/keys/").utf8) + RiakHTTPText.percentEncoded(link.key)
            item += Array(">; riaktag=\"".utf8) + RiakHTTPText.percentEncoded(link.tag) + Array("\"".utf8)
            items.append(item)
        }
        return joined(items)
    }

    /// Joins the items of a list header with commas, into several lines where one would be too long.
    static func joined(_ items: [[UInt8]]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        for item in items {
            if !line.isEmpty, line.count + 2 + item.count > maximumLineLength {
                lines.append(line)
                line = []
            }
            if !line.isEmpty { line += [UInt8(ascii: ","), 0x20] }
            line += item
        }
        lines.append(line)
        return lines
    }

    /// Reads the value of one `Link` line of a request about an object in `bucket`.
    ///
    /// - Throws: a refusal with status 400 for anything but links to objects and the one up to the bucket itself.
    package static func parse(
        _ line: some Sequence<UInt8>, in bucket: RiakHTTPBucket
    ) throws(RiakHTTPRefusal) -> [ObjectContent.Link] {
        var scanner = Scanner(bytes: Array(line))
        var links: [ObjectContent.Link] = []
        while scanner.skipToItem() {
            guard let target = scanner.target(), let relation = scanner.relation() else { throw refusal(bucket) }
            let segments = target.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                .map { RiakHTTPText.percentDecoded($0, malformed: .keep) ?? [] }
            func word(_ index: Int, is text: String) -> Bool { segments[index] == Array(text.utf8) }
            guard segments[0].isEmpty, !segments.dropFirst().contains(where: \.isEmpty) else { throw refusal(bucket) }
            switch (relation.isTag, segments.count) {
            case (true, 5) where word(1, is: "buckets") && word(3, is: "keys"):
                links.append(ObjectContent.Link(bucket: segments[2], key: segments[4], tag: relation.value))
            case (true, 4) where word(1, is: "riak"):
                links.append(ObjectContent.Link(bucket: segments[2], key: segments[3], tag: relation.value))
            case (false, 3) where word(1, is: "buckets") || word(1, is: "riak"):
                guard segments[2] == bucket.name, relation.value == Array("up".utf8) else { throw refusal(bucket) }
            default:
                throw refusal(bucket)
            }
        }
        return links
    }

    private static func refusal(_ bucket: RiakHTTPBucket) -> RiakHTTPRefusal {
        let form = bucket.form == .riak ? "</riak/BUCKET/KEY>" : "</buckets/BUCKET/keys/KEY>"
        return RiakHTTPRefusal(400, "Invalid Link header. Links must be of the form\n\(form); riaktag=\"TAG\"\n")
    }

    private struct Scanner {
        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func skipBlanks() {
            while let byte = current, RiakHTTPText.isBlank(byte) { position += 1 }
        }

        /// Goes to the beginning of the next item, over commas of which there may be too many; false at the end.
        mutating func skipToItem() -> Bool {
            while let byte = current, RiakHTTPText.isBlank(byte) || byte == UInt8(ascii: ",") { position += 1 }
            return current != nil
        }

        /// What stands between `<` and `>`.
        mutating func target() -> ArraySlice<UInt8>? {
            guard current == UInt8(ascii: "<"), let end = bytes[position...].firstIndex(of: UInt8(ascii: ">")) else {
                return nil
            }
            defer { position = end + 1 }
            return bytes[(position + 1)..<end]
        }

        /// The first of the item's parameters that is `riaktag` or `rel`, decoded; the item is read to its end.
        mutating func relation() -> (isTag: Bool, value: [UInt8])? {
            var result: (isTag: Bool, value: [UInt8])?
            while true {
                skipBlanks()
                guard let byte = current, byte != UInt8(ascii: ",") else { return result }
                guard byte == UInt8(ascii: ";") else { return nil }
                position += 1
                skipBlanks()
                let start = position
                while let byte = current, RiakHTTPText.isTokenByte(byte) { position += 1 }
                let name = bytes[start..<position]
                guard !name.isEmpty else { return nil }
                var value: [UInt8] = []
                if current == UInt8(ascii: "=") {
                    position += 1
                    guard let read = parameterValue() else { return nil }
                    value = read
                }
                let isTag = RiakHTTPText.equalsIgnoringCase(name, "riaktag".utf8)
                if result == nil, isTag || RiakHTTPText.equalsIgnoringCase(name, "rel".utf8) {
                    result = (isTag, RiakHTTPText.percentDecoded(value, malformed: .keep) ?? [])
                }
            }
        }

        /// A quoted text, without escapes as clients of Riak write none, or a bare word.
        private mutating func parameterValue() -> [UInt8]? {
            guard current == UInt8(ascii: "\"") else {
                let start = position
                while let byte = current, RiakHTTPText.isTokenByte(byte) { position += 1 }
                return Array(bytes[start..<position])
            }
            position += 1
            guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\"")) else { return nil }
            defer { position = end + 1 }
            return Array(bytes[position..<end])
        }
    }
}
