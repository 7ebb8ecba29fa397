import Foundation
import KindredResolvers
import Synchronization

/// A resolver that is somebody's program, in any language: it is asked with a line on its standard input, and answers
/// with a line on its standard output.
///
/// One process answers all questions. What goes wrong with it (it ends, it is silent for too long, it writes
/// nonsense) is counted and told, and no law is broken by it; the next question is for a new process. After a number
/// of failures it is not asked any more.
final class ResolverProgram: Sendable {
    /// What went wrong with the program.
    struct Failures: Sendable {
        var count = 0
        /// The first failure, and the line that caused it.
        var first: (reason: String, question: [UInt8])?
        /// Whether the program is not asked any more.
        var isGivenUp: Bool { count >= ResolverProgram.maximumFailures }
    }

    /// After so many failures nobody learns anything from another one, and each may take a whole timeout.
    static let maximumFailures = 10

    private struct State {
        var process: LineProcess?
        var failures = Failures()
    }

    private let executable: String
    private let arguments: [String]
    private let timeout: Duration
    private let state = Mutex(State())

    /// Finds the program; it is started with the first question.
    ///
    /// - Parameter words: the program, as a path or as a name in `PATH`, and its arguments.
    init(_ words: [String], timeout: Duration) throws(LabFailure) {
        guard let name = words.first, let executable = Self.path(of: name) else {
            throw LabFailure("--exec: there is no program '\(words.first ?? "")'")
        }
        self.executable = executable
        arguments = Array(words.dropFirst())
        self.timeout = timeout
        // Who writes to a program that has ended is to get an error, not a signal.
        signal(SIGPIPE, SIG_IGN)
    }

    private static func path(of name: String) -> String? {
        let paths = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":").map { "\($0)/\(name)" } ?? []
        return (name.contains("/") ? [name] : paths).first { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
                && FileManager.default.isExecutableFile(atPath: path)
        }
    }

    /// The program as a resolver.
    var resolver: Resolver {
        let words = [URL(fileURLWithPath: executable).lastPathComponent] + arguments
        return Resolver(name: TextLayout.cut(words.joined(separator: " "), to: 80), version: 1) { input in
            try self.resolve(input)
        }
    }

    /// What went wrong so far.
    var failures: Failures { state.withLock { $0.failures } }

    /// Ends the program.
    func end() {
        state.withLock { state in
            state.process?.end()
            state.process = nil
        }
    }

    private func resolve(_ input: ResolutionInput) throws(ResolutionError) -> ResolvedValue {
        let question = ResolverLine.question(input)
        let answer: Result<ResolverLine.Answer, ResolutionError> = state.withLock { state in
            if state.failures.isGivenUp { return .failure(.unavailable("the program has failed too often")) }
            do throws(LabFailure) {
                if state.process == nil { state.process = try LineProcess(executable, arguments) }
                guard let line = try state.process?.exchange(question, timeout: timeout) else {
                    throw LabFailure("it is not running")
                }
                return .success(try ResolverLine.answer(line))
            } catch {
                state.process?.end()
                state.process = nil
                state.failures.count += 1
                if state.failures.first == nil { state.failures.first = (error.description, question) }
                return .failure(.unavailable("the program has failed: \(error.description)"))
            }
        }
        switch try answer.get() {
        case .refusal(let why): throw .refused(why)
        case .value(let value): return value
        }
    }
}
