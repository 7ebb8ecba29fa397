import ArgumentParser

/// `kindred sim`: runs the replication core in a world of its own, without a node.
struct Sim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the replication core on virtual clocks, networks and disks.",
        discussion: """
            The code is the one that nodes run; the machines, their disks, their clocks and the network between them are \
            simulated. Everything follows from a seed, so what went wrong once goes wrong again.

            EXAMPLES
              kindred sim run --seeds 1..200
              kindred sim replay --seed 17 --profile network
              kindred sim scenario IntegrationTests/scenarios/deletes.json
            """,
        subcommands: [
            SimRun.self, SimReplay.self, SimScenario.self, SimProfiles.self, SimPlanted.self,
        ])
}
