import Foundation
import KindredModel
import KindredNode
import KindredServer
import KindredStorage
import KindredTesting
import KindredWire
import NIOCore
import Testing

@Suite struct RiakBucketRequestsTests {
    private let node: TestNode

    init() throws {
        node = try TestNode()
    }

    // MARK: Buckets

    @Test func aBucketOfTheDefaultTypeHasTheDefaultsOfRiak() async throws {
        let properties = try await node.properties(ofBucket: "b")
        let expected: PropertySet = [
            "n_val": 3, "allow_mult": false, "last_write_wins": false, "r": "quorum", "w": "quorum", "dw": "quorum",
            "rw": "quorum", "pr": 0, "pw": 0, "node_confirms": 0, "basic_quorum": false, "notfound_ok": true,
            "old_vclock": 86_400, "young_vclock": 20, "big_vclock": 50, "small_vclock": 50, "write_once": false,
            "precommit": .list([]), "postcommit": .list([]), "sync_on_write": "backend", "dvv_enabled": false,
            "conflict_strategy": "last-write-wins", "conflict_log": true,
            "chash_keyfun": .object([Property("mod", "riak_core_util"), Property("fun", "chash_std_keyfun")]),
            "linkfun": .object([Property("mod", "riak_kv_wm_link_walker"), Property("fun", "mapreduce_linkfun")]),
        ]
        #expect(properties == expected)
    }

    @Test func propertiesAreSetOnOneBucketAndReset() async throws {
        let changes: PropertySet = ["n_val": 5, "allow_mult": true, "w": "all", "pr": 1]
        try await node.set(changes, onBucket: "b")

        let changed = try await node.properties(ofBucket: "b")
        #expect(changed["n_val"] == 5)
        #expect(changed["w"] == "all")
        #expect(changed["pr"] == 1)
        #expect(changed["allow_mult"] == true)
        #expect(changed["conflict_strategy"] == "version-vectors")
        #expect(try await node.properties(ofBucket: "other")["n_val"] == 3)

        var request = RpbResetBucketReq()
        request.bucket = .init("b".utf8)
        #expect(try await node.ask(.resetBucketRequest, request) == .answer(.resetBucketResponse, []))
        #expect(try await node.properties(ofBucket: "b") == node.properties(ofBucket: "other"))
    }

    @Test func aBucketIsTheBucketOfItsType() async throws {
        try await node.set(["n_val": 1], onBucket: "b", ofType: "siblings")
        #expect(try await node.properties(ofBucket: "b", ofType: "siblings")["n_val"] == 1)
        #expect(try await node.properties(ofBucket: "b", ofType: "versioned")["n_val"] == 3)
        #expect(try await node.properties(ofBucket: "b")["n_val"] == 3)
        #expect(try await node.properties(ofBucket: "b", ofType: "default") == node.properties(ofBucket: "b"))
    }

    /// Riak's Python client, for one, knows a bucket's properties as a whole, and writes back what it has read.
    @Test(arguments: ["default", "siblings", "last_write_wins", "immutable", "versioned", "counters", "hlls"])
    func whatIsReadCanBeWrittenBack(_ type: String) async throws {
        try await node.create("counters", ["datatype": "counter"])
        try await node.create("hlls", ["datatype": "hll", "hll_precision": 10])

        let read = try await node.properties(ofBucket: "b", ofType: type)
        try await node.set(read, onBucket: "b", ofType: type)
        #expect(try await node.properties(ofBucket: "b", ofType: type) == read)

        // What is above Riak's field numbers, Riak's clients do not see.
        var seenByRiak = read
        seenByRiak["conflict_strategy"] = nil
        seenByRiak["dvv_enabled"] = nil
        seenByRiak["conflict_log"] = nil
        try await node.set(seenByRiak, onBucket: "b", ofType: type)
        #expect(try await node.properties(ofBucket: "b", ofType: type) == read)

        guard type != "default" else { return }
        try await node.set(seenByRiak, onType: type)
        #expect(try await node.properties(ofType: type) == read)
    }

    @Test func whatIsSetIsThereAfterARestart() async throws {
        try await node.create("mine", ["n_val": 2])
        try await node.set(["w": "one"], onBucket: "b", ofType: "mine")
        let before = try await node.properties(ofBucket: "b", ofType: "mine")

        let restarted = try TestNode(engine: node.engine)
        #expect(try await restarted.properties(ofBucket: "b", ofType: "mine") == before)
        #expect(before["w"] == "one")
        #expect(before["n_val"] == 2)
    }

