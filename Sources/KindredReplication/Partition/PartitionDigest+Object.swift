import KindredModel

extension PartitionDigest {
    /// Adds an object's share to the sum.
    mutating func add(_ key: [UInt8], _ versions: [Version]) {
        guard let share = PartitionDigest.share(key, versions) else { return }
        let (sum, carry) = low.addingReportingOverflow(share.low)
        low = sum
        high = high &+ share.high &+ (carry ? 1 : 0)
    }

    /// Takes an object's share out of the sum.
    mutating func remove(_ key: [UInt8], _ versions: [Version]) {
        guard let share = PartitionDigest.share(key, versions) else { return }
        let (difference, borrow) = low.subtractingReportingOverflow(share.low)
        low = difference
        high = high &- share.high &- (borrow ? 1 : 0)
    }

    /// FNV-1a over the key and the dot of the latest version, in two lanes that are mixed apart. What replicas drop at different times is
    /// left out: tombstones, and after a change to last-write-wins the earlier siblings, by whatever strategy they are seen. Nil if
    /// nothing is left: the sum is then the same as without the object.
    private static func share(_ key: [UInt8], _ versions: [Version]) -> PartitionDigest? {
        let values = versions.lazy.filter { !$0.isTombstone }
        guard let latest = values.max(by: { $1.isLater(than: $0) }) else { return nil }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ value: UInt64) { hash = (hash ^ value) &* 0x0000_0100_0000_01b3 }
        for byte in key { mix(UInt64(byte)) }
        mix(UInt64(latest.dot.actor.rawValue))
        mix(latest.dot.counter)
        return PartitionDigest(
            high: finished(hash ^ 0x9e37_79b9_7f4a_7c15), low: finished(hash &+ 0xc2b2_ae3d_27d4_eb4f))
    }

    /// The finalizer of MurmurHash3.
    private static func finished(_ value: UInt64) -> UInt64 {
        var hash = value
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        hash = hash &* 0xc4ce_b9fe_1a85_ec53
        return hash ^ hash >> 33
    }
}
