extension Limits {
    // MARK: Coordination

    /// How many clients wait at a node's coordinator at one time; more are told "overload". At a millisecond each,
    /// these are ten million requests a second: whoever has so many waiting has stopped, and should say so instead of
    /// collecting more.
    package static let requestsUnderWay = 10_000
    /// No request keeps its place longer than this, whatever its client asks for.
    package static let requestTimeoutMilliseconds: UInt64 = 3_600_000
    /// How many writes a coordinator remembers so that sending them again is not writing twice. The oldest are
    /// forgotten first.
    package static let rememberedRequests = 4_096
    /// How many bytes of objects, about, those writes may hold on to.
    package static let rememberedBytes = 64 << 20
    /// A member that does not answer is asked again after so many milliseconds, once more after as many, and from then
    /// on after twice the time each. Longer than a slow `fdatasync`, much shorter than a client's patience.
    package static let retryMilliseconds: UInt64 = 200
    /// The longest pause between two tries.
    package static let retryMaximumMilliseconds: UInt64 = 6_400
    /// How long a read that has been answered waits for the other replicas' answers, to repair what differs.
    package static let readRepairMilliseconds: UInt64 = 500
    /// How often a new leader repeats its question.
    package static let promiseRetryMilliseconds: UInt64 = 500
}
