package import KindredModel

/// One line of a response's header.
package struct RiakHTTPField: Hashable, Sendable {
    /// As it is sent; names are compared without case.
    package let name: String
    /// Without control characters.
    package let value: String

    /// Names a value.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// One version of an object, with what its representation in HTTP needs.
package struct RiakHTTPVersion: Sendable {
    /// Names the version among all of its key, without quotes.
    package let tag: String
    /// When it was stored, in seconds since 1970.
    package let lastModified: Int64
    /// The encoded `ObjectContent`; nil for a tombstone.
    package let content: ArraySlice<UInt8>?

    /// Describes a version.
    package init(tag: String, lastModified: Int64, content: ArraySlice<UInt8>?) {
        self.tag = tag
        self.lastModified = lastModified
        self.content = content
    }
}

/// How Riak shows objects over HTTP.
package enum RiakHTTPObject {
    /// What is said of a value about which its writer said nothing.
    private static let unknownMediaType = "application/octet-stream"

    /// The header lines and the body that show one version by itself. `X-Riak-Vclock` is not among them.
    ///
    /// - Throws: `MalformedBytes` if the content does not decode.
    package static func single(
        _ version: RiakHTTPVersion, in bucket: RiakHTTPBucket
    ) throws(MalformedBytes) -> (fields: [RiakHTTPField], body: [UInt8]) {
        let object = try decoded(version)
        var fields: [RiakHTTPField] = []
        forEachField(of: object, version, in: bucket) { name, value in
            let text = String(decoding: value, as: UTF8.self)
            fields.append(
                name == "Etag" ? RiakHTTPField("ETag", RiakHTTPEntityTags.quoted(text)) : RiakHTTPField(name, text))
        }
        return (fields, object.value)
    }

    /// The body that shows all siblings, `multipart/mixed` with the boundary that is answered beside it.
    ///
    /// The empty line *before* the first boundary and the one *after* the last belong to the format: Riak's Python client
    /// splits at a line feed on either side of each boundary and loses a sibling without them.
    ///
    /// - Throws: `MalformedBytes` if the content of a version does not decode.
    package static func multipart(
        _ versions: [RiakHTTPVersion], in bucket: RiakHTTPBucket
    ) throws(MalformedBytes) -> (boundary: String, body: [UInt8]) {
        let boundary = boundary(for: versions)
        let newline: [UInt8] = [0x0D, 0x0A]
        var body: [UInt8] = []
        body.reserveCapacity(versions.reduce(64) { $0 + ($1.content?.count ?? 0) + 512 })
        for version in versions {
            let object = try decoded(version)
            body += newline + Array("--\(boundary)".utf8) + newline
            forEachField(of: object, version, in: bucket) { name, value in
                body += Array("\(name): ".utf8) + value + newline
            }
            body += newline + object.value
        }
        body += newline + Array("--\(boundary)--".utf8) + newline
        return (boundary, body)
    }

    /// The body that names all siblings, for clients that do not accept `multipart/mixed`: `?vtag=` asks for one of them.
    package static func siblingsText(_ versions: [RiakHTTPVersion]) -> [UInt8] {
        Array(("Siblings:\n" + versions.map { $0.tag + "\n" }.joined()).utf8)
    }

    /// The tag of a set of siblings: another one as soon as any of them is replaced or added.
    package static func tag(of versions: [RiakHTTPVersion]) -> String {
        versions.map(\.tag).sorted().joined(separator: "+")
    }

    /// When the newest of them was stored.
    package static func lastModified(of versions: [RiakHTTPVersion]) -> Int64 {
        versions.map(\.lastModified).max() ?? 0
    }

    private static func decoded(_ version: RiakHTTPVersion) throws(MalformedBytes) -> ObjectContent {
        guard let content = version.content else { return ObjectContent(value: []) }
        let result: Result<ObjectContent, MalformedBytes> = content.withUnsafeBytes { bytes in
            do throws(MalformedBytes) {
                return .success(try ObjectContent(try ObjectContentView(bytes)))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func forEachField(
        of object: ObjectContent, _ version: RiakHTTPVersion, in bucket: RiakHTTPBucket,
        _ emit: (_ name: String, _ value: [UInt8]) -> Void
    ) {
        var contentType = RiakHTTPText.headerValue(object.contentType ?? Array(unknownMediaType.utf8))
        if let charset = object.charset {
            let isToken = !charset.isEmpty && charset.allSatisfy(RiakHTTPText.isTokenByte)
            let plain = RiakHTTPText.headerValue(charset.filter { $0 != UInt8(ascii: "\"") })
            let quote: [UInt8] = isToken ? [] : [UInt8(ascii: "\"")]
            contentType += Array("; charset=".utf8) + quote + plain + quote
        }
        emit("Content-Type", contentType)
        if let encoding = object.contentEncoding { emit("Content-Encoding", RiakHTTPText.headerValue(encoding)) }
        for line in RiakHTTPLinks.lines(for: object.links, in: bucket) { emit("Link", line) }
        emit("Etag", Array(version.tag.utf8))
        emit("Last-Modified", Array(RiakHTTPDate.format(version.lastModified).utf8))
        if version.content == nil { emit("X-Riak-Deleted", Array("true".utf8)) }
        for entry in object.userMetadata {
            emit("X-Riak-Meta-" + name(entry.key), RiakHTTPText.headerValue(entry.value))
        }
        // All entries of an index in one line: a client may take only so many lines.
        var rest = object.indexes[...]
        while let first = rest.first {
            let same = rest.prefix { $0.key == first.key }
            rest = rest.dropFirst(same.count)
            for line in RiakHTTPLinks.joined(same.map { RiakHTTPText.headerValue($0.value) }) {
                emit("X-Riak-Index-" + name(first.key), line)
            }
        }
    }

    private static func name(_ bytes: [UInt8]) -> String {
        String(decoding: RiakHTTPText.headerName(bytes), as: UTF8.self)
    }

    /// A boundary that occurs in none of the contents: which one is tried is not chance, that it fits is checked.
    private static func boundary(for versions: [RiakHTTPVersion]) -> String {
        var attempt = 0
        while true {
            let candidate = "kindred\(String(attempt, radix: 36))siblings"
            let delimiter = Array("--\(candidate)".utf8)
            if !versions.contains(where: { contains($0.content ?? [], delimiter) }) { return candidate }
            attempt += 1
        }
    }

    private static func contains(_ content: ArraySlice<UInt8>, _ wanted: [UInt8]) -> Bool {
        content.withUnsafeBufferPointer { bytes in
            var position = 0
            while position + wanted.count <= bytes.count {
                guard let dash = bytes[position...].firstIndex(of: wanted[0]) else { return false }
                if bytes[dash...].starts(with: wanted) { return true }
                position = dash + 1
            }
            return false
        }
    }
}

/// Which representation of siblings a client accepts.
package enum RiakHTTPSiblingRepresentation: Hashable, Sendable {
    case multipart
    case text
    /// Neither: status 406.
    case none

    /// Chooses between `text/plain` and `multipart/mixed` (RFC 9110 §12.5.1). Text where the client does not say which it prefers,
    /// and where it does by order alone, the one it names first.
    package init(accept: String?) {
        guard let accept, !RiakHTTPText.trimmed(Array(accept.utf8)).isEmpty else {
            self = .text
            return
        }
        let multipart = Self.rank("multipart", "mixed", in: accept)
        let text = Self.rank("text", "plain", in: accept)
        if multipart.quality == 0, text.quality == 0 {
            self = .none
        } else if multipart.quality != text.quality {
            self = multipart.quality > text.quality ? .multipart : .text
        } else {
            self = multipart.position < text.position ? .multipart : .text
        }
    }

    /// The quality in thousandths that the most specific range gives this type, and the position of that range.
    private static func rank(_ type: String, _ subtype: String, in accept: String) -> (quality: Int, position: Int) {
        var best = (specificity: 0, quality: 0, position: Int.max)
        for (position, item) in accept.lowercased().split(separator: ",").enumerated() {
            let parts = item.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
            let specificity =
                switch parts[0] {
                case "\(type)/\(subtype)": 3
                case "\(type)/*": 2
                case "*/*", "*": 1
                default: 0
                }
            guard specificity > best.specificity else { continue }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.map { thousandths($0.dropFirst(2)) } ?? 1000
            best = (specificity, quality, position)
        }
        return (best.quality, best.position)
    }

    private static func trimmed(_ text: Substring) -> String {
        String(decoding: RiakHTTPText.trimmed(Array(text.utf8)), as: UTF8.self)
    }

    /// `0.5` as 500; what is not a quality counts as 1.
    private static func thousandths(_ text: Substring) -> Int {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = Int(parts[0]), whole == 0 else { return 1000 }
        let digits = parts.count > 1 ? parts[1].utf8.prefix(3).filter(RiakHTTPText.isDigit) : []
        let padded = digits + [UInt8](repeating: UInt8(ascii: "0"), count: 3 - digits.count)
        return padded.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
}
