import KindredNode
import Testing

@Suite struct GroupCommitTests {
    private static let millisecond: UInt64 = 1_000_000

    @Test func firstWriteIsSynchronizedAtOnce() {
        var commit = GroupCommit()
        #expect(commit.committed(1, at: 0) == .synchronize)
        #expect(commit.isSynchronizing)
    }

    @Test func writesDuringASynchronizationWaitForTheNext() {
        var commit = GroupCommit()
        _ = commit.committed(1, at: 0)
        #expect(commit.committed(3, at: 10) == .none)
        #expect(commit.timeIsUp(at: 20) == .none)
    }

    @Test func nextOneGathersThoseWhoHaveJustBeenReleased() {
        var commit = GroupCommit()
        _ = commit.committed(4, at: 0)
        _ = commit.committed(4, at: 10)
        // Eight writers in all: four wait, and the four that are told now will be back within half a synchronization.
        let duration = Self.millisecond
        #expect(commit.finished(at: duration) == .wake(atNanoseconds: duration + duration / 2))
        #expect(commit.committed(3, at: duration + 10) == .none)
        #expect(commit.committed(1, at: duration + 20) == .synchronize)
    }

    @Test func gatheringEndsWhenTimeIsUp() {
        var commit = GroupCommit()
        _ = commit.committed(4, at: 0)
        _ = commit.committed(1, at: 10)
        guard case .wake(let moment) = commit.finished(at: 400_000) else {
            Issue.record("expected to gather")
            return
        }
        #expect(moment == 600_000)
        #expect(commit.timeIsUp(at: moment) == .synchronize)
        #expect(commit.timeIsUp(at: moment + 1) == .none)
    }

    @Test func nobodyWaitsLongerThanTheLimit() {
        var commit = GroupCommit()
        _ = commit.committed(2, at: 0)
        _ = commit.committed(1, at: 10)
        let slow: UInt64 = 500 * Self.millisecond
        #expect(commit.finished(at: slow) == .wake(atNanoseconds: slow + GroupCommit.maximumDelayNanoseconds))
    }

    @Test func aQuietDiskServesTheNextWriteAtOnce() {
        var commit = GroupCommit()
        _ = commit.committed(8, at: 0)
        #expect(commit.finished(at: 100) == .none)
        #expect(commit.committed(1, at: 10 * Self.millisecond) == .synchronize)
    }

    /// Whatever comes in whatever order: never two at once, and no write is forgotten.
    @Test(arguments: 0..<50) func everyWriteIsCoveredAndNoTwoOverlap(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: UInt64) -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state % bound
        }
        var commit = GroupCommit()
        var now: UInt64 = 0
        var underWay = false
        var uncovered = 0
        var wake: UInt64?
        func act(_ action: GroupCommit.Action) {
            switch action {
            case .none: break
            case .wake(let moment): wake = moment
            case .synchronize:
                #expect(!underWay, "seed \(seed)")
                underWay = true
                uncovered = 0
            }
        }
        for _ in 0..<500 {
            now += random(400_000)
            switch random(3) {
            case 0:
                uncovered += 1
                act(commit.committed(1, at: now))
            case 1 where underWay:
                underWay = false
                act(commit.finished(at: now))
            default:
                if let moment = wake, moment <= now {
                    wake = nil
                    act(commit.timeIsUp(at: now))
                }
            }
        }
        for _ in 0..<4 {
            if underWay {
                underWay = false
                act(commit.finished(at: now))
            }
            if let moment = wake {
                wake = nil
                now = max(now, moment)
                act(commit.timeIsUp(at: now))
            }
        }
        #expect(uncovered == 0, "seed \(seed)")
    }
}
