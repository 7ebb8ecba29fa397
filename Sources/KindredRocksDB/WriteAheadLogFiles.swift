internal import KindredStorage

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Makes durable what RocksDB has written to its write-ahead log: `fdatasync` on the log's files.
///
/// RocksDB has a call for it, `rocksdb_flush_wal`. But where a write has met the end of the disk, that call fails an *assertion* in
/// builds that keep them, Debian's among them, and takes the process down; and it may run beside the very write that fails. What
/// it does beyond this is nothing: RocksDB hands every write to the operating system before it returns.
///
/// Only the newest file grows. A file older than the newest one of the last time was whole then, and is durable.
struct WriteAheadLogFiles {
    private let directory: String
    private var newest: UInt64 = 0

    init(directory: String) {
        self.directory = directory
    }

    /// Returns when everything written before the call is durable.
    mutating func synchronize() throws(StorageError) {
        let numbers = try numbers().filter { $0 >= newest }.sorted()
        for number in numbers { try synchronizeFile(number) }
        guard let last = numbers.last, last > newest else { return }
        // The name of a new file has to be durable, too.
        DataDirectory.synchronizeDirectory(directory)
        newest = last
    }

    /// The numbers of the log's files.
    private func numbers() throws(StorageError) -> [UInt64] {
        guard let stream = opendir(directory) else {
            throw .failed("cannot read the directory \(directory): \(DataDirectory.description(of: errno))")
        }
        defer { closedir(stream) }
        var numbers: [UInt64] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".log"), let number = UInt64(name.dropLast(4)) { numbers.append(number) }
        }
        return numbers
    }

    private func synchronizeFile(_ number: UInt64) throws(StorageError) {
        let digits = String(number)
        let path = directory + "/" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".log"
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            // RocksDB deletes a file of the log once all that is in it is durable elsewhere.
            if errno == ENOENT { return }
            throw .failed("cannot open \(path): \(DataDirectory.description(of: errno))")
        }
        defer { _ = close(file) }
        #if canImport(Darwin)
            let result = fcntl(file, F_FULLFSYNC)
        #else
            let result = fdatasync(file)
        #endif
        guard result == 0 else { throw .failed("cannot synchronize \(path): \(DataDirectory.description(of: errno))") }
    }
}
