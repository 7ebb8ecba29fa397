/// The versions of one key, and which of them each writer had seen.
package struct CausalGraph: Hashable, Sendable {
    /// A version.
    package struct Node: Hashable, Sendable {
        /// Its name, unique in the graph: the dot, `1.4`.
        package var name: String
        /// An excerpt of the value, or what was done.
        package var title: String
        /// Who wrote it, when, at which node.
        package var lines: [String]
        /// What became of it. What is kept, or a sibling, is drawn strong.
        package var fate: Fate

        /// Describes a version.
        package init(name: String, title: String, lines: [String] = [], fate: Fate) {
            self.name = name
            self.title = title
            self.lines = lines
            self.fate = fate
        }
    }

    /// The writer of one version had seen another one.
    package struct Edge: Hashable, Sendable {
        /// The name of the later version.
        package var version: String
        /// The name of the version that its writer had seen.
        package var hadSeen: String

        /// The writer of `version` had seen `hadSeen`.
        package init(_ version: String, hadSeen: String) {
            self.version = version
            self.hadSeen = hadSeen
        }
    }

    /// What the graph shows: the key.
    package var title: String
    /// The versions, oldest first where that is known; what causality leaves open is drawn in this order.
    package var nodes: [Node]
    /// Who had seen what. Those that follow from others are not drawn.
    package var edges: [Edge]
    /// What is there now, and why.
    package var caption: String

    /// Describes a graph. Edges to versions that are not there, and such as would make a circle, are left out. Of more
    /// than `Limit.nodes` versions the last ones are drawn.
    package init(title: String, nodes: [Node], edges: [Edge], caption: String = "") {
        self.title = title
        self.nodes = nodes
        self.edges = edges
        self.caption = caption
    }

    /// The most that one drawing has; more of it nobody could read.
    enum Limit {
        static let nodes = 400
        static let linesPerNode = 6
    }

    /// How many versions are not drawn, because there are too many or their name is not their own.
    var leftOut: Int { nodes.count - drawnNodes.count }

    /// The versions that are drawn.
    var drawnNodes: [Node] {
        var names: Set<String> = []
        let unique = nodes.filter { names.insert($0.name).inserted }
        return Array(unique.suffix(Limit.nodes))
    }
}
