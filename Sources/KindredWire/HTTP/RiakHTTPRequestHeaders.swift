package import KindredModel

/// The entity tags of an `If-Match` or `If-None-Match` header (RFC 9110 §13.1).
package enum RiakHTTPEntityTags: Hashable, Sendable {
    /// `*`
    case any
    /// The tags without their quotes.
    case tags([Tag])

    /// One entity tag.
    package struct Tag: Hashable, Sendable {
        /// What stands between the quotes.
        package let text: String
        /// Whether it was marked as weak: such a tag never satisfies `If-Match`.
        package let isWeak: Bool
    }

    /// Reads the value of the header. Tags without quotes are taken as well: the parts of Riak's multipart bodies show them so.
    ///
    /// - Returns: nil if there is no tag or a quote is not closed.
    package init?(_ value: String) {
        var rest = RiakHTTPText.trimmed(Array(value.utf8))
        guard !rest.elementsEqual("*".utf8) else {
            self = .any
            return
        }
        var tags: [Tag] = []
        while true {
            while let byte = rest.first, RiakHTTPText.isBlank(byte) || byte == UInt8(ascii: ",") { rest.removeFirst() }
            guard !rest.isEmpty else { break }
            let isWeak = rest.starts(with: "W/\"".utf8)
            if isWeak { rest.removeFirst(2) }
            let text: ArraySlice<UInt8>
            if rest.first == UInt8(ascii: "\"") {
                rest.removeFirst()
                guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
                text = rest[..<end]
                rest = rest[(end + 1)...]
                guard RiakHTTPText.trimmed(rest).first.map({ $0 == UInt8(ascii: ",") }) ?? true else { return nil }
            } else {
                let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.endIndex
                text = RiakHTTPText.trimmed(rest[..<end])
                rest = rest[end...]
            }
            tags.append(Tag(text: String(decoding: text, as: UTF8.self), isWeak: isWeak))
        }
        guard !tags.isEmpty else { return nil }
        self = .tags(tags)
    }

    /// Whether `If-None-Match` names this version: a weak tag counts (RFC 9110 §13.1.2).
    package func matchesWeakly(_ tag: String) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains { $0.text == tag }
        }
    }

    /// Writes an entity tag with its quotes.
    package static func quoted(_ tag: String) -> String { "\"\(tag)\"" }
}

