import Foundation

/// Where a command writes, and what it may assume about who reads it.
struct Console: Sendable {
    /// Writes to the standard output.
    let write: @Sendable ([UInt8]) -> Void
    /// Writes a line to the standard error.
    let complain: @Sendable (String) -> Void
    /// Reads the standard input to its end, or as far as a value can be long; nil if that fails.
    let readInput: @Sendable () -> [UInt8]?
    /// Whether a person reads the output rather than a program.
    let isTerminal: Bool
    /// Whether the standard input is typed by a person.
    let isInputTerminal: Bool
    /// How many columns the output has.
    let width: Int
    /// Colours, or none.
    let style: Style

    /// Writes text and ends the line.
    func print(_ line: String = "") {
        write(Array((line + "\n").utf8))
    }

    /// The console of this process.
    static var standard: Console {
        let environment = ProcessInfo.processInfo.environment
        let isTerminal = isatty(STDOUT_FILENO) == 1
        return Console(
            write: { write($0, to: STDOUT_FILENO) },
            complain: { write(Array(($0 + "\n").utf8), to: STDERR_FILENO) },
            readInput: { (try? ValueInput.read(.standardInput)).map { [UInt8]($0) } },
            isTerminal: isTerminal, isInputTerminal: isatty(STDIN_FILENO) == 1,
            width: isTerminal ? columns(environment) : 80,
            style: Style(isOn: isTerminal && colourIsWelcome(environment)))
    }

    /// Whether the environment lets a terminal have colours: https://no-color.org
    static func colourIsWelcome(_ environment: [String: String]) -> Bool {
        (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    private static func columns(_ environment: [String: String]) -> Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return environment["COLUMNS"].flatMap(Int.init).map { min(max($0, 20), 1_000) } ?? 80
    }

    /// Writes all bytes. A reader that has gone (`kindred keys … | head`) ends the process: nobody would see the rest.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes
            while !rest.isEmpty {
                let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
                if count > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                } else if errno != EINTR {
                    exit(EXIT_FAILURE)
                }
            }
        }
    }
}

/// Colours and weights by their purpose; plain text where they are off.
struct Style: Hashable, Sendable {
    let isOn: Bool

    /// What a piece of text is.
    enum Role: Hashable, Sendable {
        case plain
        case strong
        case faint
        case good
        case bad
        /// Something of the client with this number: clients are told apart by colour.
        case client(Int)
    }

    func apply(_ role: Role, _ text: some StringProtocol) -> String {
        guard isOn, role != .plain, !text.isEmpty else { return String(text) }
        return "\u{1B}[\(code(role))m\(text)\u{1B}[0m"
    }

    private func code(_ role: Role) -> String {
        switch role {
        case .plain: "0"
        case .strong: "1"
        case .faint: "2"
        case .good: "32"
        case .bad: "31"
        case .client(let number): ["36", "35", "33", "34"][abs(number % 4)]
        }
    }
}