    @Test func namesThatNameNothingAreRefused() async throws {
        let short: [(type: String?, bucket: String, failure: RequestFailure)] = [
            (nil, "", .empty(.bucket)),
            ("", "b", .empty(.type)),
            ("nothing", "b", .unknownType(Array("nothing".utf8))),
            (nil, String(repeating: "b", count: 4_097), .tooLong(.bucket, limit: 4_096)),
        ]
        for (type, bucket, failure) in short {
            var get = RpbGetBucketReq()
            get.bucket = .init(bucket.utf8)
            if let type { get.type = .init(type.utf8) }
            #expect(try await node.ask(.getBucketRequest, get) == .failed(failure))

            var set = RpbSetBucketReq()
            set.bucket = .init(bucket.utf8)
            set.props.nVal = 1
            if let type { set.type = .init(type.utf8) }
            #expect(try await node.ask(.setBucketRequest, set) == .failed(failure))

            var reset = RpbResetBucketReq()
            reset.bucket = .init(bucket.utf8)
            if let type { reset.type = .init(type.utf8) }
            #expect(try await node.ask(.resetBucketRequest, reset) == .failed(failure))
        }
    }

    @Test func propertiesThatCannotBeAreRefusedByName() async throws {
        var request = RpbSetBucketReq()
        request.bucket = .init("b".utf8)
        request.props.nVal = 0
        request.props.search = true
        request.props.allowMult = true
        guard case .failed(let failure) = try await node.ask(.setBucketRequest, request) else {
            Issue.record("accepted n_val=0 and search=true")
            return
        }
        let text = RiakErrorText.text(for: failure)
        #expect(text.contains("n_val:"))
        #expect(text.contains("search:"))
        #expect(!text.contains("allow_mult:"))
        // Not even what was right about it.
        #expect(try await node.properties(ofBucket: "b")["allow_mult"] == false)
    }

