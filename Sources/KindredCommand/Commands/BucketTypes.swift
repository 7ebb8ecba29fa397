import ArgumentParser
import Foundation
import KindredClient
import KindredModel
import KindredWire

/// `kindred bucket-type`: the rules for groups of buckets.
struct BucketTypes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bucket-type",
        abstract: "Create, activate, list and change bucket types.",
        discussion: """
            A bucket type says what happens to concurrent writes in its buckets: its strategy is 'version-vectors' \
            (keep all as siblings), 'last-write-wins', 'immutable' or 'version-numbers'.

            EXAMPLES
              kindred bucket-type create carts --strategy version-vectors
              kindred bucket-type activate carts
              kindred bucket-type list
            """,
        subcommands: [CreateType.self, ActivateType.self, ListTypes.self, TypeStatus.self, UpdateType.self])
}

/// `kindred bucket-type create`
struct CreateType: NodeCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a bucket type; it can be used once it is activated.",
        discussion: """
            EXAMPLES
              kindred bucket-type create carts --strategy version-vectors
              kindred bucket-type create logs --props '{"write_once": true}' --activate
              kindred bucket-type create sensors --strategy last-write-wins --conflict-log off
              kindred bucket-type create orders --props @orders.json
            """)

    @Argument(help: "The name of the new type.")
    var name: String
    @OptionGroup var properties: PropertyOptions
    @Flag(help: "Activate it at once.")
    var activate = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if name.contains("/") {
            throw ValidationError("a bucket type with a slash in its name could not be told from TYPE/BUCKET")
        }
    }

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        var type = try await client.createBucketType(Name(name), properties: try properties.set())
        if activate { type = try await client.activateBucketType(Name(name)) }
        let next = type.isActive ? "" : "; make it usable with 'kindred bucket-type activate \(name)'"
        TypeOutput(json: common.json, console: console).showChange(
            type, "created\(activate ? " and activated" : "") \(name), with the strategy \(type.strategy)\(next)")
        return .success
    }
}

/// `kindred bucket-type activate`
struct ActivateType: NodeCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate",
        abstract: "Make a bucket type usable.",
        discussion: """
            EXAMPLES
              kindred bucket-type activate carts
            """)

    @Argument(help: "The name of the type.")
    var name: String
    @OptionGroup var common: CommonOptions

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let type = try await client.activateBucketType(Name(name))
        TypeOutput(json: common.json, console: console).showChange(
            type, "activated \(name); try 'kindred put \(name)/BUCKET/KEY VALUE'")
        return .success
    }
}

/// `kindred bucket-type list`
struct ListTypes: NodeCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the bucket types.",
        discussion: """
            EXAMPLES
              kindred bucket-type list
              kindred bucket-type list --json | jq '.[] | select(.active) | .name'
            """)

    @OptionGroup var common: CommonOptions

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let types = try await client.bucketTypes()
        if common.json {
            console.print(JSONText.encode(.list(types.map(\.json))))
        } else {
            let rows = types.map { type in
                [TextLayout.name(type.name.bytes), type.strategy, type.isActive ? "active" : "not active yet"]
            }
            let lines = TextLayout.table([["TYPE", "STRATEGY", "STATE"]] + rows)
            for (index, line) in lines.enumerated() {
                console.print(index == 0 ? console.style.apply(.faint, line) : line)
            }
        }
        return .success
    }
}

/// `kindred bucket-type status`
struct TypeStatus: NodeCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show a bucket type and its properties.",
        discussion: """
            EXAMPLES
              kindred bucket-type status siblings
              kindred bucket-type status siblings --json | jq .props.n_val
            """)

    @Argument(help: "The name of the type.")
    var name: String
    @OptionGroup var common: CommonOptions

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let type = try await client.bucketType(Name(name))
        TypeOutput(json: common.json, console: console).show(type)
        return .success
    }
}

