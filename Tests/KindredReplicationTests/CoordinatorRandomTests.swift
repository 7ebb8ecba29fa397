import KindredModel
import KindredReplication
import KindredTesting
import Testing

/// A coordinator in a world where messages are lost, late, doubled and out of order, replicas refuse, nodes come and
/// go, and views change. The world counts for itself who has what.
@Suite struct CoordinatorRandomTests {
    @Test(arguments: UInt64(0)..<150)
    func everyRequestIsAnsweredOnceAndNeverWithTooFew(seed: UInt64) {
        var world = World(seed: seed)
        for _ in 0..<400 { world.step() }
        world.end()
        #expect(world.complaints.isEmpty, "seed \(seed)")
        #expect(world.answered.count == world.asked.count, "seed \(seed)")
        #expect(world.bench.coordinator.requestsUnderWay == 0, "seed \(seed)")
    }

    /// The test above says little if hardly anything succeeds, or hardly anything fails.
    @Test func theWorldIsNeitherTooKindNorTooCruel() {
        var kinds: [String: Int] = [:]
        for seed: UInt64 in 0..<150 {
            var world = World(seed: seed)
            for _ in 0..<400 { world.step() }
            world.end()
            for reply in world.answered.values { kinds[World.kind(of: reply), default: 0] += 1 }
        }
        for kind in [
            "object", "written", "refused", "timeout", "pr", "r", "w", "pw", "dw", "noCoordinator", "notTheLeader",
            "sessionNotServed", "storage",
        ] {
            #expect(kinds[kind, default: 0] >= 10, "\(kind): \(kinds)")
        }
    }
}

private struct Incarnation: Hashable {
    let node: NodeID
    let actor: ActorID
}

private struct World {
    var bench = CoordinatorBench()
    var chance: SplitMix64
    var asked: [UInt64: (request: ClientRequest, deadline: UInt64)] = [:]
    var answered: [UInt64: ClientReply] = [:]
    var complaints: [String] = []

    private var view: PartitionView
    private var led: UInt64?
    private var wakeAt: UInt64?
    private var arriving: [CoordinatorInput] = []
    private var lastAddress: UInt8 = 0
    /// The last write with a name: it may come again.
    private var named: ClientRequest?
    private var lastCounter: UInt64 = 0

    /// Who has told the coordinator that it has the write to an address, or what it knows of it; by address.
    private var told: [[UInt8]: Set<Incarnation>] = [:]
    /// For whom somebody else has said that it keeps the write.
    private var keptFor: [[UInt8]: Set<NodeID>] = [:]
    private var minted: Set<[UInt8]> = []
    private var refused: Set<[UInt8]> = []
    private var writtenElsewhere: Set<[UInt8]> = []
    private var targets: [UInt64: [NodeID: (address: [UInt8], target: NodeID)]] = [:]
    private var addresses: [UInt64: [UInt8]] = [:]

    init(seed: UInt64) {
        chance = SplitMix64(seed: seed)
        view = KindredReplicationTests.view([member(1), member(2), member(3)])
        changeView()
    }

    static func kind(of reply: ClientReply) -> String {
        switch reply {
        case .object: "object"
        case .written: "written"
        case .refused: "refused"
        case .unavailable(.unsatisfied(let kind, _, _), _): "\(kind)"
        case .unavailable(let reason, _): String("\(reason)".prefix { $0 != "(" })
        }
    }

    // MARK: What happens

    mutating func step() {
        switch chance.below(20) {
        case 0...4: ask()
        case 5...14: deliver()
        case 15...17: pass(UInt64(chance.below(150)))
        case 18: give(.reachable(n(2 + UInt32(chance.below(7))), chance.chance(70)))
        default: if chance.chance(30) { changeView() } else { changeLead() }
        }
    }

    /// Lets everything arrive and all time pass.
    mutating func end() {
        while !arriving.isEmpty { deliver() }
        while let time = wakeAt {
            pass(time > bench.now ? time - bench.now : 0)
            while !arriving.isEmpty { deliver() }
        }
    }

    private mutating func give(_ input: CoordinatorInput) {
        bench.give(input)
        let effects = bench.effects
        bench.effects = []
        for effect in effects { carryOut(effect) }
    }

    private mutating func pass(_ milliseconds: UInt64) {
        let end = bench.now + milliseconds
        while let time = wakeAt, time <= end {
            bench.now = max(bench.now, time)
            wakeAt = nil
            give(.wake)
        }
        bench.now = end
    }

    private mutating func deliver() {
        guard !arriving.isEmpty else { return }
        let input = arriving.remove(at: chance.below(arriving.count))
        note(input)
        give(input)
    }