    @Test func aChangeThatCannotBeCommittedHasNotHappened() async throws {
        let engine = FaultyStorageEngine(MemoryStorageEngine())
        let node = try TestNode(engine: engine)
        engine.fail(.commit, with: .full("no space"), effect: .refused)

        await #expect(throws: RequestFailure.storage(.full("no space"))) {
            try await node.set(["n_val": 5], onBucket: "b")
        }
        #expect(try await node.properties(ofBucket: "b")["n_val"] == 3)
    }

    // MARK: Bucket types

    @Test func aTypeIsReadAndChanged() async throws {
        try await node.set(["n_val": 4], onType: "siblings")
        #expect(try await node.properties(ofType: "siblings")["n_val"] == 4)
        #expect(try await node.properties(ofBucket: "b", ofType: "siblings")["n_val"] == 4)
    }

    @Test func noTypeThatIsNotThereIsReadOrChanged() async throws {
        for (name, failure) in [("", RequestFailure.empty(.type)), ("nothing", .unknownType(Array("nothing".utf8)))] {
            var get = RpbGetBucketTypeReq()
            get.type = .init(name.utf8)
            #expect(try await node.ask(.getBucketTypeRequest, get) == .failed(failure))
        }
        var set = RpbSetBucketTypeReq()
        set.props.nVal = 1
        set.type = .init()
        #expect(try await node.ask(.setBucketTypeRequest, set) == .failed(.empty(.type)))
        set.type = .init("nothing".utf8)
        #expect(
            try await node.ask(.setBucketTypeRequest, set)
                == .failed(.bucketType(.unknown(Array("nothing".utf8)))))
        set.type = .init("default".utf8)
        #expect(try await node.ask(.setBucketTypeRequest, set) == .failed(.bucketType(.defaultType)))
    }

    @Test func aDataTypeStaysWhatItIs() async throws {
        try await node.create("maps", ["datatype": "map"])
        var request = RpbSetBucketTypeReq()
        request.type = .init("maps".utf8)
        request.props.datatype = .init("set".utf8)
        guard case .failed(.bucketType(.invalidProperties)) = try await node.ask(.setBucketTypeRequest, request) else {
            Issue.record("a map became a set")
            return
        }
        #expect(try await node.properties(ofType: "maps")["datatype"] == "map")
    }

    // MARK: Administration

    @Test func aTypeIsCreatedThenActivatedThenUsed() async throws {
        let created = try await node.administer(.create(name: Array("mine".utf8), ["conflict_strategy": "immutable"]))
        #expect(created.map(\.isActive) == [false])
        #expect(created.map(\.strategy) == ["immutable"])
        #expect(created.first?.properties["write_once"] == true)

        var get = RpbGetBucketTypeReq()
        get.type = .init("mine".utf8)
        let unknown = Reply.failed(.unknownType(Array("mine".utf8)))
        #expect(try await node.ask(.getBucketTypeRequest, get) == unknown)
        var getBucket = RpbGetBucketReq()
        getBucket.bucket = .init("b".utf8)
        getBucket.type = .init("mine".utf8)
        #expect(try await node.ask(.getBucketRequest, getBucket) == unknown)

        let updated = try await node.administer(.update(name: Array("mine".utf8), ["n_val": 2]))
        #expect(updated.map(\.isActive) == [false])
        let activated = try await node.administer(.activate(name: Array("mine".utf8)))
        #expect(activated.map(\.isActive) == [true])
        #expect(try await node.administer(.activate(name: Array("mine".utf8))) == activated)
        #expect(try await node.administer(.status(name: Array("mine".utf8))) == activated)
        #expect(try await node.properties(ofBucket: "b", ofType: "mine") == activated.first?.properties)
        #expect(activated.first?.properties["n_val"] == 2)
    }

    @Test func allTypesAreListedInTheOrderOfTheirCreation() async throws {
        try await node.create("zebra", ["datatype": "set"])
        _ = try await node.administer(.create(name: Array("ant".utf8), [:]))

        let types = try await node.administer(.list)
        #expect(
            types.map { String(decoding: $0.name, as: UTF8.self) }
                == ["default", "siblings", "last_write_wins", "immutable", "versioned", "zebra", "ant"])
        #expect(types.map(\.isActive) == [true, true, true, true, true, true, false])
        #expect(
            types.map(\.strategy)
                == [
                    "last-write-wins", "version-vectors", "last-write-wins", "immutable", "version-numbers", "set",
                    "version-vectors",
                ])
        #expect(types.first?.properties == (try await node.properties(ofBucket: "b")))
    }

    @Test func administrationThatCannotBeIsRefused() async throws {
        let nothing = Array("nothing".utf8)
        let refused: [(BucketTypeRequest, BucketTypeError)] = [
            (.create(name: Array("siblings".utf8), [:]), .alreadyExists(Array("siblings".utf8))),
            (.create(name: BucketType.defaultName, [:]), .defaultType),
            (.update(name: BucketType.defaultName, ["n_val": 1]), .defaultType),
            (.update(name: nothing, ["n_val": 1]), .unknown(nothing)),
            (.activate(name: nothing), .unknown(nothing)),
            (.status(name: nothing), .unknown(nothing)),
        ]
        let before = try await node.administer(.list)
        for (request, error) in refused {
            await #expect(throws: RequestFailure.bucketType(error)) { try await node.administer(request) }
        }
        #expect(try await node.administer(.list) == before)
    }

    // MARK: Preference lists

    @Test func aKeyHasAsManyReplicasAsItsBucketWants() async throws {
        try await node.set(["n_val": 5], onBucket: "five")
        let three = try await node.preferenceList(bucket: "b", key: "k")
        let five = try await node.preferenceList(bucket: "five", key: "k")
        #expect(three.count == 3)
        #expect(five.count == 5)
        for replica in three + five {
            #expect(replica.node == .init("test".utf8))
            #expect(replica.primary)
        }
        #expect(Set(three.map(\.partition)).count == 1)
    }

    @Test func keysAreSpreadOverAllPartitions() async throws {
        var partitions: Set<Int64> = []
        for number in 0..<200 {
            let replicas = try await node.preferenceList(bucket: "b", key: "key \(number)")
            partitions.formUnion(replicas.map(\.partition))
        }
        #expect(partitions == Set(0..<8))
    }

    @Test func noReplicasOfNoObject() async throws {
        var request = RpbGetBucketKeyPreflistReq()
        request.bucket = .init("b".utf8)
        request.key = .init()
        #expect(try await node.ask(.getPreferenceListRequest, request) == .failed(.empty(.key)))
        request.key = .init("k".utf8)
        request.type = .init("nothing".utf8)
        #expect(
            try await node.ask(.getPreferenceListRequest, request)
                == .failed(.unknownType(Array("nothing".utf8))))
    }

    // MARK: What is none of it

    @Test func otherMessagesAreLeftAlone() async throws {
        let mine: Set<UInt8> = [19, 21, 29, 31, 32, 33, 240]
        for message in RiakMessageCode.allCases where !mine.contains(message.rawValue) {
            #expect(try await node.ask(message, []) == .notMine, "\(message)")
        }
    }

    @Test(arguments: [UInt64](1...20))
    func whateverComesTheNodeStays(_ seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let messages: [RiakMessageCode] = [
            .getBucketRequest, .setBucketRequest, .resetBucketRequest, .getBucketTypeRequest, .setBucketTypeRequest,
            .getPreferenceListRequest, .administrationRequest,
        ]
        var malformed = 0
        for _ in 0..<50 {
            let message = messages[random.below(messages.count)]
            let body = (0..<random.below(40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            switch try await node.ask(message, body) {
            case .malformed: malformed += 1
            case .answer, .failed: break
            case .notMine: Issue.record("\(message) is not known, seed \(seed)")
            }
        }
        #expect(malformed > 0, "seed \(seed)")
        #expect(try await node.properties(ofType: "siblings")["n_val"] == 3, "seed \(seed)")
    }
}

// MARK: - Asking

/// What became of a message.
private enum Reply: Hashable, Sendable {
    case answer(RiakMessageCode, [UInt8])
    case failed(RequestFailure)
    case malformed
    case notMine
}

extension TestNode {
    /// Has one message answered in a tick of its own.
    fileprivate func ask(_ message: RiakMessageCode, _ body: [UInt8]) async throws -> Reply {
        try await loop.run { loop throws(RequestFailure) -> Reply? in
            var output = ByteBuffer()
            do {
                let step = try body.withUnsafeBytes {
                    try RiakBucketRequests.answer(message, $0, on: loop, into: &output)
                }
                guard case .answered = step else { return output.readableBytes == 0 ? .notMine : .malformed }
                guard case .frame(let frame) = output.riakFrame(), frame.end == output.readableBytes,
                    let answer = frame.message
                else { return .malformed }
                let bytes = output.readableBytesView[frame.body]
                return .answer(answer, Array(bytes))
            } catch let failure as RequestFailure {
                return .failed(failure)
            } catch {
                return .malformed
            }
        }
    }

    fileprivate func ask(_ message: RiakMessageCode, _ request: some RiakMessage) async throws -> Reply {
        try await ask(message, request.riakBody())
    }

    /// Has one message answered that must not fail.
    private func answer(_ message: RiakMessageCode, _ body: [UInt8], with code: RiakMessageCode) async throws -> [UInt8]
    {
        switch try await ask(message, body) {
        case .answer(code, let body): return body
        case .failed(let failure): throw failure
        case let reply: throw UnexpectedReply(reply: reply)
        }
    }

    private struct UnexpectedReply: Error {
        let reply: Reply
    }

    fileprivate func properties(ofBucket bucket: String, ofType type: String? = nil) async throws -> PropertySet {
        var request = RpbGetBucketReq()
        request.bucket = .init(bucket.utf8)
        if let type { request.type = .init(type.utf8) }
        let body = try await answer(.getBucketRequest, request.riakBody(), with: .getBucketResponse)
        return try body.withUnsafeBytes { try RpbGetBucketResp(riakBody: $0).props.propertySet() }
    }

    fileprivate func properties(ofType type: String) async throws -> PropertySet {
        var request = RpbGetBucketTypeReq()
        request.type = .init(type.utf8)
        let body = try await answer(.getBucketTypeRequest, request.riakBody(), with: .getBucketResponse)
        return try body.withUnsafeBytes { try RpbGetBucketResp(riakBody: $0).props.propertySet() }
    }

    fileprivate func set(_ properties: PropertySet, onBucket bucket: String, ofType type: String? = nil) async throws {
        var request = RpbSetBucketReq()
        request.bucket = .init(bucket.utf8)
        request.props = try RpbBucketProps(properties)
        if let type { request.type = .init(type.utf8) }
        let body = try await answer(.setBucketRequest, request.riakBody(), with: .setBucketResponse)
        #expect(body.isEmpty)
    }

    fileprivate func set(_ properties: PropertySet, onType type: String) async throws {
        var request = RpbSetBucketTypeReq()
        request.type = .init(type.utf8)
        request.props = try RpbBucketProps(properties)
        let body = try await answer(.setBucketTypeRequest, request.riakBody(), with: .setBucketResponse)
        #expect(body.isEmpty)
    }

    fileprivate func preferenceList(bucket: String, key: String) async throws -> [RpbBucketKeyPreflistItem] {
        var request = RpbGetBucketKeyPreflistReq()
        request.bucket = .init(bucket.utf8)
        request.key = .init(key.utf8)
        let body = try await answer(.getPreferenceListRequest, request.riakBody(), with: .getPreferenceListResponse)
        return try body.withUnsafeBytes { try RpbGetBucketKeyPreflistResp(riakBody: $0).preflist }
    }

    fileprivate func administer(_ request: BucketTypeRequest) async throws -> [BucketTypeDescription] {
        var frame = ByteBuffer()
        try frame.appendRiakAdministrationRequest(request)
        let body = try await answer(
            .administrationRequest, Array(frame.readableBytesView.dropFirst(RiakFrame.headerLength)),
            with: .administrationResponse)
        return try body.withUnsafeBytes { try BucketTypeDescription.list($0) }
    }

    /// Creates a type and makes it usable.
    fileprivate func create(_ name: String, _ properties: PropertySet) async throws {
        _ = try await administer(.create(name: Array(name.utf8), properties))
        _ = try await administer(.activate(name: Array(name.utf8)))
    }
}
