/// A random generator whose whole state is one number: the same seed gives the same values on every machine and for
/// ever.
///
/// (SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014. The generator of
/// Kindred's own tests is the same one; it lies beside the whole of replication, which nobody should need who checks
/// a resolver.)
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Starts the sequence that belongs to `seed`.
    public init(seed: UInt64) {
        state = seed
    }

    /// The sequence of one case: cases with neighbouring numbers have nothing to do with each other.
    init(seed: UInt64, number: Int) {
        var seeds = SeededRandom(seed: seed)
        self.init(seed: seeds.next() ^ UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A number from 0 to `bound` − 1; 0 if there is none. Draws exactly one number.
    public mutating func below(_ bound: Int) -> Int {
        guard bound > 1 else { return 0 }
        return Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// True in `percent` of 100 cases.
    public mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    /// One of some items; nil if there are none.
    public mutating func pick<Item>(_ items: [Item]) -> Item? {
        items.isEmpty ? nil : items[below(items.count)]
    }
}
