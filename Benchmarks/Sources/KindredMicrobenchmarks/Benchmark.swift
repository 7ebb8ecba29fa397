import CAllocationCount

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One operation to measure.
struct Benchmark {
    let name: String
    /// Nanoseconds that it must stay below, if it has a target.
    let nanosecondTarget: Double?
    /// Whether it must not allocate.
    let mustNotAllocate: Bool
    /// Does the operation so many times.
    let repeated: (_ times: Int) -> Void

    init(
        _ name: String, below nanosecondTarget: Double? = nil, mustNotAllocate: Bool = false,
        _ repeated: @escaping (_ times: Int) -> Void
    ) {
        self.name = name
        self.nanosecondTarget = nanosecondTarget
        self.mustNotAllocate = mustNotAllocate
        self.repeated = repeated
    }

    /// What a benchmark came to. CPU time of the thread, so that other work on the machine counts little.
    struct Result: Codable {
        var name: String
        /// The median over the samples.
        var nanoseconds: Double
        /// The fastest and the slowest sample.
        var fastest: Double
        var slowest: Double
        /// Allocations of one operation; nil where they can't be counted.
        var allocations: Double?
        var nanosecondTarget: Double?
        var mustNotAllocate: Bool

        /// Whether the targets are met; nil without a target. An allocation that was not counted misses none.
        var isMet: Bool? {
            if nanosecondTarget == nil && !mustNotAllocate { return nil }
            return nanosecondTarget.map { nanoseconds < $0 } ?? true && !(mustNotAllocate && allocations ?? 0 > 0)
        }
    }

    /// Measures: as many repetitions as fill a sample, some to warm up, then the samples.
    func measure(samples: Int, sampleSeconds: Double) -> Result {
        var times = 1
        while time(times) < sampleSeconds * 1e9, times < 1 << 40 { times *= 2 }
        let perOperation = (0..<samples).map { _ in time(times) / Double(times) }.sorted()
        let before = allocation_count()
        repeated(1_000)
        let allocations = Double(allocation_count() - before) / 1_000
        return Result(
            name: name, nanoseconds: perOperation[samples / 2], fastest: perOperation[0],
            slowest: perOperation[samples - 1],
            allocations: allocation_count_is_available() == 1 ? allocations : nil,
            nanosecondTarget: nanosecondTarget, mustNotAllocate: mustNotAllocate)
    }

    private func time(_ times: Int) -> Double {
        let start = threadTime()
        repeated(times)
        return threadTime() - start
    }
}

/// The CPU time of this thread in nanoseconds.
func threadTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Takes a result, so that the optimiser can't leave out the work that led to it.
@inline(never)
@_optimize(none)
func keep<Value>(_ value: borrowing Value) {}
