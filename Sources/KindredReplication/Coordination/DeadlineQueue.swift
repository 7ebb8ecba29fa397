/// Which request is to be looked at when: a binary heap by time, then by id, so that the order is the same in every
/// run.
///
/// Requests that end early leave their entries behind; the coordinator ignores those, and sweeps them out when they are
/// too many.
struct DeadlineQueue: Sendable {
    struct Entry: Hashable, Sendable {
        let time: UInt64
        let request: UInt64

        func isBefore(_ other: Entry) -> Bool {
            time == other.time ? request < other.request : time < other.time
        }
    }

    private var heap: [Entry] = []

    var count: Int { heap.count }
    var first: Entry? { heap.first }

    mutating func insert(_ time: UInt64, request: UInt64) {
        heap.append(Entry(time: time, request: request))
        moveUp(heap.count - 1)
    }

    /// Takes out the first entry, if it is due.
    mutating func removeFirst(dueAt now: UInt64) -> Entry? {
        guard let first = heap.first, first.time <= now else { return nil }
        removeFirst()
        return first
    }

    mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        moveDown(0)
    }

    mutating func removeAll(where isObsolete: (Entry) -> Bool) {
        heap.removeAll(where: isObsolete)
        for index in heap.indices.reversed() { moveDown(index) }
    }

    private mutating func moveUp(_ start: Int) {
        var index = start
        while index > 0, heap[index].isBefore(heap[(index - 1) / 2]) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func moveDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].isBefore(heap[least]) { least = child }
            }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
