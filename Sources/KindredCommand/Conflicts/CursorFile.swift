import ArgumentParser
import Foundation

/// A file that remembers up to where somebody has been told of conflicts.
struct CursorFile: Sendable {
    /// Longer than a node takes one.
    private static let longest = 2 << 20

    let path: String

    /// The cursor; nil if there is no such file yet, or it is empty.
    func read() throws(CommandFailure) -> String? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let bytes: Data
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            bytes = try file.read(upToCount: Self.longest + 1) ?? Data()
        } catch {
            throw CommandFailure(.failure, "cannot read '\(path)': \(error.localizedDescription)")
        }
        guard bytes.count <= Self.longest, let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure(.failure, "'\(path)' has no cursor of 'kindred conflicts watch'")
        }
        let cursor = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard cursor.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw CommandFailure(.failure, "'\(path)' has no cursor of 'kindred conflicts watch'")
        }
        return cursor.isEmpty ? nil : cursor
    }

    /// Replaces the file as a whole: whoever reads it finds the old cursor or the new one, also after a crash.
    func write(_ cursor: String) throws(CommandFailure) {
        do {
            try Data((cursor + "\n").utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw CommandFailure(.failure, "cannot write '\(path)': \(error.localizedDescription)")
        }
    }
}
