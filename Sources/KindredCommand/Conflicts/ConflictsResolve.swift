import ArgumentParser
import Foundation
import KindredClient
import KindredServer

/// `kindred conflicts resolve`
struct ConflictsResolve: ConflictCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Make one value of a key's siblings.",
        usage: """
            kindred conflicts resolve [TYPE/]BUCKET/KEY HOW [--seen VERSIONS] [options]
            kindred conflicts resolve [--type TYPE] BUCKET KEY HOW [--seen VERSIONS] [options]
            kindred conflicts resolve --all [--type TYPE] [--bucket BUCKET] --rule RULE [--dry-run] [--yes]

            HOW is one of: --rule RULE, --keep VERSION, --value TEXT, --value-file FILE, --delete
            """,
        discussion: """
            The node reads the siblings, and writes one value in their place, having seen what it read: a write that comes \
            between stays beside it. The value is made of them by a rule, is that of one of them, is yours, or is none. \
            The node knows the rules; 'latest' is one, and it names the others if you ask for one that it does not know. \
            A version is named as 'kindred get', 'explain' and 'conflicts show' name it.

            With --seen the siblings must be those that you have looked at. If they are others now, or --keep names none of \
            them, nothing is written, and it ends with 1 and says which there are. A key without siblings stays as it is.

            With --all every key that has open conflicts is resolved, each once. A key that fails is named and left as it \
            is. It ends with 1 if there was one.

            EXAMPLES
              kindred conflicts resolve siblings/carts/anna --rule latest
              kindred conflicts resolve siblings/carts/anna --keep 3.a7 --seen 3.a7,3.a8
              kindred conflicts resolve siblings/carts/anna --value 'milk, eggs'
              kindred conflicts resolve siblings/carts/anna --value-file ./merged
              kindred conflicts resolve --all --type siblings --rule longest --dry-run
              kindred conflicts resolve --all --type siblings --bucket carts --rule latest --yes
            """)

    @Argument(help: ArgumentHelp("What to resolve.", valueName: "words"))
    var words: [String] = []
    @Flag(help: "All keys with open conflicts.")
    var all = false
    @Option(help: ArgumentHelp("The bucket type, if it is not in the path.", valueName: "type"))
    var type: String?
    @Option(help: ArgumentHelp("With --all: only in buckets of this name.", valueName: "bucket"))
    var bucket: String?
    @OptionGroup var resolution: ResolutionOptions
    @Flag(help: "With --all: only list the keys.")
    var dryRun = false
    @Flag(help: "With --all: do it without asking.")
    var yes = false
    @OptionGroup var writer: WriterOptions
    @OptionGroup var common: OperatorOptions

    func validate() throws {
        guard all == words.isEmpty else { throw ValidationError("name a key, or --all") }
        guard all || (bucket == nil && !dryRun && !yes) else {
            throw ValidationError("--bucket, --dry-run and --yes go with --all")
        }
        guard !all || (resolution.rule != nil && resolution.seen == nil) else {
            throw ValidationError("--all goes with --rule, and without --seen")
        }
        if !all { _ = try address() }
    }

    private func address() throws -> ObjectAddress { try ObjectAddress(words, type: type) }

    func run(_ client: ConflictClient, _ console: Console) async throws -> ExitCode {
        let name = writer.client(ProcessInfo.processInfo.environment)
        if all, let rule = resolution.rule {
            let confirmation = Confirmation(console: console, isGiven: yes, isSilent: common.json)
            if !dryRun { try confirmation.check() }
            let keys = try await BulkResolution.openKeys(client, type: type, bucket: bucket)
            let bulk = BulkResolution(keys: keys, rule: rule, client: name)
            if dryRun { return try bulk.list(console, asJSON: common.json) }
            if !keys.resolvable.isEmpty, try !confirmation.ask(bulk.question) { return .failure }
            return try await bulk.run(client, console, asJSON: common.json)
        }
        let address = try address()
        guard let type = address.bucket.type.text, let bucket = address.bucket.name.text, let key = address.key.text
        else { throw CommandFailure(.usage, "the names are not text") }
        let wish = try resolution.wish(type: type, bucket: bucket, key: key, console)
        let answer = try await client.resolve(wish, as: name)
        if common.json {
            console.print(json: answer.text)
        } else {
            console.print(
                ResolutionWords.line(
                    answer.value, done: "\(address.description) \(resolution.delete ? "deleted" : "resolved")",
                    nothing: "\(address.description) has no siblings", expected: resolution.delete ? 0 : 1))
        }
        return .success
    }
}
