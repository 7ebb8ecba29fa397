import ArgumentParser
import KindredServer

/// Resolves all keys that have open conflicts, one after the other.
struct BulkResolution {
    /// The keys with open conflicts, each once.
    struct Keys {
        var resolvable: [Key] = []
        /// Those whose names are not text, which the rule's request cannot name.
        var unnameable: [Key] = []
    }

    struct Key: Hashable {
        let type: String
        let bucket: String
        let key: String

        var text: String {
            "\(ConflictWords.safe(type))/\(ConflictWords.safe(bucket))/\(ConflictWords.safe(key))"
        }
    }

    let keys: Keys
    let rule: String
    let client: String

    /// So many failures are told one by one.
    private static let toldFailures = 20

    /// Pages through the open conflicts.
    static func openKeys(
        _ client: ConflictClient, type: String?, bucket: String?
    ) async throws(CommandFailure) -> Keys {
        var query = QueryText()
        query.add("state", "open")
        query.add("type", type)
        query.add("bucket", bucket)
        query.add("limit", "\(ConflictsList.largestPage)")
        var keys = Keys()
        var known: Set<Key> = []
        var position: String?
        repeat {
            var wanted = query
            wanted.add("before", position)
            let page = try await client.page(wanted).value
            for conflict in page.conflicts {
                let key = Key(type: conflict.type, bucket: conflict.bucket, key: conflict.key)
                guard known.insert(key).inserted else { continue }
                if conflict.bucketBase64 == nil, conflict.keyBase64 == nil {
                    keys.resolvable.append(key)
                } else {
                    keys.unnameable.append(key)
                }
            }
            guard page.next != position else { break }
            position = page.next
        } while position != nil
        return keys
    }

    var question: String {
        "Make one value of the siblings of \(Page.count(keys.resolvable.count, "key")) by "
            + "'\(ConflictWords.safe(rule))'?"
    }

    // MARK: A list only

    private struct List: Encodable {
        var keys: [Entry]

        struct Entry: Encodable {
            var type: String
            var bucket: String
            var key: String
        }
    }

    func list(_ console: Console, asJSON: Bool) throws -> ExitCode {
        if asJSON {
            try console.print(
                json: List(keys: keys.resolvable.map { .init(type: $0.type, bucket: $0.bucket, key: $0.key) }))
            return .success
        }
        for key in keys.resolvable { console.print(key.text) }
        console.print(
            [StyledLine("\(Page.count(keys.resolvable.count, "key")) would be resolved. Nothing was written.", .faint)]
                + skipped)
        return .success
    }

    private var skipped: [StyledLine] {
        guard !keys.unnameable.isEmpty else { return [] }
        return [
            StyledLine(
                "\(Page.count(keys.unnameable.count, "key")) left out, whose names are not text: "
                    + "resolve them with a put that has their context.")
        ]
    }

    // MARK: Doing it

    /// What came of it.
    private struct Outcome: Encodable {
        var resolved = 0
        /// They had no siblings any more.
        var unchanged = 0
        /// A write came between, and stands beside the resolving one.
        var stillOpen = 0
        var leftOut = 0
        var failed: [Failure] = []

        struct Failure: Encodable {
            var key: String
            var reason: String
        }
    }

    func run(_ client: ConflictClient, _ console: Console, asJSON: Bool) async throws -> ExitCode {
        var outcome = Outcome(leftOut: keys.unnameable.count)
        let total = keys.resolvable.count
        var line = ProgressLine(console: console, isSilent: asJSON)
        let clock = SampleClock()
        for (done, key) in keys.resolvable.enumerated() {
            let facts = "\(TextLayout.grouped(done)) of \(Page.count(total, "key"))"
            line.show(
                elapsed: clock.now, line: { TextLayout.cut("\(facts)  \(key.text)", to: $0) }, facts: { facts })
            do throws(CommandFailure) {
                let wish = ConflictClient.Wish(type: key.type, bucket: key.bucket, key: key.key, rule: rule)
                let report = try await client.resolve(wish, as: self.client).value
                if !report.isNew {
                    outcome.unchanged += 1
                } else {
                    outcome.resolved += 1
                    if report.values > 1 { outcome.stillOpen += 1 }
                }
            } catch {
                line.end()
                // A rule that the node does not know is none for the other keys either; a node that is away is away for all.
                if error.code == .usage || error.code == .unreachable {
                    if done > 0, !asJSON { console.print(summary(outcome)) }
                    throw error
                }
                outcome.failed.append(.init(key: key.text, reason: error.message))
                if !asJSON, outcome.failed.count <= Self.toldFailures {
                    console.complain("kindred: \(key.text): \(error.message)")
                }
            }
        }
        line.end()
        if asJSON {
            try console.print(json: outcome)
        } else {
            console.print(summary(outcome) + skipped)
        }
        return outcome.failed.isEmpty ? .success : .failure
    }

    private func summary(_ outcome: Outcome) -> [StyledLine] {
        var facts = ["\(Page.count(outcome.resolved, "key")) resolved"]
        if outcome.unchanged > 0 { facts.append("\(TextLayout.grouped(outcome.unchanged)) had no siblings any more") }
        if outcome.stillOpen > 0 {
            facts.append("\(TextLayout.grouped(outcome.stillOpen)) of them have siblings again, written meanwhile")
        }
        if !outcome.failed.isEmpty { facts.append("\(TextLayout.grouped(outcome.failed.count)) failed") }
        return [StyledLine(facts.joined(separator: ", ") + ".", outcome.failed.isEmpty ? .good : .bad)]
    }
}
