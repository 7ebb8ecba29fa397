import ArgumentParser
import KindredClient
import KindredModel

/// `kindred put`: writes a key.
struct Put: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a key.",
        usage: """
            kindred put [TYPE/]BUCKET/KEY [VALUE|-|@FILE] [options]
            kindred put [--type TYPE] BUCKET KEY [VALUE|-|@FILE] [options]
            kindred put --new-key [TYPE/]BUCKET [VALUE|-|@FILE] [options]
            """,
        discussion: """
            The value is VALUE itself, the content of FILE, or with '-' or without a value what comes on the standard \
            input. A value that begins with '-' goes after '--'.

            Without a context, the write is concurrent to whatever is there, and the strategy of the bucket type \
            decides what happens. With the context that 'kindred get' shows, it replaces exactly what was shown.

            EXAMPLES
              kindred put fruit/basket apple
              kindred put siblings/carts/anna 'milk, eggs'
              kindred put siblings/carts/anna 'milk, eggs, bread' --context "$CONTEXT"
              kindred put --new-key immutable/photos @a.jpg --content-type image/jpeg
              tar c docs | kindred put archive/docs --if-none-match
            """)

    @Argument(help: ArgumentHelp("Where to write, and what.", valueName: "words"))
    var words: [String]
    @Option(help: ArgumentHelp("The bucket type, if it is not in the path.", valueName: "type"))
    var type: String?
    @Option(
        help: ArgumentHelp(
            "The media type of the value. (default: text/plain for text, else application/octet-stream)",
            valueName: "media/type"))
    var contentType: String?
    @Option(help: ArgumentHelp("The causal context of what this write has seen.", valueName: "base64"))
    var context: ContextArgument?
    @Option(help: ArgumentHelp("Something to keep beside the value. Can be given again.", valueName: "name=value"))
    var meta: [MetadataArgument] = []
    @Flag(help: "Write only if the key does not exist.")
    var ifNoneMatch = false
    @Flag(help: "Write only if the key exists and is as the context has seen it.")
    var ifNotModified = false
    @Flag(help: "Let the node make a key, and say which.")
    var newKey = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if ifNoneMatch, ifNotModified {
            throw ValidationError("--if-none-match and --if-not-modified exclude each other")
        }
        if ifNotModified, context == nil {
            throw ValidationError("--if-not-modified needs the --context that must not have changed")
        }
        _ = try target()
    }

    /// What the words mean: the number of words decides, and where it does not, whether the first is a path.
    func target() throws -> (bucket: Bucket, key: Name?, value: String?) {
        if newKey {
            guard (1...2).contains(words.count) else {
                throw ValidationError("with --new-key, write [TYPE/]BUCKET and perhaps a value")
            }
            return (try Bucket(word: words[0], type: type), nil, words.count == 2 ? words[1] : nil)
        }
        let address: ObjectAddress
        let value: String?
        switch words.count {
        case 1: (address, value) = (try ObjectAddress(words, type: type), nil)
        case 2 where words[0].contains("/"): (address, value) = (try ObjectAddress([words[0]], type: type), words[1])
        case 2: (address, value) = (try ObjectAddress(words, type: type), nil)
        case 3: (address, value) = (try ObjectAddress(Array(words[..<2]), type: type), words[2])
        default: throw ValidationError("too many words: quote a value that has spaces")
        }
        return (address.bucket, address.key, value)
    }

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let (bucket, key, word) = try target()
        let value = try Self.value(word, console)
        var content = ObjectContent(value: value, mediaType: contentType)
        content.userMetadata = meta.map { ObjectContent.Entry(key: Array($0.name.utf8), value: Array($0.value.utf8)) }
        let result = try await client.put(
            content, at: key, in: bucket, context: context?.context,
            condition: ifNoneMatch ? .absent : ifNotModified ? .unchanged : .none, answer: .metadata)
        let address = ObjectAddress(bucket: bucket, key: result.key ?? "")
        report(result.object ?? StoredObject(), at: address, console)
        return .success
    }

    private func report(_ object: StoredObject, at address: ObjectAddress, _ console: Console) {
        let versions = object.siblings.map(\.version.description)
        // The context covers all that is there now. Beside siblings that this writer has not seen, it would invite to replace them
        // unseen; so then it is left to a read to show it.
        let context = versions.count == 1 ? object.context : nil
        if common.json {
            var members = address.members
            if let context { members.append(Property("context", .text(context.base64))) }
            members.append(Property("versions", .list(versions.map { .text($0) })))
            return console.print(JSONText.encode(.object(members)))
        }
        if versions.count == 1 {
            console.print("stored \(address.description) as version \(versions[0])")
        } else {
            console.print("stored \(address.description)")
        }
        if let context { console.print(console.style.apply(.faint, "context  ") + context.base64) }
        if versions.count > 1 {
            console.print(
                "It has \(versions.count) concurrent versions now (\(versions.joined(separator: ", "))): "
                    + "see them with 'kindred get \(address.description)'.")
        }
    }

    /// The value a word stands for.
    static func value(_ word: String?, _ console: Console) throws(CommandFailure) -> [UInt8] {
        guard let word, word != "-" else { return try ValueInput.standardInput(console) }
        guard word.hasPrefix("@") else { return Array(word.utf8) }
        return try ValueInput.file(
            String(word.dropFirst()), advice: " A value that begins with '@' can be given on the standard input.")
    }
}

/// `name=value`, as kept beside a value.
struct MetadataArgument: ExpressibleByArgument, Hashable, Sendable {
    let name: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else { return nil }
        name = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}
