/// Tries every sequence of some operations up to a length.
///
/// Sequences that lead to the same state are continued once: the events of a history are named by their replicas, so operations that do not
/// touch each other may change places without making a difference.
package struct ExhaustiveSearch: Sendable {
    /// The cluster that every sequence starts from.
    package let configuration: ModelCluster.Configuration
    /// What may happen at each step.
    package let operations: [ModelOperation]
    /// How many different states were reached, the first one included.
    package private(set) var states = 1
    /// How many steps were taken and compared with the right answer.
    package private(set) var steps = 0

    /// Prepares a search.
    package init(configuration: ModelCluster.Configuration, operations: [ModelOperation]) {
        self.configuration = configuration
        self.operations = operations
    }

    /// Every operation of as many clients, each at its own replica, on one key: a write with what it remembers, a blind write, a delete, a
    /// read, and asking each other replica for what is missing.
    package static func operations(clients: Int, replicas: Int, deletes: Bool) -> [ModelOperation] {
        var operations: [ModelOperation] = []
        for client in 0..<clients {
            let replica = client % replicas
            // Two clients agree on a content, so that immutable keys see both repetitions and conflicts.
            let content = UInt8(client / 2)
            operations.append(.read(client: client, replicas: 1 << replica, key: 0))
            operations.append(.put(client: client, replica: replica, key: 0, content: content, withContext: true))
            operations.append(.put(client: client, replica: replica, key: 0, content: content, withContext: false))
            if deletes { operations.append(.delete(client: client, replica: replica, key: 0, withContext: true)) }
        }
        for receiver in 0..<replicas {
            for sender in 0..<replicas where sender != receiver {
                operations.append(.pull(into: receiver, from: sender, limit: .max))
            }
        }
        return operations
    }

    /// Tries all sequences of `length` operations.
    ///
    /// - Parameter visit: sees every state that was reached by a sequence of that length or less, once.
    /// - Throws: a `LawViolation` that names the sequence.
    package mutating func run(length: Int, visit: (ModelCluster) throws -> Void = { _ in }) throws {
        let start = ModelCluster(configuration)
        var reached: Set<ModelCluster> = [start]
        var frontier: [(state: ModelCluster, path: [Int])] = [(start, [])]
        for depth in 1...max(length, 1) {
            var next: [(state: ModelCluster, path: [Int])] = []
            for (state, path) in frontier {
                for (index, operation) in operations.enumerated() {
                    var state = state
                    steps += 1
                    do {
                        try state.perform(operation)
                        if depth == length {
                            // Nothing follows from the last states, so they need not be told apart.
                            try visit(state)
                        } else if reached.insert(state).inserted {
                            try visit(state)
                            next.append((state, path + [index]))
                        }
                    } catch {
                        let sequence = (path + [index]).map { "  \(operations[$0])" }.joined(separator: "\n")
                        throw LawViolation("\(error)\n\(configuration)\n\(sequence)")
                    }
                }
            }
            frontier = next
        }
        states = reached.count
    }
}
