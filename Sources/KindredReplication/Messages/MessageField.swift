import KindredModel

/// What a peer message is made of: something that writes itself and reads itself back.
///
/// Reading is total: any bytes give a value or `MalformedBytes`, and no memory is taken for a count or length before it
/// has been compared with the bytes that are left. Writing is deterministic: equal values have equal bytes.
/// docs/formats/peer-protocol.md has the layouts.
protocol MessageField {
    func encode(into bytes: inout [UInt8])
    init(from reader: inout ByteReader) throws(MalformedBytes)
}

/// A field that messages have lists of.
protocol MessageListElement: MessageField {
    /// The bytes that the smallest value takes: together with what is left of a message this bounds how many a list can
    /// have.
    static var leastBytes: Int { get }
}

extension ReplicaClock: MessageField {}

extension CausalContext: MessageField {}

// MARK: - Optional values, lists, choices

extension Array where Element == UInt8 {
    /// Appends 0 for nil; otherwise 1 and the value.
    mutating func append(optional value: (some MessageField)?) {
        append(value == nil ? 0 : 1)
        value?.encode(into: &self)
    }

    /// Appends 0 for nil; otherwise 1, the length and the bytes.
    mutating func append(optionalBytes value: (some Collection<UInt8>)?) {
        append(value == nil ? 0 : 1)
        if let value { append(lengthPrefixed: value) }
    }

    /// Appends the number of elements, then each of them.
    mutating func append(list: [some MessageListElement]) {
        append(varint: UInt64(list.count))
        for element in list { element.encode(into: &self) }
    }

    /// Appends what became of a request: 0 if it succeeded, otherwise the refusal's code plus one.
    mutating func append(outcome refusal: ReplicaRefusal?) {
        append(refusal.map { $0.rawValue + 1 } ?? 0)
    }

    /// Appends 0 and the value, or the refusal's code plus one.
    mutating func append(_ result: Result<some MessageField, ReplicaRefusal>) {
        switch result {
        case .success(let value):
            append(outcome: nil)
            value.encode(into: &self)
        case .failure(let refusal):
            append(outcome: refusal)
        }
    }

    /// Appends one byte of flags, the first in its least significant bit.
    mutating func append(flags: Bool...) {
        append(flags.reversed().reduce(0) { $0 << 1 | ($1 ? 1 : 0) })
    }
}

extension ByteReader {
    /// Reads one byte that is 0 or 1.
    mutating func bool() throws(MalformedBytes) -> Bool {
        let value = try byte()
        guard value <= 1 else { throw MalformedBytes("neither yes nor no") }
        return value == 1
    }

    /// Reads one byte of flags, of which only the last `count` bits may be set.
    mutating func flags(_ count: UInt8) throws(MalformedBytes) -> MessageFlags {
        let bits = try byte()
        guard UInt16(bits) < 1 << UInt16(count) else { throw MalformedBytes("unknown flags") }
        return MessageFlags(bits: bits)
    }

    /// Reads an integer that fits the type.
    mutating func varint<Number: FixedWidthInteger>(
        as type: Number.Type
    ) throws(MalformedBytes) -> Number {
        guard let value = Number(exactly: try varint()) else { throw MalformedBytes("integer too large") }
        return value
    }

    /// Reads a length, then copies as many bytes.
    mutating func lengthPrefixedBytes() throws(MalformedBytes) -> [UInt8] {
        copy(try lengthPrefixedRange())
    }

    /// Reads what `append(optional:)` wrote.
    mutating func optional<Value: MessageField>(_ type: Value.Type) throws(MalformedBytes) -> Value? {
        guard try bool() else { return nil }
        return try Value(from: &self)
    }

    /// Reads what `append(list:)` wrote.
    mutating func list<Element: MessageListElement>(of type: Element.Type) throws(MalformedBytes) -> [Element] {
        let count = try count(ofAtLeast: Element.leastBytes)
        var list: [Element] = []
        list.reserveCapacity(count)
        for _ in 0..<count { list.append(try Element(from: &self)) }
        return list
    }

    /// Reads what `append(outcome:)` wrote.
    mutating func outcome() throws(MalformedBytes) -> ReplicaRefusal? {
        let code = try byte()
        if code == 0 { return nil }
        guard let refusal = ReplicaRefusal(rawValue: code - 1) else { throw MalformedBytes("unknown refusal") }
        return refusal
    }

    /// Reads a value, or why there is none.
    mutating func result<Value: MessageField>(
        _ type: Value.Type
    ) throws(MalformedBytes) -> Result<Value, ReplicaRefusal> {
        if let refusal = try outcome() { return .failure(refusal) }
        return .success(try Value(from: &self))
    }
}

/// One byte of flags.
struct MessageFlags {
    let bits: UInt8

    /// The flag at a position, counted from the least significant bit.
    subscript(_ position: UInt8) -> Bool { bits >> position & 1 == 1 }
}
