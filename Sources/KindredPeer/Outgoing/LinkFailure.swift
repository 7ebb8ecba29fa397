import NIOSSL

/// Why there is no outgoing connection any more.
enum LinkFailure: Equatable, CustomStringConvertible {
    case notConnected(String)
    /// By the peer or the network.
    case closed(String?)
    /// The peer has given a reason.
    case refused(String)
    /// The peer is not the one that was dialled, or an older one.
    case stranger(String)
    case malformed(String)
    /// One of the two does not trust the other's certificate, or one of them talks in plain text.
    case insecure(String)
    case silent
    case moved

    /// The connection has ended, after an error or without one.
    init(_ error: (any Error)?) {
        switch error {
        case nil, NIOSSLError.uncleanShutdown?: self = .closed(nil)
        case let error? where error is NIOSSLError || error is BoringSSLError: self = .insecure("\(error)")
        case let error?: self = .closed("\(error)")
        }
    }

    /// Whether somebody has to do something about it: it does not pass by itself.
    var needsAttention: Bool {
        switch self {
        case .refused, .stranger, .malformed, .insecure: true
        case .notConnected, .closed, .silent, .moved: false
        }
    }

    var description: String {
        switch self {
        case .notConnected(let reason): "cannot be connected to: \(reason)"
        case .closed(let reason?): "the connection failed: \(reason)"
        case .closed(nil): "the connection was closed"
        case .refused(let reason): "it refuses this node: \(reason)"
        case .stranger(let reason): "somebody else is there: \(reason)"
        case .malformed(let reason): "it makes no sense: \(reason)"
        case .insecure(let reason): "there is no trust: \(reason)"
        case .silent: "it does not answer"
        case .moved: "its address has changed"
        }
    }
}
