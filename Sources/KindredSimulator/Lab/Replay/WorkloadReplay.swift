package import KindredModel

/// Answers what each strategy would have made of a recorded workload.
///
/// Keys have nothing to do with each other, so each is replayed by itself. The same workload gives the same result.
package struct WorkloadReplay: Sendable {
    package let workload: RecordedWorkload
    /// After how many milliseconds replicas hear of each other's writes; nil for "as the recording shows".
    package let lag: UInt64?

    package init(_ workload: RecordedWorkload, lag: UInt64? = nil) {
        self.workload = workload
        self.lag = lag
    }

    package func run(_ strategy: ConflictStrategy) -> ReplayResult {
        var result = ReplayResult(strategy)
        for key in workload.keys {
            var replay = KeyReplay(key, under: strategy, nodes: workload.nodes.count, lag: lag)
            replay.run(key, until: workload.ended, into: &result)
        }
        return result
    }
}
