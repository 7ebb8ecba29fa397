import ArgumentParser

/// `kindred`: parses, composes, runs; nothing else.
@main
struct Kindred: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kindred",
        abstract: "A replicated key-value database that detects every concurrent write.",
        discussion: """
            EXAMPLES
              kindred serve --data ./data
              kindred dev --nodes 3
              kindred demo
              kindred put siblings/carts/anna 'milk, eggs'
              kindred get siblings/carts/anna
              kindred explain siblings/carts/anna
              kindred conflicts
            """,
        version: "0.1.0",
        subcommands: [
            Serve.self, Dev.self, Demo.self, Put.self, Get.self, Delete.self, Keys.self, Buckets.self, BucketTypes.self,
            Copy.self,
            Ping.self, ConflictCommands.self, Explain.self, ClusterCommands.self, TLSCommands.self, Sim.self, Lab.self,
            Advise.self,
        ])
}
