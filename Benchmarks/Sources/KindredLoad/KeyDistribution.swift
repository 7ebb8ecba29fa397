#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Steele, Lea and Flood's SplitMix64: the same seed gives the same run.
package struct SplitMix64: Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// A number in `0 ..< bound`, by multiplication (the bias is below `bound / 2^64`). `bound` must be above 0.
    package mutating func next(below bound: UInt64) -> UInt64 {
        next().multipliedFullWidth(by: bound).high
    }

    /// A number in `0 ..< 1` with 53 random bits.
    package mutating func nextUnit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// SplitMix64's finaliser: a bijection that scatters neighbouring numbers.
    package static func mix(_ number: UInt64) -> UInt64 {
        var mixed = number
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Ranks with Zipfian frequency, rank 0 the most frequent: the constant-time approximation of Gray and others,
/// *Quickly Generating Billion-Record Synthetic Databases* (SIGMOD 1994), as YCSB uses it.
package struct ZipfianRanks: Sendable {
    /// YCSB's exponent.
    package static let exponent = 0.99

    private let count: Double
    private let zeta: Double
    private let twoRanks: Double
    private let alpha: Double
    private let eta: Double

    /// Sums over all `count` ranks; `count` must be above 0.
    package init(count: Int) {
        let theta = Self.exponent
        var zeta = 0.0
        for rank in 1...count {
            zeta += 1 / pow(Double(rank), theta)
        }
        self.count = Double(count)
        self.zeta = zeta
        twoRanks = 1 + pow(0.5, theta)
        alpha = 1 / (1 - theta)
        // With one or two ranks the answer never gets as far as `eta`, which would be a division by zero.
        eta = count > 2 ? (1 - pow(2 / Double(count), 1 - theta)) / (1 - twoRanks / zeta) : 0
    }

    /// The rank that a number of `0 ..< 1` falls on.
    package func rank(at unit: Double) -> Int {
        let scaled = unit * zeta
        if scaled < 1 || count < 2 { return 0 }
        if scaled < twoRanks || count < 3 { return 1 }
        return Int(min(count - 1, max(0, count * pow(eta * unit - eta + 1, alpha))))
    }
}

/// Chooses the key of each request.
package struct KeyChooser: Sendable {
    private let distribution: LoadOptions.Distribution
    private let keys: Int
    private let zipfian: ZipfianRanks?
    private var random: SplitMix64
    /// `sequential`: the key of the next request. `latest`: the key of the next put.
    private var cursor: Int

    /// - Parameters:
    ///   - start: where `sequential` and `latest` begin, so that several workers walk apart.
    ///   - zipfian: the ranks of `keys` keys, needed by `zipfian` and `latest`; summed once, shared by all workers.
    package init(
        _ distribution: LoadOptions.Distribution, keys: Int, start: Int, seed: UInt64, zipfian: ZipfianRanks?
    ) {
        self.distribution = distribution
        self.keys = keys
        self.zipfian = zipfian ?? (Self.needsRanks(distribution) ? ZipfianRanks(count: keys) : nil)
        random = SplitMix64(seed: seed)
        cursor = start % keys
    }

    package static func needsRanks(_ distribution: LoadOptions.Distribution) -> Bool {
        distribution == .zipfian || distribution == .latest
    }

    /// The key of the next get, in `0 ..< keys`.
    package mutating func nextForGet() -> Int {
        guard distribution == .latest else { return nextForPut() }
        // `cursor` is the key put next, so the one before it is the newest.
        let age = nextRank()
        return (cursor - 1 - age + 2 * keys) % keys
    }

    /// The key of the next put, in `0 ..< keys`.
    package mutating func nextForPut() -> Int {
        switch distribution {
        case .uniform:
            return Int(random.next(below: UInt64(keys)))
        case .zipfian:
            return Int(SplitMix64.mix(UInt64(nextRank())).multipliedFullWidth(by: UInt64(keys)).high)
        case .sequential, .latest:
            let key = cursor
            cursor = cursor + 1 == keys ? 0 : cursor + 1
            return key
        }
    }

    private mutating func nextRank() -> Int {
        zipfian?.rank(at: random.nextUnit()) ?? 0
    }
}
