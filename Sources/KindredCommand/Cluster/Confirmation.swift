/// Asks a person before something is done that is hard to undo.
struct Confirmation {
    let console: Console
    /// Whether the command line says yes already.
    let isGiven: Bool
    /// Whether the output is for a program, so that nobody can be asked.
    let isSilent: Bool
    /// Reads a line that somebody types; nil at the end of the input.
    var readLine: () -> String? = { Swift.readLine() }

    /// Refuses a command that would have to ask where nobody is.
    func check() throws(CommandFailure) {
        guard isGiven || (console.isTerminal && console.isInputTerminal && !isSilent) else {
            throw CommandFailure(.usage, "nobody can be asked here whether to do it: say so with --yes")
        }
    }

    /// - Returns: whether to go on.
    func ask(_ question: String) throws(CommandFailure) -> Bool {
        try check()
        if isGiven { return true }
        console.write(Array("\(question) [y/N] ".utf8))
        let answer = readLine()?.lowercased().filter { $0 != " " && $0 != "\r" }
        return answer == "y" || answer == "yes"
    }
}
