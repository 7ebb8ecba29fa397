import ArgumentParser
import Synchronization
import Testing

@testable import KindredCommand

/// Takes down what a command writes.
final class TestConsole: Sendable {
    private let written = Mutex<(output: [UInt8], errors: [String])>(([], []))

    var output: String { String(decoding: bytes, as: UTF8.self) }
    var bytes: [UInt8] { written.withLock { $0.output } }
    var errors: [String] { written.withLock { $0.errors } }

    func console(isTerminal: Bool = false, input: [UInt8] = []) -> Console {
        Console(
            write: { bytes in self.written.withLock { $0.output += bytes } },
            complain: { line in self.written.withLock { $0.errors.append(line) } },
            readInput: { input }, isTerminal: isTerminal, isInputTerminal: false, width: 80, style: Style(isOn: false))
    }

    /// Runs a command line against a server of a test's making.
    ///
    /// - Returns: the exit code.
    func run(
        _ words: [String], against server: FakeServer, isTerminal: Bool = false, input: String = ""
    ) async throws -> Int32 {
        let command = try Kindred.parseAsRoot(words + ["--server", "127.0.0.1:\(server.port)"])
        let nodeCommand = try #require(command as? any NodeCommand)
        return await nodeCommand.perform(console(isTerminal: isTerminal, input: Array(input.utf8))).rawValue
    }
}
