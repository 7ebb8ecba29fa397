import ArgumentParser
import Foundation

/// A command that operates a cluster through one of its nodes.
protocol ClusterCommand: AsyncParsableCommand {
    var common: OperatorOptions { get }

    /// Does what the command says.
    ///
    /// - Returns: the exit code.
    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode
}

extension ClusterCommand {
    func run() async throws {
        let code = await perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says, and says what went wrong.
    func perform(_ console: Console) async -> ExitCode {
        do {
            let nodes = try common.nodes(ProcessInfo.processInfo.environment)
            return try await ClusterClient.with(nodes, timeout: .seconds(common.timeout)) { cluster in
                try await run(cluster, console)
            }
        } catch {
            return console.complain(error)
        }
    }
}

extension Console {
    /// Writes lines.
    func print(_ lines: [StyledLine]) {
        for line in lines { print(line.text(style)) }
    }

    /// Writes a document as a node has sent it.
    func print(json bytes: [UInt8]) {
        write(bytes + [UInt8(ascii: "\n")])
    }

    /// Writes a document that was gathered.
    func print(json document: some Encodable) throws(CommandFailure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(document) else {
            throw CommandFailure(.failure, "the answer cannot be written as JSON")
        }
        print(json: [UInt8](data))
    }
}
