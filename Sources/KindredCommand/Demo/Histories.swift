import KindredClient

/// The histories of `kindred demo`: each is played, and held against what its bucket type promises.
enum Histories {
    /// How many clients the longest cast has.
    static let clients = 3

    /// Plays one after the other.
    ///
    /// - Parameters:
    ///   - clients: connections, one for each client.
    ///   - bucket: the name of a bucket that nobody has used, in every built-in type.
    ///   - show: takes each as soon as it is over.
    static func play(
        _ clients: [Client], bucket: Name, show: (Demonstration) -> Void
    ) async throws(ClientError) -> [Demonstration] {
        var results: [Demonstration] = []
        func add(_ result: Demonstration) {
            show(result)
            results.append(result)
        }
        add(try await lastWriteWins(clients, bucket))
        add(try await immutableKeys(clients, bucket))
        add(try await versionNumbers(clients, bucket))
        add(try await versionVectors(clients, bucket))
        add(try await noSiblingExplosion(clients, bucket))
        return results
    }

    private static func lastWriteWins(_ clients: [Client], _ bucket: Name) async throws(ClientError) -> Demonstration {
        var stage = Stage(clients: Array(clients.prefix(2)), bucket: Bucket(bucket, type: "last_write_wins"), key: "X")
        try await stage.write(0, "apple")
        try await stage.write(1, "banana")
        try await stage.read(0)
        let seenByA = stage.knows(0).values
        let history = try await stage.end(reading: 1)
        return Demonstration(
            id: "last-write-wins", title: "Last write wins",
            rule: "The write with the latest time stays, whatever its writer had seen. Earlier ones go.",
            history: history,
            checks: [
                .init(
                    promise: "both clients read banana, the later write",
                    holds: seenByA == ["banana"] && history.kept == ["banana"]),
                .init(promise: "apple is gone, though nobody had seen it", holds: history.lost == ["apple"]),
            ])
    }

    private static func immutableKeys(_ clients: [Client], _ bucket: Name) async throws(ClientError) -> Demonstration {
        var stage = Stage(clients: Array(clients.prefix(2)), bucket: Bucket(bucket, type: "immutable"), key: "X")
        try await stage.write(0, "first")
        try await stage.write(1, "second")
        try await stage.read(1)
        try await stage.write(1, "first")
        let history = try await stage.end()
        let repeated = history.events.last
        return Demonstration(
            id: "immutable-keys", title: "Immutable keys",
            rule: "The first content stays for ever. Other content is refused; the same again is no change.",
            history: history,
            checks: [
                .init(
                    promise: "the second write is refused, and its writer is told",
                    holds: history.refused == ["second"]),
                .init(
                    promise: "the same content again succeeds and changes nothing",
                    holds: repeated == .write(client: 1, value: "first", seen: ["first"], .unchanged)
                        && history.kept == ["first"]),
            ])
    }

    private static func versionNumbers(_ clients: [Client], _ bucket: Name) async throws(ClientError) -> Demonstration {
        var stage = Stage(clients: Array(clients.prefix(2)), bucket: Bucket(bucket, type: "versioned"), key: "cart")
        try await stage.write(0, "{milk}")
        try await stage.read(0)
        try await stage.read(1)
        try await stage.write(0, "{milk, eggs}")
        try await stage.write(1, "{milk, bread}")
        try await stage.read(0)
        let both = stage.knows(0).values
        try await stage.write(0, "{milk, eggs, bread}")
        let history = try await stage.end(reading: 1)
        return Demonstration(
            id: "version-numbers", title: "Version numbers",
            rule: "A write names the version it read and replaces all up to it; what is newer stays beside it.",
            history: history,
            checks: [
                .init(
                    promise: "v3 keeps both carts: neither writer had seen the other's",
                    holds: both == ["{milk, eggs}", "{milk, bread}"]),
                .init(
                    promise: "v4 is one cart again, and nothing was lost",
                    holds: history.kept == ["{milk, eggs, bread}"] && history.lost.isEmpty),
                .init(
                    promise: "the numbers are v1, v2, v3 and v4, in this order", holds: history.numbers == [1, 2, 3, 4]),
            ])
    }

    private static func versionVectors(_ clients: [Client], _ bucket: Name) async throws(ClientError) -> Demonstration {
        var stage = Stage(clients: clients, bucket: Bucket(bucket, type: "siblings"), key: "X")
        try await stage.write(0, "1")
        try await stage.read(1)
        try await stage.write(1, "2")
        try await stage.read(2)
        try await stage.write(2, "4")
        try await stage.write(0, "3")
        try await stage.read(1)
        let both = stage.knows(1).values
        let history = try await stage.end()
        return Demonstration(
            id: "version-vectors", title: "Version vectors",
            rule: "A write replaces exactly what its writer had seen. Concurrent writes are siblings.",
            history: history,
            checks: [
                .init(
                    promise: "3 and 4 are both kept: A had seen neither 2 nor 4",
                    holds: Set(both) == ["3", "4"] && Set(history.kept) == ["3", "4"]),
                .init(
                    promise: "1 and 2 are gone, and who replaced them had seen them",
                    holds: Set(history.replaced.map(\.value)) == ["1", "2"] && history.lost.isEmpty),
            ])
    }

    private static func noSiblingExplosion(
        _ clients: [Client], _ bucket: Name
    ) async throws(ClientError) -> Demonstration {
        let rounds = 50
        var stage = Stage(clients: Array(clients.prefix(2)), bucket: Bucket(bucket, type: "siblings"), key: "Y")
        for round in 1...rounds {
            // Both write on with what their own last answer has shown them, without reading in between.
            try await stage.write(0, "a\(round)")
            try await stage.write(1, "b\(round)")
        }
        let history = try await stage.end()
        return Demonstration(
            id: "no-sibling-explosion", title: "No sibling explosion",
            rule: "Two clients take turns, each with the context of its own last answer only.",
            history: history,
            checks: [
                .init(
                    promise: "\(2 * rounds) writes, and never more than 2 siblings",
                    holds: history.mostSiblings == 2 && history.events.count == 2 * rounds),
                .init(
                    promise: "the last write of each is kept, and nothing was lost",
                    holds: Set(history.kept) == ["a\(rounds)", "b\(rounds)"] && history.lost.isEmpty),
            ],
            drawn: 6)
    }
}
