#if os(Linux)
    import Glibc

    @testable import KindredLoad

    /// A server with the worst manners that a test asks for, on a free loopback port. Its threads end with their
    /// connections.
    final class FakeRiak: @unchecked Sendable {
        enum Manners {
            /// Keeps what is put; a get returns it with a context of eight bytes, the number of puts of the key so far.
            case proper
            /// Answers every request with this error.
            case refusing(String)
            /// Answers the first request of a connection with bytes that are no reply.
            case babbling
            /// Closes a connection at its first request.
            case hangingUp
            /// Reads and never answers.
            case silent
            /// Finds nothing.
            case forgetful
            /// Returns the value of another key.
            case confused
        }

        let port: UInt16
        private let manners: Manners
        private let listener: Int32
        private var mutex = pthread_mutex_t()
        /// Guarded by `mutex`: value and number of puts by key, and the contexts that puts carried.
        private var objects: [[UInt8]: (value: [UInt8], puts: UInt64)] = [:]
        private var contextsSeen: [UInt64] = []

        init(_ manners: Manners) throws {
            self.manners = manners
            pthread_mutex_init(&mutex, nil)
            listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = listener
            let status = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    bind(descriptor, generic, size) | listen(descriptor, 100) | getsockname(descriptor, generic, &size)
                }
            }
            guard status == 0 else { throw LoadError("no listener: \(errorText(errno))") }
            port = UInt16(bigEndian: address.sin_port)
            Self.detach { [self] in
                while true {
                    let connection = accept(listener, nil, nil)
                    guard connection >= 0 else { return }
                    Self.detach { [self] in
                        serve(connection)
                        close(connection)
                    }
                }
            }
        }

        /// Stops accepting; the listening thread ends and lets the server go.
        func stop() {
            shutdown(listener, Int32(SHUT_RDWR))
            close(listener)
        }

        /// The contexts that puts carried, as numbers; a put without one counts as 0.
        var contexts: [UInt64] {
            locked { contextsSeen }
        }

        private func serve(_ connection: Int32) {
            while let header = receive(connection, 4) {
                let length = header.reduce(0) { $0 << 8 | Int($1) }
                guard let message = receive(connection, length) else { return }
                guard let reply = answer(message) else {
                    if case .silent = manners { continue }
                    return
                }
                _ = reply.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            }
        }

        private func answer(_ message: [UInt8]) -> [UInt8]? {
            let isGet = message[0] == 9
            switch manners {
            case .hangingUp, .silent: return nil
            case .babbling: return Array("HTTP/1.1 400 Bad Request\r\n".utf8)
            case .refusing(let text): return frame(0, ProtobufField.delimited(1, Array(text.utf8)))
            case .forgetful: return frame(isGet ? 10 : 12, [])
            case .proper, .confused: break
            }
            let fields = self.fields(message[1...])
            let key = fields[2] ?? []
            return locked {
                guard isGet else {
                    contextsSeen.append(fields[3].map { $0.reduce(0) { $0 << 8 | UInt64($1) } } ?? 0)
                    let value = fields[4].flatMap { self.fields($0[...])[1] } ?? []
                    objects[key] = (value, (objects[key]?.puts ?? 0) + 1)
                    return frame(12, [])
                }
                guard var object = objects[key] else { return frame(10, []) }
                if case .confused = manners { object.value[0] ^= 1 }
                let context = withUnsafeBytes(of: object.puts.bigEndian) { Array($0) }
                let content = ProtobufField.delimited(1, ProtobufField.delimited(1, object.value))
                return frame(10, content + ProtobufField.delimited(2, context))
            }
        }

        private func fields(_ message: ArraySlice<UInt8>) -> [Int: [UInt8]] {
            Array(message).withUnsafeBytes { bytes in
                var fields: [Int: [UInt8]] = [:]
                var reader = ProtobufReader(bytes, 0..<bytes.count)
                while let field = reader.next() { fields[field.number] = Array(bytes[field.range]) }
                return fields
            }
        }

        private func frame(_ code: UInt8, _ body: [UInt8]) -> [UInt8] {
            withUnsafeBytes(of: UInt32(body.count + 1).bigEndian) { Array($0) } + [code] + body
        }

        private func receive(_ connection: Int32, _ count: Int) -> [UInt8]? {
            var bytes = [UInt8](repeating: 0, count: count)
            let received = bytes.withUnsafeMutableBytes {
                recv(connection, $0.baseAddress, count, Int32(MSG_WAITALL))
            }
            return received == count ? bytes : nil
        }

        private func locked<Result>(_ body: () -> Result) -> Result {
            pthread_mutex_lock(&mutex)
            defer { pthread_mutex_unlock(&mutex) }
            return body()
        }

        private static func detach(_ body: @escaping @Sendable () -> Void) {
            final class Box {
                let body: @Sendable () -> Void
                init(_ body: @escaping @Sendable () -> Void) { self.body = body }
            }
            var thread = pthread_t()
            let box = Unmanaged.passRetained(Box(body))
            pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                    return nil
                }, box.toOpaque())
            pthread_detach(thread)
        }
    }
#endif
