import ArgumentParser

/// `kindred sim`: runs the replication core in a world of its own, without a node.
struct Sim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the replication core on virtual clocks, networks and disks.",
        subcommands: [
            SimRun.self, SimReplay.self, SimScenario.self, SimProfiles.self, SimPlanted.self,
        ])
}
