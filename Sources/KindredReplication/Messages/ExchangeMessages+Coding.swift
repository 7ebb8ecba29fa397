import KindredModel

// The bodies of peer messages: each begins with the id of its exchange. `PeerMessage+Coding.swift` puts version and
// kind before them.

// MARK: - Writes

extension Replicate {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(varint: UInt64(partition))
        bytes.append(varint: epoch)
        bytes.append(varint: leaderEpoch)
        update.encode(into: &bytes)
        bytes.append(list: records)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            id: try reader.varint(), partition: try reader.varint(as: UInt16.self), epoch: try reader.varint(),
            leaderEpoch: try reader.varint(), update: try ObjectUpdate(from: &reader),
            records: try reader.list(of: ObjectUpdate.self))
    }
}

extension Replicated {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(outcome: refusal)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(id: try reader.varint(), refusal: try reader.outcome())
    }
}

extension Hint {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        target.encode(into: &bytes)
        bytes.append(varint: UInt64(partition))
        update.encode(into: &bytes)
        bytes.append(list: records)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            id: try reader.varint(), target: try NodeID(from: &reader), partition: try reader.varint(as: UInt16.self),
            update: try ObjectUpdate(from: &reader), records: try reader.list(of: ObjectUpdate.self))
    }
}

extension Hinted {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(outcome: refusal)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(id: try reader.varint(), refusal: try reader.outcome())
    }
}

// MARK: - Reads

extension ReadObject {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(varint: UInt64(partition))
        bytes.append(varint: epoch)
        bytes.append(lengthPrefixed: address)
        atLeast.encode(into: &bytes)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            id: try reader.varint(), partition: try reader.varint(as: UInt16.self), epoch: try reader.varint(),
            address: try MessageAddress.read(from: &reader), atLeast: try CausalContext(from: &reader))
    }
}

extension ReadReply {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(result)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(id: try reader.varint(), result: try reader.result(ObjectUpdate.self))
    }
}

// MARK: - Anti-entropy

extension PullRequest {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(varint: UInt64(partition))
        bytes.append(varint: epoch)
        actor.encode(into: &bytes)
        clock.encode(into: &bytes)
        bytes.append(optional: digest)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            id: try reader.varint(), partition: try reader.varint(as: UInt16.self), epoch: try reader.varint(),
            actor: try ActorID(from: &reader), clock: try ReplicaClock(from: &reader),
            digest: try reader.optional(PartitionDigest.self))
    }
}

extension PullReply {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        actor.encode(into: &bytes)
        clock.encode(into: &bytes)
        content.encode(into: &bytes)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            id: try reader.varint(), actor: try ActorID(from: &reader), clock: try ReplicaClock(from: &reader),
            content: try Content(from: &reader))
    }
}

extension PullReply.Content {
    private enum Code {
        static let nothing: UInt8 = 0
        static let updates: UInt8 = 1
        static let transferNeeded: UInt8 = 2
        static let refused: UInt8 = 3
    }

    func encode(into bytes: inout [UInt8]) {
        switch self {
        case .nothing(let digest):
            bytes.append(Code.nothing)
            bytes.append(optional: digest)
        case .updates(let updates, let more):
            bytes.append(Code.updates)
            bytes.append(flags: more)
            bytes.append(list: updates)
        case .transferNeeded:
            bytes.append(Code.transferNeeded)
        case .refused(let refusal):
            bytes.append(Code.refused)
            bytes.append(outcome: refusal)
        }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        switch try reader.byte() {
        case Code.nothing:
            self = .nothing(digest: try reader.optional(PartitionDigest.self))
        case Code.updates:
            let more = try reader.bool()
            self = .updates(try reader.list(of: ObjectUpdate.self), more: more)
        case Code.transferNeeded:
            self = .transferNeeded
        case Code.refused:
            guard let refusal = try reader.outcome() else {
                throw MalformedBytes("pull reply: refused without a reason")
            }
            self = .refused(refusal)
        default:
            throw MalformedBytes("pull reply: unknown content")
        }
    }
}

extension TransferRequest {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(varint: UInt64(partition))
        bytes.append(varint: epoch)
        bytes.append(optionalBytes: after)
        goal.encode(into: &bytes)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            id: try reader.varint(), partition: try reader.varint(as: UInt16.self), epoch: try reader.varint(),
            after: try reader.bool() ? try MessageAddress.position(from: &reader) : nil,
            goal: try ReplicaClock(from: &reader))
    }
}

extension TransferReply {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(outcome: refusal)
        actor.encode(into: &bytes)
        clock.encode(into: &bytes)
        bytes.append(list: updates)
        bytes.append(optionalBytes: through)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        let id = try reader.varint()
        let refusal = try reader.outcome()
        self.init(
            id: id, actor: try ActorID(from: &reader), clock: try ReplicaClock(from: &reader),
            updates: try reader.list(of: ObjectUpdate.self),
            through: try reader.bool() ? try MessageAddress.position(from: &reader) : nil, refusal: refusal)
    }
}

// MARK: - Leaders

extension PromiseRequest {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(varint: UInt64(partition))
        bytes.append(varint: leaderEpoch)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            id: try reader.varint(), partition: try reader.varint(as: UInt16.self), leaderEpoch: try reader.varint())
    }
}

extension PromiseReply {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(result)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(id: try reader.varint(), result: try reader.result(ReplicaClock.self))
    }
}

// MARK: - Forwarded requests

extension ForwardedRequest {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        request.encode(into: &bytes)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(id: try reader.varint(), request: try ClientRequest(from: &reader))
    }
}

extension ForwardedReply {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        reply.encode(into: &bytes)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(id: try reader.varint(), reply: try ClientReply(from: &reader))
    }
}
