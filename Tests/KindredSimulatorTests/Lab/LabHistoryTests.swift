import Testing

@testable import KindredSimulator

/// The lab's oracle by itself.
@Suite struct LabHistoryTests {
    /// A history of writes, each with what its client was shown.
    private func history(_ writes: [(kind: LabOperation.Kind, shown: [Int])]) -> LabHistory {
        var history = LabHistory(operations: writes.count)
        for (id, write) in writes.enumerated() {
            let operation = LabOperation(
                id: id, client: 0, node: 0, key: 0, kind: write.kind, readsFirst: !write.shown.isEmpty, time: .zero,
                thought: 0)
            history.happened(
                operation, seen: history.closure(of: write.shown), at: VirtualTime(milliseconds: UInt64(id)), node: 0)
            history.acknowledged(id)
        }
        return history
    }

    @Test("Who was shown a write has seen what its writer had seen")
    func closure() {
        let history = history([(.put, []), (.put, [0]), (.put, [1])])
        #expect(history[2]?.seen.positions == [0, 1])
        #expect(history.shown(to: 2) == [1])
        #expect(history.isReplacedKnowingly(0) && history.isReplacedKnowingly(1))
        #expect(!history.isReplacedKnowingly(2))
    }

    @Test("Siblings are false if one of them had seen the other, over however many writes")
    func falseSiblings() {
        let history = history([(.put, []), (.put, [0]), (.put, [1]), (.put, [])])
        #expect(history.falseSiblings([2, 3]) == [])
        #expect(history.falseSiblings([0, 2, 3]) == [0])
        #expect(history.falseSiblings([2]) == [])
    }

    @Test("Only a delete that had seen a value, and was acknowledged, has deleted it")
    func deleter() {
        var history = history([(.put, []), (.put, []), (.delete, [0])])
        #expect(history.deleter(of: 0) == 2)
        #expect(history.deleter(of: 1) == nil)
        history = LabHistory(operations: 2)
        #expect(history.deleter(of: 0) == nil)
    }

    @Test("A write happens once, when a replica applies it first")
    func once() {
        var history = history([(.put, [])])
        let operation = LabOperation(
            id: 0, client: 1, node: 2, key: 0, kind: .put, readsFirst: false, time: .zero, thought: 0)
        history.happened(operation, seen: EventBits(), at: VirtualTime(seconds: 9), node: 2)
        #expect(history.order == [0])
        #expect(history[0]?.node == 0)
    }
}
