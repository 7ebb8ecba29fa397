#if os(Linux)
    import CLinux
    import Glibc
    import Histogram

    /// One thread's share of the load: its connections, its keys, its clock, its counts.
    ///
    /// A worker is a loop around `epoll_wait`. Every readable connection is read once; all replies in what was read are
    /// checked, as many new requests are encoded one after the other, and one `send` carries them. A request allocates
    /// nothing: buffers are reused, the state is plain memory, and the codec is a generic parameter, so that the loop is
    /// compiled once for each protocol.
    struct Worker<Codec: RequestCodec>: ~Copyable {
        /// What the worker is to do in one round.
        enum Round {
            /// Get each key of the range once, to learn its context.
            case learn(Range<Int>)
            /// Put each key of the range once.
            case preload(Range<Int>)
            /// Send the mix until `end`, and count from `start`. Nanoseconds of CLOCK_MONOTONIC.
            case measure(start: UInt64, end: UInt64)
        }

        /// Longest time in `epoll_wait` without looking at the clock.
        private static var tickMilliseconds: Int32 { 100 }
        private static var eventsPerWait: Int32 { 256 }
        /// Requests in flight per connection while keys are preloaded.
        static var preloadPipeline: Int { 16 }

        private let options: LoadOptions
        private let codec: Codec
        private let values: ValuePool
        private let contexts: ContextMemory?
        private let epoll: Int32
        private let connections: UnsafeMutablePointer<Connection>
        private let connectionCount: Int
        private let events: UnsafeMutablePointer<epoll_event>
        /// Requests are encoded here, at most `pipeline` at a time.
        private let encoded: UnsafeMutableRawPointer
        private let stallNanoseconds: UInt64

        private var random: SplitMix64
        private var chooser: KeyChooser
        private(set) var counts = WorkerCounts()

        // The round.
        private var round = Round.preload(0..<0)
        private var pipeline = 1
        private var nextKey = 0
        private var start: UInt64 = 0
        private var end: UInt64 = 0
        private var openConnections: Int
        private var inFlight = 0
        /// The open loop's schedule: request number `scheduled` is due at `due`.
        private let interval: Double
        private var scheduleStart: UInt64 = 0
        private var scheduled = 0
        private var due: UInt64 = 0
        /// Connections with room, for the open loop to take turns: a ring of `connectionCount` places.
        private let idle: UnsafeMutablePointer<Int32>
        private var idleFirst = 0
        private var idleCount = 0

        /// Opens the worker's connections.
        init(
            _ options: LoadOptions, index: Int, values: ValuePool, contexts: ContextMemory?, zipfian: ZipfianRanks?
        ) throws(LoadError) {
            self.options = options
            self.values = values
            self.contexts = contexts
            codec = Codec(options)
            // Unrelated sequences for every worker and for its two uses, all from the one seed.
            random = SplitMix64(seed: SplitMix64.mix(options.seed &+ UInt64(index) &* 2))
            chooser = KeyChooser(
                options.distribution, keys: options.keys, start: options.keys / options.threads * index,
                seed: SplitMix64.mix(options.seed &+ UInt64(index) &* 2 &+ 1), zipfian: zipfian)
            stallNanoseconds = UInt64(options.stallSeconds * 1e9)
            interval = options.rate.map { 1e9 * Double(options.threads) / $0 } ?? 0

            connectionCount =
                options.connections / options.threads + (index < options.connections % options.threads ? 1 : 0)
            openConnections = connectionCount
            let sockets: [Int32]
            (epoll, sockets) = try Self.connect(connectionCount, options)
            let deepest = max(options.pipeline, Self.preloadPipeline)
            connections = .allocate(capacity: connectionCount)
            events = .allocate(capacity: Int(Self.eventsPerWait))
            encoded = .allocate(byteCount: deepest * codec.largestRequest, alignment: 16)
            idle = .allocate(capacity: connectionCount)
            for (number, socket) in sockets.enumerated() {
                (connections + number).initialize(to: Connection(socket: socket, pipeline: deepest))
            }
        }

        /// An epoll instance and connected sockets that are registered with it under their positions.
        private static func connect(
            _ count: Int, _ options: LoadOptions
        ) throws(LoadError) -> (epoll: Int32, sockets: [Int32]) {
            let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
            guard epoll >= 0 else { throw LoadError("epoll_create1: \(errorText(errno))") }
            var sockets: [Int32] = []
            do throws(LoadError) {
                for number in 0..<count {
                    let socket = try Connector.connect(host: options.host, port: options.port)
                    sockets.append(socket)
                    var event = epoll_event()
                    event.events = EPOLLIN.rawValue
                    event.data.u32 = UInt32(number)
                    guard epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0 else {
                        throw LoadError("epoll_ctl: \(errorText(errno))")
                    }
                }
            } catch {
                for socket in sockets { close(socket) }
                close(epoll)
                throw error
            }
            return (epoll, sockets)
        }

        deinit {
            for number in 0..<connectionCount { connections[number].destroy() }
            connections.deallocate()
            events.deallocate()
            encoded.deallocate()
            idle.deallocate()
            close(epoll)
        }

        mutating func forgetCounts() {
            counts = WorkerCounts()
        }

        /// Works until the round is over: all requests answered, or all connections lost, or the server silent for too
        /// long.
        mutating func run(_ round: Round) {
            self.round = round
            switch round {
            case .learn(let keys), .preload(let keys):
                pipeline = Self.preloadPipeline
                nextKey = keys.lowerBound
            case .measure(let start, let end):
                pipeline = options.pipeline
                self.start = start
                self.end = end
            }
            var now = monotonicNow()
            var lastReply = now
            var isStarting = true
            scheduleStart = now
            scheduled = 0
            due = now
            idleCount = 0
            while true {
                if isStarting {
                    isStarting = false
                    for number in 0..<connectionCount where connections[number].isOpen {
                        if isOpenLoop { queueIdle(number) } else { sendRequests(number, now) }
                    }
                }
                if isOpenLoop { sendDueRequests(now) }
                if openConnections == 0 || (inFlight == 0 && !hasMore(now)) { break }
                let ready = epoll_wait(epoll, events, Self.eventsPerWait, waitMilliseconds(now))
                for index in 0..<Int(max(0, ready)) {
                    let number = Int(events[index].data.u32)
                    guard connections[number].isOpen else { continue }
                    if events[index].events & EPOLLOUT.rawValue != 0 { sendUnsent(number) }
                    if events[index].events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
                        now = receive(number)
                        lastReply = now
                    }
                }
                if ready <= 0 || isOpenLoop { now = monotonicNow() }
                if inFlight == 0 { lastReply = now }
                if now &- lastReply > stallNanoseconds, now > lastReply {
                    counts.note("no reply for \(options.stallSeconds) s", count: inFlight)
                    break
                }
            }
            if isOpenLoop { counts.unsent += requestsDue(at: end) }
        }

        // MARK: Replies

        /// Reads one connection, checks the replies, sends the next requests. Returns the time of the reading.
        private mutating func receive(_ number: Int) -> UInt64 {
            let result = connections[number].receive()
            let now = monotonicNow()
            switch result {
            case .bytes: break
            case .nothing: return now
            case .ended:
                lose(number, "connection closed by the server")
                return now
            case .failed(let error):
                lose(number, errorText(error))
                return now
            }
            let bytes = connections[number].receivedBytes
            var consumed = 0
            while connections[number].inFlight > 0 {
                let request = connections[number].front
                let rest = UnsafeRawBufferPointer(rebasing: bytes[consumed...])
                guard let reply = codec.decodeReply(rest, to: request.operation) else { break }
                guard reply.outcome != .malformed else {
                    lose(number, "malformed reply")
                    return now
                }
                connections[number].popFront()
                inFlight -= 1
                account(reply, rest, request, now)
                consumed += reply.length
            }
            if connections[number].inFlight == 0, consumed < bytes.count {
                lose(number, "reply without a request")
                return now
            }
            connections[number].consume(consumed)
            if consumed > 0 {
                if isOpenLoop { queueIdle(number) } else { sendRequests(number, now) }
            }
            return now
        }

        @inline(__always)
        private mutating func account(
            _ reply: Reply, _ bytes: UnsafeRawBufferPointer, _ request: Connection.Outstanding, _ now: UInt64
        ) {
            if case .measure = round, reply.outcome != .refused {
                if now >= start, now < end { counts.completed(request.operation) }
                if now >= start, request.startedAt < end {
                    counts.record(request.operation, now &- request.startedAt)
                }
            }
            switch reply.outcome {
            case .success: if request.operation == .get { check(reply, bytes, key: request.key) }
            case .notFound:
                counts.notFound += 1
                if options.preload, case .measure = round { counts.note("a preloaded key was not found") }
            case .refused, .malformed:
                counts.note(String(decoding: bytes[reply.text].prefix(200), as: UTF8.self))
            }
            if request.operation == .get { contexts?.remember(bytes[reply.context], of: request.key) }
        }

        /// What a get of a preloaded key returned must be a value that was put to that key.
        @inline(__always)
        private mutating func check(_ reply: Reply, _ bytes: UnsafeRawBufferPointer, key: UInt32) {
            if reply.values > 1 {
                counts.siblingReplies += 1
                counts.mostSiblings = max(counts.mostSiblings, reply.values)
            }
            guard options.preload, case .measure = round else { return }
            if !ValueStamp.isValue(bytes[reply.value], of: key, size: options.valueSize) {
                counts.note("a get returned another value")
            }
        }

        /// Closes a connection that can't be used any more; its requests count as errors.
        private mutating func lose(_ number: Int, _ reason: String) {
            counts.note(reason, count: max(1, connections[number].inFlight))
            inFlight -= connections[number].inFlight
            connections[number].close()
            openConnections -= 1
        }

        // MARK: Requests

        private var isOpenLoop: Bool {
            if case .measure = round { return interval > 0 }
            return false
        }

        private func hasMore(_ now: UInt64) -> Bool {
            switch round {
            case .learn(let keys), .preload(let keys): nextKey < keys.upperBound
            case .measure: now < end
            }
        }

        /// Fills the connection's pipeline, with one `send`.
        private mutating func sendRequests(_ number: Int, _ now: UInt64) {
            guard !connections[number].isBlocked, hasMore(now) else { return }
            var length = 0
            while connections[number].inFlight < pipeline, hasMore(now) {
                length += encodeNext(number, now, into: encoded + length)
            }
            if length > 0 { send(number, length) }
        }

        /// Open loop: sends what the schedule asks for by now, as far as there is room. A request's latency counts from
        /// the moment at which it was due, so a slow server can't make the generator leave slow requests out
        /// (coordinated omission).
        private mutating func sendDueRequests(_ now: UInt64) {
            while due <= now, now < end, idleCount > 0 {
                let number = Int(idle[idleFirst])
                idleFirst = idleFirst + 1 == connectionCount ? 0 : idleFirst + 1
                idleCount -= 1
                connections[number].isQueued = false
                guard connections[number].isOpen, !connections[number].isBlocked else { continue }
                let length = encodeNext(number, due, into: encoded)
                scheduled += 1
                due = scheduleStart + UInt64(Double(scheduled) * interval)
                send(number, length)
                queueIdle(number)
            }
        }

        /// Requests of the schedule up to `time` that were not sent.
        private func requestsDue(at time: UInt64) -> Int {
            time > due ? Int(Double(time - due) / interval) : 0
        }

        private mutating func queueIdle(_ number: Int) {
            guard connections[number].isOpen, !connections[number].isQueued,
                connections[number].inFlight < pipeline, !connections[number].isBlocked
            else { return }
            var place = idleFirst + idleCount
            if place >= connectionCount { place -= connectionCount }
            idle[place] = Int32(truncatingIfNeeded: number)
            idleCount += 1
            connections[number].isQueued = true
        }

        /// Encodes the next request of the round and notes it as in flight since `startedAt`.
        @inline(__always)
        private mutating func encodeNext(
            _ number: Int, _ startedAt: UInt64, into destination: UnsafeMutableRawPointer
        ) -> Int {
            let operation: Operation
            let key: Int
            let value: UnsafeRawBufferPointer
            switch round {
            case .learn:
                (operation, key, value) = (.get, nextKey, values.empty)
                nextKey += 1
            case .preload:
                // A key's first value is always the same, so that types which refuse other content accept it again.
                (operation, key) = (.put, nextKey)
                value = values.value(SplitMix64.mix(UInt64(nextKey)))
                nextKey += 1
            case .measure:
                if options.puts == 0 || (options.gets > 0 && isGet()) {
                    (operation, key, value) = (.get, chooser.nextForGet(), values.empty)
                } else {
                    (operation, key) = (.put, chooser.nextForPut())
                    value = values.value(random.next())
                }
            }
            let length: Int
            switch operation {
            case .get: length = codec.encodeGet(key: key, into: destination)
            case .put:
                let context = contexts?.context(of: key) ?? values.empty
                length = codec.encodePut(key: key, value: value, context: context, into: destination)
            }
            connections[number].push(
                Connection.Outstanding(
                    startedAt: startedAt, key: UInt32(truncatingIfNeeded: key), operation: operation))
            inFlight += 1
            return length
        }

        private mutating func isGet() -> Bool {
            random.next(below: UInt64(options.gets + options.puts)) < UInt64(options.gets)
        }

        private mutating func send(_ number: Int, _ length: Int) {
            settle(number, connections[number].send(UnsafeRawBufferPointer(start: encoded, count: length)))
        }

        /// The socket takes bytes again.
        private mutating func sendUnsent(_ number: Int) {
            settle(number, connections[number].sendUnsent())
            guard connections[number].isOpen, !connections[number].isBlocked else { return }
            if isOpenLoop { queueIdle(number) } else { sendRequests(number, monotonicNow()) }
        }

        private mutating func settle(_ number: Int, _ result: Connection.WriteResult) {
            switch result {
            case .sent: if connections[number].isBlocked { setBlocked(number, false) }
            case .blocked: if !connections[number].isBlocked { setBlocked(number, true) }
            case .failed(let error): lose(number, errorText(error))
            }
        }

        private mutating func setBlocked(_ number: Int, _ isBlocked: Bool) {
            connections[number].isBlocked = isBlocked
            var event = epoll_event()
            event.events = isBlocked ? EPOLLIN.rawValue | EPOLLOUT.rawValue : EPOLLIN.rawValue
            event.data.u32 = UInt32(number)
            epoll_ctl(epoll, EPOLL_CTL_MOD, connections[number].socket, &event)
        }

        /// How long to wait for an event. The open loop looks at the clock without pause during the last millisecond
        /// before a request is due: `epoll_wait` can't wait for less.
        private func waitMilliseconds(_ now: UInt64) -> Int32 {
            guard isOpenLoop, now < end, idleCount > 0 else { return Self.tickMilliseconds }
            guard due > now else { return 0 }
            return Int32(min(UInt64(Self.tickMilliseconds), (due - now) / 1_000_000))
        }
    }

    /// Nanoseconds of CLOCK_MONOTONIC.
    @inline(__always)
    func monotonicNow() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
#endif
