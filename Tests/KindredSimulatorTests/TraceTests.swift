import KindredSimulator
import KindredTesting
import Testing

@Suite("Trace hash")
struct TraceHashTests {
    private func hash(_ values: [UInt64]) -> TraceHash {
        var hash = TraceHash()
        for value in values { hash.combine(value) }
        return hash
    }

    @Test("The same values give the same hash, in every process")
    func sameValues() {
        #expect(hash([1, 2, 3]) == hash([1, 2, 3]))
        #expect(hash([1, 2, 3]).description == "f9082431aa5cca415ae83b71f1e11915")
        #expect(TraceHash().description == "bb67ae8584caa73b6a09e667f3bcc908")
    }

    @Test("Order, number and every bit matter")
    func differences() {
        #expect(hash([1, 2]) != hash([2, 1]))
        #expect(hash([0]) != hash([]))
        #expect(hash([0, 0]) != hash([0]))
        var seen: Set<TraceHash> = []
        for bit in 0..<64 { seen.insert(hash([1 << UInt64(bit), 7])) }
        for bit in 0..<64 { seen.insert(hash([7, 1 << UInt64(bit)])) }
        #expect(seen.count == 128)
    }

    @Test("Among random sequences that differ in one number, no lane collides")
    func lanes() {
        var chance = SplitMix64(seed: 7)
        var lanes: [Set<Substring>] = [[], []]
        for _ in 0..<20_000 {
            var changed = hash([5, 6])
            changed.combine(chance.next())
            changed.combine(9)
            let digits = changed.description
            lanes[0].insert(digits.prefix(16))
            lanes[1].insert(digits.suffix(16))
        }
        #expect(lanes.map(\.count) == [20_000, 20_000])
    }

    @Test("Bytes are taken with their number, and in all lengths")
    func bytes() {
        func hash(_ parts: [[UInt8]]) -> TraceHash {
            var hash = TraceHash()
            for part in parts { hash.combine(bytes: part) }
            return hash
        }
        #expect(hash([[1, 2], [3]]) != hash([[1], [2, 3]]))
        #expect(hash([[]]) != hash([]))
        var seen: Set<TraceHash> = []
        for length in 0...40 {
            let zeros = [UInt8](repeating: 0, count: length)
            seen.insert(hash([zeros]))
            for offset in zeros.indices {
                var changed = zeros
                changed[offset] = 0x80
                seen.insert(hash([changed]))
            }
        }
        #expect(seen.count == 41 + 40 * 41 / 2)
        var text = TraceHash()
        text.combine("äb")
        #expect(text == hash([Array("äb".utf8)]))
    }
}

@Suite("Trace")
struct TraceTests {
    @Test("A trace that is off builds no text")
    func off() {
        var built = 0
        func text() -> String {
            built += 1
            return "line"
        }
        var trace = Trace()
        trace.record(.zero, text())
        #expect(built == 0 && trace.lines.isEmpty && trace.recorded == 0 && !trace.isOn)
        trace = Trace(keepingLast: 1)
        trace.record(.zero, text())
        #expect(built == 1 && trace.lines == ["0.000000  line"] && trace.isOn)
    }

    @Test("The last lines are kept, in order", arguments: [0, 1, 2, 3, 4, 5, 7, 8, 9])
    func ring(lines: Int) {
        var trace = Trace(keepingLast: 4)
        for line in 0..<lines { trace.record(VirtualTime(seconds: UInt64(line)), "\(line)") }
        #expect(trace.lines == (max(0, lines - 4)..<lines).map { "\($0).000000  \($0)" })
        #expect(trace.recorded == lines)
    }
}