/// `kindred bucket-type update`
struct UpdateType: NodeCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change properties of a bucket type.",
        discussion: """
            What is not given stays as it is. Version vectors and last-write-wins turn into each other at any time; \
            the other strategies are fixed when a type is created. Clients go on meanwhile.

            EXAMPLES
              kindred bucket-type update carts --props '{"n_val": 5}'
              kindred bucket-type update carts --strategy last-write-wins
              kindred bucket-type update sensors --conflict-log off
            """)

    @Argument(help: "The name of the type.")
    var name: String
    @OptionGroup var properties: PropertyOptions
    @OptionGroup var common: CommonOptions

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let properties = try properties.set()
        guard !properties.isEmpty else {
            throw CommandFailure(
                .usage,
                "nothing to change: give --strategy, --conflict-log or --props, such as --props '{\"n_val\": 5}'")
        }
        let type = try await client.updateBucketType(Name(name), properties: properties)
        TypeOutput(json: common.json, console: console).showChange(type, "updated \(name)")
        return .success
    }
}

/// Properties as they are written on a command line.
struct PropertyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("What happens to concurrent writes.", valueName: "strategy"))
    var strategy: StrategyArgument?
    @Option(
        help: ArgumentHelp(
            "Whether conflicts are entered into the conflict log, at nodes that keep one.", valueName: "on|off"))
    var conflictLog: SwitchArgument?
    @Option(help: ArgumentHelp("Properties by Riak's names, as a JSON object.", valueName: "json|@file"))
    var props: String?

    /// All that was given.
    func set() throws(CommandFailure) -> PropertySet {
        var set = PropertySet()
        if let props {
            var text = Array(props.utf8)
            if props.hasPrefix("@") {
                let file = String(props.dropFirst())
                guard let data = try? Data(contentsOf: URL(fileURLWithPath: file)) else {
                    throw CommandFailure(.failure, "cannot read the file '\(file)'")
                }
                text = [UInt8](data)
            }
            set = try Self.parse(text)
        }
        if let strategy { set["conflict_strategy"] = .text(strategy.strategy.rawValue) }
        if let conflictLog { set["conflict_log"] = .bool(conflictLog == .on) }
        return set
    }

    /// Reads `{…}`, or `{"props": {…}}` as `riak-admin` wants it.
    static func parse(_ json: [UInt8]) throws(CommandFailure) -> PropertySet {
        let value: PropertyValue
        do {
            value = try RiakHTTPJSON.decode(json)
        } catch {
            throw CommandFailure(.usage, "--props is not a JSON object of properties: \(error.reason)")
        }
        guard case .object(let fields) = value else {
            throw CommandFailure(.usage, "--props is not a JSON object, such as '{\"n_val\": 3}'")
        }
        if fields.count == 1, fields[0].name == "props", case .object(let inner) = fields[0].value {
            return PropertySet(inner)
        }
        return PropertySet(fields)
    }
}

/// The name of a strategy.
struct StrategyArgument: ExpressibleByArgument, Hashable, Sendable {
    let strategy: ConflictStrategy

    init?(argument: String) {
        guard let strategy = ConflictStrategy(rawValue: argument) else { return nil }
        self.strategy = strategy
    }

    static var allValueStrings: [String] { ConflictStrategy.allCases.map(\.rawValue) }
    static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}

/// Something that is switched on or off.
enum SwitchArgument: String, ExpressibleByArgument, CaseIterable, Sendable {
    case on
    case off
}

/// How the commands about bucket types answer.
private struct TypeOutput {
    let json: Bool
    let console: Console

    func showChange(_ type: BucketTypeDetails, _ sentence: String) {
        console.print(json ? JSONText.encode(type.json) : sentence)
    }

    func show(_ type: BucketTypeDetails) {
        if json { return console.print(JSONText.encode(type.json)) }
        console.print(console.style.apply(.strong, TextLayout.name(type.name.bytes)))
        let rows =
            [["strategy", type.strategy], ["state", type.isActive ? "active" : "not active yet"]]
            + type.properties.entries.map { [$0.name, JSONText.onOneLine($0.value)] }
        for line in TextLayout.table(rows) { console.print("  " + line) }
    }
}

extension BucketTypeDetails {
    /// `name`, `strategy`, `active`, `props`.
    var json: PropertyValue {
        .object([
            Property("name", .text(name.description)), Property("strategy", .text(strategy)),
            Property("active", .bool(isActive)), Property("props", .object(properties.entries)),
        ])
    }
}
