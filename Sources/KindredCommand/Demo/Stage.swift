import KindredClient
import KindredModel

/// Plays a history: clients with connections of their own act on one key, and what they see is written down.
struct Stage {
    private(set) var history: History
    private let connections: [Client]
    /// What each client has been shown last.
    private var knowledge: [Knowledge]
    private var knownVersions: Set<VersionTag> = []

    /// What a client has seen: the values, and the context that says so.
    struct Knowledge {
        var values: [String] = []
        var context: Context?

        /// A client that has just arrived.
        static let nothing = Knowledge()
    }

    /// Sets the stage.
    ///
    /// - Parameters:
    ///   - clients: one connection for each client.
    ///   - bucket: a bucket that nobody has used.
    ///   - key: the key.
    init(clients: [Client], bucket: Bucket, key: Name) {
        connections = clients
        knowledge = clients.map { _ in .nothing }
        history = History(bucket: bucket, key: key, clients: (0..<clients.count).map { Self.name($0) })
    }

    /// What a client has been shown last.
    func knows(_ client: Int) -> Knowledge { knowledge[client] }

    /// Lets a client write, with the context of what it has been shown last or of something older.
    mutating func write(_ client: Int, _ value: String, knowing older: Knowledge? = nil) async throws(ClientError) {
        let seen = older ?? knowledge[client]
        var result: History.WriteResult
        do {
            let answer = try await connections[client].put(
                ObjectContent(text: value), at: history.key, in: history.bucket, context: seen.context, answer: .object)
            let object = answer.object ?? StoredObject()
            let fresh = object.siblings.map(\.version).filter { !knownVersions.contains($0) }
            knownVersions.formUnion(fresh)
            result = .unchanged
            if let version = fresh.first {
                let number = version.number.flatMap { Int(exactly: $0) }
                result = .stored(version: version.description, number: number)
            }
            learn(client, object)
        } catch {
            guard error.code == .refused || error.code == .preconditionFailed else { throw error }
            result = .refused(reason: error.message)
        }
        history.events.append(.write(client: client, value: value, seen: seen.values, result))
    }

    /// Lets a client read.
    mutating func read(_ client: Int) async throws(ClientError) {
        let object = try await connections[client].get(history.key, in: history.bucket)
        learn(client, object)
        history.events.append(.read(client: client, values: knowledge[client].values))
    }

    /// Looks at what the key has in the end, through a client's connection, and ends the play.
    mutating func end(reading client: Int = 0) async throws(ClientError) -> History {
        let object = try await connections[client].get(history.key, in: history.bucket)
        history.kept = values(of: object)
        history.mostSiblings = max(history.mostSiblings, history.kept.count)
        return history
    }

    private mutating func learn(_ client: Int, _ object: StoredObject) {
        knowledge[client] = Knowledge(values: values(of: object), context: object.context)
        history.mostSiblings = max(history.mostSiblings, object.siblings.count)
    }

    /// Oldest first, whatever order they come in.
    private func values(of object: StoredObject) -> [String] {
        object.siblings
            .sorted {
                ($0.version.event ?? 0, $0.version.description) < ($1.version.event ?? 0, $1.version.description)
            }
            .map { $0.content.text ?? "(not text)" }
    }

    private static func name(_ client: Int) -> String { String(UnicodeScalar(UInt8(65 + client % 26))) }
}
