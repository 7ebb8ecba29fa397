import KindredModel
import KindredStorage

/// How a hint lies in the `metadata` table: docs/formats/hints.md.
enum HintRecord {
    private static let formatVersion: UInt8 = 1
    private static let prefix = Array("hint/".utf8)

    /// All hints.
    static var range: (lower: [UInt8], upper: [UInt8]?) { (prefix, KeyLayout.successor(ofPrefix: prefix)) }

    /// `hint/`, then target u32, partition u16 and the address.
    static func key(_ box: HintBox) -> [UInt8] {
        var key = prefix
        key.reserveCapacity(prefix.count + 6 + box.address.count)
        key.append(bigEndian: box.target.rawValue)
        key.append(bigEndian: box.partition)
        key.append(contentsOf: box.address)
        return key
    }

    /// The record: format version, varint count of events, per event varint (actor − previous actor) and varint
    /// counter, then the object to the end.
    static func encode(_ update: ObjectUpdate) -> [UInt8] {
        var bytes = [formatVersion]
        bytes.append(varint: UInt64(update.events.count))
        var previous: UInt32 = 0
        for event in update.events {
            bytes.append(varint: UInt64(event.actor.rawValue - previous))
            bytes.append(varint: event.counter)
            previous = event.actor.rawValue
        }
        bytes += update.object.encoded()
        return bytes
    }

    /// Reads a key and its record.
    static func decode(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) throws(MalformedBytes) -> (box: HintBox, update: ObjectUpdate) {
        var reader = ByteReader(key, offset: prefix.count)
        let target = NodeID(try reader.bigEndian(UInt32.self))
        let partition = try reader.bigEndian(UInt16.self)
        let address = reader.copy(try reader.range(of: reader.remaining))
        let update = try decode(value, address: address)
        return (HintBox(target: target, partition: partition, address: address), update)
    }

    private static func decode(
        _ value: UnsafeRawBufferPointer, address: [UInt8]
    ) throws(MalformedBytes) -> ObjectUpdate {
        var reader = ByteReader(value)
        guard try reader.byte() == formatVersion else { throw MalformedBytes("hint: unknown format version") }
        let count = try reader.count(ofAtLeast: 2)
        var events: [Dot] = []
        events.reserveCapacity(count)
        var previous: UInt64 = 0
        for _ in 0..<count {
            let (actor, overflow) = previous.addingReportingOverflow(try reader.varint())
            guard !overflow, let id = UInt32(exactly: actor) else { throw MalformedBytes("hint: actor too large") }
            let event = Dot(ActorID(id), try reader.varint())
            guard event.counter > 0, events.last.map({ $0 < event }) ?? true else {
                throw MalformedBytes("hint: events out of order")
            }
            events.append(event)
            previous = actor
        }
        let object = try CausalObject(encoded: reader.copy(try reader.range(of: reader.remaining)))
        return ObjectUpdate(
            address: address, object: object, events: events, isComposed: object.versions.count > 1)
    }
}