/// What the headers of a request say that Riak's interface listens to.
///
/// The listener adds every header line as it comes, whatever its name, and has all of them checked in one pass.
package struct RiakHTTPRequestHeaders: Sendable {
    /// What the request does; what describes an object is read only where one is stored.
    package enum Purpose: Sendable {
        case read
        case store
        case delete
    }

    private let purpose: Purpose
    private let bucket: RiakHTTPBucket
    private let now: Int64
    private var content = ObjectContent(value: [])

    /// `X-Riak-Vclock`, decoded; nil if there is none or it is empty.
    package private(set) var token: [UInt8]?
    /// `X-Riak-If-Not-Modified`, decoded: the object must be just what this token knows.
    package private(set) var tokenNotModified: [UInt8]?
    /// `If-Match`
    package private(set) var ifMatch: RiakHTTPEntityTags?
    /// `If-None-Match`
    package private(set) var ifNoneMatch: RiakHTTPEntityTags?
    /// `If-Modified-Since`, in seconds since 1970; what is not a date is ignored, as RFC 9110 §13.1.3 says.
    package private(set) var ifModifiedSince: Int64?
    /// `If-Unmodified-Since`, in seconds since 1970.
    package private(set) var ifUnmodifiedSince: Int64?
    /// `X-Kindred-Request-ID`: names a write, so that its coordinator recognises it if it comes again.
    package private(set) var requestID: (client: UInt64, number: UInt64)?
    /// `Accept`, all of its lines.
    package private(set) var accept: String?

    /// Starts reading the headers of a request about an object of `bucket`.
    ///
    /// - Parameter now: seconds since 1970, for dates with two digits of a year.
    package init(for purpose: Purpose, in bucket: RiakHTTPBucket, now: Int64) {
        self.purpose = purpose
        self.bucket = bucket
        self.now = now
    }

    /// Takes one header line.
    ///
    /// - Throws: a refusal with status 400, or 415 for a media type that is none.
    package mutating func add(_ name: String, _ value: String) throws(RiakHTTPRefusal) {
        switch name.lowercased() {
        case "accept": accept = accept.map { $0 + "," + value } ?? value
        case "x-riak-vclock": token = try Self.token(name, value)
        case "x-kindred-request-id":
            // A name that cannot be read must not become a write that happens twice.
            let parts = value.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let client = UInt64(parts[0]), let number = UInt64(parts[1]) else {
                throw Self.malformed(name)
            }
            requestID = (client, number)
        case "x-riak-if-not-modified":
            guard let token = try Self.token(name, value) else { throw Self.malformed(name) }
            tokenNotModified = token
        case "if-match":
            // A precondition that cannot be read must not become an unconditional write.
            guard let tags = RiakHTTPEntityTags(value) else { throw Self.malformed(name) }
            ifMatch = tags
        case "if-none-match":
            guard let tags = RiakHTTPEntityTags(value) else { throw Self.malformed(name) }
            ifNoneMatch = tags
        case "if-modified-since": ifModifiedSince = RiakHTTPDate.parse(value, now: now)
        case "if-unmodified-since":
            guard let date = RiakHTTPDate.parse(value, now: now) else { throw Self.malformed(name) }
            ifUnmodifiedSince = date
        default:
            if purpose == .store { try addMetadata(name, value) }
        }
    }

    /// What is to be stored: the value with what the headers say about it.
    ///
    /// - Throws: a refusal with status 400 if no media type was given.
    package func content(value: [UInt8]) throws(RiakHTTPRefusal) -> ObjectContent {
        guard content.contentType != nil else {
            throw RiakHTTPRefusal(400, "Missing Content-Type request header\n")
        }
        var content = content
        content.value = value
        return content
    }

    private mutating func addMetadata(_ name: String, _ value: String) throws(RiakHTTPRefusal) {
        switch name.lowercased() {
        case "content-type": (content.contentType, content.charset) = try Self.mediaType(value)
        case "content-encoding": content.contentEncoding = Array(value.utf8)
        case "link": content.links += try RiakHTTPLinks.parse(value.utf8, in: bucket)
        default:
            if let key = RiakHTTPText.suffix(of: name.utf8, after: "x-riak-meta-") {
                content.userMetadata.append(ObjectContent.Entry(key: Array(key), value: Array(value.utf8)))
            } else if let index = RiakHTTPText.suffix(of: name.utf8, after: "x-riak-index-") {
                content.indexes += try Self.indexEntries(Array(index), value)
            }
        }
    }

    /// Takes the character set out of a media type; other parameters stay with it.
    private static func mediaType(
        _ value: String
    ) throws(RiakHTTPRefusal) -> (contentType: [UInt8], charset: [UInt8]?) {
        // A semicolon within quotes belongs to its parameter.
        var parts: [[UInt8]] = [[]]
        var isQuoted = false
        for byte in value.utf8 {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: ";"), !isQuoted {
                parts.append([])
            } else {
                parts[parts.count - 1].append(byte)
            }
        }
        let media = Array(RiakHTTPText.trimmed(parts[0]))
        let names = media.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard names.count == 2, names.allSatisfy({ !$0.isEmpty && $0.allSatisfy(RiakHTTPText.isTokenByte) }) else {
            throw RiakHTTPRefusal(
                415,
                "\"\(String(decoding: media, as: UTF8.self))\" is not a valid media type for the Content-type header.\n"
            )
        }
        var contentType = media
        var charset: [UInt8]?
        for part in parts.dropFirst() {
            let parameter = RiakHTTPText.trimmed(part)
            if parameter.isEmpty { continue }
            let mark = parameter.firstIndex(of: UInt8(ascii: "=")) ?? parameter.endIndex
            if mark < parameter.endIndex, RiakHTTPText.equalsIgnoringCase(parameter[..<mark], "charset".utf8) {
                charset = parameter[(mark + 1)...].filter { $0 != UInt8(ascii: "\"") }
            } else {
                contentType += [UInt8(ascii: ";"), 0x20] + parameter
            }
        }
        return (contentType, charset)
    }

    private static func token(_ name: String, _ value: String) throws(RiakHTTPRefusal) -> [UInt8]? {
        let text = RiakHTTPText.trimmed(Array(value.utf8))
        guard !text.isEmpty else { return nil }
        guard let bytes = Base64.decode(String(decoding: text, as: UTF8.self)) else { throw malformed(name) }
        return bytes
    }

    private static func malformed(_ name: String) -> RiakHTTPRefusal {
        RiakHTTPRefusal(400, "The \(name) header cannot be read\n")
    }

    /// Several values stand in one line with a comma and a space between; one without the space belongs to a value, as in Riak.
    private static func indexEntries(
        _ name: [UInt8], _ line: String
    ) throws(RiakHTTPRefusal) -> [ObjectContent.Entry] {
        var values: [[UInt8]] = [[]]
        var isAfterComma = false
        for byte in line.utf8 {
            if isAfterComma, RiakHTTPText.isBlank(byte) {
                values[values.count - 1].removeLast()
                values.append([])
                isAfterComma = false
                continue
            }
            values[values.count - 1].append(byte)
            isAfterComma = byte == UInt8(ascii: ",")
        }
        var entries: [ObjectContent.Entry] = []
        for value in values {
            do {
                entries.append(try RiakIndexEntry.checked(name: name, value: value))
            } catch {
                throw RiakHTTPRefusal(400, error.description + "\n")
            }
        }
        return entries
    }
}

