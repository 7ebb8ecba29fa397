import KindredModel
import Logging
import Synchronization
import Testing

@testable import KindredNode

@Suite struct SharedDocumentTests {
    private struct Refusal: Error, Equatable {}

    /// A store whose next replacements end as the test says.
    private final class MoodyStore: ConfigurationStore {
        enum Mood { case good, unknownAndDone, unknownAndNotDone, gone }

        private let base: any ConfigurationStore
        let moods = Mutex<[Mood]>([])

        init(_ base: any ConfigurationStore) { self.base = base }

        func read(_ document: ConfigurationDocument) async throws(ConfigurationStoreError) -> VersionedDocument {
            if moods.withLock({ $0.first == .gone }) { return .absent }
            return try await base.read(document)
        }

        func replace(
            _ document: ConfigurationDocument, with bytes: [UInt8], expecting revision: UInt64
        ) async throws(ConfigurationStoreError) -> UInt64? {
            let mood = moods.withLock { moods -> Mood in
                moods.isEmpty || moods.first == .gone ? moods.first ?? .good : moods.removeFirst()
            }
            switch mood {
            case .good: return try await base.replace(document, with: bytes, expecting: revision)
            case .gone: return nil
            case .unknownAndDone:
                _ = try await base.replace(document, with: bytes, expecting: revision)
                throw .unknownOutcome("no answer")
            case .unknownAndNotDone: throw .unknownOutcome("no answer")
            }
        }

        func changes() -> AsyncStream<ConfigurationChange> { base.changes() }
        func announce(_ name: String, owner: [UInt8], bytes: [UInt8]) async throws(ConfigurationStoreError) {}
        func withdraw(_ name: String) async {}
        func close() async {}
    }

    /// A set of numbers, so that adding one twice is adding it once.
    private func document(
        _ store: any ConfigurationStore, observe: @escaping @Sendable (Set<UInt8>) -> Void = { _ in }
    ) -> SharedDocument<Set<UInt8>> {
        SharedDocument(
            .buckets, in: store,
            coding: .init(
                encode: { $0.sorted() }, decode: { bytes throws(MalformedBytes) in Set(bytes) }, make: { [0] }),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, observe: observe)
    }

    @Test func changesOfManyAreAllMade() async throws {
        let store = InProcessConfigurationStore()
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                let own = document(store.client())
                group.addTask {
                    for number in 0..<25 {
                        _ = try? await own.change { (value) throws(Refusal) in
                            value.insert(UInt8(1 + writer * 25 + number))
                        }
                    }
                }
            }
        }
        let reader = document(store.client())
        try await reader.refresh()
        #expect(await reader.value == Set(0...100))
    }

    @Test(arguments: [true, false]) func anUnknownOutcomeIsLookedUp(wasDone: Bool) async throws {
        let store = MoodyStore(InProcessConfigurationStore().client())
        let own = document(store)
        try await own.refresh()
        store.moods.withLock { $0 = [wasDone ? .unknownAndDone : .unknownAndNotDone] }
        _ = try await own.change { (value) throws(Refusal) in value.insert(9) }
        #expect(await own.value == [0, 9])
        let other = document(store)
        try await other.refresh()
        #expect(await other.value == [0, 9])
    }

    @Test func aRefusalChangesNothingAndIsTold() async throws {
        let own = document(InProcessConfigurationStore().client())
        await #expect(throws: SharedDocument<Set<UInt8>>.Failure<Refusal>.self) {
            try await own.change { (value) throws(Refusal) in
                value.insert(9)
                throw Refusal()
            }
        }
        #expect(await own.value == [0])
    }

    @Test func aDocumentThatWasRemovedIsNotMadeAnew() async throws {
        let seen = Mutex<[Set<UInt8>]>([])
        let store = MoodyStore(InProcessConfigurationStore().client())
        let own = document(store) { value in seen.withLock { $0.append(value) } }
        _ = try await own.change { (value) throws(Refusal) in value.insert(9) }
        store.moods.withLock { $0 = [.gone] }
        await #expect(throws: SharedDocument<Set<UInt8>>.Failure<Refusal>.self) {
            _ = try await own.change { (value) throws(Refusal) in value.insert(10) }
        }
        #expect(await own.value == [0, 9])
        #expect(seen.withLock { $0 } == [[0], [0, 9]])
    }
}
