import KindredModel
import KindredTesting
import Testing

@Suite struct HybridLogicalClockTests {
    @Test("timestamps follow the wall clock in milliseconds while it advances")
    func followsWallClock() {
        var clock = HybridLogicalClock()
        for wall in [1, 2, 1_000, 1_764_000_000_000] as [UInt64] {
            #expect(clock.tick(wall: wall) == HybridTimestamp(milliseconds: wall))
            #expect(clock.last.milliseconds == wall)
        }
    }

    @Test("timestamps never repeat or go back, whatever the wall clock does and others say")
    func isMonotonic() {
        for seed in Seeds.upTo(300) {
            var random = SplitMix64(seed: seed)
            var clock = HybridLogicalClock(floor: HybridTimestamp(milliseconds: UInt64(random.below(1_000))))
            var last = clock.last
            var wall: UInt64 = 500
            for _ in 0..<60 {
                switch random.below(10) {
                case 0: wall = 0
                case 1: wall = UInt64(random.below(2_000))
                case 2: wall = .max
                case 3...5: wall = wall &+ UInt64(random.below(3))
                default: break
                }
                if wall == .max { wall = UInt64(random.below(5_000)) }
                if random.chance(30) {
                    let other = HybridTimestamp(rawValue: UInt64(random.below(3_000 << 16)))
                    try? clock.observe(other, wall: wall, maximumSkew: 500)
                }
                let seen = random.chance(30) ? HybridTimestamp(rawValue: UInt64(random.below(4_000 << 16))) : .zero
                let now = clock.tick(wall: wall, after: seen)
                guard
                    Issue.unless(
                        now > last && now > seen && now >= HybridTimestamp(milliseconds: wall),
                        "seed \(seed): \(now.rawValue) after \(last.rawValue), having seen \(seen.rawValue), wall \(wall)"
                    )
                else { return }
                last = now
            }
        }
    }

    @Test("a writer's timestamp is later than what it has seen, though the wall clock is slow")
    func afterSeen() {
        var slow = HybridLogicalClock()
        let seen = HybridTimestamp(milliseconds: 5_000)
        #expect(slow.tick(wall: 10, after: seen) == HybridTimestamp(rawValue: seen.rawValue + 1))
        #expect(slow.tick(wall: 10) == HybridTimestamp(rawValue: seen.rawValue + 2))
        #expect(slow.tick(wall: 5_001) == HybridTimestamp(milliseconds: 5_001))
    }

    @Test("more events than fit into a millisecond carry into the next")
    func logicalOverflow() {
        var clock = HybridLogicalClock(floor: HybridTimestamp(rawValue: 7 << 16 | 0xFFFF))
        #expect(clock.tick(wall: 7) == HybridTimestamp(milliseconds: 8))
        #expect(clock.tick(wall: 7) == HybridTimestamp(rawValue: 8 << 16 | 1))
        #expect(clock.tick(wall: 8) == HybridTimestamp(rawValue: 8 << 16 | 2))
    }

    @Test("the end of time does not trap")
    func endOfTime() {
        var clock = HybridLogicalClock(floor: HybridTimestamp(rawValue: .max - 1))
        #expect(clock.tick(wall: .max).rawValue == .max)
        #expect(clock.tick(wall: .max).rawValue == .max)
        #expect(HybridTimestamp(milliseconds: .max) == HybridTimestamp(rawValue: 0xFFFF_FFFF_FFFF_0000))
    }

    @Test("nothing at or below the floor is handed out")
    func floor() {
        var clock = HybridLogicalClock(floor: HybridTimestamp(milliseconds: 100))
        #expect(clock.tick(wall: 3) > HybridTimestamp(milliseconds: 100))
    }

    @Test("a clock that is too far ahead is refused and changes nothing; one at the bound is not")
    func skew() throws {
        var clock = HybridLogicalClock(floor: HybridTimestamp(milliseconds: 1_000))
        #expect(throws: ClockSkew(milliseconds: 501)) {
            try clock.observe(HybridTimestamp(milliseconds: 1_501), wall: 1_000, maximumSkew: 500)
        }
        #expect(clock.last == HybridTimestamp(milliseconds: 1_000))
        // Events within the last allowed millisecond are still allowed.
        let latest = HybridTimestamp(rawValue: 1_500 << 16 | 0xFFFF)
        try clock.observe(latest, wall: 1_000, maximumSkew: 500)
        #expect(clock.last == latest)
        try clock.observe(HybridTimestamp(milliseconds: 1_200), wall: 1_000, maximumSkew: 500)
        #expect(clock.last == latest)
        try clock.observe(HybridTimestamp(rawValue: .max), wall: 2, maximumSkew: .max)
        #expect(clock.last.rawValue == .max)
    }
}
