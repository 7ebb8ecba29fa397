package import KindredReplication

/// The changes of a cluster's configuration: by nodes that start, by operators, and by what replicas report.
extension ClusterConfiguration {
    // MARK: Nodes

    /// Takes note of a node: who it is, and where it is now.
    ///
    /// - Returns: its position among the nodes.
    @discardableResult
    package mutating func introduce(_ registration: RegisteredNode) throws(ClusterRefusal) -> Int {
        if let known = nodes.firstIndex(where: { $0.name == registration.name }) {
            let before = nodes[known]
            nodes[known] = registration
            nodes[known].id = before.id
            // What a start is told by, `register` notes.
            nodes[known].start = before.start
            return known
        }
        guard nodes.count < Limits.nodes else {
            throw ClusterRefusal("the cluster has \(nodes.count) nodes, and there can be no more")
        }
        let index = nodes.firstIndex { $0.name > registration.name } ?? nodes.endIndex
        nodes.insert(registration, at: index)
        nodes[index].id = nil
        nodes[index].start = 0
        return index
    }

    /// Takes note of a node that starts to take part, and counts its start. To be called once for each start: replicas conclude from the count
    /// that an older copy of their data was put back.
    ///
    /// - Returns: its id and how often it has been started; nil as long as there is no topology.
    package mutating func register(
        _ registration: RegisteredNode
    ) throws(ClusterRefusal) -> (id: NodeID, generation: UInt64)? {
        let index = try introduce(registration)
        guard var changed = topology else { return nil }
        do throws(TopologyRefusal) {
            let known = nodes[index].id.flatMap { changed.node($0) }
            if let known, known.state != .lost, registration.start != 0, nodes[index].start == registration.start {
                // This start has been counted: its answer was lost, or what it needed next was not there.
                return (known.id, known.generation)
            }
            let id: NodeID
            if let known, known.state != .lost {
                id = known.id
            } else {
                // New, or gone for good and back again: what it was is over.
                id = try changed.register(zone: registration.zone, weight: registration.weight)
            }
            let generation = try changed.registerStart(of: id)
            nodes[index].id = id
            nodes[index].start = registration.start
            topology = changed
            return (id, generation)
        } catch {
            throw ClusterRefusal("node '\(registration.name)' cannot register: \(error.explanation)")
        }
    }

    // MARK: Operators

    /// Makes a cluster of nodes that have registered: all their replicas are placed and vote at once.
    ///
    /// - Parameter names: which ones; nil means all.
    package mutating func create(
        partitions: UInt16, n: UInt8, nodes names: [String]? = nil
    ) throws(ClusterRefusal) {
        guard topology == nil else { throw ClusterRefusal("the cluster has been created already") }
        for name in names ?? [] where node(named: name) == nil {
            throw ClusterRefusal(
                "no node '\(name)' has registered; there are: \(nodes.map(\.name).joined(separator: ", "))")
        }
        guard !nodes.isEmpty else { throw ClusterRefusal("no node has registered yet") }
        var last: UInt32 = 0
        var members: [ClusterNode] = []
        for index in nodes.indices where names?.contains(nodes[index].name) ?? true {
            last += 1
            nodes[index].id = NodeID(last)
            members.append(ClusterNode(id: NodeID(last), zone: nodes[index].zone, weight: nodes[index].weight))
        }
        do throws(TopologyRefusal) {
            topology = try Topology.create(nodes: members, partitions: partitions, n: n)
        } catch {
            throw ClusterRefusal("the cluster cannot be created: \(error.explanation)")
        }
    }

    /// Adds a change to those that are to be committed together. Whether they make sense together, `plan` says.
    package mutating func stage(_ change: MembershipChange) throws(ClusterRefusal) {
        guard let topology else { throw .notCreated }
        guard !staged.contains(change) else { return }
        let changes = staged + [change]
        do throws(TopologyRefusal) {
            // Only to see whether it is possible at all; members that are changing now do not matter before the commit.
            if !topology.isChanging { _ = try topology.plan(changes) }
        } catch {
            throw ClusterRefusal(error.explanation)
        }
        staged = changes
        self.topology?.outdatePlans()
    }

    /// Forgets what has been staged.
    package mutating func clearStaged() {
        guard !staged.isEmpty else { return }
        staged = []
        topology?.outdatePlans()
    }

