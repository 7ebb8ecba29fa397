package import KindredModel

/// A message as bytes: format version, kind, then the fields of the message in the order of docs/formats/peer-
/// protocol.md.
///
/// What carries the bytes says where they end, and bounds them; the message says nothing of its own length.
extension PeerMessage {
    /// The first byte of every encoded message.
    package static let formatVersion: UInt8 = 1

    /// The second byte of every encoded message. A reply's code follows that of what it answers.
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case replicate = 1
        case replicated = 2
        case read = 3
        case readReply = 4
        case hint = 5
        case hinted = 6
        case pull = 7
        case pulled = 8
        case transfer = 9
        case transferred = 10
        case promise = 11
        case promised = 12
        case forward = 13
        case forwarded = 14
        case list = 15
        case listed = 16
    }

    /// Which message this is.
    package var kind: Kind {
        switch self {
        case .replicate: .replicate
        case .replicated: .replicated
        case .read: .read
        case .readReply: .readReply
        case .hint: .hint
        case .hinted: .hinted
        case .pull: .pull
        case .pulled: .pulled
        case .transfer: .transfer
        case .transferred: .transferred
        case .promise: .promise
        case .promised: .promised
        case .forward: .forward
        case .forwarded: .forwarded
        case .list: .list
        case .listed: .listed
        }
    }

    /// The message as bytes. Equal messages have equal bytes.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    /// Appends the message as bytes.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(PeerMessage.formatVersion)
        bytes.append(kind.rawValue)
        switch self {
        case .replicate(let message): message.encode(into: &bytes)
        case .replicated(let message): message.encode(into: &bytes)
        case .read(let message): message.encode(into: &bytes)
        case .readReply(let message): message.encode(into: &bytes)
        case .hint(let message): message.encode(into: &bytes)
        case .hinted(let message): message.encode(into: &bytes)
        case .pull(let message): message.encode(into: &bytes)
        case .pulled(let message): message.encode(into: &bytes)
        case .transfer(let message): message.encode(into: &bytes)
        case .transferred(let message): message.encode(into: &bytes)
        case .promise(let message): message.encode(into: &bytes)
        case .promised(let message): message.encode(into: &bytes)
        case .forward(let message): message.encode(into: &bytes)
        case .forwarded(let message): message.encode(into: &bytes)
        case .list(let message): message.encode(into: &bytes)
        case .listed(let message): message.encode(into: &bytes)
        }
    }

    /// Reads what `encode` wrote: one message, and nothing after it. Whatever the bytes are, they give a message or an
    /// error, and take no more memory than in proportion to their number.
    package init(encoded bytes: [UInt8]) throws(MalformedBytes) {
        // Typed throws do not pass through `withUnsafeBytes` of older runtimes; a result does.
        let decoded = bytes.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> PeerMessage in
                var reader = ByteReader(buffer)
                let message = try PeerMessage(from: &reader)
                guard reader.isAtEnd else { throw MalformedBytes("peer message: bytes after the end") }
                return message
            }
        }
        self = try decoded.get()
    }

    private init(from reader: inout ByteReader) throws(MalformedBytes) {
        guard try reader.byte() == PeerMessage.formatVersion else {
            throw MalformedBytes("peer message: unknown format version")
        }
        guard let kind = Kind(rawValue: try reader.byte()) else { throw MalformedBytes("peer message: unknown kind") }
        switch kind {
        case .replicate: self = .replicate(try Replicate(from: &reader))
        case .replicated: self = .replicated(try Replicated(from: &reader))
        case .read: self = .read(try ReadObject(from: &reader))
        case .readReply: self = .readReply(try ReadReply(from: &reader))
        case .hint: self = .hint(try Hint(from: &reader))
        case .hinted: self = .hinted(try Hinted(from: &reader))
        case .pull: self = .pull(try PullRequest(from: &reader))
        case .pulled: self = .pulled(try PullReply(from: &reader))
        case .transfer: self = .transfer(try TransferRequest(from: &reader))
        case .transferred: self = .transferred(try TransferReply(from: &reader))
        case .promise: self = .promise(try PromiseRequest(from: &reader))
        case .promised: self = .promised(try PromiseReply(from: &reader))
        case .forward: self = .forward(try ForwardedRequest(from: &reader))
        case .forwarded: self = .forwarded(try ForwardedReply(from: &reader))
        case .list: self = .list(try ListRequest(from: &reader))
        case .listed: self = .listed(try ListReply(from: &reader))
        }
    }
}
