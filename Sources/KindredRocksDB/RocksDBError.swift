internal import CRocksDB
internal import KindredStorage

/// The place where a function of RocksDB's C API leaves its error: a C string to be freed, and the status only as text.
struct RocksDBError: ~Copyable {
    private var text: UnsafeMutablePointer<CChar>?

    deinit {
        if let text { rocksdb_free(text) }
    }

    /// Calls a function of the C API and throws the error it left.
    static func check<Result>(
        _ call: (_ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) throws(StorageError) -> Result {
        var error = RocksDBError()
        let result = call(&error.text)
        try error.throwIfSet()
        return result
    }

    /// Calls a read of the C API; nil if its answer is not in memory and it was told not to read the disk.
    ///
    /// RocksDB says so with the status "Incomplete", which the C API passes on as an error beginning with these words.
    static func checkRead<Result>(
        _ call: (_ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) throws(StorageError) -> Result? {
        var error = RocksDBError()
        let result = call(&error.text)
        if let text = error.text, String(cString: text).hasPrefix("Result incomplete") { return nil }
        try error.throwIfSet()
        return result
    }

    private func throwIfSet() throws(StorageError) {
        if let text { throw Self.classify(String(cString: text)) }
    }

    /// Sorts an error by its text: the C API gives nothing else. The words are those of `Status::ToString` and of
    /// `strerror`.
    static func classify(_ text: String) -> StorageError {
        for words in ["No space left on device", "Disk quota exceeded", "Space limit reached"]
        where text.contains(words) {
            return .full(text)
        }
        if text.hasPrefix("Corruption") { return .corrupt(text) }
        if text.contains("While lock file") || text.contains("lock hold by current process") {
            return .failed("another process has this data directory open (\(text))")
        }
        return .failed(text)
    }
}