    private mutating func changeView() {
        var members = [member(1, actor: 10), member(2, actor: 20 + UInt32(chance.below(2))), member(3), member(4)]
        switch chance.below(6) {
        case 0: members[1].role = .learner
        case 1:
            members[2].role = .outgoing
            members[3].role = .incoming
        case 2: members[2].role = .draining
        case 3: members[0].role = .learner
        default: members.removeLast()
        }
        view.members = members
        view.epoch += UInt64(chance.below(2)) + 1
        if chance.chance(40) {
            let followers = [2, 3].filter { _ in chance.chance(70) }.map { n($0) }
            view.leadership = Leadership(
                epoch: view.epoch, leader: n(chance.chance(80) ? 1 : 2), members: [n(1)] + followers)
        }
        give(.view(view, fallbacks: [n(6), n(7), n(8)]))
        changeLead()
    }

    private mutating func changeLead() {
        led = chance.chance(85) ? view.leadership?.epoch : nil
        give(.leading(partition: 0, epoch: led))
    }

    private mutating func ask() {
        let request: ClientRequest
        if let named, chance.chance(15) {
            request = named
        } else {
            request = anyRequest()
            if case .write(_, _, .some) = request.operation { named = request }
        }
        asked[bench.lastToken + 1] = (request, bench.now + request.timeout)
        bench.ask(request)
        let effects = bench.effects
        bench.effects = []
        for effect in effects { carryOut(effect) }
    }

    private mutating func anyRequest() -> ClientRequest {
        lastAddress &+= 1
        let n = UInt8(1 + chance.below(3))
        func some(_ least: Int) -> UInt8 { UInt8(least + chance.below(Int(n) + 1 - least)) }
        let quorums = RequestQuorums(
            n: n, r: some(0), pr: chance.chance(30) ? some(0) : 0, w: some(0), pw: chance.chance(30) ? some(0) : 0,
            dw: chance.chance(30) ? some(0) : 0, notFoundOK: chance.chance(70), basicQuorum: chance.chance(30),
            isSloppy: chance.chance(60))
        let isRead = chance.chance(40)
        let id = chance.chance(50) ? ClientRequestID(client: 1, number: UInt64(lastAddress)) : nil
        let write = ClientRequest.Operation.write(
            ClientWrite(content: [lastAddress], seen: nil), precondition: .none, request: id)
        return ClientRequest(
            partition: 0, address: [lastAddress], strategy: chance.chance(25) ? .versionNumbers : .versionVectors,
            operation: isRead ? .get : write, quorums: quorums, timeout: UInt64(1 + chance.below(2_000)),
            session: isRead && chance.chance(20) ? CausalContext(dots: [event(20, 1)]) : CausalContext())
    }

    // MARK: What the others do

    private mutating func carryOut(_ effect: CoordinatorEffect) {
        switch effect {
        case .wake(let time):
            wakeAt = min(time, wakeAt ?? .max)
        case .reply(let token, let reply):
            check(token, reply)
        case .write(let id, let request):
            lastCounter += 1
            let outcome: WriteOutcome? = chance.chance(85) ? nil : chance.chance(50) ? .unchanged : .refused(.exists)
            if chance.chance(15) {
                arriving.append(.written(id: id, .failure(anyRefusal())))
            } else {
                let decided = bench.decided(lastCounter, request, outcome: outcome)
                if decided.dot != nil { minted.insert(request.address) }
                if case .refused = decided.outcome { refused.insert(request.address) }
                arriving.append(.written(id: id, .success(decided)))
            }
            addresses[id] = request.address
        case .send(let message, let node):
            guard chance.chance(92), let answer = answer(to: message, at: node) else { return }
            arriving.append(.message(answer, from: node))
            if chance.chance(8) { arriving.append(.message(answer, from: node)) }
        }
    }

    private mutating func anyRefusal() -> ReplicaRefusal {
        ReplicaRefusal.allCases[chance.below(ReplicaRefusal.allCases.count)]
    }

