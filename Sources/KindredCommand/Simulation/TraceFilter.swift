import KindredModel

/// Which lines of a trace are shown.
struct TraceFilter {
    /// How many lines, the last ones; nil for all.
    let limit: Int?
    /// The ways in which lines mention the key; empty if all lines count.
    private let names: [String]

    /// How many lines are kept where all are asked for: some gigabytes of text.
    private static let most = 20_000_000
    /// What concerns every key.
    private static let always = ["FAULT ", "VIOLATION ", " crashes (", " starts, generation ", "quiet: ", "operator: "]

    /// - Parameter key: a key as `kindred sim` names them: `k0`, `version-vectors/k0`, or `t1/k0` as in messages; nil for
    ///   every key.
    init(limit: Int?, key: String? = nil) {
        self.limit = limit
        guard let key else {
            names = []
            return
        }
        var names = [key]
        for (index, strategy) in ConflictStrategy.allCases.enumerated() {
            let type = "t\(index + 1)/"
            let long = "\(strategy.rawValue)/"
            if key.hasPrefix(long) { names.append(type + key.dropFirst(long.count)) }
            if key.hasPrefix(type) { names.append(long + key.dropFirst(type.count)) }
        }
        self.names = names
    }

    /// How many lines a simulation has to keep for it. The last lines about a key may be anywhere.
    var capacity: Int {
        limit == 0 ? 0 : names.isEmpty ? limit ?? Self.most : Self.most
    }

    func lines(_ trace: [String]) -> [String] {
        let matching = names.isEmpty ? trace : trace.filter(concerns)
        return Array(matching.suffix(limit ?? matching.count))
    }

    private func concerns(_ line: String) -> Bool {
        names.contains { mentions(line, $0) } || Self.always.contains { line.contains($0) }
    }

    /// Whether the name is in the line, and not only as the beginning or the end of a longer one: `k1` is not `k10`.
    private func mentions(_ line: String, _ name: String) -> Bool {
        line.ranges(of: name).contains { range in
            let after = line[range.upperBound...].first
            let before = line[..<range.lowerBound].last
            return !(after.map { $0.isLetter || $0.isNumber } ?? false)
                && !(before.map { $0.isLetter || $0.isNumber } ?? false)
        }
    }
}
