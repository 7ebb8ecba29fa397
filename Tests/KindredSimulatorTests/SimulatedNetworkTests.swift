import KindredReplication
import KindredSimulator
import KindredTesting
import Testing

@Suite("Simulated network")
struct SimulatedNetworkTests {
    private let nodes = (UInt32(1)...4).map { NodeID($0) }

    /// Messages between random nodes, one each microsecond.
    private func fates(
        _ network: inout SimulatedNetwork, count: Int, seed: UInt64
    ) -> [SimulatedNetwork.Fate] {
        var chance = SplitMix64(seed: seed)
        return (0..<count).map { number in
            let from = chance.below(nodes.count)
            let to = (from + 1 + chance.below(nodes.count - 1)) % nodes.count
            let bytes = [UInt8](repeating: 0, count: chance.below(100))
            return network.send(
                bytes, from: nodes[from], to: nodes[to], at: VirtualTime(microseconds: UInt64(number)))
        }
    }

    @Test("The same seed gives the same fates, another one others")
    func determinism() {
        func run(seed: UInt64) -> [SimulatedNetwork.Fate] {
            var network = SimulatedNetwork(seed: seed, conditions: .bad)
            return fates(&network, count: 5_000, seed: 1)
        }
        #expect(run(seed: 1) == run(seed: 1))
        #expect(run(seed: 1) != run(seed: 2))
        var hash = TraceHash()
        for fate in run(seed: 1) {
            hash.combine(UInt64(fate.arrivals.count))
            for arrival in fate.arrivals { hash.combine(arrival) }
        }
        #expect(
            hash.description == "f3f20f10d7fe82d318f69f1c64e98f1f",
            "fates differ between processes, or by a change of the network")
    }

    @Test("The statistics add up", arguments: UInt64(1)...10)
    func statistics(seed: UInt64) {
        var network = SimulatedNetwork(seed: seed, conditions: .bad, archivedMessages: 16)
        network.block(from: nodes[0], to: nodes[1])
        let fates = fates(&network, count: 20_000, seed: seed)
        let statistics = network.statistics
        #expect(statistics.sent == 20_000)
        #expect(statistics.blocked == fates.count { $0 == .blocked })
        #expect(statistics.dropped == fates.count { $0 == .dropped })
        #expect(statistics.delivered == fates.reduce(0) { $0 + $1.arrivals.count })
        #expect(statistics.duplicated == fates.count { $0.arrivals.count == 2 })
        // One link of twelve, and two of a hundred of the others.
        #expect((1_400...1_950).contains(statistics.blocked), "seed \(seed)")
        #expect((250...500).contains(statistics.dropped), "seed \(seed)")
        #expect((250...500).contains(statistics.duplicated), "seed \(seed)")
        #expect((850_000...1_150_000).contains(statistics.bytes))
        let replayed = network.replayOldMessage(ofAge: 0, at: VirtualTime(seconds: 1))
        #expect(replayed != nil)
        let after = network.statistics
        #expect(after.replayed == 1)
        #expect(
            after.delivered
                == after.sent - after.blocked - after.dropped + after.duplicated + after.replayed)
    }

    @Test("A good network delivers everything once, in order, within latency and jitter")
    func good() {
        var network = SimulatedNetwork(seed: 3)
        var last = VirtualTime.zero
        for number in UInt64(0)..<2_000 {
            let now = VirtualTime(microseconds: number * 10)
            guard case .delivered(let arrival) = network.send([1], from: nodes[0], to: nodes[1], at: now) else {
                Issue.record("message \(number) is not delivered once")
                return
            }
            #expect(arrival >= last)
            #expect((100...500).contains(arrival.microseconds(since: now)))
            last = arrival
        }
    }

    @Test("Without order, messages overtake each other, and some are held up for long")
    func reordering() {
        var network = SimulatedNetwork(seed: 4, conditions: .bad)
        var arrivals: [VirtualTime] = []
        for number in UInt64(0)..<2_000 {
            let now = VirtualTime(microseconds: number)
            arrivals += network.send([1], from: nodes[0], to: nodes[1], at: now).arrivals
        }
        #expect(arrivals != arrivals.sorted())
        #expect(arrivals.contains { $0 > VirtualTime(milliseconds: 100) })
        #expect(arrivals.allSatisfy { $0 < VirtualTime(milliseconds: 510) })
    }

    @Test("A one-way block blocks one way, and partitions block both ways between groups only")
    func cuts() {
        func reachable(_ network: SimulatedNetwork) -> [String] {
            nodes.flatMap { from in
                nodes.filter { from != $0 && !network.isBlocked(from: from, to: $0) }.map { "\(from)\($0)" }
            }
        }
        var network = SimulatedNetwork(seed: 5)
        let all = reachable(network)
        network.block(from: nodes[0], to: nodes[1])
        #expect(reachable(network) == all.filter { $0 != "n1n2" })
        #expect(network.send([], from: nodes[0], to: nodes[1], at: .zero) == .blocked)
        #expect(network.send([], from: nodes[1], to: nodes[0], at: .zero).arrivals.count == 1)
        network.unblock(from: nodes[0], to: nodes[1])
        #expect(reachable(network) == all)

        network.partition([[nodes[0], nodes[1]], [nodes[2]]])
        #expect(reachable(network) == all.filter { !["n1n3", "n2n3", "n3n1", "n3n2"].contains($0) })
        network.heal()
        #expect(reachable(network) == all)
    }

    @Test("A node always reaches itself")
    func itself() {
        var network = SimulatedNetwork(seed: 6, conditions: NetworkConditions(lossChance: 1_000_000))
        network.block(from: nodes[0], to: nodes[0])
        #expect(!network.isBlocked(from: nodes[0], to: nodes[0]))
        #expect(network.send([], from: nodes[0], to: nodes[0], at: .zero).arrivals.count == 1)
        #expect(network.send([], from: nodes[0], to: nodes[1], at: .zero) == .dropped)
    }

    @Test("A cut, or another chance of loss, leaves the fates of the other messages as they were")
    func independence() {
        var undisturbed = SimulatedNetwork(seed: 7, conditions: .bad)
        var cut = undisturbed
        cut.block(from: nodes[2], to: nodes[3])
        var lossless = undisturbed
        lossless.conditions.lossChance = 0
        lossless.conditions.duplicationChance = 0
        let expected = fates(&undisturbed, count: 3_000, seed: 1)
        for (fate, other) in zip(expected, fates(&cut, count: 3_000, seed: 1)) where other != .blocked {
            #expect(fate == other)
        }
        for (fate, other) in zip(expected, fates(&lossless, count: 3_000, seed: 1)) where fate != .dropped {
            #expect(fate.arrivals.first == other.arrivals.first)
        }
    }

    @Test("Slow nodes and large messages take longer")
    func slowness() {
        let conditions = NetworkConditions(baseLatency: 100...100, jitter: 0, bytesPerMillisecond: 1_000)
        var network = SimulatedNetwork(seed: 8, conditions: conditions)
        func delay(_ bytes: Int, _ from: Int, _ to: Int) -> UInt64? {
            network.send([UInt8](repeating: 0, count: bytes), from: nodes[from], to: nodes[to], at: .zero)
                .arrivals.first?.microseconds
        }
        #expect(delay(0, 0, 1) == 100)
        #expect(delay(500, 1, 0) == 600)
        network.setSlowdown(10, of: nodes[0])
        #expect(delay(0, 0, 2) == 1_000)
        #expect(delay(0, 3, 0) == 1_000)
        #expect(delay(0, 3, 2) == 100)
        network.setSlowdown(1, of: nodes[0])
        #expect(delay(0, 0, 3) == 100)
    }

    @Test("Old messages come back unchanged, and only those that are old enough")
    func oldMessages() throws {
        var network = SimulatedNetwork(seed: 9, archivedMessages: 8)
        let tooEarly = network.replayOldMessage(ofAge: 0, at: .zero)
        #expect(tooEarly == nil)
        for number in UInt64(0)..<100 {
            let now = VirtualTime(seconds: number)
            _ = network.send([UInt8(number)], from: nodes[0], to: nodes[Int(1 + number % 3)], at: now)
        }
        let now = VirtualTime(seconds: 100)
        var seen: Set<OldMessage> = []
        for _ in 0..<200 {
            let replayed = network.replayOldMessage(ofAge: 20_000_000, at: now)
            let message = try #require(replayed)
            #expect(message.sentAt <= VirtualTime(seconds: 80))
            #expect(VirtualTime(seconds: UInt64(message.bytes[0])) == message.sentAt)
            #expect(message.to == nodes[Int(1 + message.bytes[0] % 3)])
            seen.insert(message)
        }
        #expect((2...8).contains(seen.count))
        let tooOld = network.replayOldMessage(ofAge: 101_000_000, at: now)
        #expect(tooOld == nil)
        var without = SimulatedNetwork(seed: 9)
        _ = without.send([1], from: nodes[0], to: nodes[1], at: .zero)
        let notKept = without.replayOldMessage(ofAge: 0, at: now)
        #expect(notKept == nil)
    }
}
