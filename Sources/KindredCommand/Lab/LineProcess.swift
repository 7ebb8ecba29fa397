import Foundation

/// A process that answers each line with a line.
struct LineProcess: Sendable {
    /// The longest answer: the largest value, with every byte as an escape.
    private static let maximumAnswerBytes = 512 << 20

    private let process: Process
    private let input: FileHandle
    private let output: FileHandle

    /// Starts a process. What it writes to its standard error goes where this process's goes.
    init(_ executable: String, _ arguments: [String]) throws(LabFailure) {
        let (questions, answers) = (Pipe(), Pipe())
        process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.standardInput = questions
        process.standardOutput = answers
        do {
            try process.run()
        } catch {
            throw LabFailure("it cannot be started: \(error.localizedDescription)")
        }
        input = questions.fileHandleForWriting
        output = answers.fileHandleForReading
        // Two processes that wait for each other to read would wait for ever.
        for file in [input, output] {
            let flags = fcntl(file.fileDescriptor, F_GETFL)
            _ = fcntl(file.fileDescriptor, F_SETFL, flags | O_NONBLOCK)
        }
    }

    /// Writes a line, and waits for the line that answers it.
    ///
    /// - Throws: if there is no such line in time. The process is of no use then.
    func exchange(_ question: [UInt8], timeout: Duration) throws(LabFailure) -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        var question = (question + [0x0A])[...]
        var answer: [UInt8] = []
        while true {
            let left = deadline - .now
            guard left > .zero else { throw LabFailure("no answer in \(timeout.components.seconds) s") }
            var waits = [pollfd(fd: output.fileDescriptor, events: Int16(POLLIN), revents: 0)]
            if !question.isEmpty {
                waits.append(pollfd(fd: input.fileDescriptor, events: Int16(POLLOUT), revents: 0))
            }
            let milliseconds = Int32(clamping: Int(left / .milliseconds(1)) + 1)
            if poll(&waits, nfds_t(waits.count), milliseconds) < 0, errno != EINTR {
                throw LabFailure("it cannot be waited for: \(String(cString: strerror(errno)))")
            }
            if waits.count > 1, waits[1].revents != 0 { try write(&question) }
            guard waits[0].revents != 0 else { continue }
            let known = answer.count
            try read(into: &answer)
            guard let end = answer[known...].firstIndex(of: 0x0A) else { continue }
            guard end == answer.count - 1 else { throw LabFailure("more than one line of answer") }
            guard question.isEmpty else { throw LabFailure("an answer before the end of the question") }
            return Array(answer[..<end])
        }
    }

    private func write(_ question: inout ArraySlice<UInt8>) throws(LabFailure) {
        let count = question.withUnsafeBytes { Foundation.write(input.fileDescriptor, $0.baseAddress, $0.count) }
        if count >= 0 {
            question = question.dropFirst(count)
        } else if errno == EPIPE {
            throw LabFailure(ending)
        } else if errno != EAGAIN, errno != EINTR {
            throw LabFailure("it cannot be asked: \(String(cString: strerror(errno)))")
        }
    }

    private func read(into answer: inout [UInt8]) throws(LabFailure) {
        var failure: Int32?
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            let read = Foundation.read(output.fileDescriptor, buffer.baseAddress, buffer.count)
            if read < 0 { failure = errno }
            count = max(0, read)
        }
        if failure == EAGAIN || failure == EINTR { return }
        if failure != nil || bytes.isEmpty { throw LabFailure(ending) }
        answer += bytes
        guard answer.count <= Self.maximumAnswerBytes else {
            throw LabFailure("an answer of more than \(Self.maximumAnswerBytes) bytes")
        }
    }

    /// How the process has ended; it has closed its output or its input.
    private var ending: String {
        end()
        switch process.terminationReason {
        case .exit: return "it ended with \(process.terminationStatus)"
        case .uncaughtSignal: return "it was ended by signal \(process.terminationStatus)"
        @unknown default: return "it ended"
        }
    }

    /// Lets the process end: it has nothing to save, so it gets a moment after its input has ended, and no more.
    func end() {
        try? input.close()
        var wait = pollfd(fd: output.fileDescriptor, events: 0, revents: 0)
        // Its output hangs up when it ends.
        _ = poll(&wait, 1, 500)
        // Foundation makes it the leader of a process group of its own: a script's own processes go with it.
        if process.isRunning, kill(-process.processIdentifier, SIGKILL) != 0 {
            kill(process.processIdentifier, SIGKILL)
        }
        process.waitUntilExit()
    }
}
