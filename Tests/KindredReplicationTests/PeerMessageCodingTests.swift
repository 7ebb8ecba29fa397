import KindredModel
import KindredReplication
import KindredTesting
import Testing

/// The bytes of docs/formats/peer-protocol.md: every message comes back as it was, and no bytes do harm.
@Suite struct PeerMessageCodingTests {
    private static let seeds: ClosedRange<UInt64> = 1...4

    @Test("every kind of message comes back as it was", arguments: PeerMessage.Kind.allCases)
    func roundTrip(kind: PeerMessage.Kind) throws {
        for seed: UInt64 in 1...200 {
            var random = SplitMix64(seed: seed)
            let message = PeerMessage.random(kind, using: &random)
            let bytes = message.encoded()
            #expect(message.kind == kind)
            #expect(Array(bytes.prefix(2)) == [PeerMessage.formatVersion, kind.rawValue])
            let decoded = try PeerMessage(encoded: bytes)
            #expect(decoded == message, "seed \(seed)")
            #expect(decoded.encoded() == bytes, "seed \(seed): equal messages, different bytes")
        }
    }

    @Test("encoding appends, and nothing else")
    func encodingAppends() {
        var random = SplitMix64(seed: 1)
        let first = PeerMessage.random(using: &random)
        let second = PeerMessage.random(using: &random)
        var bytes = first.encoded()
        second.encode(into: &bytes)
        #expect(bytes == first.encoded() + second.encoded())
    }

