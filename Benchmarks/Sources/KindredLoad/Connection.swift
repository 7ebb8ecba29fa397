#if os(Linux)
    import Glibc

    /// One nonblocking socket and its buffers, used by one worker only and moved nowhere: workers keep connections in
    /// memory of their own, so that no reference counting happens per request.
    struct Connection {
        /// A request whose reply has not come yet.
        struct Outstanding {
            var startedAt: UInt64
            var key: UInt32
            var operation: Operation
        }

        /// Bytes first taken to receive with; more only for a reply that is longer.
        static let initialReceiveCapacity = 1 << 16

        let socket: Int32
        var isOpen = true
        /// Part of the requests did not fit into the socket: the worker waits until it takes them.
        var isBlocked = false
        /// The connection stands in the queue of those that can take another request (open loop only).
        var isQueued = false

        private(set) var received: UnsafeMutableRawPointer
        private var receiveCapacity = initialReceiveCapacity
        private var receivedCount = 0

        /// Bytes that the socket did not take: `unsent ..< unsentEnd` of `unsentBytes`.
        private var unsentBytes: UnsafeMutableRawPointer?
        private var unsentCapacity = 0
        private var unsent = 0
        private var unsentEnd = 0

        /// Requests in flight, a ring of `pipeline` places.
        private let ring: UnsafeMutablePointer<Outstanding>
        private let pipeline: Int
        private var oldest = 0
        private(set) var inFlight = 0

        init(socket: Int32, pipeline: Int) {
            self.socket = socket
            self.pipeline = pipeline
            received = .allocate(byteCount: Self.initialReceiveCapacity, alignment: 16)
            ring = .allocate(capacity: pipeline)
            ring.initialize(repeating: Outstanding(startedAt: 0, key: 0, operation: .get), count: pipeline)
        }

        /// Closes the socket and gives the memory back; the connection can't be used afterwards.
        mutating func destroy() {
            close()
            received.deallocate()
            unsentBytes?.deallocate()
            ring.deallocate()
        }

        mutating func close() {
            guard isOpen else { return }
            isOpen = false
            Glibc.close(socket)
        }

        var hasRoom: Bool { inFlight < pipeline }

        var room: Int { pipeline - inFlight }

        mutating func push(_ request: Outstanding) {
            var place = oldest + inFlight
            if place >= pipeline { place -= pipeline }
            ring[place] = request
            inFlight += 1
        }

        /// The oldest request in flight. There must be one.
        var front: Outstanding { ring[oldest] }

        mutating func popFront() {
            oldest = oldest + 1 == pipeline ? 0 : oldest + 1
            inFlight -= 1
        }

        enum ReadResult {
            case bytes
            case nothing
            case ended
            case failed(Int32)
        }

        /// Reads what the socket has, once.
        mutating func receive() -> ReadResult {
            if receivedCount == receiveCapacity { growReceiveBuffer() }
            let count = read(socket, received + receivedCount, receiveCapacity - receivedCount)
            if count > 0 {
                receivedCount += count
                return .bytes
            }
            if count == 0 { return .ended }
            return errno == EAGAIN || errno == EINTR ? .nothing : .failed(errno)
        }

        var receivedBytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: received, count: receivedCount)
        }

        /// Forgets the first `count` received bytes.
        mutating func consume(_ count: Int) {
            receivedCount -= count
            if receivedCount > 0, count > 0 {
                received.copyMemory(from: received + count, byteCount: receivedCount)
            }
        }

        /// Doubles the buffer. A reply is refused before it needs more than `RequestLimits.longestReply` bytes.
        private mutating func growReceiveBuffer() {
            let larger = UnsafeMutableRawPointer.allocate(byteCount: receiveCapacity * 2, alignment: 16)
            larger.copyMemory(from: received, byteCount: receivedCount)
            received.deallocate()
            received = larger
            receiveCapacity *= 2
        }

        enum WriteResult {
            case sent
            /// The rest waits in the connection until the socket is writable.
            case blocked
            case failed(Int32)
        }

        /// Sends `bytes`, keeping what the socket does not take. Nothing may wait from before.
        mutating func send(_ bytes: UnsafeRawBufferPointer) -> WriteResult {
            let count = Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count == bytes.count { return .sent }
            if count < 0, errno != EAGAIN, errno != EINTR { return .failed(errno) }
            keep(UnsafeRawBufferPointer(rebasing: bytes[max(0, count)...]))
            return .blocked
        }

        /// Sends more of what waits.
        mutating func sendUnsent() -> WriteResult {
            guard let unsentBytes else { return .sent }
            let count = Glibc.send(
                socket, unsentBytes + unsent, unsentEnd - unsent, Int32(MSG_NOSIGNAL))
            if count < 0 { return errno == EAGAIN || errno == EINTR ? .blocked : .failed(errno) }
            unsent += count
            return unsent == unsentEnd ? .sent : .blocked
        }

        private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
            if unsentCapacity < bytes.count {
                unsentBytes?.deallocate()
                unsentBytes = .allocate(byteCount: bytes.count, alignment: 16)
                unsentCapacity = bytes.count
            }
            if let base = bytes.baseAddress { unsentBytes?.copyMemory(from: base, byteCount: bytes.count) }
            unsent = 0
            unsentEnd = bytes.count
        }
    }

    /// Opens sockets.
    enum Connector {
        /// Seconds for one connection to come about.
        private static let patience: Int32 = 5

        /// A connected, nonblocking socket with Nagle's algorithm off.
        static func connect(host: String, port: UInt16) throws(LoadError) -> Int32 {
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            hints.ai_flags = AI_NUMERICSERV
            var addresses: UnsafeMutablePointer<addrinfo>?
            let status = getaddrinfo(host, String(port), &hints, &addresses)
            guard status == 0 else {
                throw LoadError("cannot resolve \(host): \(String(cString: gai_strerror(status)))")
            }
            defer { freeaddrinfo(addresses) }
            var reason = "no address"
            var candidate = addresses
            while let address = candidate?.pointee {
                switch open(address) {
                case .success(let socket): return socket
                case .failure(let error): reason = error.description
                }
                candidate = address.ai_next
            }
            throw LoadError("cannot connect to \(host):\(port): \(reason)")
        }

        private static func open(_ address: addrinfo) -> Result<Int32, LoadError> {
            let type = address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let socket = Glibc.socket(address.ai_family, type, address.ai_protocol)
            guard socket >= 0 else { return .failure(LoadError(errorText(errno))) }
            var error: Int32 = 0
            if Glibc.connect(socket, address.ai_addr, address.ai_addrlen) != 0 {
                error = errno
                if error == EINPROGRESS { error = awaitConnection(socket) }
            }
            if error != 0 {
                close(socket)
                return .failure(LoadError(errorText(error)))
            }
            var on: Int32 = 1
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            return .success(socket)
        }

        private static func awaitConnection(_ socket: Int32) -> Int32 {
            var waiting = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
            guard poll(&waiting, 1, patience * 1_000) == 1 else { return ETIMEDOUT }
            var error: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size)
            return error
        }
    }

    /// The system's text for an error number.
    func errorText(_ number: Int32) -> String {
        String(cString: strerror(number))
    }
#endif

/// Why a run could not go on.
package struct LoadError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
