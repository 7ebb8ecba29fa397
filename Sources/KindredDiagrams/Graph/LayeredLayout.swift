/// Places for the versions of a graph: in layers by the longest way from a version that saw none, few crossings, edges
/// as straight as the order in the layers allows (Sugiyama, Tagawa, Toda, "Methods for visual understanding of
/// hierarchical system structures", 1981).
struct LayeredLayout {
    /// A version, or the place in a layer where an edge that spans several layers passes.
    private struct Slot {
        let version: Int?
        let layer: Int
        var above: [Int] = []
        var below: [Int] = []
        var x = 0.0
    }

    /// The horizontal centre of each version.
    private(set) var x: [Double]
    private(set) var layer: [Int]
    /// For each drawn edge: from, to, and the horizontal places in the layers between.
    private(set) var edges: [(parent: Int, child: Int, through: [Double])] = []
    private(set) var width = 0.0

    private var slots: [Slot] = []
    private var layers: [[Int]] = []
    private let widths: [Double]
    private static let passage = 26.0

    /// - Parameter widths: how wide each version is drawn, the distance to its neighbour included.
    init(_ order: CausalOrder, widths: [Double]) {
        self.widths = widths
        x = widths.map { _ in 0 }
        layer = widths.map { _ in 0 }
        for version in order.oldestFirst {
            layer[version] = (order.parents[version].map { layer[$0] + 1 }).max() ?? 0
        }
        // A version that saw nothing stands just before the first that saw it.
        var first = widths.map { _ in Int.max }
        for (child, parents) in order.parents.enumerated() {
            for parent in parents { first[parent] = min(first[parent], layer[child]) }
        }
        for version in order.oldestFirst where order.parents[version].isEmpty && first[version] != .max {
            layer[version] = first[version] - 1
        }
        let passages = makeSlots(order)
        reduceCrossings()
        placeSlots()
        for slot in slots { if let version = slot.version { x[version] = slot.x } }
        edges = passages.map { ($0.parent, $0.child, $0.through.map { slots[$0].x }) }
    }

    private mutating func makeSlots(_ order: CausalOrder) -> [(parent: Int, child: Int, through: [Int])] {
        layers = Array(repeating: [], count: (layer.max() ?? -1) + 1)
        for version in order.parents.indices {
            slots.append(Slot(version: version, layer: layer[version]))
            layers[layer[version]].append(version)
        }
        var passages: [(parent: Int, child: Int, through: [Int])] = []
        for child in order.oldestFirst {
            for parent in order.parents[child] {
                var through: [Int] = []
                var previous = parent
                for between in layers.indices where between > layer[parent] && between < layer[child] {
                    let slot = slots.count
                    slots.append(Slot(version: nil, layer: between))
                    layers[between].append(slot)
                    connect(previous, slot)
                    through.append(slot)
                    previous = slot
                }
                connect(previous, child)
                passages.append((parent, child, through))
            }
        }
        return passages
    }

    private mutating func connect(_ upper: Int, _ lower: Int) {
        slots[upper].below.append(lower)
        slots[lower].above.append(upper)
    }

    // MARK: Order in the layers

    /// Sweeps down and up, each slot to the mean of its neighbours; keeps the order with the fewest crossings.
    private mutating func reduceCrossings() {
        var best = layers
        var fewest = crossings
        for sweep in 0..<12 where fewest > 0 {
            let down = sweep.isMultiple(of: 2)
            let indices = down ? Array(layers.indices) : layers.indices.reversed()
            for index in indices {
                var place: [Int: Double] = [:]
                let neighbour = down ? index - 1 : index + 1
                guard layers.indices.contains(neighbour) else { continue }
                for (position, slot) in layers[neighbour].enumerated() { place[slot] = Double(position) }
                let own = layers[index].enumerated().map { position, slot in
                    let neighbours = (down ? slots[slot].above : slots[slot].below).compactMap { place[$0] }
                    let mean =
                        neighbours.isEmpty ? Double(position) : neighbours.reduce(0, +) / Double(neighbours.count)
                    return (slot: slot, mean: mean, position: position)
                }
                layers[index] = own.sorted { ($0.mean, $0.position) < ($1.mean, $1.position) }.map(\.slot)
            }
            let now = crossings
            if now < fewest { (best, fewest) = (layers, now) }
        }
        layers = best
    }

    private var crossings: Int {
        var count = 0
        for index in layers.indices.dropLast() {
            var place: [Int: Int] = [:]
            for (position, slot) in layers[index + 1].enumerated() { place[slot] = position }
            let ends = layers[index].map { slots[$0].below.compactMap { place[$0] } }
            for left in ends.indices {
                for right in ends.indices where right > left {
                    for a in ends[left] { count += ends[right].count { $0 < a } }
                }
            }
        }
        return count
    }

    // MARK: Places

    private mutating func placeSlots() {
        for index in layers.indices { arrange(index) { _ in nil } }
        for sweep in 0..<10 {
            let down = sweep.isMultiple(of: 2)
            for index in down ? Array(layers.indices) : layers.indices.reversed() {
                let now = slots
                arrange(index) { slot in
                    let neighbours = down ? slot.above : slot.below
                    return neighbours.isEmpty
                        ? nil : neighbours.reduce(0.0) { $0 + now[$1].x } / Double(neighbours.count)
                }
            }
        }
        let left = slots.map { $0.x - size($0) / 2 }.min() ?? 0
        for index in slots.indices { slots[index].x -= left }
        width = slots.map { $0.x + size($0) / 2 }.max() ?? 0
    }

    private func size(_ slot: Slot) -> Double { slot.version.map { widths[$0] } ?? Self.passage }

    /// Moves the slots of a layer as near as possible (in the sum of the squares) to where they want to be, in their
    /// order and without overlap. With the distances taken away that is a regression by an ascending function, which
    /// pooling solves.
    private mutating func arrange(_ index: Int, wish: (Slot) -> Double?) {
        var offset = 0.0
        var offsets: [Double] = []
        var pools: [(mean: Double, count: Int)] = []
        for (position, slot) in layers[index].enumerated() {
            if position > 0 { offset += (size(slots[layers[index][position - 1]]) + size(slots[slot])) / 2 }
            offsets.append(offset)
            pools.append(((wish(slots[slot]) ?? slots[slot].x) - offset, 1))
            while pools.count > 1, let last = pools.last, pools[pools.count - 2].mean >= last.mean {
                pools.removeLast()
                let other = pools.removeLast()
                let count = last.count + other.count
                pools.append(
                    ((last.mean * Double(last.count) + other.mean * Double(other.count)) / Double(count), count))
            }
        }
        var position = 0
        for pool in pools {
            for _ in 0..<pool.count {
                slots[layers[index][position]].x = pool.mean + offsets[position]
                position += 1
            }
        }
    }
}
