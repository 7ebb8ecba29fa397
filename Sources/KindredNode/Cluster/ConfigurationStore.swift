/// Where the configuration of a cluster lives: a few documents, changed by compare and swap, and who is present.
///
/// All nodes of a cluster share one store. What it answers is linearizable: whoever reads after a replacement has
/// returned sees that replacement or a later one, at whatever node.
package protocol ConfigurationStore: Sendable {
    /// The document's newest state, read linearizably. Revision 0 and nil bytes: there is none.
    func read(_ document: ConfigurationDocument) async throws(ConfigurationStoreError) -> VersionedDocument

    /// Replaces the document if it still has this revision; 0 if there is to be none yet.
    ///
    /// - Returns: the new revision; nil if somebody else was faster.
    func replace(
        _ document: ConfigurationDocument, with bytes: [UInt8], expecting revision: UInt64
    ) async throws(ConfigurationStoreError) -> UInt64?

    /// Every change of the documents and of presences from now on, the newest states first (once each): each document,
    /// also one that does not exist, and who is present.
    ///
    /// Each document's revisions ascend; states may be skipped, never go back. What arrives is in the order in which it
    /// happened. The stream goes on by itself through outages, reconnects and compactions, and says when the store
    /// cannot be reached and when it can be again; it is taken to be reachable until it says otherwise. It ends when
    /// the task that reads it is cancelled, and with `close`. One task reads it.
    func changes() -> AsyncStream<ConfigurationChange>

    /// Announces this process under a name for as long as it lives and can reach the store, with some bytes that others
    /// read. Stays announced by itself, in the background, until `withdraw`.
    ///
    /// After an outage that was longer than the store's patience the name is announced again, unless another owner has
    /// it by then: it is announced again when that one has gone. A later process of the same owner has it for good.
    ///
    /// - Parameters:
    ///   - name: what to be known as.
    ///   - owner: if the name is taken by the same owner (the same data directory after a crash) it is taken over at
    ///     once; by another one, throws `.taken`.
    ///   - bytes: what others read.
    func announce(_ name: String, owner: [UInt8], bytes: [UInt8]) async throws(ConfigurationStoreError)

    /// Ends the presence at once, if this handle of the store has announced it and still has it.
    func withdraw(_ name: String) async

    /// Ends the streams and releases everything. What is announced is not withdrawn: it ends as if the process had died.
    func close() async
}

/// The documents of a cluster. The raw values are their names in the store.
package enum ConfigurationDocument: String, CaseIterable, Sendable {
    /// Nodes, placement and views.
    case topology
    /// Bucket types and the properties of buckets.
    case buckets
}

/// A document as of a revision.
package struct VersionedDocument: Equatable, Sendable {
    /// What is stored; nil if there is no such document.
    package var bytes: [UInt8]?
    /// When it was stored, in the store's counting; 0 if there is no such document.
    ///
    /// In `changes`, a document that somebody removed by hand has the revision of its removal, so that revisions ascend.
    /// To replace it expect 0, as `read` says.
    package var revision: UInt64

    package init(bytes: [UInt8]?, revision: UInt64) {
        self.bytes = bytes
        self.revision = revision
    }

    /// There is no such document.
    package static let absent = VersionedDocument(bytes: nil, revision: 0)
}

/// What `ConfigurationStore.changes` tells.
package enum ConfigurationChange: Equatable, Sendable {
    /// The newest state of a document.
    case document(ConfigurationDocument, VersionedDocument)
    /// What somebody has announced; nil bytes: nobody is present under that name any more.
    case presence(name: String, bytes: [UInt8]?)
    /// Whether the store answers. If it does not, the reason is for people.
    case reachable(Bool, reason: String?)
}

/// The bounds of what a store holds.
package enum ConfigurationLimits {
    /// A document. etcd refuses requests of 1.5 MiB, so this leaves room for what is around it.
    package static let documentBytes = 1 << 20
    /// What a presence says. All of them are read together, so a thousand nodes must fit into one answer.
    package static let presenceBytes = 16 << 10
    /// What tells one owner of a name from another: an identity, not a document.
    package static let ownerBytes = 255
    /// The name of a presence.
    package static let presenceNameBytes = 128
    /// The name of a cluster.
    package static let clusterNameBytes = 64
}
