import KindredModel

// MARK: - Names

extension ActorID: MessageField {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(rawValue))
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(try reader.varint(as: UInt32.self))
    }
}

extension NodeID: MessageField {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(rawValue))
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(try reader.varint(as: UInt32.self))
    }
}

/// A dot that stands for itself. The reserved actor mints none, so a dot of it is refused: in a clock it would pass for
/// closings.
extension Dot: MessageField {
    func encode(into bytes: inout [UInt8]) {
        actor.encode(into: &bytes)
        bytes.append(varint: counter)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        try self.init(ofEvent: try reader.varint(as: UInt32.self), try reader.varint())
    }

    fileprivate init(ofEvent actor: UInt32, _ counter: UInt64) throws(MalformedBytes) {
        self.init(ActorID(actor), counter)
        guard self.actor != .closed, counter > 0 else { throw MalformedBytes("dot: names no event") }
    }
}

extension PartitionDigest: MessageField {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(bigEndian: high)
        bytes.append(bigEndian: low)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(high: try reader.bigEndian(UInt64.self), low: try reader.bigEndian(UInt64.self))
    }
}

// MARK: - Addresses

/// What an address looks like: bucket type (u32), length of the bucket's name (u16), bucket, key.
enum MessageAddress {
    private static let head = 6

    /// The longest address there is.
    static let longest = head + Limits.bucketNameBytes + Limits.keyBytes

    /// Reads the address of an object, whose parts are as long as `Limits` allows. It may go into the storage as it is:
    /// a malformed one among its keys could never be listed or read again.
    static func read(from reader: inout ByteReader) throws(MalformedBytes) -> [UInt8] {
        let address = try position(from: &reader)
        guard address.count >= head else { throw MalformedBytes("address: truncated") }
        let bucketLength = Int(address[4]) << 8 | Int(address[5])
        let keyLength = address.count - head - bucketLength
        guard bucketLength <= Limits.bucketNameBytes, 0...Limits.keyBytes ~= keyLength else {
            throw MalformedBytes("address: bucket or key out of bounds")
        }
        return address
    }

    /// Reads a position among addresses: any bytes, no longer than the longest address.
    static func position(from reader: inout ByteReader) throws(MalformedBytes) -> [UInt8] {
        let range = try reader.lengthPrefixedRange()
        guard range.count <= longest else { throw MalformedBytes("address: too long") }
        return reader.copy(range)
    }
}

// MARK: - Objects

/// The object's record (causality.md) with its length. A message carries filled objects, but the codec does not add to
/// their contexts: what comes out is what went in.
extension CausalObject: MessageField {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(lengthPrefixed: encoded())
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        try self.init(encoded: try reader.lengthPrefixedBytes())
        // Versions are sorted by dot, so the reserved actor would come first.
        guard versions.first?.dot.actor != .closed else { throw MalformedBytes("dot: names no event") }
    }
}

/// The layout that a version has within an object's record.
extension Version: MessageListElement {
    static var leastBytes: Int { 11 }

    func encode(into bytes: inout [UInt8]) {
        bytes.append(flags: isTombstone, number > 0, parent != nil, writer != nil)
        dot.encode(into: &bytes)
        bytes.append(bigEndian: timestamp.rawValue)
        if number > 0 { bytes.append(varint: number) }
        if let content { bytes.append(lengthPrefixed: content) }
        parent?.encode(into: &bytes)
        if let writer { bytes.append(lengthPrefixed: writer) }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        let flags = try reader.flags(4)
        let dot = try Dot(from: &reader)
        let timestamp = HybridTimestamp(rawValue: try reader.bigEndian(UInt64.self))
        let number = flags[1] ? try reader.varint() : 0
        let content = flags[0] ? nil : try reader.lengthPrefixedBytes()[...]
        let parent = flags[2] ? try Dot(from: &reader) : nil
        let writer = flags[3] ? try reader.lengthPrefixedBytes()[...] : nil
        self.init(
            dot: dot, timestamp: timestamp, number: number, content: content, parent: parent, writer: writer)
    }
}

extension ObjectUpdate: MessageListElement {
    static var leastBytes: Int { 13 }

    /// The events are written as in the cloud of a context, each actor as the difference from the one before.
    func encode(into bytes: inout [UInt8]) {
        bytes.append(lengthPrefixed: address)
        object.encode(into: &bytes)
        bytes.append(varint: UInt64(events.count))
        var previous: Dot?
        for event in events {
            precondition(previous.map { $0 < event } ?? true, "events out of order: \(events)")
            bytes.append(varint: UInt64(event.actor.rawValue - (previous?.actor.rawValue ?? 0)))
            bytes.append(varint: event.counter)
            previous = event
        }
        bytes.append(flags: isComposed)
    }

    /// Whoever gets the update may rely on the order of its events, and on each being there once.
    init(from reader: inout ByteReader) throws(MalformedBytes) {
        let address = try MessageAddress.read(from: &reader)
        let object = try CausalObject(from: &reader)
        let count = try reader.count(ofAtLeast: 2)
        var events: [Dot] = []
        events.reserveCapacity(count)
        var actor: UInt32 = 0
        for _ in 0..<count {
            let (next, overflow) = actor.addingReportingOverflow(try reader.varint(as: UInt32.self))
            guard !overflow else { throw MalformedBytes("events: actor too large") }
            let event = try Dot(ofEvent: next, try reader.varint())
            guard events.last.map({ $0 < event }) ?? true else { throw MalformedBytes("events: out of order") }
            events.append(event)
            actor = next
        }
        let isComposed = try reader.flags(1)[0]
        self.init(address: address, object: object, events: events, isComposed: isComposed)
    }
}
