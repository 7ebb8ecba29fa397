import ArgumentParser
import KindredClient

/// A command that talks to a node.
protocol NodeCommand: AsyncParsableCommand {
    var common: CommonOptions { get }

    /// Does what the command says.
    ///
    /// - Returns: the exit code.
    func run(_ client: Client, _ console: Console) async throws -> ExitCode
}

extension NodeCommand {
    func run() async throws {
        let code = await perform(.standard)
        if code != .success { throw code }
    }

    /// Connects, does what the command says, and says what went wrong.
    func perform(_ console: Console) async -> ExitCode {
        do {
            let client = try await common.connect()
            let code = try await run(client, console)
            await client.close()
            return code
        } catch {
            return console.complain(error)
        }
    }
}

extension Console {
    /// Says what went wrong.
    ///
    /// - Returns: what the process is to end with.
    func complain(_ error: any Error) -> ExitCode {
        let failure = CommandFailure(error)
        complain("kindred: \(failure.message)")
        return failure.code
    }
}

/// What the process ends with; docs/cli.md tells what each means to a script.
extension ExitCode {
    /// The key does not exist.
    static let notFound = ExitCode(2)
    /// The key has several concurrent values.
    static let siblings = ExitCode(4)
    /// The command line makes no sense (EX_USAGE, which the argument parser ends with, too).
    static let usage = ExitCode(64)
    /// The node cannot be reached (EX_UNAVAILABLE).
    static let unreachable = ExitCode(69)
}

/// Why a command ends without having done what it should: one line, with what to do next.
struct CommandFailure: Error {
    let code: ExitCode
    let message: String

    init(_ code: ExitCode, _ message: String) {
        self.code = code
        self.message = TextLayout.name(Array(message.utf8))
    }

    /// Puts any error in words.
    init(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as ClientError: self.init(error)
        default: self.init(.failure, "\(error)")
        }
    }

    init(_ error: ClientError) {
        switch error.code {
        case .unreachable:
            self.init(
                .unreachable, "\(error.message). Start a node with 'kindred serve', or name another with --server.")
        case .timeout:
            self.init(.failure, "\(error.message). Ask for the key to find out, or wait longer with --timeout.")
        case .protocolViolation:
            self.init(
                .failure,
                "\(error.message). Is --server where the node speaks protocol buffers (usually port 8087), not HTTP?")
        case .preconditionFailed:
            self.init(
                .failure, "\(error.message). Read it with 'kindred get', and write with the context of that read.")
        case .refused:
            self.init(.failure, error.message + Self.advice(on: error.message))
        case .connectionClosed, .cancelled, .invalidRequest:
            self.init(.failure, error.message)
        }
    }

    /// What to do about a refusal, where the server's text does not say it.
    private static func advice(on text: String) -> String {
        if text.hasPrefix("No bucket-type named") {
            return ". 'kindred bucket-type list' shows what there is, and what is active."
        }
        if text.hasPrefix("The key exists with other content") {
            return ". Write to another key; with --new-key the node makes one."
        }
        if text.hasPrefix("Bucket type"), text.hasSuffix("already exists") {
            return ". 'kindred bucket-type status' shows it, and 'update' changes it."
        }
        if text.hasPrefix("{too_large") {
            return ". The node does not store objects of that many bytes; divide it over several keys."
        }
        return text.hasPrefix("overload") ? ". Try again in a moment." : ""
    }
}
