import ArgumentParser
import KindredClient

/// Which object a command is about.
///
/// ```
/// BUCKET/KEY             in the default type
/// TYPE/BUCKET/KEY…       a key may go on with slashes
/// --type TYPE BUCKET/KEY…
/// [--type TYPE] BUCKET KEY     for buckets with a slash in their name
/// ```
struct ObjectAddress: Hashable, Sendable {
    var bucket: Bucket
    var key: Name

    init(bucket: Bucket, key: Name) {
        self.bucket = bucket
        self.key = key
    }

    /// Reads one word or two.
    init(_ words: [String], type: String?) throws {
        switch words.count {
        case 1:
            var parts = words[0].split(separator: "/", maxSplits: type == nil ? 2 : 1, omittingEmptySubsequences: false)
            guard parts.count >= 2 else {
                throw ValidationError("'\(words[0])' has no key: write [TYPE/]BUCKET/KEY, or BUCKET KEY")
            }
            let ownType = type ?? (parts.count == 3 ? String(parts.removeFirst()) : "default")
            self.init(bucket: Bucket(Name(parts[0]), type: Name(ownType)), key: Name(parts[1]))
        case 2:
            self.init(bucket: Bucket(Name(words[0]), type: Name(type ?? "default")), key: Name(words[1]))
        default:
            throw ValidationError("write [TYPE/]BUCKET/KEY, or BUCKET KEY")
        }
        guard !bucket.type.bytes.isEmpty, !bucket.name.bytes.isEmpty, !key.bytes.isEmpty else {
            throw ValidationError("a type, a bucket and a key have at least one character each")
        }
    }

    /// The address in its short form, fit for a shell where the names are.
    var description: String {
        bucket.path + "/" + TextLayout.name(key.bytes)
    }
}

extension Bucket {
    /// Reads `[TYPE/]BUCKET`.
    init(word: String, type: String?) throws {
        let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if let type {
            self.init(Name(word), type: Name(type))
        } else if parts.count == 2 {
            self.init(Name(parts[1]), type: Name(parts[0]))
        } else {
            self.init(Name(word))
        }
        guard !self.type.bytes.isEmpty, !name.bytes.isEmpty else {
            throw ValidationError("a type and a bucket have at least one character each")
        }
    }

    /// `TYPE/BUCKET`.
    var path: String { TextLayout.name(type.bytes) + "/" + TextLayout.name(name.bytes) }
}

/// A causal context as it is written on a command line.
struct ContextArgument: ExpressibleByArgument, Hashable, Sendable {
    let context: Context

    init?(argument: String) {
        guard !argument.isEmpty, let context = Context(base64: argument) else { return nil }
        self.context = context
    }
}
