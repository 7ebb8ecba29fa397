import Foundation

/// A file with a line for each seed that begins, and for each that ends: after a crash of the whole process, the seeds
/// that began and did not end are the ones that may have caused it.
///
/// Each line is one write to a file opened for appending, and the operating system keeps what a killed process has
/// written. Lines of several threads do not mix.
final class SeedLog: Sendable {
    private let descriptor: Int32

    /// Creates the file, or empties it.
    ///
    /// - Returns: nil, with `errno` set, if that cannot be.
    init?(path: String) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o644)
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    func begins(_ seed: UInt64) { write("begin \(seed)\n") }
    func ends(_ seed: UInt64) { write("end \(seed)\n") }

    private func write(_ line: String) {
        let bytes = Array(line.utf8)
        // What cannot be written only makes the log less useful; the seeds are run all the same.
        _ = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
    }
}
