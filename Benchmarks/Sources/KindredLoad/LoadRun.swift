#if os(Linux)
    import Glibc

    /// Runs a load: connects, preloads, warms up, measures.
    package enum LoadRun {
        /// Runs `options`, which must be validated, and blocks until the last reply.
        ///
        /// Throws when the server can't be reached, when preloading met an error, and when the server's process can't be
        /// observed. Errors of the measured time are counted in the report.
        package static func run(_ options: LoadOptions) throws(LoadError) -> LoadReport {
            raiseFileLimit()
            return switch options.wire {
            case .riak: try run(options, speaking: RiakCodec.self)
            case .redis: try run(options, speaking: RedisCodec.self)
            }
        }

        private static func run<Codec: RequestCodec>(
            _ options: LoadOptions, speaking _: Codec.Type
        ) throws(LoadError) -> LoadReport {
            let values = ValuePool(valueSize: options.valueSize, seed: options.seed)
            defer { values.deallocate() }
            let contexts = options.context == .echo ? ContextMemory(keys: options.keys) : nil
            defer { contexts?.deallocate() }
            let zipfian = KeyChooser.needsRanks(options.distribution) ? ZipfianRanks(count: options.keys) : nil

            // A process that can't be observed is noticed before any load.
            _ = try Sample(options)
            var threads: [WorkerThread<Codec>] = []
            for index in 0..<options.threads {
                threads.append(
                    WorkerThread(
                        try Worker(options, index: index, values: values, contexts: contexts, zipfian: zipfian)))
            }
            try prepare(threads, options)
            return try measure(threads, options)
        }

        /// Learns the contexts and puts the first values, as the options want it.
        private static func prepare<Codec: RequestCodec>(
            _ threads: [WorkerThread<Codec>], _ options: LoadOptions
        ) throws(LoadError) {
            func everyKey(_ round: (Range<Int>) -> Worker<Codec>.Round) throws(LoadError) {
                let rounds = threads.indices.map { index in
                    round(options.keys * index / threads.count..<options.keys * (index + 1) / threads.count)
                }
                try together(threads, rounds) {}
                let errors = total(threads).errors
                guard errors.isEmpty else {
                    throw LoadError("preparing the keys failed: \(LoadReport.list(errors))")
                }
            }
            if options.context == .echo { try everyKey { .learn($0) } }
            if options.preload { try everyKey { .preload($0) } }
            if options.context == .echo, options.preload { try everyKey { .learn($0) } }
            for thread in threads { thread.forgetCounts() }
        }

        private static func measure<Codec: RequestCodec>(
            _ threads: [WorkerThread<Codec>], _ options: LoadOptions
        ) throws(LoadError) -> LoadReport {
            let start = monotonicNow() + UInt64(options.warmupSeconds * 1e9)
            let end = start + UInt64(options.durationSeconds * 1e9)
            let rounds = threads.map { _ in Worker<Codec>.Round.measure(start: start, end: end) }
            let (before, after) = try together(threads, rounds) { () throws(LoadError) in
                sleep(until: start)
                let before = try Sample(options)
                sleep(until: end)
                return (before, try Sample(options))
            }
            return LoadReport(
                options, total(threads), server: CPUUse(from: before.server, to: after.server),
                generator: CPUUse(from: before.generator, to: after.generator))
        }

        /// Runs a round on every thread, and `body` meanwhile; no thread runs any more when this returns or throws.
        private static func together<Codec: RequestCodec, Value>(
            _ threads: [WorkerThread<Codec>], _ rounds: [Worker<Codec>.Round], _ body: () throws(LoadError) -> Value
        ) throws(LoadError) -> Value {
            var started = 0
            defer { for thread in threads[..<started] { thread.join() } }
            for (thread, round) in zip(threads, rounds) {
                try thread.start(round)
                started += 1
            }
            return try body()
        }

        private struct Sample {
            let server: ProcessTime?
            let generator: ProcessTime?

            init(_ options: LoadOptions) throws(LoadError) {
                if let process = options.serverPID {
                    server = try ProcessTime(of: process)
                } else {
                    server = nil
                }
                generator = try ProcessTime(of: getpid())
            }
        }

        private static func total<Codec: RequestCodec>(_ threads: [WorkerThread<Codec>]) -> WorkerCounts {
            var total = WorkerCounts()
            for thread in threads { total.add(thread.counts) }
            return total
        }

        private static func sleep(until time: UInt64) {
            var deadline = timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
            while clock_nanosleep(CLOCK_MONOTONIC, Int32(TIMER_ABSTIME), &deadline, nil) == EINTR {}
        }

        /// As many open files as the system lets this process have.
        private static func raiseFileLimit() {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
    }

    /// A worker and the thread that runs it, one round at a time. Between `start` and `join` only that thread touches
    /// the worker.
    private final class WorkerThread<Codec: RequestCodec>: ThreadBody {
        private var worker: Worker<Codec>
        private var round = Worker<Codec>.Round.preload(0..<0)
        private var thread = pthread_t()

        init(_ worker: consuming Worker<Codec>) {
            self.worker = worker
        }

        var counts: WorkerCounts { worker.counts }

        func forgetCounts() {
            worker.forgetCounts()
        }

        func start(_ round: Worker<Codec>.Round) throws(LoadError) {
            self.round = round
            let body = Unmanaged.passRetained(self as ThreadBody)
            let status = pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().main() }
                    return nil
                }, body.toOpaque())
            guard status == 0 else {
                body.release()
                throw LoadError("pthread_create: \(errorText(status))")
            }
        }

        func join() {
            pthread_join(thread, nil)
        }

        override func main() {
            worker.run(round)
        }
    }

    /// What a C function pointer can call: it can't be formed for a generic type.
    private class ThreadBody {
        func main() {}
    }
#else
    /// The load generator is built on epoll.
    package enum LoadRun {
        /// Says that there is no load generator here.
        package static func run(_ options: LoadOptions) throws(LoadError) -> LoadReport {
            throw LoadError("kindred-load runs on Linux only: it is built on epoll and /proc")
        }
    }
#endif
