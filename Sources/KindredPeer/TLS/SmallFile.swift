import KindredReplication

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Files of a few kilobytes, read and written whole.
enum SmallFile {
    /// Reads a file, up to the bound of what may be in it.
    static func read(_ path: String) throws(PeerTLSError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: lastError()) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(path: path, reason: lastError()) }
            if count == 0 { return bytes }
            bytes += chunk.prefix(count)
            guard bytes.count <= Limits.peerPEMBytes else { throw .tooLong(path: path) }
        }
    }

    /// Writes a file that must not exist, for its owner only or for everybody to read.
    static func create(_ path: String, _ text: String, isSecret: Bool) throws(DevelopmentCAError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isSecret ? 0o600 : 0o644)
        guard descriptor >= 0 else {
            if errno == EEXIST { throw .exists(path) }
            throw .notWritten(path: path, reason: lastError())
        }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let reason = lastError()
                unlink(path)
                throw .notWritten(path: path, reason: reason)
            }
            rest = rest.dropFirst(count)
        }
    }

    static func remove(_ path: String) { unlink(path) }

    private static func lastError() -> String { String(cString: strerror(errno)) }
}

// Inside of `SmallFile`, `read` is its own.
private func systemRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}

private func systemWrite(_ descriptor: CInt, _ buffer: UnsafeRawBufferPointer) -> Int {
    write(descriptor, buffer.baseAddress, buffer.count)
}

/// What tells that a file is another one than before, or has been written to.
struct FileMark: Equatable, Sendable {
    /// Nil if there is no file.
    private var identity: [Int]?

    static func of(_ files: PeerTLSFiles) -> [FileMark] {
        [files.certificate, files.key, files.authority].map(FileMark.init)
    }

    init(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        identity = [
            Int(truncatingIfNeeded: status.st_ino), Int(status.st_size), Int(time.tv_sec), Int(time.tv_nsec),
        ]
    }
}
