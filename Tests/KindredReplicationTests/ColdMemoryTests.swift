import KindredModel
import KindredReplication
import KindredStorage
import KindredTesting
import Testing

/// Replicas whose objects are on the disk and not in memory, as after a restart: what others say of them is merged all the same.
@Suite struct ColdMemoryTests {
    @Test func aReplicaWithColdObjectsTakesInWhatItPulls() throws {
        var group = ReplicaGroup(voters: 3)
        for number in 0..<40 { try group.write("old", to: "key\(number)", at: 0) }
        try group.quiesce()
        try group.restartCold(2)
        for number in 0..<40 {
            let seen = try group.knowledge("key\(number)", at: 0)
            try group.write("new", to: "key\(number)", at: 0, seen: seen)
        }
        #expect(try group.pull(by: 2, from: 0) == false)
        #expect(group.members[2].replica.clock == group.members[0].replica.clock)
        for number in 0..<40 { #expect(try group.values("key\(number)", at: 2) == ["new"]) }
    }

    @Test func aFullTransferGoesOnOverColdObjects() throws {
        var group = ReplicaGroup(voters: 3)
        for number in 0..<40 { try group.write("old", to: "key\(number)", at: 0) }
        try group.quiesce()
        try group.restartCold(2)
        for number in 0..<40 {
            let seen = try group.knowledge("key\(number)", at: 0)
            try group.write(number % 2 == 0 ? "new" : nil, to: "key\(number)", at: 0, seen: seen)
        }
        try group.forgetLog(at: 0)
        #expect(try group.pull(by: 2, from: 0) == true)
        for number in 0..<40 {
            #expect(try group.values("key\(number)", at: 2) == (number % 2 == 0 ? ["new"] : []))
        }
    }
}
