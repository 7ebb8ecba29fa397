import KindredSimulator
import KindredTesting
import Testing

@Suite("Simulated clock")
struct SimulatedClockTests {
    private func seconds(_ seconds: UInt64) -> VirtualTime { VirtualTime(seconds: seconds) }

    @Test("A correct clock shows the epoch and what has passed since")
    func correct() {
        let clock = SimulatedClock()
        #expect(clock.wallMilliseconds(at: .zero) == SimulatedClock.epochMilliseconds)
        #expect(clock.wallMilliseconds(at: seconds(5)) == SimulatedClock.epochMilliseconds + 5_000)
        #expect(clock.monotonicMicroseconds(at: seconds(5)) == 5_000_000)
        #expect(clock.errorMilliseconds(at: seconds(5)) == 0)
    }

    @Test("Jumps move the wall clock only")
    func jumps() {
        var clock = SimulatedClock(offsetMilliseconds: 300)
        clock.jump(byMilliseconds: -1_000)
        #expect(clock.wallMilliseconds(at: seconds(5)) == SimulatedClock.epochMilliseconds + 4_300)
        #expect(clock.errorMilliseconds(at: seconds(5)) == -700)
        #expect(clock.monotonicMicroseconds(at: seconds(5)) == 5_000_000)
        clock.correct(at: seconds(6))
        #expect(clock.errorMilliseconds(at: seconds(7)) == 0)
    }

    @Test("Drift adds up while it lasts, for more than a century, and ends")
    func drift() {
        var clock = SimulatedClock()
        clock.setDrift(partsPerMillion: 1_000, at: seconds(10))
        #expect(clock.monotonicMicroseconds(at: seconds(20)) == 20_010_000)
        #expect(clock.errorMilliseconds(at: seconds(20)) == 10)
        #expect(clock.errorMilliseconds(at: seconds(4_000_000_010)) == 4_000_000_000)
        clock.setDrift(partsPerMillion: -1_000, at: seconds(20))
        #expect(clock.errorMilliseconds(at: seconds(30)) == 0)
        clock.setDrift(partsPerMillion: 0, at: seconds(40))
        #expect(clock.errorMilliseconds(at: seconds(90)) == -10)
        clock.correct(at: seconds(90))
        #expect(clock.errorMilliseconds(at: seconds(200)) == 0)
    }

    @Test("The wall clock ends at zero")
    func zero() {
        #expect(SimulatedClock(offsetMilliseconds: -2_000_000_000_000).wallMilliseconds(at: .zero) == 0)
    }

    @Test("Whatever happens to it, the monotonic clock never goes back", arguments: UInt64(1)...50)
    func monotonic(seed: UInt64) {
        var chance = SplitMix64(seed: seed)
        var clock = SimulatedClock()
        var now = VirtualTime.zero
        var last: UInt64 = 0
        for _ in 0..<1_000 {
            switch chance.below(6) {
            case 0: clock.jump(byMilliseconds: Int64(chance.below(100_000)) - 50_000)
            case 1: clock.setDrift(partsPerMillion: chance.below(3_000_000) - 1_500_000, at: now)
            case 2: clock.correct(at: now)
            default: now = now.advanced(byMicroseconds: UInt64(chance.below(chance.chance(50) ? 3 : 3_000_000)))
            }
            let shown = clock.monotonicMicroseconds(at: now)
            #expect(shown >= last, "seed \(seed)")
            last = shown
        }
    }
}
