import KindredModel
import KindredTesting
import Testing

/// *Every* history of a few clients and replicas up to a length, compared with the sets of events after every step: blind writes, writes with
/// what was seen last, deletes, reads, and replicas asking each other.
@Suite struct ExhaustiveHistoryTests {
    struct Scope: CustomTestStringConvertible {
        let clients: Int
        let replicas: Int
        let deletes: Bool
        let length: Int

        var testDescription: String {
            "\(length) operations of \(clients) clients at \(replicas) replicas\(deletes ? ", with deletes" : "")"
        }
    }

    private func search(_ strategy: ConflictStrategy, _ scope: Scope, defect: PlantedDefect? = nil) -> ExhaustiveSearch
    {
        ExhaustiveSearch(
            // The second replica's clock is slow, those of the others are equal.
            configuration: ModelCluster.Configuration(
                strategy: strategy, replicas: scope.replicas, clients: scope.clients, keys: 1, clockOffsets: [7, 0, 7],
                sendsWrites: false, defect: defect),
            operations: ExhaustiveSearch.operations(
                clients: scope.clients, replicas: scope.replicas, deletes: scope.deletes))
    }

    @Test(
        "agree with the sets of events", arguments: ConflictStrategy.allCases,
        [
            Scope(clients: 3, replicas: 3, deletes: false, length: 6),
            Scope(clients: 3, replicas: 3, deletes: true, length: 5),
            Scope(clients: 2, replicas: 2, deletes: true, length: 6),
            Scope(clients: 3, replicas: 1, deletes: true, length: 5),
        ])
    func allShortHistories(strategy: ConflictStrategy, scope: Scope) throws {
        var search = search(strategy, scope)
        // With one leader, fewer operations can change places, and there is one state more for almost every sequence.
        try search.run(length: strategy == .versionNumbers || scope.replicas == 1 ? scope.length - 1 : scope.length)
        #expect(search.states > 30, "only \(search.states) states were reached")
    }

    @Test(
        "find a planted defect within four operations",
        arguments: [
            .answerKnowsEverything, .contextRoundedUp, .notFilled, .contextLostInMerge,
        ] as [PlantedDefect])
    func findsDefect(defect: PlantedDefect) {
        var search = search(
            .versionVectors, Scope(clients: 3, replicas: 3, deletes: false, length: 4), defect: defect)
        #expect(throws: LawViolation.self) { try search.run(length: 4) }
    }
}
