import KindredModel
import KindredReplication
import Testing

@testable import KindredNode

@Suite struct TransferRateTests {
    private func part(_ objects: Int, of bytes: Int) -> TransferReply {
        let updates = (1...objects).map { number in
            let version = Version(
                dot: Dot(ActorID(1), UInt64(number)), timestamp: .zero, content: Array(repeating: 7, count: bytes)[...])
            return ObjectUpdate(
                address: [0, 0, 0, 0, 0, 1, 98, UInt8(number)],
                object: CausalObject(versions: [version], context: CausalContext()), events: [])
        }
        return TransferReply(
            id: 1, actor: ActorID(1), clock: ReplicaClock(), updates: updates, through: nil, refusal: nil)
    }

    @Test func whatComesTooFastHasToBePaidForInTime() {
        var rate = TransferRate(limit: 1 << 20)
        #expect(rate.pause(now: 1_000) == 0)
        rate.received(part(8, of: 64 << 10), now: 1_000)
        #expect(rate.objects == 8)
        // Half a mebibyte at a mebibyte a second: half a second.
        #expect((500...520).contains(rate.pause(now: 1_000)))
        #expect((200...220).contains(rate.pause(now: 1_300)))
        #expect(rate.pause(now: 1_600) == 0)
    }

    @Test func aPauseIsShorterThanAnExchangeMayTake() {
        var rate = TransferRate(limit: 1)
        rate.received(part(1, of: 10_000), now: 0)
        #expect(rate.pause(now: 0) > 0)
        #expect(rate.pause(now: 0) < Limits.exchangeMilliseconds)
    }

    @Test func theRateIsOfTheLastSeconds() {
        var rate = TransferRate(limit: 1 << 30)
        for _ in 0..<30 {
            rate.received(part(1, of: 100_000), now: 0)
            rate.secondHasPassed()
        }
        #expect((99_000...101_000).contains(rate.bytesPerSecond))
        for _ in 0..<30 { rate.secondHasPassed() }
        #expect(rate.bytesPerSecond < 10)
    }
}
