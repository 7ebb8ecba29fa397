import ArgumentParser
import Foundation
import KindredClient
import KindredModel

/// `kindred demo`: plays the histories that Kindred is about against a running node, and draws them.
struct Demo: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch concurrent writes on a running node: four strategies, drawn as timelines.",
        discussion: """
            Clients with connections of their own write and read keys in new buckets of the built-in types. Each \
            history is drawn, and held against what its bucket type promises: the command ends with 1 if one did not \
            end so. What was written stays, to be looked at.

            EXAMPLES
              kindred demo
              kindred demo --json | jq '.histories[] | {history, kept, lost}'
            """)

    @OptionGroup var common: CommonOptions

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let server = try await client.serverInfo()
        var clients: [Client] = []
        for _ in 0..<Histories.clients { clients.append(try await common.connect()) }
        let bucket = Name("demo-" + String(UInt64.random(in: 0..<(1 << 40)), radix: 36))
        let output = DemoOutput(console: console)
        if !common.json { output.introduce(server, host: client.host, port: client.port) }
        var shown = 0
        let results = try await Histories.play(clients, bucket: bucket) { demonstration in
            shown += 1
            if !common.json { output.show(demonstration, number: shown) }
        }
        for client in clients { await client.close() }
        if common.json {
            console.print(JSONText.encode(output.json(results, server: server)))
        } else {
            output.conclude(results)
        }
        return results.allSatisfy(\.passed) ? .success : .failure
    }
}

/// How `kindred demo` answers.
struct DemoOutput {
    let console: Console
    private var style: Style { console.style }

    // MARK: For people

    func introduce(_ server: ServerInfo, host: String, port: Int) {
        let node = TextLayout.name(Array(server.node.utf8))
        console.print(style.apply(.strong, "Concurrent writes, played on \(node) at \(host):\(port)"))
        console.print("Each client has a connection of its own. Time goes down.")
        console.print(
            style.apply(.faint, "●  a write     ○  a read     ──▶  from who wrote what it shows     ✗  a refused write")
        )
    }

    func show(_ demonstration: Demonstration, number: Int) {
        console.print()
        for line in Timeline(demonstration: demonstration, style: style).lines(number: number) { console.print(line) }
    }

    func conclude(_ results: [Demonstration]) {
        console.print()
        let failed = results.filter { !$0.passed }
        if failed.isEmpty {
            console.print(style.apply(.good, "All \(results.count) histories ended as promised."))
        } else {
            let titles = failed.map(\.title).joined(separator: ", ")
            console.print(style.apply(.bad, "Not as promised: \(titles)."))
        }
        if let siblings = results.first(where: { $0.history.kept.count > 1 })?.history {
            let address = ObjectAddress(bucket: siblings.bucket, key: siblings.key)
            console.print("See what is left of it:  kindred get \(address.description)")
        }
    }

    // MARK: For programs

    /// `node`, `passed`, `histories`.
    func json(_ results: [Demonstration], server: ServerInfo) -> PropertyValue {
        .object([
            Property("node", .text(server.node)),
            Property("passed", .bool(results.allSatisfy(\.passed))),
            Property("histories", .list(results.map(\.json))),
        ])
    }
}

extension Demonstration {
    /// `history`, `type`, `bucket`, `key`, `passed`, `kept`, `replaced`, `refused`, `lost`, `mostSiblings`, `checks`, `events`.
    var json: PropertyValue {
        func list(_ values: [String]) -> PropertyValue { .list(values.map { .text($0) }) }
        return .object(
            [Property("history", .text(id))] + ObjectAddress(bucket: history.bucket, key: history.key).members + [
                Property("passed", .bool(passed)),
                Property("kept", list(history.kept)),
                Property("replaced", list(history.replaced.map(\.value))),
                Property("refused", list(history.refused)),
                Property("lost", list(history.lost)),
                Property("mostSiblings", .integer(Int64(history.mostSiblings))),
                Property(
                    "checks",
                    .list(
                        checks.map {
                            .object([Property("promise", .text($0.promise)), Property("holds", .bool($0.holds))])
                        })),
                Property("events", .list(history.events.map { $0.json(clients: history.clients) })),
            ])
    }
}

extension History.Event {
    fileprivate func json(clients: [String]) -> PropertyValue {
        func list(_ values: [String]) -> PropertyValue { .list(values.map { .text($0) }) }
        switch self {
        case .write(let client, let value, let seen, let result):
            var members = [
                Property("client", .text(clients[client])), Property("action", "write"),
                Property("value", .text(value)),
                Property("seen", list(seen)),
            ]
            switch result {
            case .stored(let version, let number):
                members += [Property("result", "stored"), Property("version", .text(version))]
                if let number { members.append(Property("number", .integer(Int64(number)))) }
            case .unchanged: members.append(Property("result", "unchanged"))
            case .refused(let reason): members += [Property("result", "refused"), Property("reason", .text(reason))]
            }
            return .object(members)
        case .read(let client, let values):
            return .object([
                Property("client", .text(clients[client])), Property("action", "read"),
                Property("values", list(values)),
            ])
        }
    }
}
