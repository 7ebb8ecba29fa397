import ArgumentParser

/// `kindred lab`: what becomes of concurrent writes, measured and checked, without a node.
struct Lab: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure and check what becomes of concurrent writes, without a node.",
        discussion: """
            EXAMPLES
              kindred lab compare
              kindred lab compare --partition 10s --skew 500ms --seeds 5
              kindred lab check-resolver union
            """,
        subcommands: [LabCompare.self, LabResolver.self])
}
