import Foundation
import KindredNode

/// What a subscriber has been told, and hence what is news. No state goes back: what is not after `position` is old.
struct EtcdView {
    private let keys: EtcdKeys
    /// The subscriber knows all that happened up to this revision; 0 before the first snapshot.
    private(set) var position: UInt64 = 0
    /// The presences that the subscriber knows of, so that it is told of those that have gone while nobody looked.
    private var present: Set<String> = []
    /// The same for documents, nil being told as well.
    private var existing: Set<ConfigurationDocument> = []

    init(keys: EtcdKeys) {
        self.keys = keys
    }

    /// All there is, as of a revision. The first time, all of it is news.
    mutating func apply(snapshot: [EtcdKeyValue], at revision: UInt64) -> [ConfigurationChange] {
        guard revision >= position else { return [] }
        let isFirst = position == 0
        var changes: [ConfigurationChange] = []
        var seenDocuments: Set<ConfigurationDocument> = []
        var seenPresences: Set<String> = []
        for pair in snapshot.sorted(by: { $0.revision < $1.revision }) {
            switch keys.subject(of: pair.key) {
            case .document(let document): seenDocuments.insert(document)
            case .presence(let name): seenPresences.insert(name)
            case .other: continue
            }
            if pair.revision > position, let change = written(pair) { changes.append(change) }
        }
        for document in ConfigurationDocument.allCases where !seenDocuments.contains(document) {
            if isFirst {
                changes.append(.document(document, .absent))
            } else if existing.remove(document) != nil {
                changes.append(.document(document, VersionedDocument(bytes: nil, revision: revision)))
            }
        }
        for name in present.subtracting(seenPresences).sorted() {
            present.remove(name)
            changes.append(.presence(name: name, bytes: nil))
        }
        position = max(revision, 1)
        return changes
    }

    /// Some events of a watch. A watch keeps the events of one revision together.
    mutating func apply(events: [EtcdWatchLine.Event]) -> [ConfigurationChange] {
        var changes: [ConfigurationChange] = []
        var latest = position
        for event in events where event.kv.revision > position {
            latest = max(latest, event.kv.revision)
            let change = event.type == "DELETE" ? deleted(event.kv) : written(event.kv)
            if let change { changes.append(change) }
        }
        position = latest
        return changes
    }

    private mutating func written(_ pair: EtcdKeyValue) -> ConfigurationChange? {
        switch keys.subject(of: pair.key) {
        case .document(let document):
            existing.insert(document)
            return .document(document, VersionedDocument(bytes: [UInt8](pair.bytes), revision: pair.revision))
        case .presence(let name):
            // What is there and is no presence was not announced by anybody.
            guard let value = PresenceValue(pair.bytes) else { return deleted(pair) }
            present.insert(name)
            return .presence(name: name, bytes: value.bytes)
        case .other:
            return nil
        }
    }

    private mutating func deleted(_ pair: EtcdKeyValue) -> ConfigurationChange? {
        switch keys.subject(of: pair.key) {
        case .document(let document):
            existing.remove(document)
            return .document(document, VersionedDocument(bytes: nil, revision: pair.revision))
        case .presence(let name):
            return present.remove(name).map { .presence(name: $0, bytes: nil) }
        case .other:
            return nil
        }
    }
}
