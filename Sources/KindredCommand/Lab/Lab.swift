import ArgumentParser

/// `kindred lab`: what becomes of concurrent writes, measured, replayed and checked.
struct Lab: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure, replay and check what becomes of concurrent writes.",
        discussion: """
            EXAMPLES
              kindred lab compare
              kindred lab compare --partition 10s --skew 500ms --seeds 5
              kindred lab check-resolver union
              kindred lab record --type carts --for 60s --out carts.jsonl
              kindred lab replay carts.jsonl
            """,
        subcommands: [LabCompare.self, LabResolver.self, LabRecording.self, LabReplay.self])
}
