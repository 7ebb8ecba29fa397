import ArgumentParser
import Foundation
import KindredClient
import KindredModel
import KindredResolvers

/// `kindred copy`: copies a bucket into one with another strategy.
struct Copy: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy a bucket into another one, with another strategy.",
        usage: "kindred copy [TYPE/]BUCKET [TYPE/]BUCKET [options]",
        discussion: """
            The way from one strategy to another where a bucket type cannot change it: only 'version-vectors' and \
            'last-write-wins' can be exchanged in place, with 'kindred bucket-type update TYPE --strategy …'.

            Nothing in the target is replaced unless --overwrite says so, and where the target keeps one value, siblings \
            are merged by --rule or left and reported. So it can be run again: what is there already is passed over, and \
            siblings of which the target has only some are completed. \
            What is written to the source meanwhile is copied by the next run, or by nobody: let writers change over \
            to the target first, or pause them.

            Ends with 4 if keys were left, and with 1 if any failed.

            EXAMPLES
              kindred copy siblings/carts last_write_wins/carts --rule union --dry-run
              kindred copy siblings/carts last_write_wins/carts --rule union
              kindred copy last_write_wins/photos immutable/photos
            """)

    @Argument(help: "The bucket that is read.")
    var source: String
    @Argument(help: "The bucket that is written.")
    var target: String
    @Option(
        help: ArgumentHelp(
            "The rule that makes one value of siblings: \(Resolver.builtInNames.joined(separator: ", ")).",
            valueName: "rule"))
    var rule: String?
    @Flag(help: "Replace what the target has, where it is something else.")
    var overwrite = false
    @Flag(help: "Only say what would be done.")
    var dryRun = false
    @OptionGroup var common: CommonOptions

    /// So many keys that were left or failed are told one by one.
    private static let toldKeys = 20

    func validate() throws {
        let (from, to) = (try Bucket(word: source, type: nil), try Bucket(word: target, type: nil))
        if from == to { throw ValidationError("source and target are the same bucket") }
        if let rule, Resolver.builtIn(rule) == nil {
            throw ValidationError("no rule '\(rule)'; there are: \(Resolver.builtInNames.joined(separator: ", "))")
        }
    }

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let (from, to) = (try Bucket(word: source, type: nil), try Bucket(word: target, type: nil))
        let strategy = ConflictStrategy(rawValue: try await client.bucketType(to.type).strategy)
        guard let strategy else {
            throw CommandFailure(.failure, "'\(target)' holds data types: plain values cannot be copied there")
        }
        let keepsSiblings = strategy == .versionVectors || strategy == .versionNumbers
        var totals = CopyTotals()
        var told = 0
        for try await key in client.keys(in: from) {
            do throws(ClientError) {
                let object = try await client.get(key, in: from)
                let present = try await client.get(key, in: to)
                let step = CopyStep(
                    from: object, to: present, keepsSiblings: keepsSiblings, rule: rule.flatMap(Resolver.builtIn),
                    overwrites: overwrite)
                if case .leave(let reason) = step { tell(key, reason.text, &told, console) }
                if !dryRun { try await perform(step, key, to, present, client) }
                totals.count(step, hadSiblings: object.siblings.count > 1)
            } catch {
                if error.code == .preconditionFailed || error.code == .refused {
                    totals.left += 1
                    tell(key, "was written to the target meanwhile: \(error.message)", &told, console)
                } else if error.code == .unreachable || error.code == .connectionClosed {
                    throw error
                } else {
                    totals.failed += 1
                    tell(key, error.message, &told, console)
                }
            }
            if totals.all % 1_000 == 0 { console.complain("\(totals.all) keys so far") }
        }
        report(totals, told, console)
        return totals.failed > 0 ? .failure : totals.left > 0 ? .siblings : .success
    }

    private func perform(
        _ step: CopyStep, _ key: Name, _ bucket: Bucket, _ present: StoredObject, _ client: Client
    ) async throws(ClientError) {
        switch step {
        case .nothing, .same, .leave: break
        case .write(let contents):
            // The first only where there still is nothing; the others stand beside it.
            for (position, content) in contents.enumerated() {
                try await client.put(content, at: key, in: bucket, condition: position == 0 ? .absent : .none)
            }
        case .add(let contents):
            for content in contents { try await client.put(content, at: key, in: bucket) }
        case .replace(let content):
            try await client.put(content, at: key, in: bucket, context: present.context)
        }
    }

    private func tell(_ key: Name, _ reason: String, _ told: inout Int, _ console: Console) {
        told += 1
        if told <= Self.toldKeys {
            console.complain("\(TextLayout.name(key.bytes)) \(TextLayout.name(Array(reason.utf8)))")
        }
    }

    private func report(_ totals: CopyTotals, _ told: Int, _ console: Console) {
        if told > Self.toldKeys { console.complain("… and \(told - Self.toldKeys) more keys") }
        if common.json {
            return console.print(
                JSONText.encode(.object(totals.properties + [Property("dryRun", .bool(dryRun))])))
        }
        console.print((dryRun ? "would be: " : "") + totals.sentence)
    }
}

extension CopyTotals {
    fileprivate mutating func count(_ step: CopyStep, hadSiblings: Bool) {
        switch step {
        case .nothing: break
        case .same: same += 1
        case .write(let contents):
            copied += 1
            if hadSiblings, contents.count == 1 { merged += 1 }
        case .add: copied += 1
        case .replace: replaced += 1
        case .leave: left += 1
        }
    }
}
