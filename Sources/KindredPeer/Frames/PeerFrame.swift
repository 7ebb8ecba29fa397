import KindredModel
import KindredReplication
import NIOCore

/// The frames of a connection between nodes, laid out in docs/formats/peer-transport.md.
///
///     length u32 │ kind u8 │ body          length counts the kind and the body
enum FrameKind: UInt8 {
    case hello = 1
    case welcome = 2
    case refusal = 3
    case messages = 4
    case ping = 5
    case pong = 6
}

/// The versions of the frames that this node speaks.
enum FrameVersion {
    static let lowest: UInt8 = 1
    static let highest: UInt8 = 1
}

/// What the one who dials says first.
struct Hello: Equatable {
    static let magic: [UInt8] = Array("KNDP".utf8)
    static let clusterIDBytes = 16

    var lowestVersion = FrameVersion.lowest
    var highestVersion = FrameVersion.highest
    var clusterID: [UInt8]
    /// Who dials.
    var sender: NodeID
    /// Whom it believes to have dialled.
    var receiver: NodeID
    /// The sender's.
    var generation: UInt64

    /// Appends the frame.
    func write(into buffer: inout ByteBuffer) {
        buffer.writeFrame(.hello) {
            $0.writeBytes(Self.magic)
            $0.writeInteger(lowestVersion)
            $0.writeInteger(highestVersion)
            $0.writeBytes(clusterID)
            $0.writeInteger(sender.rawValue)
            $0.writeInteger(receiver.rawValue)
            $0.writeInteger(generation)
        }
    }
}

extension Hello {
    /// Reads a body. What follows the known fields is of a later version, and none of ours.
    init(body: inout ByteBuffer) throws(MalformedBytes) {
        guard body.readBytes(length: Self.magic.count) == Self.magic else {
            throw MalformedBytes("hello: not a node of Kindred")
        }
        guard let lowest = body.readInteger(as: UInt8.self), let highest = body.readInteger(as: UInt8.self),
            let clusterID = body.readBytes(length: Self.clusterIDBytes),
            let sender = body.readInteger(as: UInt32.self), let receiver = body.readInteger(as: UInt32.self),
            let generation = body.readInteger(as: UInt64.self)
        else { throw MalformedBytes("hello: truncated") }
        self.init(
            lowestVersion: lowest, highestVersion: highest, clusterID: clusterID, sender: NodeID(sender),
            receiver: NodeID(receiver), generation: generation)
    }
}

/// The answer to a hello that is accepted.
struct Welcome: Equatable {
    /// The version that both speak from now on.
    var version: UInt8
    /// Who answers.
    var node: NodeID
    var generation: UInt64

    /// Appends the frame.
    func write(into buffer: inout ByteBuffer) {
        buffer.writeFrame(.welcome) {
            $0.writeInteger(version)
            $0.writeInteger(node.rawValue)
            $0.writeInteger(generation)
        }
    }
}

extension Welcome {
    init(body: inout ByteBuffer) throws(MalformedBytes) {
        guard let version = body.readInteger(as: UInt8.self), let node = body.readInteger(as: UInt32.self),
            let generation = body.readInteger(as: UInt64.self)
        else { throw MalformedBytes("welcome: truncated") }
        self.init(version: version, node: NodeID(node), generation: generation)
    }
}

/// The answer to a ping, or a word of its own accord.
struct Pong: Equatable {
    /// The time that the ping carried; 0 answers none.
    var echo: UInt64
    /// Whether the sender's own connection to the receiver works, over which its answers come.
    var isAnswerable: Bool
    /// What the sender's wall clock showed; nil if no ping is answered.
    var times: Times?

    /// Microseconds since 1970.
    struct Times: Equatable {
        /// When the ping was read.
        var arrived: UInt64
        /// When the pong was written.
        var left: UInt64
    }

    private static let answerable: UInt8 = 1
    private static let hasTimes: UInt8 = 2

    /// Appends the frame.
    func write(into buffer: inout ByteBuffer) {
        buffer.writeFrame(.pong) {
            $0.writeInteger(echo)
            $0.writeInteger((isAnswerable ? Self.answerable : 0) | (times == nil ? 0 : Self.hasTimes))
            if let times {
                $0.writeInteger(times.arrived)
                $0.writeInteger(times.left)
            }
        }
    }
}

extension Pong {
    init(body: inout ByteBuffer) throws(MalformedBytes) {
        guard let echo = body.readInteger(as: UInt64.self), let flags = body.readInteger(as: UInt8.self) else {
            throw MalformedBytes("pong: truncated")
        }
        var times: Times?
        if flags & Self.hasTimes != 0 {
            guard let arrived = body.readInteger(as: UInt64.self), let left = body.readInteger(as: UInt64.self) else {
                throw MalformedBytes("pong: truncated")
            }
            times = Times(arrived: arrived, left: left)
        }
        self.init(echo: echo, isAnswerable: flags & Self.answerable != 0, times: times)
    }
}

/// A ping carries its sender's time.
enum Ping {
    static func write(time: UInt64, into buffer: inout ByteBuffer) {
        buffer.writeFrame(.ping) { $0.writeInteger(time) }
    }

    static func time(body: inout ByteBuffer) throws(MalformedBytes) -> UInt64 {
        guard let time = body.readInteger(as: UInt64.self) else { throw MalformedBytes("ping: truncated") }
        return time
    }
}

/// Why a hello was not accepted, for people.
enum Refusal {
    static func write(_ text: String, into buffer: inout ByteBuffer) {
        buffer.writeFrame(.refusal) { $0.writeBytes(text.utf8.prefix(Limits.peerRefusalBytes)) }
    }

    static func text(body: inout ByteBuffer) -> String {
        String(decoding: body.readableBytesView.prefix(Limits.peerRefusalBytes), as: UTF8.self)
    }
}

extension ByteBuffer {
    /// Appends a small frame.
    mutating func writeFrame(_ kind: FrameKind, _ body: (inout ByteBuffer) -> Void) {
        let start = writerIndex
        writeInteger(0, as: UInt32.self)
        writeInteger(kind.rawValue)
        body(&self)
        setInteger(UInt32(truncatingIfNeeded: writerIndex - start - 4), at: start)
    }
}
