import KindredModel
import KindredReplication

/// The codec of the peer messages that most requests and every exchange go through.
enum MessageBenchmarks {
    static var all: [Benchmark] {
        messages.flatMap { name, message in
            let bytes = message.encoded()
            return [
                Benchmark("encode \(name), \(bytes.count) bytes") { times in
                    for _ in 0..<times { keep(message.encoded()) }
                },
                Benchmark("decode \(name), \(bytes.count) bytes") { times in
                    for _ in 0..<times { keep(try? PeerMessage(encoded: bytes)) }
                },
            ]
        }
    }

    private static let address = Array("\u{0}\u{0}\u{0}\u{1}\u{0}\u{9}benchmarkkey:000000000042".utf8)

    private static let clock: ReplicaClock = {
        var clock = ReplicaClock()
        for actor in 1...3 as ClosedRange<UInt32> {
            for counter in 1...1_000 as ClosedRange<UInt64> { clock.insert(Dot(ActorID(actor), counter)) }
        }
        return clock
    }()

    private static let update: ObjectUpdate = {
        let dot = Dot(ActorID(1), 1_001)
        let content = ArraySlice([UInt8](repeating: 0xA5, count: 1_024))
        let version = Version(dot: dot, timestamp: HybridTimestamp(milliseconds: 1_800_000_000_000), content: content)
        let object = CausalObject(versions: [version], context: CausalContext(clock.base))
        return ObjectUpdate(address: address, object: object, events: [Dot(ActorID(1), 1_000), dot])
    }()

    private static let messages: [(name: String, message: PeerMessage)] = {
        let digest = PartitionDigest(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        return [
            ("a write for a replica", .replicate(Replicate(id: 70_000, partition: 42, epoch: 7, update: update))),
            ("its acknowledgement", .replicated(Replicated(id: 70_000, refusal: nil))),
            ("a question for an object", .read(ReadObject(id: 70_000, partition: 42, epoch: 7, address: address))),
            ("the object", .readReply(ReadReply(id: 70_000, result: .success(update)))),
            (
                "a question for what is missing",
                .pull(
                    PullRequest(
                        id: 70_000, partition: 42, epoch: 7, actor: ActorID(2), clock: clock, digest: digest))
            ),
            (
                "\"nothing is\"",
                .pulled(
                    PullReply(id: 70_000, actor: ActorID(1), clock: clock, content: .nothing(digest: digest)))
            ),
        ]
    }()
}
