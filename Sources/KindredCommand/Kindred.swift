import ArgumentParser

@main
struct Kindred: AsyncParsableCommand {
    func run() async throws {}
}
