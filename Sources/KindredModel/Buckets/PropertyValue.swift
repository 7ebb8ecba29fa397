/// A value of a bucket property, in the form both protocols, the command line and the storage share. It maps to JSON one to one.
public enum PropertyValue: Hashable, Sendable {
    case bool(Bool)
    case integer(Int64)
    case text(String)
    case list([PropertyValue])
    /// Named values, in the order in which they are shown.
    case object([Property])
}

/// A named value.
public struct Property: Hashable, Sendable {
    /// What it is called.
    public var name: String
    /// What it is.
    public var value: PropertyValue

    /// Names a value.
    public init(_ name: String, _ value: PropertyValue) {
        self.name = name
        self.value = value
    }
}

extension PropertyValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An integer.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// Text.
    public init(stringLiteral value: String) { self = .text(value) }
}

extension PropertyValue {
    /// The value, if it is a truth value.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The value, if it is an integer.
    public var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The value, if it is text.
    public var text: String? {
        if case .text(let value) = self { value } else { nil }
    }
}

extension PropertyValue: CustomStringConvertible {
    /// The value as a reader of an error message understands it.
    public var description: String {
        switch self {
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .text(let value): "'\(value)'"
        case .list(let values): "[\(values.map(\.description).joined(separator: ", "))]"
        case .object(let fields): "{\(fields.map { "\($0.name): \($0.value)" }.joined(separator: ", "))}"
        }
    }
}

/// Properties by name, each at most once, in ascending order of their names.
public struct PropertySet: Hashable, Sendable {
    /// The properties, in ascending order of their names.
    public private(set) var entries: [Property] = []

    /// No properties.
    public init() {}

    /// Where a name occurs twice, the last value counts.
    public init(_ properties: some Sequence<Property>) {
        for property in properties { self[property.name] = property.value }
    }

    /// Whether there are none.
    public var isEmpty: Bool { entries.isEmpty }

    /// The value of `name`; assigning nil removes it.
    public subscript(name: String) -> PropertyValue? {
        get {
            let index = lowerBound(of: name)
            guard index < entries.count, entries[index].name == name else { return nil }
            return entries[index].value
        }
        set {
            let index = lowerBound(of: name)
            let isPresent = index < entries.count && entries[index].name == name
            switch (newValue, isPresent) {
            case (let value?, true): entries[index].value = value
            case (let value?, false): entries.insert(Property(name, value), at: index)
            case (nil, true): entries.remove(at: index)
            case (nil, false): break
            }
        }
    }

    /// These properties, with those of `other` in place of or beside them.
    public func overridden(by other: PropertySet) -> PropertySet {
        var result = self
        for property in other.entries { result[property.name] = property.value }
        return result
    }

    private func lowerBound(of name: String) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension PropertySet: ExpressibleByDictionaryLiteral {
    /// Where a name occurs twice, the last value counts.
    public init(dictionaryLiteral elements: (String, PropertyValue)...) {
        self.init(elements.map { Property($0.0, $0.1) })
    }
}

// MARK: - Binary coding

// A set is: version (1), count, then for each property its name (length, UTF-8) and its value. A value is a tag byte, then:
//
//     0 false · 1 true · 2 integer (zigzag varint) · 3 text (length, UTF-8) · 4 list (count, values)
//     5 object (count, then name and value each)

extension PropertySet {
    private static let version: UInt8 = 1

    /// Appends the binary form that `init(decoding:)` reads.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(Self.version)
        PropertyValue.encode(entries, into: &bytes)
    }

    /// Reads what `encode(into:)` wrote. Names must be in ascending order.
    package init(decoding reader: inout ByteReader) throws(MalformedBytes) {
        guard try reader.byte() == Self.version else { throw MalformedBytes("unknown version of a property set") }
        let properties = try PropertyValue.decodeFields(&reader, depth: 0)
        for (earlier, later) in zip(properties, properties.dropFirst()) where earlier.name >= later.name {
            throw MalformedBytes("property names out of order")
        }
        entries = properties
    }
}

extension PropertyValue {
    /// The deepest nesting of lists and objects that is read back. The properties we keep nest once.
    private static let maximumDepth = 4

    fileprivate func encode(into bytes: inout [UInt8]) {
        switch self {
        case .bool(false): bytes.append(0)
        case .bool(true): bytes.append(1)
        case .integer(let value):
            bytes.append(2)
            bytes.append(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
        case .text(let text):
            bytes.append(3)
            bytes.append(lengthPrefixed: text.utf8)
        case .list(let values):
            bytes.append(4)
            bytes.append(varint: UInt64(values.count))
            for value in values { value.encode(into: &bytes) }
        case .object(let fields):
            bytes.append(5)
            Self.encode(fields, into: &bytes)
        }
    }

    fileprivate static func encode(_ fields: [Property], into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(fields.count))
        for field in fields {
            bytes.append(lengthPrefixed: field.name.utf8)
            field.value.encode(into: &bytes)
        }
    }

    private init(decoding reader: inout ByteReader, depth: Int) throws(MalformedBytes) {
        guard depth <= Self.maximumDepth else { throw MalformedBytes("property value nested too deeply") }
        switch try reader.byte() {
        case 0: self = .bool(false)
        case 1: self = .bool(true)
        case 2:
            let zigzag = try reader.varint()
            self = .integer(Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1))
        case 3:
            self = .text(try Self.decodeText(&reader))
        case 4:
            var values: [PropertyValue] = []
            for _ in 0..<(try reader.count()) {
                values.append(try PropertyValue(decoding: &reader, depth: depth + 1))
            }
            self = .list(values)
        case 5:
            self = .object(try Self.decodeFields(&reader, depth: depth + 1))
        default:
            throw MalformedBytes("unknown kind of property value")
        }
    }

    fileprivate static func decodeFields(
        _ reader: inout ByteReader, depth: Int
    ) throws(MalformedBytes) -> [Property] {
        var fields: [Property] = []
        for _ in 0..<(try reader.count(ofAtLeast: 2)) {
            let name = try decodeText(&reader)
            fields.append(Property(name, try PropertyValue(decoding: &reader, depth: depth)))
        }
        return fields
    }

    private static func decodeText(_ reader: inout ByteReader) throws(MalformedBytes) -> String {
        let bytes = reader.copy(try reader.lengthPrefixedRange())
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw MalformedBytes("text that is not UTF-8")
        }
        return text
    }
}
