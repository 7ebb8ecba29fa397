/// The last lines of what happened in a run, for a person who replays it.
///
/// Off unless it is given room: then a line is not even built, so that a simulation of millions of events pays nothing
/// for the text it could write.
package struct Trace: Sendable {
    /// How many lines are kept; 0 if the trace is off.
    package let capacity: Int

    /// A ring: when it is full, `oldest` is overwritten next.
    private var ring: [String] = []
    private var oldest = 0

    /// How many lines there were, the forgotten ones included.
    package private(set) var recorded = 0

    /// Makes a trace that keeps the last `lines` lines. 0 turns it off.
    package init(keepingLast lines: Int = 0) {
        precondition(lines >= 0, "a trace of \(lines) lines")
        capacity = lines
    }

    /// Whether lines are kept.
    package var isOn: Bool { capacity > 0 }

    /// Adds a line with its time. The text is built only if the trace is on.
    package mutating func record(_ time: VirtualTime, _ text: @autoclosure () -> String) {
        guard isOn else { return }
        recorded += 1
        let line = "\(time)  \(text())"
        if ring.count < capacity {
            ring.append(line)
        } else {
            ring[oldest] = line
            oldest = (oldest + 1) % capacity
        }
    }

    /// The lines, the oldest first.
    package var lines: [String] {
        Array(ring[oldest...] + ring[..<oldest])
    }
}
