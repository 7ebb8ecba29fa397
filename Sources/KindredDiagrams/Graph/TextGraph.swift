/// The lines of a graph in a terminal: each column waits for one version that has been seen by somebody above.
struct TextGraph {
    /// What the lines of one version are.
    struct Cells {
        /// The line with the mark, which is at `column`.
        var node: [Character]
        var column: Int
        /// Lines in which edges change columns.
        var connectors: [[Character]]
        /// Columns that go on below.
        var after: [Character]
    }

    private let order: CausalOrder
    private let charset: CausalGraph.Charset
    private let marks: [Character]
    private var waiting: [Int?] = []

    init(order: CausalOrder, charset: CausalGraph.Charset, marks: [Character]) {
        self.order = order
        self.charset = charset
        self.marks = marks
    }

    /// The cells of each version, newest first.
    mutating func rows() -> [(version: Int, cells: Cells)] {
        var result: [(version: Int, cells: Cells)] = []
        for version in order.oldestFirst.reversed() { result.append((version, draw(version))) }
        return result
    }

    private mutating func draw(_ version: Int) -> Cells {
        let column = waiting.firstIndex(of: version) ?? freeColumn(from: 0)
        waiting[column] = version
        let node = cells { $0 == column ? marks[version] : waiting[$0] == nil ? " " : bar }
        let before = waiting
        var targets: [Int] = []
        var left: Int?
        waiting[column] = nil
        // Those that somebody else waits for, too, are joined; the first other one takes this column, more of them
        // columns beside it.
        for parent in order.parents[version] {
            if let known = waiting.firstIndex(of: parent) {
                targets.append(known)
                // The graph stays narrow if lines that meet go on in the left one of their columns.
                if known > column, order.parents[version].count == 1 {
                    waiting[column] = parent
                    left = known
                }
            } else {
                let free = waiting[column] == nil ? column : freeColumn(from: column + 1)
                waiting[free] = parent
                if free != column { targets.append(free) }
            }
        }
        if let left { waiting[left] = nil }
        let connectors =
            charset == .ascii
            ? slanted(from: column, to: targets, before: before) : joined(from: column, to: targets, before: before)
        let after = cells { waiting[$0] == nil ? " " : bar }
        while let last = waiting.last, last == nil { waiting.removeLast() }
        return Cells(node: node, column: column * 2, connectors: connectors, after: after)
    }

    private var bar: Character { charset == .ascii ? "|" : "│" }

    /// Columns are two characters apart.
    private func cells(_ content: (Int) -> Character) -> [Character] {
        var result: [Character] = []
        for column in waiting.indices {
            if column > 0 { result.append(" ") }
            result.append(content(column))
        }
        return result
    }

    /// The first free column from `first` on.
    private mutating func freeColumn(from first: Int) -> Int {
        if let free = waiting.indices.first(where: { $0 >= first && waiting[$0] == nil }) { return free }
        waiting.append(nil)
        return waiting.count - 1
    }

    /// One line, which branches off to all targets. Columns between pass over it.
    private func joined(from column: Int, to targets: [Int], before: [Int?]) -> [[Character]] {
        guard let least = targets.min(), let greatest = targets.max() else { return [] }
        let (first, last) = (min(least, column), max(greatest, column))
        var line = cells { place in
            let comesFromAbove = before.indices.contains(place) && before[place] != nil
            let goesOn = waiting[place] != nil
            guard (first...last).contains(place) else { return comesFromAbove && goesOn ? "│" : " " }
            guard place == column || targets.contains(place) else { return comesFromAbove ? "│" : "─" }
            switch (comesFromAbove, goesOn, place > first, place < last) {
            case (true, true, true, true): return "┼"
            case (true, true, true, false): return "┤"
            case (true, true, false, _): return "├"
            case (true, false, true, true): return "┴"
            case (true, false, true, false): return "╯"
            case (true, false, false, _): return "╰"
            case (false, _, true, true): return "┬"
            case (false, _, true, false): return "╮"
            case (false, _, false, _): return "╭"
            }
        }
        for place in first..<last { line[place * 2 + 1] = "─" }
        return [line]
    }

    /// One line for each target.
    private func slanted(from column: Int, to targets: [Int], before: [Int?]) -> [[Character]] {
        var open = Set(before.indices.filter { before[$0] != nil })
        return targets.enumerated().map { number, target in
            // A column that does not go on comes in from where it was.
            let comesIn = target > column && waiting[target] == nil
            if comesIn { open.remove(target) }
            if number == targets.count - 1, waiting[column] == nil { open.remove(column) }
            var line = cells { open.contains($0) ? "|" : " " }
            for place in min(column, target)..<max(column, target) {
                line[place * 2 + 1] = "_"
                if place > min(column, target), line[place * 2] == " " { line[place * 2] = "_" }
            }
            let right = max(column, target)
            if target < column || comesIn { line[right * 2 - 1] = "/" } else { line[column * 2 + 1] = "\\" }
            if !comesIn { open.insert(target) }
            return line
        }
    }
}
