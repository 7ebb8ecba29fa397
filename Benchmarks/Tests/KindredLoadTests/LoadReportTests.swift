import Histogram
import Testing

@testable import KindredLoad

@Suite struct LoadReportTests {
    @Test func countsAddUp() {
        var first = WorkerCounts()
        first.completed(.get)
        first.record(.get, 1_500_000)
        first.note("overload")
        var second = WorkerCounts()
        second.completed(.put)
        second.record(.put, 2_000)
        second.note("overload", count: 2)
        second.mostSiblings = 3
        second.unsent = 4
        first.add(second)
        #expect(first.completedGets == 1 && first.completedPuts == 1)
        #expect(first.errors == ["overload": 3])
        #expect(first.mostSiblings == 3 && first.unsent == 4)

        var options = LoadOptions()
        options.durationSeconds = 2
        let report = LoadReport(options, first, server: nil, generator: nil)
        #expect(report.operations == 2 && report.operationsPerSecond == 1)
        #expect(report.get.latencyMicroseconds.map { abs($0.p50 - 1_500) < 2 } == true)
        #expect(report.errorCount == 3)
        #expect(report.text().hasSuffix("errors: 3 × \"overload\""))
    }

    @Test func aStallLongerThanTheHistogramIsStillRecorded() {
        var counts = WorkerCounts()
        counts.record(.get, .max)
        #expect(counts.getLatency.totalCount == 1)
    }

    @Test func differentErrorTextsAreBounded() {
        var counts = WorkerCounts()
        for number in 0..<1_000 { counts.note("error \(number)") }
        #expect(counts.errors.count == 51)
        #expect(counts.errors.values.reduce(0, +) == 1_000)
    }

    @Test func valuesCarryTheirKey() {
        let pool = ValuePool(valueSize: 100, seed: 1)
        defer { pool.deallocate() }
        var value = Array(pool.value(.max))
        #expect(value.count == 100)
        value.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            ValueStamp.write(77, to: base, size: bytes.count)
        }
        value.withUnsafeBytes { bytes in
            #expect(ValueStamp.isValue(bytes[...], of: 77, size: 100))
            #expect(!ValueStamp.isValue(bytes[...], of: 78, size: 100))
            #expect(!ValueStamp.isValue(bytes[0..<99], of: 77, size: 100))
        }
    }

    @Test func contextsAreRememberedUpToABound() {
        let memory = ContextMemory(keys: 3)
        defer { memory.deallocate() }
        #expect(memory.context(of: 2).isEmpty)
        let context = [UInt8](repeating: 8, count: RequestLimits.longestContext + 1)
        context.withUnsafeBytes { bytes in
            memory.remember(bytes.dropLast(), of: 2)
            #expect(Array(memory.context(of: 2)) == Array(context.dropLast()))
            memory.remember(bytes[...], of: 2)
            #expect(memory.context(of: 2).isEmpty)
        }
    }

    #if os(Linux)
        @Test func statFieldsAreCountedFromTheName() throws {
            let times = try #require(ProcessTime.parseStat("12 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 4"))
            #expect(times.user == 2_500_000_000 && times.system == 500_000_000)
            #expect(ProcessTime.parseStat("12 (a") == nil)
        }

        @Test func aProcessUsesTime() throws {
            let before = try ProcessTime(of: 1)
            #expect(!before.threads.isEmpty)
            #expect(before.nanoseconds(since: before) == 0)
            #expect(throws: LoadError.self) { try ProcessTime(of: Int32.max) }
        }
    #endif
}
