/// What is going to happen, in the order in which it will: by time, and at the same time in the order of scheduling.
///
/// The order is therefore a function of the calls alone, which makes a simulation repeatable. `now` is the time of the
/// last event taken and never goes back.
///
/// A binary heap in one array: scheduling and taking cost a logarithm of what is waiting, and no allocation for each
/// event.
package struct EventQueue<Event> {
    fileprivate struct Entry {
        let time: VirtualTime
        let sequence: UInt64
        let event: Event

        func isBefore(_ other: Entry) -> Bool {
            time == other.time ? sequence < other.sequence : time < other.time
        }
    }

    /// Each entry is before the two at twice its index plus one and plus two.
    private var heap: [Entry] = []
    private var nextSequence: UInt64 = 0

    /// The time of the last event taken.
    package private(set) var now = VirtualTime.zero

    /// Makes an empty queue at the beginning of time.
    package init() {}

    /// How many events wait.
    package var count: Int { heap.count }

    /// Whether no event waits.
    package var isEmpty: Bool { heap.isEmpty }

    /// The time of the next event, or nil if there is none.
    package var nextTime: VirtualTime? { heap.first?.time }

    /// Adds an event. `time` must not be before `now`: what has happened cannot be changed.
    package mutating func schedule(_ event: Event, at time: VirtualTime) {
        precondition(time >= now, "an event at \(time) is scheduled at \(now)")
        heap.append(Entry(time: time, sequence: nextSequence, event: event))
        nextSequence += 1
        moveUp(heap.count - 1)
    }

    /// Adds an event so many microseconds from now.
    package mutating func schedule(_ event: Event, afterMicroseconds delay: UInt64) {
        schedule(event, at: now.advanced(byMicroseconds: delay))
    }

    /// Takes the next event and moves `now` to its time; nil if there is none.
    package mutating func takeNext() -> (time: VirtualTime, event: Event)? {
        guard let first = heap.first else { return nil }
        now = first.time
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            moveDown(0)
        }
        return (first.time, first.event)
    }

    /// Takes the next event if it is not after `limit`. If there is none, `now` moves to `limit`.
    package mutating func takeNext(notAfter limit: VirtualTime) -> (time: VirtualTime, event: Event)? {
        if let nextTime, nextTime <= limit { return takeNext() }
        now = max(now, limit)
        return nil
    }

    /// Forgets waiting events, for instance the timers of a node that has crashed. The others keep their order.
    package mutating func removeAll(where isForgotten: (Event) -> Bool) {
        heap.removeAll { isForgotten($0.event) }
        for index in (0..<(heap.count / 2)).reversed() { moveDown(index) }
    }

    // MARK: Heap

    private mutating func moveUp(_ start: Int) {
        var index = start
        let entry = heap[index]
        while index > 0 {
            let parent = (index - 1) / 2
            guard entry.isBefore(heap[parent]) else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = entry
    }

    private mutating func moveDown(_ start: Int) {
        var index = start
        let entry = heap[index]
        while true {
            var child = 2 * index + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
            guard heap[child].isBefore(entry) else { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = entry
    }
}

extension EventQueue: Sendable where Event: Sendable {}
extension EventQueue.Entry: Sendable where Event: Sendable {}
