import KindredReplication
import Testing

@testable import KindredNode

/// What is made of the measured clocks. Everything is in milliseconds, but for measurements.
@Suite struct ClockWatchTests {
    private static func measured(_ offset: Int64, uncertainty: Int64 = 1, age: UInt64 = 0) -> ClockMeasurement {
        ClockMeasurement(offset: offset * 1_000, uncertainty: uncertainty * 1_000, age: age)
    }

    /// Peers 2, 3, … with these offsets.
    private static func peers(_ offsets: Int64..., uncertainty: Int64 = 1) -> [NodeID: ClockMeasurement] {
        Dictionary(
            uniqueKeysWithValues: offsets.enumerated().map {
                (NodeID(UInt32($0) + 2), measured($1, uncertainty: uncertainty))
            })
    }

    private static func level(_ watch: ClockWatch, of node: UInt32 = 2) -> ClockLevel? {
        watch.peers[NodeID(node)]?.level
    }

    @Test(
        "more than half of the limit is a warning, ahead or behind; more than the limit is refused",
        arguments: [
            (0, .ok), (250, .ok), (251, .warning), (-251, .warning), (501, .warning), (502, .refused), (-502, .refused),
            (Int64.max / 2_000, .refused), (Int64.min / 2_000, .refused),
        ] as [(Int64, ClockLevel)])
    func levels(_ offset: Int64, _ level: ClockLevel) {
        var watch = ClockWatch()
        _ = watch.observe(Self.peers(offset), hybridLead: 0, now: 0)
        #expect(Self.level(watch) == level)
    }

    @Test("what the measurement may be wrong by is no reason to refuse, but no excuse for a warning")
    func uncertainty() {
        var watch = ClockWatch()
        _ = watch.observe(Self.peers(-700, -700, uncertainty: 200), hybridLead: 0, now: 0)
        #expect(Self.level(watch) == .warning)
        #expect(watch.refusal == nil)
        _ = watch.observe(Self.peers(-701, -701, uncertainty: 200), hybridLead: 0, now: 0)
        #expect(Self.level(watch) == .refused)
        #expect(watch.refusal == 701)
    }

    @Test("a level that was reached is left with a margin of a tenth")
    func hysteresis() {
        var watch = ClockWatch()
        let course: [(offset: Int64, level: ClockLevel)] = [
            (240, .ok), (251, .warning), (226, .warning), (225, .ok), (240, .ok), (510, .refused), (460, .refused),
            (451, .warning), (490, .warning), (510, .refused), (0, .ok),
        ]
        for (offset, level) in course {
            _ = watch.observe(Self.peers(offset), hybridLead: 0, now: 0)
            #expect(Self.level(watch) == level, "at \(offset)")
        }
    }

    @Test("a node refuses if it is ahead of more than half of its peers, whatever the others are")
    func majority() {
        func refusal(_ offsets: [Int64]) -> UInt64? {
            var watch = ClockWatch()
            let peers = Dictionary(
                uniqueKeysWithValues: offsets.enumerated().map { (NodeID(UInt32($0) + 2), Self.measured($1)) })
            _ = watch.observe(peers, hybridLead: 0, now: 0)
            return watch.refusal
        }
        #expect(refusal([-600]) == 600)
        #expect(refusal([-600, 0]) == nil)
        #expect(refusal([-600, -900]) == 600)
        #expect(refusal([-600, -600, 0]) == 600)
        #expect(refusal([-600, 0, 9_000]) == nil)
        #expect(refusal([-600, -600, 0, 0]) == nil)
        #expect(refusal([-600, -700, -800, 0]) == 600)
        #expect(refusal([]) == nil)
        // One that is behind loses its own writes only.
        #expect(refusal([600, 600]) == nil)
    }

    @Test("the refusal is taken back with a margin, once the measurement is good")
    func takenBack() {
        var watch = ClockWatch()
        _ = watch.observe(Self.peers(-600, -600), hybridLead: 0, now: 0)
        #expect(watch.refusal == 600)
        _ = watch.observe(Self.peers(-470, -470), hybridLead: 0, now: 200)
        #expect(watch.refusal == 470)
        _ = watch.observe(Self.peers(-450, -450), hybridLead: 0, now: 400)
        #expect(watch.refusal == nil)
        _ = watch.observe(Self.peers(-470, -470), hybridLead: 0, now: 600)
        #expect(watch.refusal == nil)
    }

    @Test("timestamps count, not the clock: hybrid time that is still ahead goes on being refused")
    func hybridTime() {
        var watch = ClockWatch()
        _ = watch.observe(Self.peers(0, 0), hybridLead: 400, now: 0)
        #expect(watch.refusal == nil)
        _ = watch.observe(Self.peers(-200, -200), hybridLead: 400, now: 0)
        #expect(watch.refusal == 600)
        _ = watch.observe(Self.peers(0, 0), hybridLead: 3_000, now: 0)
        #expect(watch.refusal == 3_000)
        // As much as its own clock is behind the others', it is not ahead of them.
        _ = watch.observe(Self.peers(3_000, 3_000), hybridLead: 3_000, now: 0)
        #expect(watch.refusal == nil)
        _ = watch.observe(Self.peers(0), hybridLead: .max, now: 0)
        #expect(watch.refusal == Limits.clockMilliseconds)
    }

