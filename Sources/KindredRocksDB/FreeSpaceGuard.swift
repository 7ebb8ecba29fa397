/// Refuses commits before the file system is full, because RocksDB comes out of a write that fails half-way only by
/// being reopened, and needs room itself to tidy up.
///
/// The file system is asked rarely: after `interval`, or when an eighth of the reserve has been written since. In
/// between what is written is subtracted. While commits are refused it is asked more often, so that they resume soon
/// after there is space again, with nobody's help.
struct FreeSpaceGuard {
    /// How long a measurement is good for, in nanoseconds: while there is room, and while there is none.
    static let interval: UInt64 = 250_000_000
    static let intervalWhileFull: UInt64 = 10_000_000

    let reserve: UInt64

    private var measured: UInt64 = 0
    private var measuredAt: UInt64?
    private var writtenSince: UInt64 = 0
    private var isFull = false

    init(reserve: UInt64) {
        self.reserve = reserve
    }

    /// Whether `byteCount` more bytes may be written: nil if so, and otherwise how many bytes the file system has left.
    ///
    /// - Parameters:
    ///   - now: nanoseconds on a monotonic clock.
    ///   - measure: asks the file system; nil if it does not say, and then everything is admitted.
    mutating func refusal(of byteCount: Int, now: UInt64, measure: () -> UInt64?) -> UInt64? {
        let bytes = UInt64(clamping: byteCount)
        if needsMeasurement(adding: bytes, now: now) {
            guard let free = measure() else {
                isFull = false
                return nil
            }
            measured = free
            measuredAt = now
            writtenSince = 0
        }
        let (needed, overflow) = reserve.addingReportingOverflow(writtenSince &+ bytes)
        isFull = overflow || measured < needed
        if isFull { return measured - min(measured, writtenSince) }
        writtenSince &+= bytes
        return nil
    }

    private func needsMeasurement(adding bytes: UInt64, now: UInt64) -> Bool {
        guard let measuredAt else { return true }
        let age = now &- measuredAt
        if isFull { return age >= Self.intervalWhileFull }
        return age >= Self.interval || writtenSince &+ bytes > reserve / 8
    }
}
