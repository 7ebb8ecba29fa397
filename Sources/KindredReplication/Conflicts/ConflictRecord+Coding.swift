package import KindredModel

extension ConflictRecord {
    /// The first byte of every encoded record.
    package static let formatVersion: UInt8 = 1

    private enum ValueCode {
        static let kept: UInt8 = 0
        static let deletion: UInt8 = 1
        static let content: UInt8 = 2
        static let oversized: UInt8 = 3
    }

    /// The record; docs/formats/conflict-log.md has the layout.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = [ConflictRecord.formatVersion]
        bytes.append(lengthPrefixed: address)
        bytes.append(strategy.code)
        bytes.append(varint: noticed)
        bytes.append(varint: UInt64(conflicts.count))
        for conflict in conflicts {
            bytes.append(conflict.kind.rawValue)
            ConflictRecord.encode(conflict.subject, into: &bytes)
            bytes.append(varint: UInt64(conflict.others.count))
            for other in conflict.others { ConflictRecord.encode(other, into: &bytes) }
            bytes.append(lengthPrefixed: conflict.note)
        }
        return bytes
    }

    private static func encode(_ party: ConflictParty, into bytes: inout [UInt8]) {
        bytes.append(optional: party.dot)
        bytes.append(bigEndian: party.timestamp.rawValue)
        bytes.append(varint: party.number)
        bytes.append(optional: party.seen)
        bytes.append(optional: party.parent)
        bytes.append(lengthPrefixed: party.writer)
        switch party.value {
        case .kept: bytes.append(ValueCode.kept)
        case .deletion: bytes.append(ValueCode.deletion)
        case .content(let content):
            bytes.append(ValueCode.content)
            bytes.append(lengthPrefixed: content)
        case .oversized(let length, let digest):
            bytes.append(ValueCode.oversized)
            bytes.append(varint: length)
            bytes.append(lengthPrefixed: digest)
        }
    }

    /// Reads what `encoded` wrote.
    package init(encoded bytes: ArraySlice<UInt8>) throws(MalformedBytes) {
        let decoded = bytes.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> ConflictRecord in
                var reader = ByteReader(buffer)
                let record = try ConflictRecord(from: &reader)
                guard reader.isAtEnd else { throw MalformedBytes("conflict: bytes after the end") }
                return record
            }
        }
        self = try decoded.get()
    }

    private init(from reader: inout ByteReader) throws(MalformedBytes) {
        guard try reader.byte() == ConflictRecord.formatVersion else {
            throw MalformedBytes("conflict: unknown format version")
        }
        let address = try MessageAddress.read(from: &reader)
        guard let strategy = ConflictStrategy(code: try reader.byte()) else {
            throw MalformedBytes("conflict: unknown strategy")
        }
        let noticed = try reader.varint()
        let count = try reader.count(ofAtLeast: 15)
        var conflicts: [Conflict] = []
        conflicts.reserveCapacity(count)
        for _ in 0..<count {
            guard let kind = Conflict.Kind(rawValue: try reader.byte()) else {
                throw MalformedBytes("conflict: unknown kind")
            }
            let subject = try ConflictRecord.party(from: &reader)
            let others = try reader.count(ofAtLeast: 13)
            var parties: [ConflictParty] = []
            parties.reserveCapacity(others)
            for _ in 0..<others { parties.append(try ConflictRecord.party(from: &reader)) }
            conflicts.append(
                Conflict(
                    kind: kind, subject: subject, others: parties, note: try reader.lengthPrefixedBytes()))
        }
        self.init(address: address, strategy: strategy, noticed: noticed, conflicts: conflicts)
    }

    private static func party(from reader: inout ByteReader) throws(MalformedBytes) -> ConflictParty {
        let dot = try reader.optional(Dot.self)
        let timestamp = HybridTimestamp(rawValue: try reader.bigEndian(UInt64.self))
        let number = try reader.varint()
        let seen = try reader.optional(CausalContext.self)
        let parent = try reader.optional(Dot.self)
        let writer = try reader.lengthPrefixedBytes()
        let value: ConflictValue
        switch try reader.byte() {
        case ValueCode.kept: value = .kept
        case ValueCode.deletion: value = .deletion
        case ValueCode.content: value = .content(try reader.lengthPrefixedBytes())
        case ValueCode.oversized:
            value = .oversized(length: try reader.varint(), digest: try reader.lengthPrefixedBytes())
        default: throw MalformedBytes("conflict: unknown kind of value")
        }
        return ConflictParty(
            dot: dot, timestamp: timestamp, number: number, seen: seen, parent: parent, writer: writer, value: value)
    }
}
