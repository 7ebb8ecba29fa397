import ArgumentParser
import KindredNode

extension ClusterClient {
    /// A plan, and a report of the same nodes.
    func planWithReport() async throws(CommandFailure) -> (plan: NodeAnswer<PlanReport>, report: ClusterReport) {
        for _ in 0..<5 {
            let plan = try await plan()
            let report = try await report().value
            if report.membershipEpoch == plan.value.membershipEpoch { return (plan, report) }
        }
        throw CommandFailure(.failure, "the nodes change too fast to make a plan. Try again in a moment.")
    }
}

/// `kindred cluster plan`
struct ClusterPlan: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a commit of the staged changes would do.",
        discussion: """
            Nothing changes by it. With nothing staged, it shows what is not where it belongs: after a node was lost, or \
            a commit was given up.

            EXAMPLES
              kindred cluster plan
              kindred cluster plan --verbose
              kindred cluster plan --json | jq .movedReplicas
            """)

    @Flag(help: "List the partitions, too.")
    var verbose = false
    @OptionGroup var common: OperatorOptions

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        let (plan, report) = try await cluster.planWithReport()
        let page = PlanPage(plan.value, report)
        if common.json {
            console.print(json: plan.text)
        } else {
            console.print(page.lines(verbose: verbose))
            if !page.isEmpty, page.summary.faults.isEmpty {
                console.print([
                    "", "Nothing has changed yet. To do it:",
                    StyledLine(common.next("commit --plan \(plan.value.membershipEpoch)")),
                ])
            }
        }
        return page.summary.faults.isEmpty ? .success : .failure
    }
}

/// `kindred cluster commit`
struct ClusterCommit: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit",
        abstract: "Put the staged changes into effect.",
        discussion: """
            Shows the plan and asks before it does anything; without a terminal, --yes must say that nobody needs to be \
            asked. Replicas move a few partitions at a time, while clients read and write. With --wait it shows how far \
            that is; Control-C ends the waiting, not the moving.

            EXAMPLES
              kindred cluster commit
              kindred cluster commit --plan 7 --yes --wait
            """)

    @Option(help: ArgumentHelp("Only if the plan is still the one for this membership epoch.", valueName: "epoch"))
    var plan: UInt64?
    @Flag(help: "Do not ask.")
    var yes = false
    @Flag(help: "Wait until everything has moved.")
    var wait = false
    @OptionGroup var common: OperatorOptions

    private struct Committed: Encodable {
        var plan: PlanReport
        /// How long everything took; nil if nobody waited.
        var seconds: Double?
    }

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        let confirmation = Confirmation(console: console, isGiven: yes, isSilent: common.json)
        try confirmation.check()
        let (answer, report) = try await cluster.planWithReport()
        let planned = answer.value
        if let plan, plan != planned.membershipEpoch {
            throw CommandFailure(
                .failure,
                "the nodes have changed since plan \(plan): see 'kindred cluster plan' for what would be done now")
        }
        let page = PlanPage(planned, report)
        if !common.json { console.print(page.lines(verbose: false)) }
        guard page.summary.faults.isEmpty else {
            throw CommandFailure(
                .failure, "not committed: the plan is not what it should be. \(page.summary.faults[0])")
        }
        if page.isEmpty {
            if common.json { try console.print(json: Committed(plan: planned)) }
            return .success
        }
        guard try confirmation.ask("Do it?") else {
            console.complain("kindred: not committed; what is staged stays staged")
            return .failure
        }
        // The epoch tells of other nodes, not of other changes that somebody may have staged while the question was open.
        guard try await cluster.plan().value.changes == planned.changes else {
            throw CommandFailure(
                .failure, "not committed: other changes have been staged meanwhile; see 'kindred cluster plan'")
        }
        try await cluster.commit(planFor: planned.membershipEpoch)
        var seconds: Double?
        if wait {
            var waiting = TransferWait(cluster, console, total: planned.partitions.count, isSilent: common.json)
            seconds = try await waiting.run()
        }
        if common.json {
            try console.print(json: Committed(plan: planned, seconds: seconds))
        } else if let seconds {
            console.print(
                "done: \(Page.count(planned.partitions.count, "partition")) changed in \(SimulationProgress.duration(seconds))"
            )
        } else {
            console.print(["committed. See how far it is:", StyledLine(common.next("transfers --watch"))])
        }
        return .success
    }
}

/// `kindred cluster cancel`
struct ClusterCancel: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Give up what has not been done yet of the last commit.",
        discussion: """
            Partitions whose new members count already go on. The nodes stay as the commit made them: a plan without \
            staged changes would go on where it was given up, and 'join' or 'leave' can turn it back.

            EXAMPLES
              kindred cluster cancel
            """)

    @OptionGroup var common: OperatorOptions

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        // A cancellation of nothing would still count as a change of the nodes, and make plans stale.
        guard try await !cluster.report().value.transfers.isEmpty else {
            if common.json {
                try console.print(json: ClusterClient.Cancellation(tooLate: []))
            } else {
                console.print("No partition is changing its members: there is nothing to give up.")
            }
            return .success
        }
        let answer = try await cluster.cancel()
        if common.json {
            console.print(json: answer.text)
        } else {
            console.print(Self.lines(answer.value, common))
        }
        return .success
    }

    static func lines(_ cancellation: ClusterClient.Cancellation, _ common: OperatorOptions) -> [StyledLine] {
        var lines: [StyledLine] = []
        if cancellation.tooLate.isEmpty {
            lines.append("Given up: no member changes any more.")
        } else {
            let numbers = cancellation.tooLate.map { "\($0)" }.joined(separator: ", ")
            lines.append(
                StyledLine("Given up, but for \(Page.count(cancellation.tooLate.count, "partition")) it is too late:"))
            lines.append(StyledLine("  \(numbers)"))
            lines.append("Their new members count already, and they go on.")
        }
        return lines + ["What would still have to move:", StyledLine(common.next("plan"))]
    }
}