    private mutating func answer(to message: PeerMessage, at node: NodeID) -> PeerMessage? {
        let refusal: ReplicaRefusal? = chance.chance(80) ? nil : anyRefusal()
        switch message {
        case .replicate(let message):
            addresses[message.id] = message.update.address
            return .replicated(Replicated(id: message.id, refusal: refusal))
        case .hint(let hint):
            targets[hint.id, default: [:]][node] = (hint.update.address, hint.target)
            return .hinted(Hinted(id: hint.id, refusal: refusal))
        case .read(let question):
            addresses[question.id] = question.address
            if let refusal { return .readReply(ReadReply(id: question.id, result: .failure(refusal))) }
            if !question.atLeast.isEmpty, chance.chance(60) {
                return .readReply(ReadReply(id: question.id, result: .failure(.notReady)))
            }
            let versions = chance.chance(50) ? [event(10 * node.rawValue, 1)] : []
            let update = ObjectUpdate(address: question.address, object: object(versions), events: versions)
            return .readReply(ReadReply(id: question.id, result: .success(update)))
        case .forward(let forwarded):
            let address = forwarded.request.address
            addresses[forwarded.id] = address
            let reply: ClientReply
            switch (forwarded.request.operation, chance.below(3)) {
            case (_, 0): reply = .unavailable(.overload, mayHaveHappened: false)
            case (.get, _): reply = .object(object([]))
            case (.write, 1):
                minted.insert(address)
                reply = .unavailable(.timeout, mayHaveHappened: true)
            case (.write, _):
                minted.insert(address)
                reply = .written(
                    WrittenReply(object: object([]), writerKnows: .nothing, dot: event(99, 1), discarded: []))
            }
            return .forwarded(ForwardedReply(id: forwarded.id, reply: reply))
        default:
            complaints.append("sent \(message)")
            return nil
        }
    }

    /// Counts what the coordinator is about to hear.
    private mutating func note(_ input: CoordinatorInput) {
        func incarnation(_ node: NodeID) -> Incarnation {
            Incarnation(node: node, actor: view.member(at: node)?.actor ?? .closed)
        }
        switch input {
        case .written(let id, .success):
            if let address = addresses[id] { told[address, default: []].insert(incarnation(n(1))) }
        case .message(.replicated(let reply), let node) where reply.refusal == nil:
            if let address = addresses[reply.id] { told[address, default: []].insert(incarnation(node)) }
        case .message(.readReply(let reply), let node):
            if case .success(let update) = reply.result { told[update.address, default: []].insert(incarnation(node)) }
        case .message(.hinted(let reply), let node) where reply.refusal == nil:
            if let (address, target) = targets[reply.id]?[node] { keptFor[address, default: []].insert(target) }
        case .message(.forwarded(let reply), _):
            switch reply.reply {
            case .written, .object: if let address = addresses[reply.id] { writtenElsewhere.insert(address) }
            case .refused, .unavailable: break
            }
        default: break
        }
    }

    // MARK: What must hold

    private mutating func check(_ token: UInt64, _ reply: ClientReply) {
        guard let (request, deadline) = asked[token] else { return complaints.append("nobody asked \(token)") }
        if answered.updateValue(reply, forKey: token) != nil { complaints.append("answered twice: \(token)") }
        if bench.now > deadline { complaints.append("late by \(bench.now - deadline): \(request)") }
        let quorums = request.quorums
        switch reply {
        case .object:
            if writtenElsewhere.contains(request.address) { break }
            if request.strategy == .versionNumbers {
                checkAll(request)
            } else {
                checkCount(request, max(1, quorums.r, quorums.pr), ofMembers: 0)
            }
        case .written:
            if writtenElsewhere.contains(request.address) { break }
            if request.strategy == .versionNumbers {
                checkAll(request)
            } else {
                checkCount(request, max(1, quorums.w, quorums.dw), ofMembers: quorums.pw)
            }
        case .refused:
            if !refused.contains(request.address) { complaints.append("nobody refused \(request)") }
        case .unavailable(_, let mayHaveHappened):
            guard case .write(_, _, nil) = request.operation else { break }
            if !mayHaveHappened, minted.contains(request.address) { complaints.append("happened: \(request)") }
        }
    }

    private mutating func checkAll(_ request: ClientRequest) {
        let has = told[request.address] ?? []
        for node in view.leadership?.members ?? [] where !has.contains(where: { $0.node == node }) {
            complaints.append("\(node) has not confirmed \(request)")
        }
        if led == nil || view.leadership?.leader != n(1) { complaints.append("does not lead: \(request)") }
    }

    private mutating func checkCount(_ request: ClientRequest, _ required: UInt8, ofMembers: UInt8) {
        let has = told[request.address] ?? []
        let kept = keptFor[request.address] ?? []
        for side in [view.members.filter(\.role.isOldVoter), view.members.filter(\.role.isNewVoter)] {
            let counted = side.prefix(Int(request.quorums.n))
            let members = counted.count { has.contains(Incarnation(node: $0.node, actor: $0.actor)) }
            let all = counted.count {
                has.contains(Incarnation(node: $0.node, actor: $0.actor)) || kept.contains($0.node)
            }
            if all < required || members < ofMembers {
                complaints.append("only \(members) members and \(all) in all for \(request)")
            }
        }
    }
}
