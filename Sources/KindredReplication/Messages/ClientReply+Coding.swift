import KindredModel

extension ClientReply: MessageField {
    private enum Code {
        static let object: UInt8 = 0
        static let written: UInt8 = 1
        static let refused: UInt8 = 2
        static let unavailable: UInt8 = 3
    }

    func encode(into bytes: inout [UInt8]) {
        switch self {
        case .object(let object):
            bytes.append(Code.object)
            object.encode(into: &bytes)
        case .written(let reply):
            bytes.append(Code.written)
            reply.encode(into: &bytes)
        case .refused(let refusal):
            bytes.append(Code.refused)
            refusal.encode(into: &bytes)
        case .unavailable(let reason, let mayHaveHappened):
            bytes.append(Code.unavailable)
            bytes.append(flags: mayHaveHappened)
            reason.encode(into: &bytes)
        }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        switch try reader.byte() {
        case Code.object:
            self = .object(try CausalObject(from: &reader))
        case Code.written:
            self = .written(try WrittenReply(from: &reader))
        case Code.refused:
            self = .refused(try WriteRefusal(from: &reader))
        case Code.unavailable:
            let mayHaveHappened = try reader.bool()
            self = .unavailable(try Unavailability(from: &reader), mayHaveHappened: mayHaveHappened)
        default:
            throw MalformedBytes("reply: unknown kind")
        }
    }
}

extension WrittenReply: MessageField {
    func encode(into bytes: inout [UInt8]) {
        object.encode(into: &bytes)
        writerKnows.encode(into: &bytes)
        bytes.append(optional: dot)
        bytes.append(list: discarded)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            object: try CausalObject(from: &reader), writerKnows: try Knowledge(from: &reader),
            dot: try reader.optional(Dot.self), discarded: try reader.list(of: Version.self))
    }
}

extension WriteRefusal: MessageField {
    private enum Code {
        static let exists: UInt8 = 0
        static let immutable: UInt8 = 1
        static let tooManySiblings: UInt8 = 2
        static let preconditionFailed: UInt8 = 3
    }

    private enum FailureCode {
        static let exists: UInt8 = 0
        static let missing: UInt8 = 1
        static let modified: UInt8 = 2
    }

    func encode(into bytes: inout [UInt8]) {
        switch self {
        case .exists: bytes.append(Code.exists)
        case .immutable: bytes.append(Code.immutable)
        case .tooManySiblings(let count):
            bytes.append(Code.tooManySiblings)
            bytes.append(varint: UInt64(count))
        case .preconditionFailed(let failure):
            bytes.append(Code.preconditionFailed)
            switch failure {
            case .exists: bytes.append(FailureCode.exists)
            case .missing: bytes.append(FailureCode.missing)
            case .modified: bytes.append(FailureCode.modified)
            }
        }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        switch try reader.byte() {
        case Code.exists: self = .exists
        case Code.immutable: self = .immutable
        case Code.tooManySiblings: self = .tooManySiblings(count: try reader.varint(as: Int.self))
        case Code.preconditionFailed:
            switch try reader.byte() {
            case FailureCode.exists: self = .preconditionFailed(.exists)
            case FailureCode.missing: self = .preconditionFailed(.missing)
            case FailureCode.modified: self = .preconditionFailed(.modified)
            default: throw MalformedBytes("refusal: unknown failure")
            }
        default: throw MalformedBytes("refusal: unknown reason")
        }
    }
}

extension Unavailability: MessageField {
    private enum Code {
        static let unsatisfied: UInt8 = 0
        static let timeout: UInt8 = 1
        static let overload: UInt8 = 2
        static let noCoordinator: UInt8 = 3
        static let notTheLeader: UInt8 = 4
        static let sessionNotServed: UInt8 = 5
        static let tooManyAskedFor: UInt8 = 6
        static let clockSkew: UInt8 = 7
        static let storage: UInt8 = 8
        static let clockAhead: UInt8 = 9
    }

    func encode(into bytes: inout [UInt8]) {
        switch self {
        case .unsatisfied(let kind, let required, let got): bytes += [Code.unsatisfied, kind.rawValue, required, got]
        case .timeout: bytes.append(Code.timeout)
        case .overload: bytes.append(Code.overload)
        case .noCoordinator: bytes.append(Code.noCoordinator)
        case .notTheLeader(let leader):
            bytes.append(Code.notTheLeader)
            bytes.append(optional: leader)
        case .sessionNotServed: bytes.append(Code.sessionNotServed)
        case .tooManyAskedFor(let n): bytes += [Code.tooManyAskedFor, n]
        case .clockSkew(let milliseconds):
            bytes.append(Code.clockSkew)
            bytes.append(varint: milliseconds)
        case .clockAhead(let milliseconds):
            bytes.append(Code.clockAhead)
            bytes.append(varint: milliseconds)
        case .storage: bytes.append(Code.storage)
        }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        switch try reader.byte() {
        case Code.unsatisfied:
            guard let kind = Kind(rawValue: try reader.byte()) else {
                throw MalformedBytes("unavailable: unknown quorum")
            }
            self = .unsatisfied(kind, required: try reader.byte(), got: try reader.byte())
        case Code.timeout: self = .timeout
        case Code.overload: self = .overload
        case Code.noCoordinator: self = .noCoordinator
        case Code.notTheLeader: self = .notTheLeader(leader: try reader.optional(NodeID.self))
        case Code.sessionNotServed: self = .sessionNotServed
        case Code.tooManyAskedFor: self = .tooManyAskedFor(n: try reader.byte())
        case Code.clockSkew: self = .clockSkew(milliseconds: try reader.varint())
        case Code.clockAhead: self = .clockAhead(milliseconds: try reader.varint())
        case Code.storage: self = .storage
        default: throw MalformedBytes("unavailable: unknown reason")
        }
    }
}