    @Test("an old measurement does not count, and without any the refusal stays as it was")
    func expiry() {
        var watch = ClockWatch()
        let limit = Limits.clockFreshMilliseconds
        _ = watch.observe([NodeID(2): Self.measured(-600, age: limit + 1)], hybridLead: 0, now: 0)
        #expect(watch.peers.isEmpty && watch.refusal == nil && watch.lead == nil)
        _ = watch.observe([NodeID(2): Self.measured(-600, age: limit)], hybridLead: 0, now: 0)
        #expect(watch.refusal == 600)
        _ = watch.observe([NodeID(2): Self.measured(0, age: limit + 1)], hybridLead: 0, now: 0)
        #expect(watch.peers.isEmpty && watch.refusal == 600 && watch.lead == nil)
        _ = watch.observe(Self.peers(0), hybridLead: 0, now: 0)
        #expect(watch.refusal == nil)
    }

    @Test("what changes is told, what lasts is told once a minute, and what comes and goes not each time")
    func pace() {
        var watch = ClockWatch()
        func told(_ offset: Int64, _ now: UInt64) -> [ClockLevel] {
            watch.observe(Self.peers(offset), hybridLead: 0, now: now).compactMap {
                if case .peer(_, let level, _) = $0 { level } else { nil }
            }
        }
        #expect(told(0, 0) == [])
        #expect(told(300, 1_000) == [.warning])
        #expect(told(300, 60_999) == [])
        #expect(told(300, 61_000) == [.warning])
        #expect(told(600, 61_200) == [.refused])
        #expect(told(0, 61_400) == [])
        #expect(told(0, 66_200) == [.ok])
        #expect(told(300, 66_400) == [.warning])
        #expect(told(0, 67_000) == [])
        #expect(told(300, 67_200) == [])
        #expect(told(0, 200_000) == [.ok])
        #expect(told(0, 900_000) == [])
    }

    @Test("the own refusal is told, and told again, and its end")
    func ownPace() {
        var watch = ClockWatch()
        func told(_ offset: Int64, _ now: UInt64) -> [ClockWatch.News] {
            watch.observe(Self.peers(offset), hybridLead: 0, now: now).filter {
                if case .peer = $0 { false } else { true }
            }
        }
        #expect(told(-600, 0) == [.refuses(aheadMilliseconds: 600)])
        #expect(told(-700, 59_000) == [])
        #expect(told(-700, 60_000) == [.refuses(aheadMilliseconds: 700)])
        #expect(told(0, 70_000) == [.takes])
        #expect(told(0, 700_000) == [])
    }

    @Test("a report has every node of the cluster, measured or not, and each pair is spoken of by the one ahead")
    func report() {
        var watch = ClockWatch()
        _ = watch.observe(Self.peers(-300, -600), hybridLead: 0, now: 0)
        let report = watch.report([(NodeID(2), "b"), (NodeID(3), "c"), (NodeID(4), "d")])
        #expect(report.peers.map(\.state) == ["warning", "refused", "unknown"])
        #expect(report.peers.map(\.offsetMilliseconds) == [-300, -600, nil])
        #expect(report.aheadMilliseconds == 300 && !report.refusesLastWriteWins)
        #expect(
            report.warnings(of: "a") == [
                "the clock of a is 300 ms ahead of that of b: more than half of the 500 ms that are allowed",
                "the clock of a is 600 ms ahead of that of c: more than 500 ms, so c refuses last-write-wins writes of a",
            ])
        _ = watch.observe(Self.peers(300, 600), hybridLead: 0, now: 0)
        #expect(watch.report([(NodeID(2), "b"), (NodeID(3), "c")]).warnings(of: "a") == [])
        _ = watch.observe(Self.peers(-700, -600), hybridLead: 0, now: 0)
        #expect(
            watch.report([]).warnings(of: "a")
                == [
                    "a is 600 ms ahead of most other nodes, and coordinates no last-write-wins writes until that is over"
                ])
    }
}

/// How often the log speaks of a key.
@Suite struct KeyAlarmsTests {
    @Test("each key once a minute, and keys that share a place once a second")
    func pace() {
        var alarms = KeyAlarms()
        let (one, other) = (UInt64(7), UInt64(7 + Limits.keyAlarms))
        #expect(alarms.admits(one, now: 0) == true)
        #expect(alarms.admits(8, now: 0) == true)
        #expect(alarms.admits(one, now: 59_999) == false)
        #expect(alarms.admits(one, now: 60_000) == true)
        #expect(alarms.admits(other, now: 60_999) == false)
        #expect(alarms.admits(other, now: 61_000) == true)
        #expect(alarms.admits(one, now: 61_999) == false)
        #expect(alarms.admits(.max, now: 0) == true)
    }
}