    /// What the staged changes would do.
    ///
    /// - Parameter bytes: about how large a partition is.
    package func plan(bytes: (UInt16) -> UInt64 = { _ in 0 }) throws(ClusterRefusal) -> MembershipPlan {
        guard let topology else { throw .notCreated }
        do throws(TopologyRefusal) {
            return try topology.plan(staged, bytes: bytes)
        } catch {
            throw ClusterRefusal(error.explanation)
        }
    }

    /// Puts the staged changes into effect, if they still mean what a plan said.
    ///
    /// - Parameter epoch: the membership epoch that the plan was made for; nil takes the changes as they are.
    package mutating func commit(planFor epoch: UInt64?) throws(ClusterRefusal) {
        guard var changed = topology else { throw .notCreated }
        do throws(TopologyRefusal) {
            if let epoch, epoch != changed.membershipEpoch { throw .stalePlan }
            try changed.begin(try changed.plan(staged))
        } catch {
            throw ClusterRefusal(error.explanation)
        }
        topology = changed
        staged = []
        forgetDeparted()
    }

    /// Gives up what has not been done yet of the last commit.
    ///
    /// - Returns: the partitions for which it is too late.
    package mutating func cancel() throws(ClusterRefusal) -> [UInt16] {
        guard let before = topology else { throw .notCreated }
        guard before.isChanging else { return [] }
        let tooLate = topology?.cancelPlan() ?? []
        forgetDeparted()
        return tooLate
    }

    /// Declares, on an operator's word, that a node will not come back.
    package mutating func declareLost(_ id: NodeID) throws(ClusterRefusal) {
        guard topology != nil else { throw .notCreated }
        do throws(TopologyRefusal) {
            try topology?.declareLost(id)
        } catch {
            throw ClusterRefusal(error.explanation)
        }
        forgetDeparted()
    }

    /// Forgets a node that has introduced itself and has never taken part.
    package mutating func forget(_ name: String) {
        nodes.removeAll { $0.name == name && $0.id == nil }
    }

    /// Nodes that the topology has let go are no longer named either.
    private mutating func forgetDeparted() {
        guard let topology else { return }
        nodes.removeAll { node in node.id.map { topology.node($0) == nil } ?? false }
        staged.removeAll { change in change.nodes.contains { topology.node($0) == nil } }
    }

    // MARK: Replicas

    /// Carries out what a node's replicas ask for.
    ///
    /// - Returns: whether it was refused, because things have moved on.
    @discardableResult
    package mutating func apply(_ request: ConfigurationRequest, from node: NodeID) -> TopologyRefusal? {
        guard var changed = topology else { return .noSuchNode }
        do throws(TopologyRefusal) {
            try changed.apply(request, from: node)
        } catch {
            return error
        }
        topology = changed
        forgetDeparted()
        return nil
    }
}

extension MembershipChange {
    /// The nodes that it is about.
    package var nodes: [NodeID] {
        switch self {
        case .join(let id), .leave(let id), .reweigh(let id, _): [id]
        case .replace(let old, let new): [old, new]
        }
    }
}

extension ClusterRefusal {
    static let notCreated = ClusterRefusal("the cluster has not been created yet: 'kindred cluster create' does it")
}

extension TopologyRefusal {
    /// The refusal in words for an operator.
    package var explanation: String {
        switch self {
        case .noSuchPartition: "there is no such partition"
        case .noSuchNode: "there is no such node"
        case .wrongNodeState(let state):
            switch state {
            case .joining: "the node has registered and is not a member: it can join"
            case .member: "the node is a member already"
            case .leaving: "the node is leaving"
            case .lost: "the node has been declared lost: start it with an empty data directory to join as a new one"
            }
        case .seatTaken: "the node's place has been taken by the node that replaced it"
        case .noNodes: "no node would be left to place replicas on"
        case .outOfBounds: "a number is out of its bounds"
        case .wrongEpoch, .notCurrent, .notClosing: "things have moved on meanwhile"
        case .stalePlan: "the nodes have changed since the plan was made: make a new one"
        case .changeInProgress:
            "members are still changing as the last commit said: wait until 'transfers' is empty, or cancel"
        case .wrongLeadership: "the leadership has changed meanwhile"
        case .notInLeadership: "the node is not sure to have every acknowledged version, so it cannot lead"
        case .leadershipExists: "the partition has a leader"
        case .exhausted: "no more ids can be given out"
        }
    }
}
