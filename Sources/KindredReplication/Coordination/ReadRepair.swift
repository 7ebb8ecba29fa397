import KindredModel

/// Which replicas need to hear what the others know, once a read has heard from them.
///
/// A replica's object need not be equal to the merged one: contexts are filled with everything that a replica knows of
/// the whole partition, and differ whenever another key is being written. It needs repair if it has other versions, or
/// has not heard of an event of this key that another replica's log still has. The update it gets carries the events of
/// all of them, so that its clock comes to say why a version is gone.
enum ReadRepair {
    /// What one replica has said.
    struct Answer: Hashable, Sendable {
        let member: ReplicaMember
        let object: CausalObject
    }

    /// Whom to send `update` to, in the order of their answers.
    static func targets(of update: ObjectUpdate, among answers: [Answer], closed: ClosedActors) -> [NodeID] {
        answers.filter { answer in
            answer.object.versions != update.object.versions
                || !update.events.allSatisfy { closed.covers($0, by: answer.object.context) }
        }.map(\.member.node)
    }

    /// The sorted union of two sorted lists of events.
    static func union(_ left: [Dot], _ right: [Dot]) -> [Dot] {
        if left.isEmpty || left == right { return right }
        var union: [Dot] = []
        union.reserveCapacity(left.count + right.count)
        for dot in (left + right).sorted() where union.last != dot { union.append(dot) }
        return union
    }
}
