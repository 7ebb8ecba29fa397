import ArgumentParser

/// `kindred lab`: what becomes of concurrent writes, measured and checked, without a node.
struct Lab: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure and check what becomes of concurrent writes, without a node.",
        discussion: """
            EXAMPLES
              kindred lab check-resolver union
            """,
        subcommands: [LabResolver.self])
}
