/// The order of a graph's versions, by their places in `CausalGraph.drawnNodes`: acyclic, and reduced to the edges that
/// do not follow from others (Aho, Garey, Ullman, "The transitive reduction of a directed graph", 1972).
struct CausalOrder {
    /// For each version those that its writer had seen last, in ascending order.
    private(set) var parents: [[Int]]
    /// All versions, each after those that its writer had seen; in the order of the list where causality leaves it
    /// open.
    private(set) var oldestFirst: [Int]

    init(_ graph: CausalGraph) {
        let nodes = graph.drawnNodes
        let places = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($0.element.name, $0.offset) })
        var seen = [Set<Int>](repeating: [], count: nodes.count)
        for edge in graph.edges {
            guard let version = places[edge.version], let other = places[edge.hadSeen], version != other else {
                continue
            }
            seen[version].insert(other)
        }
        self.init(seen: seen.map { $0.sorted() })
    }

    /// - Parameter seen: for each version what its writer had seen, in any way; may have circles, which are broken.
    init(seen: [[Int]]) {
        let acyclic = Self.withoutCircles(seen)
        oldestFirst = Self.sorted(acyclic)
        parents = acyclic.map { _ in [] }
        // All that is below a version, itself included, as bits.
        var below = acyclic.map { _ in [UInt64](repeating: 0, count: (acyclic.count + 63) / 64) }
        var position = acyclic.map { _ in 0 }
        for (place, version) in oldestFirst.enumerated() { position[version] = place }
        for version in oldestFirst {
            below[version][version / 64] |= 1 << UInt64(version % 64)
            // The latest first: what is below another one of the list comes after that one.
            for parent in acyclic[version].sorted(by: { position[$0] > position[$1] })
            where below[version][parent / 64] & (1 << UInt64(parent % 64)) == 0 {
                parents[version].append(parent)
                for word in below[version].indices { below[version][word] |= below[parent][word] }
            }
            parents[version].sort()
        }
    }

    /// The edges without those that lead back to where a walk from the first version on is at that time.
    private static func withoutCircles(_ seen: [[Int]]) -> [[Int]] {
        enum State { case new, open, done }
        var state = seen.map { _ in State.new }
        var result = seen.map { _ in [Int]() }
        for root in seen.indices where state[root] == .new {
            var path = [(version: root, next: 0)]
            state[root] = .open
            while let (version, next) = path.last {
                guard next < seen[version].count else {
                    state[version] = .done
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                let parent = seen[version][next]
                if state[parent] == .open { continue }
                result[version].append(parent)
                if state[parent] == .new {
                    state[parent] = .open
                    path.append((parent, 0))
                }
            }
        }
        return result
    }

    private static func sorted(_ parents: [[Int]]) -> [Int] {
        var waitsFor = parents.map(\.count)
        var children = parents.map { _ in [Int]() }
        for (version, parents) in parents.enumerated() {
            for parent in parents { children[parent].append(version) }
        }
        var ready = Set(parents.indices.filter { waitsFor[$0] == 0 })
        var result: [Int] = []
        while let next = ready.min() {
            ready.remove(next)
            result.append(next)
            for child in children[next] {
                waitsFor[child] -= 1
                if waitsFor[child] == 0 { ready.insert(child) }
            }
        }
        return result
    }
}
