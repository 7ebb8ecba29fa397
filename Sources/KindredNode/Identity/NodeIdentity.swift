package import KindredModel
package import KindredStorage

/// Who this node is, kept in the same engine as its data: so that losing or restoring the one loses or restores the other.
package struct NodeIdentity: Hashable, Sendable {
    /// Distinguishes this cluster from every other: random, 16 bytes.
    package var clusterID: [UInt8]
    /// The secret that authenticates causal tokens: random, 32 bytes.
    package var tokenSecret: [UInt8]
    /// How many partitions the key space has; fixed when the data directory is created.
    package var partitions: UInt16
    /// The actor that mints for all partitions of this node. A larger one after every stop that may have lost writes.
    package var actor: ActorID
    /// Which boot of the machine last opened the data; empty if that cannot be known.
    package var bootID: String
    /// Whether the last run closed its storage in good order.
    package var isClosed: Bool
    /// Whether the data is surely what the last run wrote last: it closed its storage, or only its process was killed. Not stored.
    package var isTrusted = true

    private static let formatVersion: UInt8 = 1
    static let key = KeyLayout.metadataKey("node/identity")

    /// Takes over the data: reads who it belongs to, or makes a new identity, and makes this run its owner, durably.
    ///
    /// A process that was killed has lost nothing: what it had committed, the operating system has. Only when the *machine*
    /// has been started anew since, writes that were never synchronized may be gone; their dots could have been shown to somebody, so a new
    /// actor mints from now on.
    ///
    /// - Parameters:
    ///   - partitions: for a new data directory.
    ///   - bootID: names the current boot of the machine; empty if unknown, which counts as a new boot.
    ///   - randomBytes: so many random bytes, fit for secrets.
    package static func takeOver(
        _ engine: any StorageEngine, partitions: UInt16, bootID: String, randomBytes: (Int) -> [UInt8]
    ) throws(StorageError) -> NodeIdentity {
        var identity: NodeIdentity
        if let record = try engine.value(.metadata, for: key) {
            identity = try decode(record)
            let sameBoot = !bootID.isEmpty && identity.bootID == bootID
            identity.isTrusted = identity.isClosed || sameBoot
            if !identity.isTrusted { identity.actor = try identity.nextActor() }
        } else {
            identity = NodeIdentity(
                clusterID: randomBytes(16), tokenSecret: randomBytes(32), partitions: max(partitions, 1),
                actor: ActorID(1), bootID: bootID, isClosed: false)
        }
        identity.bootID = bootID
        identity.isClosed = false
        try identity.save(in: engine)
        return identity
    }

    /// The actor for a new incarnation.
    func nextActor() throws(StorageError) -> ActorID {
        guard actor.rawValue < .max else { throw .failed("this data directory has used up its actor ids") }
        return ActorID(actor.rawValue + 1)
    }

    /// Writes the identity, durably.
    func save(in engine: any StorageEngine) throws(StorageError) {
        var batch = WriteBatch()
        batch.mayUseReserve = true
        batch.put(.metadata, key: Self.key, value: encoded())
        try engine.commit(batch)
        try engine.synchronize()
    }

    /// The record: format version, cluster id, token secret, partitions, actor, boot id, a byte that is 1 after a good close.
    func encoded() -> [UInt8] {
        var bytes = [Self.formatVersion]
        bytes.append(lengthPrefixed: clusterID)
        bytes.append(lengthPrefixed: tokenSecret)
        bytes.append(varint: UInt64(partitions))
        bytes.append(varint: UInt64(actor.rawValue))
        bytes.append(lengthPrefixed: Array(bootID.utf8))
        bytes.append(isClosed ? 1 : 0)
        return bytes
    }

    private static func decode(_ record: [UInt8]) throws(StorageError) -> NodeIdentity {
        let decoded = record.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> NodeIdentity in
                var reader = ByteReader(buffer)
                guard try reader.byte() == formatVersion else { throw MalformedBytes("unknown format version") }
                let clusterID = reader.copy(try reader.lengthPrefixedRange())
                let tokenSecret = reader.copy(try reader.lengthPrefixedRange())
                guard let partitions = UInt16(exactly: try reader.varint()), partitions > 0,
                    let actor = UInt32(exactly: try reader.varint())
                else { throw MalformedBytes("number out of bounds") }
                let bootID = String(decoding: reader.copy(try reader.lengthPrefixedRange()), as: UTF8.self)
                return NodeIdentity(
                    clusterID: clusterID, tokenSecret: tokenSecret, partitions: partitions, actor: ActorID(actor),
                    bootID: bootID, isClosed: try reader.byte() == 1)
            }
        }
        switch decoded {
        case .success(let identity): return identity
        case .failure(let error): throw .corrupt("the node's identity: \(error.reason)")
        }
    }
}
