import KindredModel
import KindredReplication

/// Counts what full transfers bring, and holds them back when they bring it too fast: they must not take the disk and the network away from
/// clients.
struct TransferRate {
    private(set) var objects: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    /// Over the last seconds.
    private(set) var bytesPerSecond: Double = 0
    /// How many bytes a second are allowed.
    let limit: UInt64

    private var atLastSecond: UInt64 = 0
    /// Until when what has come is paid for, in milliseconds.
    private var paidUntil: UInt64 = 0

    init(limit: UInt64) {
        self.limit = max(limit, 1)
    }

    mutating func received(_ reply: TransferReply, now: UInt64) {
        objects += UInt64(reply.updates.count)
        let size = reply.updates.reduce(0) { sum, update in
            sum + update.address.count + update.object.versions.reduce(32) { $0 + 32 + ($1.content?.count ?? 0) }
        }
        bytes += UInt64(size)
        paidUntil = max(paidUntil, now) + UInt64(size) * 1_000 / limit
    }

    mutating func secondHasPassed() {
        bytesPerSecond = 0.7 * bytesPerSecond + 0.3 * Double(bytes - atLastSecond)
        atLastSecond = bytes
    }

    /// How long the next request for a part has to wait, in milliseconds. Less than an exchange may take.
    func pause(now: UInt64) -> UInt64 {
        paidUntil > now ? min(paidUntil - now, Limits.exchangeMilliseconds / 2) : 0
    }
}
