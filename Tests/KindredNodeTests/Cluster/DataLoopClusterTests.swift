import KindredModel
import KindredNode
import KindredReplication
import KindredStorage
import KindredTesting
import Testing

/// Data loops as nodes of a cluster: the shell around the replication core, whose own promises the simulator checks.
@Suite(.serialized) struct DataLoopClusterTests {
    @Test func anyNodeAnswersAnyRequest() async throws {
        let cluster = try await LoopCluster.start(5, replicas: 3)
        for (position, node) in cluster.nodes.enumerated() {
            try await node.put("v\(position)", to: "key\(position)")
        }
        for position in 0..<5 {
            for node in cluster.nodes { #expect(try await node.get("key\(position)").values == ["v\(position)"]) }
        }
        await cluster.stop()
    }

    @Test func concurrentWritesAtTwoNodesAreSiblingsAndATokenOfOneNodeHoldsAtAnother() async throws {
        let cluster = try await LoopCluster.start()
        try await cluster.nodes[0].put("a")
        try await cluster.nodes[1].put("b")
        let seen = try await cluster.nodes[2].get()
        #expect(seen.values == ["a", "b"])
        try await cluster.nodes[0].put("both", token: seen.token)
        #expect(try await cluster.nodes[1].get().values == ["both"])
        let again = try await cluster.nodes[1].get()
        try await cluster.nodes[2].delete(token: again.token)
        #expect(try await cluster.nodes[0].get().values.isEmpty)
        await cluster.stop()
    }

    @Test func writesAreAnsweredOnlyOnceTheyAreDurable() async throws {
        let cluster = try await LoopCluster.start(durability: .synced)
        try await cluster.nodes[1].put("v")
        #expect(try await cluster.nodes[0].get().values == ["v"])
        await cluster.stop()
    }

    @Test func versionNumbersAreServedThroughEveryNodeAndGoOnUnderAnotherLeader() async throws {
        let cluster = try await LoopCluster.start()
        try await eventually("the leaders have their members' promises") {
            (try? await cluster.nodes[0].get(type: "versioned")) != nil
        }
        for (position, node) in cluster.nodes.enumerated() {
            let token = try await node.get(type: "versioned").token
            try await node.put("v\(position)", type: "versioned", token: token)
        }
        #expect(try await cluster.nodes[0].get(type: "versioned").values == ["v2"])

        let report = try await cluster.nodes[0].service.report()
        let lost = try #require(report.nodes.first { $0.leads > 0 }?.id)
        cluster.switchboard.isolate(NodeID(lost), true)
        let survivors = zip(report.nodes, cluster.nodes).filter { $0.0.id != lost }.map(\.1)
        try await eventually("the others go on under another leader") {
            guard let token = try? await survivors[0].get(type: "versioned").token else { return false }
            return (try? await survivors[1].put("after", type: "versioned", token: token)) != nil
        }
        #expect(try await survivors[0].get(type: "versioned").values == ["after"])
        cluster.switchboard.isolate(NodeID(lost), false)
        let returned = try #require(zip(report.nodes, cluster.nodes).first { $0.0.id == lost }?.1)
        try await eventually("the old leader serves what the new one wrote") {
            try await returned.get(type: "versioned").values == ["after"]
        }
        await cluster.stop()
    }

    @Test func aNodeAloneDoesNotReachAQuorumAndSaysSo() async throws {
        let cluster = try await LoopCluster.start()
        try await cluster.nodes[0].put("v")
        let alone = try await cluster.nodes[0].service.report().nodes[2]
        cluster.switchboard.isolate(NodeID(try #require(alone.id)), true)
        try await eventually("it knows that it is alone") {
            do {
                _ = try await cluster.nodes[2].get()
                return false
            } catch RequestFailure.unavailable(.unsatisfied(.r, required: 2, _), mayHaveHappened: false) {
                return true
            } catch RequestFailure.timeout {
                return false
            }
        }
        // One replica is enough for whoever asks for no more.
        #expect(try await cluster.nodes[2].get { $0.first = .one }.values == ["v"])
        try await cluster.nodes[2].put("w", to: "other") {
            $0.first = .one
            $0.durable = .one
        }
        cluster.switchboard.isolate(NodeID(try #require(alone.id)), false)
        try await eventually("what it took alone is everywhere") {
            try await cluster.nodes[0].get("other").values == ["w"]
        }
        await cluster.stop()
    }

    @Test func aNamedWriteThatComesAgainHappensOnce() async throws {
        let cluster = try await LoopCluster.start()
        let first = try await cluster.nodes[0].put("v") { $0.requestID = ClientRequestID(client: 7, number: 1) }
        let again = try await cluster.nodes[0].put("v") { $0.requestID = ClientRequestID(client: 7, number: 1) }
        #expect(first == again)
        #expect(try await cluster.nodes[1].get().values == ["v"])
        // Without a name, or with the next one, it is another write, whose writer has seen nothing.
        try await cluster.nodes[0].put("v") { $0.requestID = ClientRequestID(client: 7, number: 2) }
        #expect(try await cluster.nodes[1].get().values == ["v", "v"])
        await cluster.stop()
    }

    @Test func listingsCoverEveryPartitionOnceAndSayWhenTheyCannot() async throws {
        let cluster = try await LoopCluster.start(4, replicas: 2)
        for number in 0..<40 { try await cluster.nodes[number % 4].put("v", to: "key\(number)") }
        for node in cluster.nodes {
            let keys = try await node.keys()
            #expect(keys.sorted() == (0..<40).map { "key\($0)" }.sorted())
        }
        let report = try await cluster.nodes[0].service.report()
        // Without two of four nodes, some partition has none of its two replicas left, or the two are not neighbours: then there is nothing to say.
        let orphans = report.partitionStates.filter { $0.members.allSatisfy { ["n3", "n4"].contains($0.node) } }
        for node in report.nodes where ["n3", "n4"].contains(node.name) {
            cluster.switchboard.isolate(NodeID(try #require(node.id)), true)
        }
        if orphans.isEmpty {
            #expect(try await cluster.nodes[0].keys().count == 40)
        } else {
            await #expect(throws: RequestFailure.self) { try await cluster.nodes[0].keys() }
        }
        await cluster.stop()
    }

    @Test func bucketTypesAreTheSameEverywhere() async throws {
        let cluster = try await LoopCluster.start()
        for step in ["create", "activate"] {
            let isDone = try await cluster.nodes[1].loop.run { loop throws(RequestFailure) -> Bool? in
                try loop.changeBucketTypes { types throws(BucketTypeError) in
                    step == "create"
                        ? try types.create(Array("mine".utf8), ["conflict_strategy": "last-write-wins"])
                        : try types.activate(Array("mine".utf8))
                } ? true : nil
            }
            #expect(isDone)
        }
        try await cluster.nodes[1].put("v", type: "mine")
        try await eventually("the others know the type") {
            (try? await cluster.nodes[2].get(type: "mine").values) == ["v"]
        }
        await #expect(throws: RequestFailure.bucketType(.alreadyExists(Array("mine".utf8)))) {
            _ = try await cluster.nodes[0].loop.run { loop throws(RequestFailure) -> Bool? in
                try loop.changeBucketTypes { types throws(BucketTypeError) in
                    try types.create(Array("mine".utf8), [:])
                } ? true : nil
            }
        }
        await cluster.stop()
    }

    @Test func aRefusedWriteTellsWhatTheKeyHas() async throws {
        let cluster = try await LoopCluster.start()
        try await cluster.nodes[0].put("first", type: "immutable")
        try await cluster.nodes[1].put("first", type: "immutable")
        await #expect(throws: RequestFailure.exists) { try await cluster.nodes[1].put("other", type: "immutable") }
        try await cluster.nodes[0].put("v")
        let failure = await #expect(throws: RequestFailure.self) {
            _ = try await cluster.nodes[2].loop.run { loop throws(RequestFailure) -> Bool? in
                var precondition = Precondition()
                precondition.mustNotExist = true
                let condition = precondition
                return try ObjectName.named("siblings", "k").withReference { object throws(RequestFailure) in
                    try loop.put(
                        PutRequest(
                            object: object, content: ObjectContent(value: [1]).encoded(), token: nil,
                            precondition: condition)) == nil ? nil : true
                }
            }
        }
        guard case .preconditionFailed(.exists, let current)? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(current.count == 1)
        await cluster.stop()
    }

    @Test func aFullDiskRefusesWritesAtItsNodeAndTheOthersGoOn() async throws {
        let cluster = try await LoopCluster.start()
        try await cluster.nodes[0].put("before")
        cluster.nodes[0].engine.fail(.commit, with: .full("no room"), effect: .refused)
        // The write is refused at this node, or taken by another one.
        _ = try? await cluster.nodes[0].put("lost or not", to: "other")
        try await eventually("the node serves again") { try await cluster.nodes[0].get().values == ["before"] }
        try await cluster.nodes[1].put("after", to: "third")
        try await eventually("and takes writes again") { (try? await cluster.nodes[0].put("own", to: "fourth")) != nil }
        #expect(try await cluster.nodes[2].get("fourth").values == ["own"])
        await cluster.stop()
    }

    /// The write has been committed here, and waits for the others; then another one finds the disk full.
    @Test func whatWasUnderWayWhenTheDiskBecameFullIsUnknownAndNotRefused() async throws {
        let cluster = try await LoopCluster.start()
        let report = try await cluster.nodes[0].service.report()
        for other in report.nodes.dropFirst() {
            cluster.switchboard.cut(NodeID(try #require(other.id)), true)
        }
        let write = Task { try await cluster.nodes[0].put("under way") { $0.isSloppy = false } }
        try await eventually("it is under way") {
            try await cluster.nodes[0].service.report().local.waitingRequests == 1
        }
        cluster.nodes[0].engine.fail(.commit, with: .full("no room"), effect: .refused)
        _ = try? await cluster.nodes[0].put("refused", to: "other") { $0.timeoutMilliseconds = 500 }
        let failure = await #expect(throws: RequestFailure.self) { try await write.value }
        guard case .storage(.failed)? = failure else {
            Issue.record("\(String(describing: failure)) says that nothing was written")
            return
        }
        for other in report.nodes.dropFirst() {
            cluster.switchboard.cut(NodeID(try #require(other.id)), false)
        }
        try await eventually("it was") { (try? await cluster.nodes[2].get().values) == ["under way"] }
        await cluster.stop()
    }

    @Test func aStorageThatFailsWhileItsNodeJoinsDoesNotKeepItOut() async throws {
        let cluster = try LoopCluster(3)
        for node in cluster.nodes { try await node.service.start() }
        // The record of membership and the identity are the first two commits; the third is the tick that joins.
        cluster.nodes[1].engine.fail(.commit, number: 3, with: .failed("broken"), effect: .lost)
        try await cluster.nodes[0].service.create(partitions: 4, n: 3, nodes: nil)
        for node in cluster.nodes { try await node.waitUntilServing() }
        try await cluster.nodes[1].put("v")
        #expect(try await cluster.nodes[2].get().values == ["v"])
        await cluster.stop()
    }

    @Test func aNodeWhoseStorageFailsJoinsAgainByItself() async throws {
        let cluster = try await LoopCluster.start()
        try await cluster.nodes[0].put("before")
        let starts = try await cluster.nodes[0].service.report().nodes[1].starts
        cluster.nodes[1].engine.fail(.commit, with: .failed("broken"), effect: .lost)
        try await eventually("the failure is met") {
            _ = try? await cluster.nodes[1].put("unknown", to: "other")
            return try await cluster.nodes[0].service.report().nodes[1].starts > starts
        }
        try await cluster.nodes[1].waitUntilServing()
        try await eventually("its replicas are sure again") {
            let report = try await cluster.nodes[1].service.report()
            return report.local.unsureReplicas == 0
                && report.partitionStates.allSatisfy { $0.members.allSatisfy { $0.role == "voter" } }
        }
        #expect(try await cluster.nodes[1].get().values == ["before"])
        try await cluster.nodes[1].put("after", to: "third")
        #expect(try await cluster.nodes[0].get("third").values == ["after"])
        await cluster.stop()
    }

    @Test func aFourthNodeJoinsAndAnotherLeaves() async throws {
        let cluster = try LoopCluster(4)
        for node in cluster.nodes.prefix(3) { try await node.service.start() }
        try await cluster.nodes[0].service.create(partitions: 8, n: 3, nodes: nil)
        for node in cluster.nodes.prefix(3) { try await node.waitUntilServing() }
        for number in 0..<60 { try await cluster.nodes[number % 3].put("v\(number)", to: "key\(number)") }
        try await cluster.nodes[3].service.start()
        try await cluster.nodes[3].waitUntilServing()

        let operations = cluster.nodes[0].service
        try await operations.stage(.replace("n1", with: "n4"))
        let plan = try await operations.plan()
        #expect(plan.movedReplicas == 8)
        #expect(plan.partitions.allSatisfy { $0.new.count == 3 && Set($0.new).count == 3 && !$0.new.contains("n1") })
        try await operations.commit(planFor: plan.membershipEpoch)
        try await eventually("everything has moved") {
            let report = try await operations.report()
            return report.transfers.isEmpty && report.nodes.map(\.name) == ["n2", "n3", "n4"]
        }
        for number in 0..<60 {
            #expect(try await cluster.nodes[3].get("key\(number)").values == ["v\(number)"])
        }
        #expect(try await operations.report().nodes.first { $0.name == "n4" }?.replicas == 8)
        await cluster.stop()
    }

    @Test func aDirectoryIsNotTakenForAnotherNodes() async throws {
        let cluster = try await LoopCluster.start(2, replicas: 2)
        let other = try LoopNode("n9", cluster.store.client(), cluster.switchboard, over: cluster.nodes[0].engine)
        try await other.service.start()
        try await eventually("it says why it does not serve") {
            try await other.service.report().local.state.contains("belongs to node 'n1'")
        }
        await cluster.stop()
    }
}
