import KindredModel
import KindredReplication
import Testing

/// A full transfer to a replica that has far more than its source.
@Suite struct TransferBoundTests {
    @Test("the receiver goes through what it has itself in bounded steps, learns what was deleted, and claims last")
    func bounded() throws {
        var group = ReplicaGroup(voters: 2)
        let count = 2 * Limits.objectsPerTransfer + 10
        for number in 0..<count { try group.write("v", to: "shared \(number)", at: 0) }
        try group.pull(by: 1, from: 0)
        // In any order of the keys there are some of each kind in every part.
        for number in 0..<count { try group.write("v", to: "\(number) of its own", at: 1) }
        for number in 2..<count {
            let name = "shared \(number)"
            try group.write(nil, to: name, at: 0, seen: try group.knowledge(name, at: 0))
        }
        try group.forgetLog(at: 0)
        #expect(try group.pull(by: 1, from: 0))

        let parts = (2 * count + Limits.objectsPerTransfer - 1) / Limits.objectsPerTransfer
        // Nothing is claimed before the end.
        #expect(group.transferClaims == [Bool](repeating: false, count: parts - 1) + [true])
        for number in 0..<count {
            #expect(try group.values("shared \(number)", at: 1) == (number < 2 ? ["v"] : []))
            #expect(try group.values("\(number) of its own", at: 1) == ["v"])
        }
    }
}
