import Foundation
import KindredTesting

/// The seeds of random tests. `KINDRED_SEED=17 swift test` runs every one of them with seed 17 alone, which replays a failure that
/// printed it.
enum Seeds {
    /// 1 to `count`, or the one of the environment.
    static func upTo(_ count: UInt64) -> [UInt64] {
        guard let chosen = ProcessInfo.processInfo.environment["KINDRED_SEED"].flatMap(UInt64.init) else {
            return Array(1...count)
        }
        return [chosen]
    }
}
