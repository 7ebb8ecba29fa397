import KindredModel

extension ObjectContent {
    /// Content with this value, and with all that several contents say about theirs: links, user metadata and index
    /// entries are united. Of different content types and character sets the largest bytewise is taken, because one
    /// must be.
    static func merged(_ contents: [ObjectContent], value: [UInt8]) -> ObjectContent {
        func largest(_ field: KeyPath<ObjectContent, [UInt8]?>) -> [UInt8]? {
            contents.compactMap { $0[keyPath: field] }.max { $0.lexicographicallyPrecedes($1) }
        }
        return ObjectContent(
            value: value, contentType: largest(\.contentType), charset: largest(\.charset),
            links: Set(contents.flatMap(\.links)).sorted { $0.precedes($1) },
            userMetadata: Set(contents.flatMap(\.userMetadata)).sorted(),
            indexes: Set(contents.flatMap(\.indexes)).sorted())
    }

    /// Refuses compressed content: its bytes are not what they stand for.
    func requireUnencoded() throws(ResolutionError) {
        guard let contentEncoding else { return }
        let encoding = String(decoding: contentEncoding, as: UTF8.self)
        if encoding.lowercased() != "identity" { throw .encoded(encoding) }
    }

    /// The value as JSON.
    func json() throws(ResolutionError) -> ExactJSON {
        try requireUnencoded()
        do throws(ExactJSONError) {
            return try ExactJSON(reading: value)
        } catch {
            throw .notJSON(error.description)
        }
    }
}

extension ObjectContent.Link {
    /// Orders by bucket, key and tag, bytewise.
    fileprivate func precedes(_ other: ObjectContent.Link) -> Bool {
        if bucket != other.bucket { return bucket.lexicographicallyPrecedes(other.bucket) }
        if key != other.key { return key.lexicographicallyPrecedes(other.key) }
        return tag.lexicographicallyPrecedes(other.tag)
    }
}
