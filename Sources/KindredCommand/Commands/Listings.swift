import ArgumentParser
import KindredClient
import KindredModel

/// `kindred keys`: lists the keys of a bucket.
struct Keys: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the keys of a bucket.",
        usage: """
            kindred keys [TYPE/]BUCKET [options]
            kindred keys --type TYPE BUCKET [options]
            """,
        discussion: """
            One key a line, in no order, as they are found. It walks through all that the node stores: not for every \
            request of an application.

            EXAMPLES
              kindred keys fruit
              kindred keys siblings/carts | sort
              kindred keys --json siblings/carts | jq -r '.[].key'
            """)

    @Argument(help: "The bucket.")
    var bucket: String
    @Option(help: ArgumentHelp("The bucket type, if it is not in the path.", valueName: "type"))
    var type: String?
    @OptionGroup var common: CommonOptions

    func validate() throws { _ = try Bucket(word: bucket, type: type) }

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let keys = client.keys(in: try Bucket(word: bucket, type: type))
        try await ListingOutput(member: "key", marker: "keyEncoding", json: common.json, console: console).show(keys)
        return .success
    }
}

/// `kindred buckets`: lists the buckets of a type.
struct Buckets: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the buckets of a type that hold keys.",
        discussion: """
            One bucket a line. It walks through all that the node stores: not for every request of an application.

            EXAMPLES
              kindred buckets
              kindred buckets siblings
              kindred buckets --json siblings | jq -r '.[].bucket'
            """)

    @Argument(help: "The bucket type.")
    var type = "default"
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if type.isEmpty { throw ValidationError("a bucket type has at least one character") }
    }

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let buckets = client.buckets(ofType: Name(type))
        try await ListingOutput(
            member: "bucket", marker: "bucketEncoding", json: common.json, console: console
        ).show(buckets)
        return .success
    }
}

/// Writes names as they come, so that a long listing neither waits nor takes memory.
private struct ListingOutput {
    let member: String
    let marker: String
    let json: Bool
    let console: Console

    /// Enough for a write to be worth its while.
    private static let batchBytes = 16_384

    func show(_ names: NameListing) async throws(ClientError) {
        var batch: [UInt8] = []
        var isFirst = true
        for try await name in names {
            if json {
                let object = PropertyValue.object(JSONText.members(member, name.bytes, marker: marker))
                batch += Array("\(isFirst ? "[" : ",")\n  \(JSONText.encode(object, indentation: 2))".utf8)
            } else if console.isTerminal {
                batch += Array((TextLayout.name(name.bytes) + "\n").utf8)
            } else {
                batch += name.bytes + [UInt8(ascii: "\n")]
            }
            isFirst = false
            if batch.count >= Self.batchBytes {
                console.write(batch)
                batch.removeAll(keepingCapacity: true)
            }
        }
        if json { batch += Array((isFirst ? "[]\n" : "\n]\n").utf8) }
        console.write(batch)
    }
}
