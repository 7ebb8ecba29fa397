#if os(Linux)
    import Glibc

    /// CPU time of a process, as /proc tells it.
    package struct ProcessTime: Sendable {
        /// Nanoseconds on a CPU of every living thread, from its schedstat.
        package private(set) var threads: [Int32: UInt64] = [:]
        /// Nanoseconds of the whole process in user mode and in the kernel, in the clock ticks of /proc/PID/stat
        /// (10 ms); threads that have ended are in it.
        package private(set) var user: UInt64 = 0
        package private(set) var system: UInt64 = 0

        /// Reads /proc/PID/stat and /proc/PID/task/*/schedstat.
        package init(of process: Int32) throws(LoadError) {
            guard let stat = readFile("/proc/\(process)/stat"), let times = Self.parseStat(stat) else {
                throw LoadError("cannot read the CPU time of process \(process)")
            }
            (user, system) = times
            guard let directory = opendir("/proc/\(process)/task") else {
                throw LoadError("cannot read the threads of process \(process): \(errorText(errno))")
            }
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard let thread = Int32(name), let schedstat = readFile("/proc/\(process)/task/\(name)/schedstat"),
                    let time = schedstat.split(separator: " ").first.flatMap({ UInt64($0) })
                else { continue }
                threads[thread] = time
            }
        }

        /// Fields 14 and 15 of /proc/PID/stat, in nanoseconds. The second field, the name, may contain anything.
        package static func parseStat(_ text: String) -> (user: UInt64, system: UInt64)? {
            guard let afterName = text.lastIndex(of: ")") else { return nil }
            let fields = text[text.index(after: afterName)...].split(separator: " ")
            guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
            let ticksPerSecond = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
            return (user * 1_000_000_000 / ticksPerSecond, system * 1_000_000_000 / ticksPerSecond)
        }

        /// Nanoseconds on a CPU since `earlier`: exact for threads that live at both ends or began in between. If a
        /// thread has ended, its exact time is gone with it, and the ticks of the whole process are used instead.
        package func nanoseconds(since earlier: ProcessTime) -> UInt64 {
            let ticks = user &- earlier.user &+ system &- earlier.system
            guard earlier.threads.keys.allSatisfy({ threads[$0] != nil }) else { return ticks }
            return threads.reduce(0) { sum, thread in
                sum + (thread.value &- (earlier.threads[thread.key] ?? 0))
            }
        }
    }

    /// A small file's text, or nil.
    private func readFile(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 1) { buffer in
            let count = read(file, buffer.baseAddress, buffer.count)
            return count >= 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
        }
    }
#endif
