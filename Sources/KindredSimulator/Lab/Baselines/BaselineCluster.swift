import KindredModel

/// Replicas of a baseline: the usual leaderless protocol. Every replica takes writes, tells all others, and asks one of
/// them every half second for what differs; readers and writers wait for as many replicas as they ask for.
package struct BaselineCluster<Rule: BaselineRule>: LabCluster {
    package typealias Context = Rule.Object

    private struct Node {
        var rule: Rule
        var objects: [Rule.Object]
        var requests: [Request] = []
        var nextPull: UInt64 = 0
        var nextPeer = 0
        var exchanges: UInt64 = 0

        mutating func apply(_ write: BaselineWrite<Rule.Object>) {
            rule.apply(write, to: &objects[write.key])
        }

        mutating func merge(_ object: Rule.Object, _ key: Int, now: VirtualTime) {
            rule.merge(object, into: &objects[key], now: now, key: key)
        }

        /// Joins another replica's answer to what a reader will be shown.
        mutating func merge(_ object: Rule.Object, intoRequest index: Int) {
            rule.join(object, into: &requests[index].object)
        }

        mutating func age(now: VirtualTime) {
            for key in objects.indices { rule.age(&objects[key], key: key, now: now) }
        }
    }

    /// A request that waits for other replicas.
    private struct Request {
        let exchange: UInt64
        let token: Int
        let key: Int
        let isRead: Bool
        var missing: Int
        var object: Rule.Object
        let deadline: UInt64
    }

    private let settings: LabSettings
    private var nodes: [Node]

    private static var pullInterval: UInt64 { 500 }
    private static var requestTimeout: UInt64 { 3_000 }

    package init(_ rule: Rule, _ settings: LabSettings) {
        self.settings = settings
        let empty = Array(repeating: Rule.nothing, count: settings.keys)
        nodes = (0..<settings.replicas).map { _ in Node(rule: rule, objects: empty) }
    }

    package func holding(_ key: Int, at node: Int) -> LabHolding {
        let object = nodes[node].objects[key]
        let rule = nodes[node].rule
        return LabHolding(
            values: rule.values(of: object), tombstones: rule.tombstones(of: object),
            metadataBytes: rule.metadataBytes(object))
    }

    /// None of them notices.
    package func reported(at node: Int) -> [Int] { [] }

    // MARK: Steps

    package mutating func step(
        _ node: Int, _ input: LabInput<Context>, at moment: LabMoment, into effects: inout [LabEffect<Context>]
    ) {
        switch input {
        case .read(let key, let token): read(key, token, at: node, moment, into: &effects)
        case .write(let write, let token): self.write(write, token, at: node, moment, into: &effects)
        case .message(let bytes, let sender):
            guard let message = try? BaselineMessage(encoded: bytes) else { return }
            receive(message, from: sender, at: node, moment, into: &effects)
        case .tick: tick(node, moment, into: &effects)
        case .reachable, .reminder: break
        }
    }

    private var needed: Int { settings.quorum.count(of: settings.replicas) }

    private func others(_ node: Int) -> [Int] { (0..<settings.replicas).filter { $0 != node } }

    private func send(_ message: BaselineMessage, to node: Int, into effects: inout [LabEffect<Context>]) {
        effects.append(.send(message.encoded(), to: node, about: message.keys))
    }

    private mutating func read(
        _ key: Int, _ token: Int, at node: Int, _ moment: LabMoment, into effects: inout [LabEffect<Context>]
    ) {
        let object = nodes[node].objects[key]
        if needed == 1 { return effects.append(.answer(token: token, shown(object, at: node))) }
        let exchange = wait(for: token, key, isRead: true, object, at: node, moment)
        for other in others(node) { send(.read(exchange: exchange, key: key), to: other, into: &effects) }
    }

    private mutating func write(
        _ write: LabWrite<Context>, _ token: Int, at node: Int, _ moment: LabMoment,
        into effects: inout [LabEffect<Context>]
    ) {
        let version = BaselineVersion(write: write.id, isDelete: write.isDelete)
        nodes[node].apply(
            BaselineWrite(
                version: version, key: write.key, context: write.context, node: node, wall: moment.wall,
                time: moment.time))
        effects.append(.happened(write: write.id))
        effects.append(.changed(key: write.key))
        let object = nodes[node].objects[write.key]
        let exchange = wait(for: token, write.key, isRead: false, object, at: node, moment)
        let bytes = nodes[node].rule.encoded(object)
        for other in others(node) {
            send(.replicate(exchange: exchange, key: write.key, object: bytes), to: other, into: &effects)
        }
        finish(exchange, at: node, into: &effects)
    }

    private mutating func wait(
        for token: Int, _ key: Int, isRead: Bool, _ object: Rule.Object, at node: Int, _ moment: LabMoment
    ) -> UInt64 {
        nodes[node].exchanges += 1
        nodes[node].requests.append(
            Request(
                exchange: nodes[node].exchanges, token: token, key: key, isRead: isRead, missing: needed - 1,
                object: object, deadline: moment.monotonic + Self.requestTimeout))
        return nodes[node].exchanges
    }

    /// Answers a request that has heard of enough replicas.
    private mutating func finish(_ exchange: UInt64, at node: Int, into effects: inout [LabEffect<Context>]) {
        guard let index = nodes[node].requests.firstIndex(where: { $0.exchange == exchange }),
            nodes[node].requests[index].missing <= 0
        else { return }
        let request = nodes[node].requests.remove(at: index)
        let answer: LabAnswer<Context> = request.isRead ? shown(request.object, at: node) : .acknowledged
        effects.append(.answer(token: request.token, answer))
    }

    private func shown(_ object: Rule.Object, at node: Int) -> LabAnswer<Context> {
        let rule = nodes[node].rule
        return .shown(
            LabShown(
                values: rule.values(of: object), deletes: rule.tombstones(of: object), context: object,
                contextBytes: rule.metadataBytes(object)))
    }

    // MARK: Other replicas

    private mutating func receive(
        _ message: BaselineMessage, from sender: Int, at node: Int, _ moment: LabMoment,
        into effects: inout [LabEffect<Context>]
    ) {
        switch message {
        case .replicate(let exchange, let key, let bytes):
            merge(bytes, key, at: node, moment, into: &effects)
            send(.replicated(exchange: exchange), to: sender, into: &effects)
        case .replicated(let exchange): count(exchange, at: node, into: &effects)
        case .read(let exchange, let key):
            guard settings.keys > key else { return }
            let bytes = nodes[node].rule.encoded(nodes[node].objects[key])
            send(.readReply(exchange: exchange, key: key, object: bytes), to: sender, into: &effects)
        case .readReply(let exchange, _, let bytes):
            if let index = nodes[node].requests.firstIndex(where: { $0.exchange == exchange }),
                let object = decode(bytes, at: node)
            {
                nodes[node].merge(object, intoRequest: index)
            }
            count(exchange, at: node, into: &effects)
        case .pull(let digests):
            let parts = nodes[node].objects.indices.compactMap { key -> BaselineMessage.Part? in
                let bytes = nodes[node].rule.encoded(nodes[node].objects[key])
                guard digests.count > key, Self.digest(bytes) != digests[key],
                    !nodes[node].rule.versions(of: nodes[node].objects[key]).isEmpty
                else { return nil }
                return BaselineMessage.Part(key: key, object: bytes)
            }
            send(.pulled(parts), to: sender, into: &effects)
        case .pulled(let parts):
            for part in parts { merge(part.object, part.key, at: node, moment, into: &effects) }
        }
    }

    private mutating func count(_ exchange: UInt64, at node: Int, into effects: inout [LabEffect<Context>]) {
        guard let index = nodes[node].requests.firstIndex(where: { $0.exchange == exchange }) else { return }
        nodes[node].requests[index].missing -= 1
        finish(exchange, at: node, into: &effects)
    }

    private mutating func merge(
        _ bytes: [UInt8], _ key: Int, at node: Int, _ moment: LabMoment, into effects: inout [LabEffect<Context>]
    ) {
        guard nodes[node].objects.indices.contains(key), let object = decode(bytes, at: node) else { return }
        nodes[node].merge(object, key, now: moment.time)
        effects.append(.changed(key: key))
    }

    private func decode(_ bytes: [UInt8], at node: Int) -> Rule.Object? {
        let rule = nodes[node].rule
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> Rule.Object in
                var reader = ByteReader(buffer)
                return try rule.decode(from: &reader)
            }
        }
        return try? result.get()
    }

    private static func digest(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { SimulatedKey.hash($0) }
    }

    // MARK: Time

    private mutating func tick(_ node: Int, _ moment: LabMoment, into effects: inout [LabEffect<Context>]) {
        let now = moment.monotonic
        for request in nodes[node].requests where request.deadline <= now {
            effects.append(.answer(token: request.token, .unavailable))
        }
        nodes[node].requests.removeAll { $0.deadline <= now }
        nodes[node].age(now: moment.time)
        for key in nodes[node].objects.indices { effects.append(.changed(key: key)) }
        guard now >= nodes[node].nextPull, settings.replicas > 1 else { return }
        nodes[node].nextPull = now + Self.pullInterval
        let peers = others(node)
        let peer = peers[nodes[node].nextPeer % peers.count]
        nodes[node].nextPeer += 1
        let digests = nodes[node].objects.map { Self.digest(nodes[node].rule.encoded($0)) }
        send(.pull(digests), to: peer, into: &effects)
    }
}
