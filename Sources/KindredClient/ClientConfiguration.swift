/// How patient a client is, and how much it takes.
public struct ClientConfiguration: Hashable, Sendable {
    /// How long connecting may take, name resolution included.
    public var connectTimeout: Duration = .seconds(5)
    /// How long an answer, or the next piece of a listing, may take to arrive in full.
    public var requestTimeout: Duration = .seconds(30)
    /// The largest answer taken, up to 1 GiB. Siblings come in one answer, so this must hold as many of the largest values as may be
    /// concurrent.
    public var maximumAnswerBytes = 256 << 20
    /// How many requests may wait for their answers on the connection.
    public var maximumPendingRequests = 1_024

    /// The usual patience.
    public init() {}
}
