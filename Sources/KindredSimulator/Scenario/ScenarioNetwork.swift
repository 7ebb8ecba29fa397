/// Who can reach whom. Messages arrive at once or not at all.
struct ScenarioNetwork {
    /// The number of the group that each node is in. Who is in no group of a partition is in group 0, with the others
    /// that are in none.
    private var groups: [Int]

    init(nodes: Int) {
        groups = [Int](repeating: 0, count: nodes)
    }

    mutating func heal() {
        groups = [Int](repeating: 0, count: groups.count)
    }

    mutating func divide(_ parts: [[Int]]) {
        heal()
        for (number, part) in parts.enumerated() {
            for node in part { groups[node] = number + 1 }
        }
    }

    func reaches(_ sender: Int, _ receiver: Int) -> Bool {
        groups[sender] == groups[receiver]
    }
}