/// The rules for entries of secondary indexes, which every face of the database applies to what it stores.
package enum RiakIndexEntry {
    /// Why an entry is not one, in Riak's words.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The name ends in neither `_bin` nor `_int`.
        case unknownType(name: String)
        /// The name ends in `_int` and the value is not an integer.
        case notInteger(name: String, value: String)

        /// One line, without a line feed.
        package var description: String {
            switch self {
            case .unknownType(let name): "Unknown field type for field: '\(name)'."
            case .notInteger(let name, let value): "Could not parse field '\(name)', value '\(value)'."
            }
        }
    }

    /// The entry in the one form in which it is stored: names in lower case, integers without superfluous digits.
    package static func checked(name: [UInt8], value: [UInt8]) throws(Failure) -> ObjectContent.Entry {
        let name = name.map(RiakHTTPText.lowercased)
        if name.count > 4, name.suffix(4).elementsEqual("_bin".utf8) {
            return ObjectContent.Entry(key: name, value: value)
        }
        let nameText = String(decoding: name, as: UTF8.self)
        guard name.count > 4, name.suffix(4).elementsEqual("_int".utf8) else { throw .unknownType(name: nameText) }
        let isNegative = value.first == UInt8(ascii: "-")
        let digits = isNegative || value.first == UInt8(ascii: "+") ? value.dropFirst() : value[...]
        guard !digits.isEmpty, digits.allSatisfy(RiakHTTPText.isDigit) else {
            throw .notInteger(name: nameText, value: String(decoding: value, as: UTF8.self))
        }
        let significant = digits.drop { $0 == UInt8(ascii: "0") }
        guard !significant.isEmpty else { return ObjectContent.Entry(key: name, value: [UInt8(ascii: "0")]) }
        return ObjectContent.Entry(key: name, value: (isNegative ? [UInt8(ascii: "-")] : []) + significant)
    }
}
