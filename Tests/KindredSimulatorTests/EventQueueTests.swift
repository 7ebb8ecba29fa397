import KindredSimulator
import KindredTesting
import Testing

@Suite("Event queue")
struct EventQueueTests {
    private struct Scheduled: Equatable {
        let time: VirtualTime
        let number: Int
    }

    @Test("Events are taken by time, and at one time in the order of scheduling", arguments: UInt64(1)...20)
    func order(seed: UInt64) {
        var chance = SplitMix64(seed: seed)
        var queue = EventQueue<Int>()
        // What waits, sorted; an insertion goes after all of the same time.
        var model: [Scheduled] = []
        for number in 0..<2_000 {
            if chance.chance(60) {
                let time = queue.now.advanced(byMicroseconds: UInt64(chance.below(20)))
                queue.schedule(number, at: time)
                let place = model.firstIndex { $0.time > time } ?? model.count
                model.insert(Scheduled(time: time, number: number), at: place)
            } else {
                let taken = queue.takeNext().map { Scheduled(time: $0.time, number: $0.event) }
                #expect(taken == (model.isEmpty ? nil : model.removeFirst()), "seed \(seed)")
                if let taken { #expect(queue.now == taken.time) }
            }
            #expect(queue.count == model.count && queue.nextTime == model.first?.time)
        }
        while let taken = queue.takeNext() {
            #expect(Scheduled(time: taken.time, number: taken.event) == model.removeFirst())
        }
        #expect(model.isEmpty && queue.isEmpty)
    }

    @Test("What is forgotten is not taken, and the others keep their order", arguments: UInt64(1)...20)
    func forgetting(seed: UInt64) {
        var chance = SplitMix64(seed: seed)
        var queue = EventQueue<Int>()
        var model: [Scheduled] = []
        for number in 0..<300 {
            let time = VirtualTime(microseconds: UInt64(chance.below(50)))
            queue.schedule(number, at: time)
            model.append(Scheduled(time: time, number: number))
        }
        queue.removeAll { $0 % 3 == 0 }
        model.removeAll { $0.number % 3 == 0 }
        model.sort { $0.time == $1.time ? $0.number < $1.number : $0.time < $1.time }
        var taken: [Scheduled] = []
        while let next = queue.takeNext() { taken.append(Scheduled(time: next.time, number: next.event)) }
        #expect(taken == model, "seed \(seed)")
    }

    @Test("Time stops at a limit")
    func limit() {
        var queue = EventQueue<String>()
        queue.schedule("late", at: VirtualTime(milliseconds: 10))
        queue.schedule("early", afterMicroseconds: 5_000)
        let limit = VirtualTime(milliseconds: 7)
        #expect(queue.takeNext(notAfter: limit)?.event == "early")
        #expect(queue.now == VirtualTime(milliseconds: 5))
        #expect(queue.takeNext(notAfter: limit) == nil)
        #expect(queue.now == limit)
        #expect(queue.takeNext(notAfter: VirtualTime(milliseconds: 10))?.event == "late")
    }

    @Test("Times are written in seconds")
    func description() {
        #expect(VirtualTime(microseconds: 12_000_345).description == "12.000345")
        #expect(VirtualTime(seconds: 3).description == "3.000000")
        #expect(VirtualTime(seconds: 3).microseconds(since: VirtualTime(milliseconds: 1)) == 2_999_000)
        #expect(VirtualTime.zero.microseconds(since: VirtualTime(seconds: 1)) == 0)
    }
}
