internal import KindredStorage

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// What the engine asks of the operating system beside what RocksDB asks of it.
package enum DataDirectory {
    /// Makes the directory, and those above it, unless they exist, such that they are there after a power cut.
    /// Only the owner may enter directories made here.
    static func create(_ path: String) throws(StorageError) {
        guard !path.isEmpty else { throw .failed("the data directory has an empty name") }
        var missing: [String] = []
        var current = path
        while !isDirectory(current) {
            missing.append(current)
            current = parent(of: current)
        }
        for directory in missing.reversed() {
            // Somebody else may have made it since; what stands there now is looked at instead.
            if mkdir(directory, 0o700) != 0, !isDirectory(directory) {
                let error = errno
                let text = "cannot create the directory \(directory): \(description(of: error))"
                throw error == ENOSPC || error == EDQUOT ? .full(text) : .failed(text)
            }
            synchronizeDirectory(parent(of: directory))
        }
    }

    /// The bytes that this process may still write in the file system of `path`, or nil if that cannot be found out.
    package static func freeSpace(_ path: String) -> UInt64? {
        var information = statvfs()
        guard statvfs(path, &information) == 0 else { return nil }
        let (bytes, overflow) = UInt64(information.f_bavail).multipliedReportingOverflow(
            by: UInt64(information.f_frsize))
        return overflow ? .max : bytes
    }

    /// Nanoseconds on a clock that only goes forward.
    static func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
    }

    private static func isDirectory(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }

    private static func parent(of path: String) -> String {
        var characters = Array(path.utf8)
        while characters.count > 1, characters.last == UInt8(ascii: "/") { characters.removeLast() }
        guard let slash = characters.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == 0 ? "/" : String(decoding: characters[..<slash], as: UTF8.self)
    }

    /// Best effort: some file systems refuse to synchronize directories.
    static func synchronizeDirectory(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    static func description(of error: Int32) -> String {
        guard let text = strerror(error) else { return "error \(error)" }
        return String(cString: text)
    }
}
