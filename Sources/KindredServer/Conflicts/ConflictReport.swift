/// A conflict as the operators' interface tells it, in JSON.
package struct ConflictReport: Codable, Sendable {
    /// The same at every replica that has noticed it, such as `17-3.a7-lost`.
    package var id: String
    /// lost, shadowed, refused, sibling, outlived, resolved or orphaned.
    package var kind: String
    /// What it is now: open (siblings are still there), resolved, lost, restored, refused or shadowed.
    package var state: String
    /// Which rule decided, in words.
    package var rule: String
    package var strategy: String
    package var type: String
    package var bucket: String
    package var key: String
    /// The name in base 64, if it is not UTF-8.
    package var bucketBase64: String?
    package var keyBase64: String?
    /// When it was first noticed, in milliseconds since 1970.
    package var noticedMs: UInt64
    /// The records that replicas have made of it, by the dots of their events.
    package var records: [String]
    /// The write it is about.
    package var subject: PartyReport
    /// Whom it met.
    package var others: [PartyReport]
    /// Why the subject was written, if a command wrote it.
    package var note: String?

    enum CodingKeys: String, CodingKey {
        case id, kind, state, rule, strategy, type, bucket, key, records, subject, others, note
        case bucketBase64 = "bucket_base64"
        case keyBase64 = "key_base64"
        case noticedMs = "noticed_ms"
    }
}

/// A write that is part of a conflict, or of a key's history.
package struct PartyReport: Codable, Sendable {
    /// The write's name, such as `3.a7`; nil if it was refused.
    package var dot: String?
    /// The version number, in buckets with version numbers.
    package var number: UInt64?
    package var writtenMs: UInt64
    /// The name that the client gives itself; nil if it gives none.
    package var client: String?
    /// What the writer had seen, as text for people: `{1:4}+[2:7]`; `{}` is nothing. Nil if it is not known any more.
    package var seen: String?
    /// The version that it replaced, having seen it.
    package var parent: String?
    package var value: ValueReport

    enum CodingKeys: String, CodingKey {
        case dot, number, client, seen, parent, value
        case writtenMs = "written_ms"
    }
}

/// A value, or what is known of it.
package struct ValueReport: Codable, Sendable {
    /// stored (the key still has it), remembered (the conflict log has it), oversized (only its length and digest are known) or deleted.
    package var state: String
    package var contentType: String?
    /// The value, if it is UTF-8.
    package var text: String?
    /// The value in base 64, if it is not.
    package var base64: String?
    /// Its length in bytes.
    package var length: UInt64?
    /// The digest of the whole content, of an oversized one.
    package var sha256: String?

    enum CodingKeys: String, CodingKey {
        case state, text, base64, length, sha256
        case contentType = "content_type"
    }
}

/// A page of conflicts, the newest first.
package struct ConflictPage: Codable, Sendable {
    package var conflicts: [ConflictReport]
    /// What to ask for as `before` to get the next page; nil if there are no more.
    package var next: String?
}

/// How many conflicts a bucket had on a day.
package struct ConflictCount: Codable, Sendable {
    package var type: String
    package var bucket: String
    package var strategy: String
    /// Such as `2026-11-26`, in UTC.
    package var day: String
    package var kind: String
    package var count: Int
}

/// What is still known of how a key came to be what it is.
package struct ExplainReport: Codable, Sendable {
    package var type: String
    package var bucket: String
    package var key: String
    package var strategy: String
    /// What the key has now and why, in words.
    package var verdict: [String]
    /// The writes that are known, oldest first.
    package var events: [Event]
    package var conflicts: [ConflictReport]

    package struct Event: Codable, Sendable {
        package var party: PartyReport
        /// shown, sibling, shadowed, lost, refused, replaced or deleted.
        package var fate: String
        /// The known writes that it had seen.
        package var sawDots: [String]

        enum CodingKeys: String, CodingKey {
            case party, fate
            case sawDots = "saw"
        }
    }
}

/// What became of a write that resolves a conflict.
package struct ResolutionReport: Codable, Sendable {
    /// The write's name.
    package var dot: String?
    /// How many values the key has now.
    package var values: Int
    /// Whether anything had to be written.
    package var isNew: Bool

    enum CodingKeys: String, CodingKey {
        case dot, values
        case isNew = "written"
    }
}
