import KindredModel
import KindredReplication
import KindredStorage

/// A key of a simulated cluster. Its bucket type says which strategy it has.
struct SimulatedKey {
    let strategy: ConflictStrategy
    let partition: UInt16
    let address: [UInt8]
    let name: String

    static func all(_ settings: SimulationSettings) -> [SimulatedKey] {
        settings.strategies.flatMap { strategy in
            (0..<settings.keysPerStrategy).map { number in
                SimulatedKey(strategy: strategy, number: number, partitions: settings.partitions)
            }
        }
    }

    private init(strategy: ConflictStrategy, number: Int, partitions: UInt16) {
        self.strategy = strategy
        name = "\(strategy.rawValue)/k\(number)"
        let type = UInt32(ConflictStrategy.allCases.firstIndex(of: strategy) ?? 0) + 1
        let bucket = Array("b".utf8)
        let key = Array("k\(number)".utf8)
        // Spread by number, so that few keys use all partitions.
        partition = UInt16(number) % partitions
        address =
            KeyLayout.objectKey(partition: 0, bucketType: type, bucket: bucket, key: key).map { Array($0[2...]) } ?? []
    }

    static func strategy(ofAddress address: ArraySlice<UInt8>) -> ConflictStrategy {
        let strategies = ConflictStrategy.allCases
        guard address.count > 3 else { return .versionVectors }
        let type = Int(address[address.startIndex + 3])
        return type >= 1 && type <= strategies.count ? strategies[type - 1] : .versionVectors
    }

    /// Values of more than a few bytes are too long to be remembered, so that both ways of remembering happen.
    static let conflictLogging = ConflictLogging(
        valueLimit: 24, hash: { hash($0) },
        digest: { bytes in
            let digest = bytes.withUnsafeBytes { hash($0) }
            return (0..<8).map { UInt8(truncatingIfNeeded: digest >> UInt64(8 * $0)) }
        })

    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        return hash ^ hash >> 33
    }
}
