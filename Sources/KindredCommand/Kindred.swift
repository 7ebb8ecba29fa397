import ArgumentParser

/// `kindred`: parses, composes, runs; nothing else.
@main
struct Kindred: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kindred",
        abstract: "A replicated key-value database that detects every concurrent write.",
        subcommands: [Serve.self])
}
