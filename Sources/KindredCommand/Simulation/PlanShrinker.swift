import KindredSimulator

/// Makes a run that breaks a promise as small as it can: fewer clients, a shorter run, fewer faults; as long as a
/// promise of the same kind is broken. It need not be the same write that is lost.
struct PlanShrinker {
    /// How often a run may be tried.
    let maximumTries: Int
    /// Runs a plan.
    ///
    /// - Returns: the moment at which the promise is broken; nil if it is kept, or another one is broken.
    let breaks: (ReplayPlan) -> VirtualTime?

    private(set) var tries = 0
    /// Whether it ended because nothing more could be taken away one by one, not because the tries ran out.
    private(set) var isMinimal = false

    init(maximumTries: Int, breaks: @escaping (ReplayPlan) -> VirtualTime?) {
        self.maximumTries = maximumTries
        self.breaks = breaks
    }

    /// The smallest plan that was found; `plan` itself, which breaks the promise at `time`, if no smaller one does.
    mutating func shrink(_ plan: ReplayPlan, brokenAt time: VirtualTime) -> ReplayPlan {
        var plan = plan
        var time = time
        dropClients(&plan, &time)
        shorten(&plan, &time)
        dropFaults(&plan, &time)
        shorten(&plan, &time)
        plan.kept = plan.effective
        return plan
    }

    /// Whether the candidate breaks the promise, too; then it is the plan from now on.
    private mutating func take(_ candidate: ReplayPlan, _ plan: inout ReplayPlan, _ time: inout VirtualTime) -> Bool {
        guard tries < maximumTries else { return false }
        tries += 1
        guard let moment = breaks(candidate) else { return false }
        plan = candidate
        time = moment
        return true
    }

    /// The fewest clients: other clients mean other requests, so that one more or less is no smaller step than many.
    private mutating func dropClients(_ plan: inout ReplayPlan, _ time: inout VirtualTime) {
        for clients in 1..<max(1, plan.settings.clients) {
            var candidate = plan
            candidate.settings.clients = clients
            if take(candidate, &plan, &time) { return }
        }
    }

    /// First, as long as it takes to break the promise; then half of that, again and again; at last, in small steps.
    private mutating func shorten(_ plan: inout ReplayPlan, _ time: inout VirtualTime) {
        func duration(_ microseconds: UInt64) -> UInt64 {
            max(SimulatedDuration.range.lowerBound, SimulatedDuration(microseconds: microseconds).microseconds)
        }
        let needed = duration(time.microseconds)
        if needed < plan.settings.duration {
            var candidate = plan
            candidate.settings.duration = needed
            _ = take(candidate, &plan, &time)
        }
        var divisor: UInt64 = 2
        while divisor <= 8 {
            var candidate = plan
            let current = plan.settings.duration
            candidate.settings.duration = duration(current - current / divisor)
            guard candidate.settings.duration < current else { return }
            if !take(candidate, &plan, &time) { divisor *= 2 }
            if tries >= maximumTries { return }
        }
    }

    private mutating func dropFaults(_ plan: inout ReplayPlan, _ time: inout VirtualTime) {
        let base = plan
        var best = plan
        var moment = time
        let run = breaks
        let result = KindredSimulator.shrink(plan.effective, maximumTries: maximumTries - tries) { places in
            var candidate = base
            candidate.kept = places
            guard let broken = run(candidate) else { return false }
            best = candidate
            moment = broken
            return true
        }
        tries += result.tries
        isMinimal = result.isMinimal
        plan = best
        time = moment
        plan.kept = result.items
    }
}
