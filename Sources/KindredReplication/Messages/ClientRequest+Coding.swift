import KindredModel

extension ClientRequest: MessageField {
    private enum OperationCode {
        static let get: UInt8 = 0
        static let write: UInt8 = 1
    }

    /// Beside the strategy's code: the bucket's conflicts are not entered into the conflict log.
    private static let notLogged: UInt8 = 0x80

    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(partition))
        bytes.append(lengthPrefixed: address)
        bytes.append(strategy.code | (logsConflicts ? 0 : Self.notLogged))
        quorums.encode(into: &bytes)
        bytes.append(varint: timeout)
        session.encode(into: &bytes)
        switch operation {
        case .get:
            bytes.append(OperationCode.get)
        case .write(let write, let precondition, let request):
            bytes.append(OperationCode.write)
            write.encode(into: &bytes)
            precondition.encode(into: &bytes)
            bytes.append(optional: request)
        }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        let partition = try reader.varint(as: UInt16.self)
        let address = try MessageAddress.read(from: &reader)
        let code = try reader.byte()
        guard let strategy = ConflictStrategy(code: code & ~Self.notLogged) else {
            throw MalformedBytes("request: unknown strategy")
        }
        let quorums = try RequestQuorums(from: &reader)
        let timeout = try reader.varint()
        let session = try CausalContext(from: &reader)
        let operation: Operation
        switch try reader.byte() {
        case OperationCode.get:
            operation = .get
        case OperationCode.write:
            operation = .write(
                try ClientWrite(from: &reader), precondition: try Precondition(from: &reader),
                request: try reader.optional(ClientRequestID.self))
        default:
            throw MalformedBytes("request: unknown operation")
        }
        self.init(
            partition: partition, address: address, strategy: strategy, logsConflicts: code & Self.notLogged == 0,
            operation: operation, quorums: quorums, timeout: timeout, session: session)
    }
}

extension ConflictStrategy {
    /// What the strategy is called between nodes. Never given to another one.
    var code: UInt8 {
        switch self {
        case .versionVectors: 1
        case .lastWriteWins: 2
        case .immutable: 3
        case .versionNumbers: 4
        }
    }

    /// The strategy that has this code, if there is one.
    init?(code: UInt8) {
        guard let strategy = ConflictStrategy.allCases.first(where: { $0.code == code }) else { return nil }
        self = strategy
    }
}

extension RequestQuorums: MessageField {
    func encode(into bytes: inout [UInt8]) {
        bytes += [n, r, pr, w, pw, dw]
        bytes.append(flags: notFoundOK, basicQuorum, isSloppy)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            n: try reader.byte(), r: try reader.byte(), pr: try reader.byte(), w: try reader.byte(),
            pw: try reader.byte(), dw: try reader.byte())
        let flags = try reader.flags(3)
        notFoundOK = flags[0]
        basicQuorum = flags[1]
        isSloppy = flags[2]
    }
}

extension ClientRequestID: MessageField {
    /// A client's name is a random number, so it is written in full; its requests are counted.
    func encode(into bytes: inout [UInt8]) {
        bytes.append(bigEndian: client)
        bytes.append(varint: number)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(client: try reader.bigEndian(UInt64.self), number: try reader.varint())
    }
}

extension ClientWrite: MessageField {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(optionalBytes: content)
        bytes.append(optional: seen)
        bytes.append(optionalBytes: writer)
        bytes.append(lengthPrefixed: note)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        let content = try reader.bool() ? try reader.lengthPrefixedBytes()[...] : nil
        self.init(
            content: content, seen: try reader.optional(Knowledge.self),
            writer: try reader.bool() ? try reader.lengthPrefixedBytes()[...] : nil,
            note: try reader.lengthPrefixedBytes())
    }
}

extension Knowledge: MessageField {
    func encode(into bytes: inout [UInt8]) {
        context.encode(into: &bytes)
        bytes.append(bigEndian: timestamp.rawValue)
        bytes.append(varint: number)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            context: try CausalContext(from: &reader),
            timestamp: HybridTimestamp(rawValue: try reader.bigEndian(UInt64.self)), number: try reader.varint())
    }
}

extension Precondition: MessageField {
    /// One byte says what is demanded; then come the details of what has any.
    func encode(into bytes: inout [UInt8]) {
        bytes.append(
            flags: mustNotExist, mustExist, notModifiedSince != nil, matches != nil, matchesNone != nil,
            unmodifiedSinceMilliseconds != nil)
        notModifiedSince?.encode(into: &bytes)
        if let matches { bytes.append(list: matches) }
        if let matchesNone { bytes.append(list: matchesNone) }
        if let moment = unmodifiedSinceMilliseconds { bytes.append(varint: moment) }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        let flags = try reader.flags(6)
        self.init()
        mustNotExist = flags[0]
        mustExist = flags[1]
        if flags[2] { notModifiedSince = try CausalContext(from: &reader) }
        if flags[3] { matches = try reader.list(of: VersionTag.self) }
        if flags[4] { matchesNone = try reader.list(of: VersionTag.self) }
        if flags[5] { unmodifiedSinceMilliseconds = try reader.varint() }
    }
}

extension Precondition.VersionTag: MessageListElement {
    static var leastBytes: Int { 2 }

    private enum Code {
        static let tag: UInt8 = 0
        static let number: UInt8 = 1
    }

    /// A tag is text in UTF-8. Swift calls texts equal that Unicode calls equivalent, so two equal tags might differ in
    /// bytes, but none that names a version: those are ASCII.
    func encode(into bytes: inout [UInt8]) {
        switch self {
        case .tag(let tag):
            bytes.append(Code.tag)
            bytes.append(lengthPrefixed: tag.utf8)
        case .number(let number):
            bytes.append(Code.number)
            bytes.append(varint: number)
        }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        switch try reader.byte() {
        case Code.tag:
            guard let tag = String(validating: try reader.lengthPrefixedBytes(), as: UTF8.self) else {
                throw MalformedBytes("precondition: tag is not UTF-8")
            }
            self = .tag(tag)
        case Code.number:
            self = .number(try reader.varint())
        default:
            throw MalformedBytes("precondition: unknown kind of tag")
        }
    }
}
