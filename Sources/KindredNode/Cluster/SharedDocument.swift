import KindredModel
import Logging

/// A document of the configuration as a value: what this node last saw of it, and the way to change it.
///
/// A change is a function of the newest value, tried again until nobody was faster. A document that cannot be read is left alone: what was
/// valid before stays in force.
actor SharedDocument<Value: Equatable & Sendable> {
    /// How the value is written and read, and what it is where nobody has stored one.
    struct Coding: Sendable {
        let encode: @Sendable (Value) -> [UInt8]
        let decode: @Sendable ([UInt8]) throws(MalformedBytes) -> Value
        let make: @Sendable () -> Value
    }

    /// Why a change was not made, or nobody knows whether it was.
    enum Failure<Refusal: Error>: Error {
        case refused(Refusal)
        case store(ConfigurationStoreError)
    }

    private let document: ConfigurationDocument
    private let store: any ConfigurationStore
    private let coding: Coding
    private let logger: Logger
    private let observe: @Sendable (Value) -> Void
    /// The newest value that is known here; nil before the first read.
    private(set) var value: Value?
    private var revision: UInt64 = 0

    /// - Parameter observe: called with each newer value, in order.
    init(
        _ document: ConfigurationDocument, in store: any ConfigurationStore, coding: Coding, logger: Logger,
        observe: @escaping @Sendable (Value) -> Void
    ) {
        self.document = document
        self.store = store
        self.coding = coding
        self.logger = logger
        self.observe = observe
    }

    /// Takes over what the store says, if it is newer.
    func take(_ state: VersionedDocument) {
        guard let bytes = state.bytes, state.revision > revision, let decoded = decode(bytes) else { return }
        take(decoded, state.revision)
    }

    /// Reads the newest value, and stores the first one where there is none.
    func refresh() async throws(ConfigurationStoreError) {
        while true {
            let state = try await store.read(document)
            if let bytes = state.bytes {
                guard state.revision > revision else { return }
                guard let decoded = decode(bytes) else {
                    throw .refused("the document '\(document.rawValue)' cannot be read")
                }
                return take(decoded, state.revision)
            }
            // What is gone was removed by somebody. Going on with what is known is better than beginning anew with nothing.
            guard value == nil else {
                throw .refused("the document '\(document.rawValue)' has been removed: restore it from a backup")
            }
            let new = coding.make()
            if let created = try await store.replace(document, with: coding.encode(new), expecting: 0) {
                return take(new, created)
            }
        }
    }

    /// Changes the document.
    ///
    /// - Parameter body: is given the newest value, maybe several times, until what it made of one could be stored. It may find a change of
    ///   its own: if nobody knows whether it was stored, the newest value says so, and it is made once more.
    func change<Answer: Sendable, Refusal: Error>(
        _ body: @Sendable (inout Value) throws(Refusal) -> Answer
    ) async throws(Failure<Refusal>) -> Answer {
        while true {
            let expected = revision
            if let base = value {
                var changed = base
                let answer: Answer
                do throws(Refusal) {
                    answer = try body(&changed)
                } catch {
                    throw .refused(error)
                }
                if changed == base { return answer }
                do throws(ConfigurationStoreError) {
                    if let new = try await store.replace(document, with: coding.encode(changed), expecting: expected) {
                        take(changed, new)
                        return answer
                    }
                } catch {
                    guard case .unknownOutcome = error else { throw .store(error) }
                }
            }
            do throws(ConfigurationStoreError) {
                try await refresh()
            } catch {
                throw .store(error)
            }
        }
    }

    private func take(_ newer: Value, _ newRevision: UInt64) {
        guard newRevision > revision else { return }
        value = newer
        revision = newRevision
        observe(newer)
    }

    private func decode(_ bytes: [UInt8]) -> Value? {
        do throws(MalformedBytes) {
            return try coding.decode(bytes)
        } catch {
            logger.critical(
                "a document of the cluster's configuration cannot be read",
                metadata: ["document": "\(document.rawValue)", "reason": "\(error.reason)"])
            return nil
        }
    }
}
