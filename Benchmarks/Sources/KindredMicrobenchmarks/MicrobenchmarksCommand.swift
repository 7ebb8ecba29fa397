import ArgumentParser

/// `kindred-microbenchmarks`: what the pure parts cost, without a server.
@main
struct MicrobenchmarksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kindred-microbenchmarks",
        abstract: "Measures the model and the replication core, without a server.",
        subcommands: [OperationsCommand.self, AntiEntropyCommand.self],
        defaultSubcommand: OperationsCommand.self)
}
