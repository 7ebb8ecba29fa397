import KindredModel

/// What replicas of a baseline say to each other.
///
///     code │ exchange │ key │ …
///
/// Objects are encoded by the baseline's rule, each with its length in front.
enum BaselineMessage: Hashable, Sendable {
    case replicate(exchange: UInt64, key: Int, object: [UInt8])
    case replicated(exchange: UInt64)
    case read(exchange: UInt64, key: Int)
    case readReply(exchange: UInt64, key: Int, object: [UInt8])
    /// "These are the digests of what I have, key by key: what do you have that differs?"
    case pull([UInt64])
    case pulled([Part])

    struct Part: Hashable, Sendable {
        var key: Int
        var object: [UInt8]
    }

    /// The keys that it names.
    var keys: [Int] {
        switch self {
        case .replicate(_, let key, _), .read(_, let key), .readReply(_, let key, _): [key]
        case .pulled(let parts): parts.map(\.key)
        case .replicated, .pull: []
        }
    }

    private enum Code {
        static let replicate: UInt8 = 0
        static let replicated: UInt8 = 1
        static let read: UInt8 = 2
        static let readReply: UInt8 = 3
        static let pull: UInt8 = 4
        static let pulled: UInt8 = 5
    }

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .replicate(let exchange, let key, let object):
            bytes.append(Code.replicate)
            bytes.append(varint: exchange)
            bytes.append(varint: UInt64(key))
            bytes.append(lengthPrefixed: object)
        case .replicated(let exchange):
            bytes.append(Code.replicated)
            bytes.append(varint: exchange)
        case .read(let exchange, let key):
            bytes.append(Code.read)
            bytes.append(varint: exchange)
            bytes.append(varint: UInt64(key))
        case .readReply(let exchange, let key, let object):
            bytes.append(Code.readReply)
            bytes.append(varint: exchange)
            bytes.append(varint: UInt64(key))
            bytes.append(lengthPrefixed: object)
        case .pull(let digests):
            bytes.append(Code.pull)
            bytes.append(varint: UInt64(digests.count))
            for digest in digests { bytes.append(bigEndian: digest) }
        case .pulled(let parts):
            bytes.append(Code.pulled)
            bytes.append(varint: UInt64(parts.count))
            for part in parts {
                bytes.append(varint: UInt64(part.key))
                bytes.append(lengthPrefixed: part.object)
            }
        }
        return bytes
    }

    init(encoded bytes: [UInt8]) throws(MalformedBytes) {
        let decoded = bytes.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> BaselineMessage in
                var reader = ByteReader(buffer)
                return try BaselineMessage(from: &reader)
            }
        }
        self = try decoded.get()
    }

    private init(from reader: inout ByteReader) throws(MalformedBytes) {
        func number(_ reader: inout ByteReader) throws(MalformedBytes) -> Int {
            guard let number = Int(exactly: try reader.varint()) else { throw MalformedBytes("a number too large") }
            return number
        }
        switch try reader.byte() {
        case Code.replicate:
            let exchange = try reader.varint()
            let key = try number(&reader)
            self = .replicate(exchange: exchange, key: key, object: reader.copy(try reader.lengthPrefixedRange()))
        case Code.replicated: self = .replicated(exchange: try reader.varint())
        case Code.read: self = .read(exchange: try reader.varint(), key: try number(&reader))
        case Code.readReply:
            let exchange = try reader.varint()
            let key = try number(&reader)
            self = .readReply(exchange: exchange, key: key, object: reader.copy(try reader.lengthPrefixedRange()))
        case Code.pull:
            var digests: [UInt64] = []
            for _ in 0..<(try reader.count(ofAtLeast: 8)) { digests.append(try reader.bigEndian(UInt64.self)) }
            self = .pull(digests)
        case Code.pulled:
            var parts: [Part] = []
            for _ in 0..<(try reader.count(ofAtLeast: 2)) {
                let key = try number(&reader)
                parts.append(Part(key: key, object: reader.copy(try reader.lengthPrefixedRange())))
            }
            self = .pulled(parts)
        default: throw MalformedBytes("a message of no kind")
        }
    }
}
