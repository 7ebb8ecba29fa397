package import KindredReplication
internal import KindredTesting

/// A message that was sent some time ago.
package struct OldMessage: Hashable, Sendable {
    /// Who sent it.
    package let from: NodeID
    /// Whom it was for.
    package let to: NodeID
    /// The message, encoded.
    package let bytes: [UInt8]
    /// When it was sent.
    package let sentAt: VirtualTime
}

/// A sample of the messages that were sent, in which old ones stay for long: a newer message takes the place of a
/// random other one, and only now and then.
struct MessageArchive: Sendable {
    /// Larger messages are not kept: the archive stays within `capacity` times this.
    static let largestMessage = 64 << 10
    /// Once the archive is full, one of so many messages is kept.
    static let messagesForEachKept = 8

    private let capacity: Int
    private var chance: SplitMix64
    private var messages: [OldMessage] = []

    init(seed: UInt64, capacity: Int) {
        self.capacity = capacity
        chance = SplitMix64(seed: seed)
    }

    mutating func keep(_ message: OldMessage) {
        guard capacity > 0, message.bytes.count <= Self.largestMessage else { return }
        if messages.count < capacity {
            messages.append(message)
        } else if chance.below(Self.messagesForEachKept) == 0 {
            messages[chance.below(capacity)] = message
        }
    }

    mutating func message(ofAge age: UInt64, at time: VirtualTime) -> OldMessage? {
        let candidates = messages.filter { time.microseconds(since: $0.sentAt) >= age }
        return candidates.isEmpty ? nil : candidates[chance.below(candidates.count)]
    }
}
