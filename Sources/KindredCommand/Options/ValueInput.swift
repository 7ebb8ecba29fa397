import ArgumentParser
import Foundation
import KindredReplication

/// Values that are not on the command line. What no node takes is not read to its end.
enum ValueInput {
    /// What comes on the standard input.
    static func standardInput(_ console: Console) throws(CommandFailure) -> [UInt8] {
        if console.isInputTerminal { console.complain("Type the value; end it with Ctrl-D on a line of its own.") }
        guard let input = console.readInput() else {
            throw CommandFailure(.failure, "the standard input cannot be read")
        }
        return try checked(input)
    }

    /// What a file has.
    ///
    /// - Parameter advice: what is said when it cannot be read.
    static func file(_ path: String, advice: String = "") throws(CommandFailure) -> [UInt8] {
        let content: Data
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            content = try read(file)
        } catch {
            throw CommandFailure(.failure, "cannot read the file '\(path)'.\(advice)")
        }
        return try checked([UInt8](content))
    }

    /// Reads to the end, or one byte more than a node takes.
    static func read(_ file: FileHandle) throws -> Data {
        try file.read(upToCount: Limits.objectMaximumBytes + 1) ?? Data()
    }

    private static func checked(_ value: [UInt8]) throws(CommandFailure) -> [UInt8] {
        guard value.count <= Limits.objectMaximumBytes else {
            throw CommandFailure(
                .failure,
                "the value has more than \(TextLayout.grouped(Limits.objectMaximumBytes)) bytes, and no node takes that"
            )
        }
        return value
    }
}
