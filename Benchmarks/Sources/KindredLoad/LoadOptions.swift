/// What to send, to whom, how fast and for how long.
///
/// A value of this type that came out of `validated()` is safe to run: every size in it is bounded, and so is every
/// product of sizes for which the generator takes memory.
package struct LoadOptions: Sendable, Equatable {
    /// The protocol spoken to the server.
    package enum Wire: String, Sendable, CaseIterable {
        /// Riak's protocol buffers: RpbGetReq and RpbPutReq.
        case riak
        /// Redis's RESP: GET and SET.
        case redis
    }

    /// How keys are chosen.
    package enum Distribution: String, Sendable, CaseIterable {
        /// Every key as often as any other.
        case uniform
        /// YCSB's Zipfian choice (exponent 0.99), hot keys scattered over the key space.
        case zipfian
        /// One key after the other, round and round.
        case sequential
        /// Puts walk through the keys in turn; gets prefer, Zipfian, the keys put last.
        case latest
    }

    /// Whether puts say what they have seen.
    package enum ContextUse: String, Sendable, CaseIterable {
        /// A put sends the causal context that the last get of its key returned.
        case echo
        /// Puts send no causal context.
        case none
    }

    /// Largest value, and with it the largest request, that the generator sends: 16 MiB.
    package static let largestValueSize = 1 << 24
    /// Largest number of connections: below the number of ports that one address has for outgoing connections.
    package static let mostConnections = 20_000
    /// Most requests in flight on one connection.
    package static let deepestPipeline = 4_096
    /// Most keys: a Zipfian choice sums over all of them before it starts.
    package static let mostKeys = 100_000_000
    /// Most keys whose causal contexts are remembered (512 bytes of address space each).
    package static let mostKeysWithContexts = 2_000_000
    /// Longest bucket name or bucket type name, in bytes.
    package static let longestName = 1_024
    /// Longest warm-up or measurement, in seconds: one day.
    package static let longestSeconds = 86_400.0
    /// Highest rate of an open loop, in operations per second.
    package static let highestRate = 100_000_000.0
    /// Most bytes of requests encoded at once (pipeline × request size): 256 MiB.
    package static let mostBytesInFlight = 1 << 28

    package var wire = Wire.riak
    package var host = "127.0.0.1"
    package var port: UInt16 = 8087
    package var threads = 1
    package var connections = 64
    package var pipeline = 1
    /// Of `gets + puts` requests, so many are gets.
    package var gets = 50
    /// Of `gets + puts` requests, so many are puts.
    package var puts = 50
    package var valueSize = 1_024
    package var keys = 10_000
    package var distribution = Distribution.uniform
    /// The bucket type; `default` is sent as an absent field, as clients do. Riak protocol only.
    package var bucketType = "default"
    /// The bucket. Riak protocol only.
    package var bucket = "benchmark"
    package var durationSeconds = 10.0
    package var warmupSeconds = 2.0
    /// Put every key once before the warm-up; gets must then find their key and its own value.
    package var preload = false
    package var context = ContextUse.none
    /// Operations per second to send whatever the server does (open loop), or nil to send as fast as it answers.
    package var rate: Double?
    package var seed: UInt64 = 1
    /// A process whose CPU time is charged to the operations.
    package var serverPID: Int32?
    /// Seconds without any answer after which the run is given up.
    package var stallSeconds = 30.0

    package init() {}

    /// `self`, if every option is within its bounds and the options agree with each other.
    package func validated() throws(LoadOptionsError) -> LoadOptions {
        try require(!host.isEmpty && port > 0, "the server must be HOST:PORT")
        try require((1...Self.mostConnections).contains(connections), "connections: 1 to \(Self.mostConnections)")
        try require((1...64).contains(threads), "threads: 1 to 64")
        try require(threads <= connections, "threads: at most one per connection")
        try require((1...Self.deepestPipeline).contains(pipeline), "pipeline: 1 to \(Self.deepestPipeline)")
        try require((0...1_000_000).contains(gets) && (0...1_000_000).contains(puts), "mix: 0 to 1000000 on each side")
        try require(gets + puts > 0, "mix: 0:0 sends nothing")
        try require((0...Self.largestValueSize).contains(valueSize), "value-size: 0 to \(Self.largestValueSize)")
        try require((1...Self.mostKeys).contains(keys), "keys: 1 to \(Self.mostKeys)")
        try require(
            pipeline * (valueSize + Self.longestName * 4) <= Self.mostBytesInFlight,
            "pipeline × value-size: at most \(Self.mostBytesInFlight) bytes")
        for name in [bucket, bucketType] {
            try require(
                (1...Self.longestName).contains(name.utf8.count), "type, bucket: 1 to \(Self.longestName) bytes")
        }
        try require(durationSeconds > 0 && durationSeconds <= Self.longestSeconds, "duration: above 0, up to a day")
        try require(warmupSeconds >= 0 && warmupSeconds <= Self.longestSeconds, "warmup: 0 up to a day")
        try require(stallSeconds > 0 && stallSeconds <= Self.longestSeconds, "stall: above 0, up to a day")
        if let rate {
            try require(rate > 0 && rate <= Self.highestRate, "rate: above 0, up to \(Int(Self.highestRate))")
        }
        if let serverPID {
            try require(serverPID > 0, "server-pid: a process id")
        }
        if context == .echo {
            try require(wire == .riak, "context echo: only the riak protocol carries causal contexts")
            try require(threads == 1, "context echo: one thread, which remembers the contexts")
            try require(
                keys <= Self.mostKeysWithContexts, "context echo: at most \(Self.mostKeysWithContexts) keys")
        }
        return self
    }

    /// Reads `HOST:PORT` or `[IPv6]:PORT`.
    package static func parseServer(_ text: String) throws(LoadOptionsError) -> (host: String, port: UInt16) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { throw LoadOptionsError(reason: "'\(text)' is not HOST:PORT") }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw LoadOptionsError(reason: "'\(text)': write an IPv6 address as [ADDRESS]:PORT")
        }
        guard !host.isEmpty else { throw LoadOptionsError(reason: "'\(text)' names no host") }
        return (String(host), port)
    }

    /// Reads `GETS:PUTS`, two shares such as `95:5`.
    package static func parseMix(_ text: String) throws(LoadOptionsError) -> (gets: Int, puts: Int) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let gets = Int(parts[0]), let puts = Int(parts[1]) else {
            throw LoadOptionsError(reason: "'\(text)' is not GETS:PUTS, such as 95:5")
        }
        return (gets, puts)
    }

    private func require(_ condition: Bool, _ reason: String) throws(LoadOptionsError) {
        guard condition else { throw LoadOptionsError(reason: reason) }
    }
}

/// An option that cannot be used, and why.
package struct LoadOptionsError: Error, Equatable, CustomStringConvertible {
    /// The bound or the form that was not kept.
    package let reason: String

    package var description: String { reason }
}