    @Test("what is cut short is refused, and so is what goes on", arguments: PeerMessage.Kind.allCases)
    func truncation(kind: PeerMessage.Kind) {
        for seed: UInt64 in 1...20 {
            var random = SplitMix64(seed: seed)
            let bytes = PeerMessage.random(kind, using: &random).encoded()
            // Long names make long messages: not every place in the middle of one has to be tried.
            let step = max(1, bytes.count / 400)
            for length in stride(from: 0, to: bytes.count, by: step) {
                if (try? PeerMessage(encoded: Array(bytes.prefix(length)))) != nil {
                    Issue.record("seed \(seed): \(length) of \(bytes.count) bytes are accepted")
                }
            }
            #expect(throws: MalformedBytes("peer message: bytes after the end")) {
                try PeerMessage(encoded: bytes + [0])
            }
        }
    }

    @Test("mutated bytes are refused, or say one thing and go on saying it", arguments: seeds)
    func mutation(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var accepted = 0
        var refused = 0
        for round in 0..<6_000 {
            let bytes = mutated(PeerMessage.random(using: &random).encoded(), using: &random)
            guard let message = try? PeerMessage(encoded: bytes) else {
                refused += 1
                continue
            }
            accepted += 1
            let again = message.encoded()
            let decoded = try PeerMessage(encoded: again)
            if decoded != message || decoded.encoded() != again {
                Issue.record("seed \(seed), round \(round): \(bytes) is not stable")
            }
        }
        #expect(accepted > 500 && refused > 500, "too one-sided to mean much: \(accepted) accepted, \(refused) refused")
    }

    @Test("random bytes after a good head do no harm", arguments: seeds)
    func noise(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<4_000 {
            let kind = PeerMessage.Kind.allCases[random.below(PeerMessage.Kind.allCases.count)]
            let noise = random.bytes(random.below(80)).map { random.chance(60) ? $0 & 7 : $0 }
            if let message = try? PeerMessage(encoded: [PeerMessage.formatVersion, kind.rawValue] + noise) {
                #expect(try PeerMessage(encoded: message.encoded()) == message)
            }
        }
    }

    /// Overwrites, inserts, removes or repeats a few bytes.
    private func mutated(_ original: [UInt8], using random: inout SplitMix64) -> [UInt8] {
        var bytes = original
        for _ in 0...random.below(2) where !bytes.isEmpty {
            let index = random.below(bytes.count)
            switch random.below(6) {
            case 0: bytes[index] ^= 1 << UInt8(random.below(8))
            case 1: bytes[index] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
            case 2: bytes[index] &+= random.chance(50) ? 1 : 255
            case 3: bytes.insert(UInt8(random.below(256)), at: index)
            case 4: bytes.remove(at: index)
            default:
                let end = min(bytes.count, index + random.below(8))
                bytes.insert(contentsOf: bytes[index..<end], at: index)
            }
        }
        return bytes
    }

    // MARK: Bounds

    private static let address: [UInt8] = [0, 0, 0, 1, 0, 1, 0x62, 0x6B]

    private func update(address: [UInt8] = address, events: [Dot] = []) -> ObjectUpdate {
        ObjectUpdate(address: address, object: CausalObject(), events: events)
    }

    private func address(bucket: Int, key: Int) -> [UInt8] {
        [0, 0, 0, 1, UInt8(bucket >> 8), UInt8(bucket & 0xFF)] + [UInt8](repeating: 0x61, count: bucket + key)
    }

    @Test("an address is a type, a bucket and a key, each as long as it may be")
    func addresses() throws {
        func decoded(_ address: [UInt8]) throws -> PeerMessage {
            let read = ReadObject(id: 1, partition: 0, epoch: 1, address: address)
            let forward = ForwardedRequest(
                id: 1, request: ClientRequest(partition: 0, address: address, strategy: .immutable, operation: .get))
            _ = try PeerMessage(encoded: PeerMessage.forward(forward).encoded())
            _ = try PeerMessage(encoded: PeerMessage.read(read).encoded())
            let replicate = Replicate(id: 1, partition: 0, epoch: 1, update: update(address: address))
            return try PeerMessage(encoded: PeerMessage.replicate(replicate).encoded())
        }
        #expect(throws: Never.self) {
            _ = try decoded(address(bucket: Limits.bucketNameBytes, key: Limits.keyBytes))
            _ = try decoded(address(bucket: 0, key: 0))
        }
        let bad = [
            address(bucket: Limits.bucketNameBytes + 1, key: 1), address(bucket: 1, key: Limits.keyBytes + 1),
            Array(address(bucket: 9, key: 0).dropLast()), [0, 0, 0, 1, 0], [],
        ]
        for address in bad {
            #expect(throws: MalformedBytes.self, "\(address.prefix(8))") { try decoded(address) }
        }
    }

    @Test("a position among addresses is as long as an address may be")
    func positions() throws {
        let longest = 6 + Limits.bucketNameBytes + Limits.keyBytes
        func decoded(_ length: Int) throws -> PeerMessage {
            let after = [UInt8](repeating: 1, count: length)
            let reply = TransferReply(id: 1, actor: ActorID(1), clock: ReplicaClock(), updates: [], through: after)
            _ = try PeerMessage(encoded: PeerMessage.transferred(reply).encoded())
            let request = TransferRequest(id: 1, partition: 0, epoch: 1, after: after, goal: ReplicaClock())
            return try PeerMessage(encoded: PeerMessage.transfer(request).encoded())
        }
        #expect(throws: Never.self) { try decoded(longest) }
        #expect(throws: MalformedBytes("address: too long")) { try decoded(longest + 1) }
    }

    @Test("events are in order, each there once, and none is the reserved actor's")
    func events() throws {
        let head: [UInt8] = [1, 1, 1, 0, 1, 0, 8] + Self.address + [4, 1, 0, 0, 0]
        func decoded(_ events: [UInt8]) throws -> [Dot] {
            guard case .replicate(let message) = try PeerMessage(encoded: head + events + [0, 0]) else { return [] }
            return message.update.events
        }
        #expect(try decoded([2, 3, 7, 0, 9]) == [Dot(ActorID(3), 7), Dot(ActorID(3), 9)])
        #expect(throws: MalformedBytes("events: out of order")) { try decoded([2, 3, 7, 0, 7]) }
        #expect(throws: MalformedBytes("events: out of order")) { try decoded([2, 3, 7, 0, 6]) }
        #expect(throws: MalformedBytes("dot: names no event")) { try decoded([1, 0, 7]) }
        #expect(throws: MalformedBytes("dot: names no event")) { try decoded([1, 3, 0]) }
        #expect(throws: MalformedBytes("events: actor too large")) {
            try decoded([2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 1, 1])
        }
        #expect(throws: MalformedBytes("count exceeds the bytes left")) { try decoded([0xFF, 0xFF, 3]) }
    }

    @Test("no version is the reserved actor's")
    func reservedActor() {
        let object = CausalObject(
            versions: [Version(dot: Dot(.closed, 1), timestamp: .zero, content: [])], context: CausalContext())
        #expect(throws: MalformedBytes("dot: names no event")) {
            try PeerMessage(encoded: PeerMessage.forwarded(ForwardedReply(id: 1, reply: .object(object))).encoded())
        }
    }

    @Test("lists of the smallest elements there are come back")
    func smallestElements() throws {
        let updates = [ObjectUpdate](repeating: update(address: address(bucket: 0, key: 0)), count: 40)
        let pulled = PullReply(
            id: 1, actor: ActorID(1), clock: ReplicaClock(), content: .updates(updates, more: false))
        let tombstone = Version(dot: Dot(ActorID(1), 1), timestamp: .zero, content: nil)
        let written = WrittenReply(
            object: CausalObject(), writerKnows: .nothing, dot: nil,
            discarded: [Version](repeating: tombstone, count: 40))
        var precondition = Precondition()
        precondition.matchesNone = [Precondition.VersionTag](repeating: .number(0), count: 40)
        let write = ClientRequest(
            partition: 0, address: Self.address, strategy: .immutable,
            operation: .write(ClientWrite(content: nil, seen: nil), precondition: precondition, request: nil))
        let messages: [PeerMessage] = [
            .pulled(pulled), .forwarded(ForwardedReply(id: 1, reply: .written(written))),
            .forward(ForwardedRequest(id: 1, request: write)),
        ]
        for message in messages { #expect(try PeerMessage(encoded: message.encoded()) == message) }
    }

    @Test("an integer with needless groups is read, and never written")
    func needlessGroups() throws {
        let message = try PeerMessage(encoded: [1, 2, 0x81, 0x80, 0x00, 0])
        #expect(message == .replicated(Replicated(id: 1, refusal: nil)))
        #expect(message.encoded() == [1, 2, 1, 0])
    }

    @Test("codes that nobody has given are refused")
    func unknownCodes() {
        let cases: [(bytes: [UInt8], reason: String)] = [
            ([], "truncated"),
            ([0, 1], "peer message: unknown format version"),
            ([2, 2, 1, 0], "peer message: unknown format version"),
            ([1, 0], "peer message: unknown kind"),
            ([1, 17], "peer message: unknown kind"),
            ([1, 2, 1, 10], "unknown refusal"),
            ([1, 8, 1, 2, 0, 4], "pull reply: unknown content"),
            ([1, 8, 1, 2, 0, 3, 0], "pull reply: refused without a reason"),
            ([1, 8, 1, 2, 0, 0, 2], "neither yes nor no"),
            ([1, 14, 1, 4], "reply: unknown kind"),
            ([1, 14, 1, 2, 4], "refusal: unknown reason"),
            ([1, 14, 1, 2, 3, 3], "refusal: unknown failure"),
            ([1, 14, 1, 3, 0, 10], "unavailable: unknown reason"),
            ([1, 14, 1, 3, 0, 0, 5], "unavailable: unknown quorum"),
            ([1, 13, 1, 0, 8] + Self.address + [0], "request: unknown strategy"),
            ([1, 13, 1, 0, 8] + Self.address + [5], "request: unknown strategy"),
            ([1, 13, 1, 0, 8] + Self.address + [0x80], "request: unknown strategy"),
            ([1, 13, 1, 0, 8] + Self.address + [0x41], "request: unknown strategy"),
            ([1, 13, 1, 0, 8] + Self.address + [1, 3, 2, 0, 2, 0, 0, 8], "unknown flags"),
            ([1, 13, 1, 0, 8] + Self.address + [1, 3, 2, 0, 2, 0, 0, 5, 9, 0, 0, 2], "request: unknown operation"),
            ([1, 13, 1, 0, 8] + Self.address + [1, 3, 2, 0, 2, 0, 0, 5, 9, 0, 0, 1, 0, 0, 0, 0, 64], "unknown flags"),
            (
                [1, 13, 1, 0, 8] + Self.address + [1, 3, 2, 0, 2, 0, 0, 5, 9, 0, 0, 1, 0, 0, 0, 0, 8, 1, 2, 0],
                "precondition: unknown kind of tag"
            ),
            (
                [1, 13, 1, 0, 8] + Self.address + [1, 3, 2, 0, 2, 0, 0, 5, 9, 0, 0, 1, 0, 0, 0, 0, 8, 1, 0, 1, 0xFF],
                "precondition: tag is not UTF-8"
            ),
            ([1, 1, 1, 0x80, 0x80, 0x04], "integer too large"),
        ]
        for (bytes, reason) in cases {
            #expect(throws: MalformedBytes(reason), "\(bytes)") { try PeerMessage(encoded: bytes) }
        }
    }

    // MARK: Exact bytes

    private func expect(_ message: PeerMessage, is bytes: [UInt8]) throws {
        #expect(message.encoded() == bytes)
        #expect(try PeerMessage(encoded: bytes) == message)
    }

    @Test("a write on its way to a replica")
    func replicateBytes() throws {
        let version = Version(
            dot: Dot(ActorID(2), 7), timestamp: HybridTimestamp(rawValue: 0x019A_A00B_3C00_0007),
            content: [0x68, 0x69])
        let object = CausalObject(
            versions: [version], context: CausalContext(VersionVector([VersionVector.Entry(ActorID(1), 4)])))
        let update = ObjectUpdate(
            address: Self.address, object: object, events: [Dot(ActorID(1), 4), Dot(ActorID(2), 7)])
        try expect(
            .replicate(Replicate(id: 300, partition: 5, epoch: 9, update: update)),
            is: [
                1, 1,  // format version, kind
                0xAC, 0x02, 5, 9, 0,  // id, partition, epoch, no leader
                8, 0, 0, 0, 1, 0, 1, 0x62, 0x6B,  // the address: type 1, bucket "b", key "k"
                22,  // the object
                1, 1, 1, 4, 1, 2, 7,  // its format version, its context
                1, 0, 2, 7, 0x01, 0x9A, 0xA0, 0x0B, 0x3C, 0x00, 0x00, 0x07, 2, 0x68, 0x69,  // one version
                2, 1, 4, 1, 7,  // the events 1:4 and 2:7
                0, 0,  // not put together from several replicas' answers; no records of the conflict log
            ])
        try expect(.replicated(Replicated(id: 300, refusal: nil)), is: [1, 2, 0xAC, 0x02, 0])
        try expect(.replicated(Replicated(id: 300, refusal: .staleEpoch)), is: [1, 2, 0xAC, 0x02, 2])
    }

    @Test("a pull between replicas that know the same")
    func pullBytes() throws {
        var clock = ReplicaClock()
        for event in [Dot(ActorID(1), 1), Dot(ActorID(1), 2), Dot(ActorID(3), 1)] { clock.insert(event) }
        let digest = PartitionDigest(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718)
        let digestBytes: [UInt8] = [1, 1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]
        try expect(
            .pull(PullRequest(id: 1, partition: 63, epoch: 200, actor: ActorID(3), clock: clock, digest: digest)),
            is: [1, 7, 1, 63, 0xC8, 0x01, 3, 2, 1, 2, 0, 2, 1, 0] + digestBytes)
        try expect(
            .pulled(PullReply(id: 1, actor: ActorID(1), clock: clock, content: .nothing(digest: digest))),
            is: [1, 8, 1, 1, 2, 1, 2, 0, 2, 1, 0, 0] + digestBytes)
        try expect(
            .pulled(PullReply(id: 1, actor: ActorID(1), clock: clock, content: .refused(.overload))),
            is: [1, 8, 1, 1, 2, 1, 2, 0, 2, 1, 0, 3, 9])
    }

    @Test("a client's write that another node coordinates")
    func forwardBytes() throws {
        var precondition = Precondition()
        precondition.mustExist = true
        precondition.notModifiedSince = CausalContext(dots: [Dot(ActorID(1), 2)])
        precondition.matches = [.tag("3.a7"), .number(300)]
        precondition.matchesNone = []
        precondition.unmodifiedSinceMilliseconds = 128
        let seen = Knowledge(
            context: CausalContext(dots: [Dot(ActorID(1), 1)]), timestamp: HybridTimestamp(rawValue: 1), number: 4)
        let request = ClientRequest(
            partition: 5, address: Self.address, strategy: .versionNumbers,
            operation: .write(
                ClientWrite(content: [0x10, 0], seen: seen), precondition: precondition,
                request: ClientRequestID(client: 0xA1A2_A3A4_A5A6_A7A8, number: 3)),
            quorums: RequestQuorums(n: 5, r: 3, pr: 2, w: 3, pw: 1, dw: 2), timeout: 200,
            session: CausalContext(dots: [Dot(ActorID(2), 1)]))
        try expect(
            .forward(ForwardedRequest(id: 1, request: request)),
            is: [
                1, 13, 1,  // format version, kind, id
                5, 8, 0, 0, 0, 1, 0, 1, 0x62, 0x6B, 4,  // partition, address, version numbers
                5, 3, 2, 3, 1, 2, 0b101,  // quorums: "not found" counts, fallbacks may stand in
                0xC8, 0x01, 1, 2, 1, 0,  // timeout, session
                1,  // a write
                1, 2, 0x10, 0,  // its content
                1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4,  // what its writer has seen
                0, 0,  // a writer without a name, and no reason for the write
                0b111110, 0, 1, 1, 2,  // what is demanded; what the key must not have changed since
                2, 0, 4, 0x33, 0x2E, 0x61, 0x37, 1, 0xAC, 0x02,  // the tag 3.a7 or the number 300
                0, 0x80, 0x01,  // none of no tags; the moment
                1, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 3,  // the request's name
            ])
        try expect(
            .forwarded(
                ForwardedReply(
                    id: 1, reply: .unavailable(.unsatisfied(.dw, required: 2, got: 1), mayHaveHappened: true))),
            is: [1, 14, 1, 3, 1, 0, 4, 2, 1])
        try expect(
            .forwarded(ForwardedReply(id: 1, reply: .refused(.tooManySiblings(count: 100)))),
            is: [1, 14, 1, 2, 2, 100])
    }

    @Test("the codes of the strategies stay what they are", arguments: ConflictStrategy.allCases)
    func strategyCodes(strategy: ConflictStrategy) throws {
        let code: UInt8 =
            switch strategy {
            case .versionVectors: 1
            case .lastWriteWins: 2
            case .immutable: 3
            case .versionNumbers: 4
            }
        let request = ClientRequest(partition: 0, address: Self.address, strategy: strategy, operation: .get)
        let bytes = PeerMessage.forward(ForwardedRequest(id: 1, request: request)).encoded()
        #expect(bytes[5 + Self.address.count] == code)
        // Whether the bucket's conflicts are entered is in the same byte.
        var quiet = request
        quiet.logsConflicts = false
        let message = PeerMessage.forward(ForwardedRequest(id: 1, request: quiet))
        #expect(message.encoded()[5 + Self.address.count] == code + 128)
        #expect(try PeerMessage(encoded: message.encoded()) == message)
    }

    @Test("replicas that know the same exchange less than 60 bytes each way")
    func sizeOfAnIdlePull() throws {
        // Three actors with two thousand million events each, and an exchange that follows many others.
        var encoded: [UInt8] = [3]
        for _ in 0..<3 { encoded += [70, 0x80, 0xA8, 0xD6, 0xB9, 0x07, 0] }
        let clock = try encoded.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            return try ReplicaClock(from: &reader)
        }
        #expect(clock.base(of: ActorID(210)) == 2_000_000_000)
        let digest = PartitionDigest(high: .max, low: .max)
        let request = PullRequest(
            id: 1 << 40, partition: 1_023, epoch: 10_000, actor: ActorID(210), clock: clock, digest: digest)
        let reply = PullReply(id: 1 << 40, actor: ActorID(70), clock: clock, content: .nothing(digest: digest))
        #expect(PeerMessage.pull(request).encoded().count < 60)
        #expect(PeerMessage.pulled(reply).encoded().count < 60)
    }
}
