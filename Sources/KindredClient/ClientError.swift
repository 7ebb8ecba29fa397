/// Why a request was not answered as asked.
///
/// ```swift
/// do {
///     try await client.put(content, at: "anna", in: carts, condition: .absent)
/// } catch {
///     guard error.code == .preconditionFailed else { throw error }
///     // Somebody was faster.
/// }
/// ```
public struct ClientError: Error, Hashable, Sendable {
    /// The kinds of errors, by what a program can do about them.
    public enum Code: String, Hashable, Sendable {
        /// No connection came about: nothing was sent.
        case unreachable
        /// The connection ended. A request that was under way may or may not have been carried out.
        case connectionClosed
        /// No answer came in time, and the connection was given up. The request may or may not have been carried out.
        case timeout
        /// The task was cancelled. A request that was under way may or may not have been carried out.
        case cancelled
        /// What came is not an answer in this protocol, and the connection was given up.
        case protocolViolation
        /// The condition of a write does not hold: nothing has changed.
        case preconditionFailed
        /// The server refused the request for another reason, which it tells.
        case refused
        /// The request cannot be sent: it is too large, or too many others wait for their answers.
        case invalidRequest
    }

    /// What kind of error it is.
    public var code: Code
    /// What happened, in a sentence.
    public var message: String

    /// An error of this kind.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension ClientError: CustomStringConvertible {
    /// What happened, in a sentence.
    public var description: String { message }
}

extension ClientError {
    /// What a server's error text means. The texts are the protocol's: clients have always compared them.
    init(serverText text: String) {
        switch text {
        case "match_found":
            self.init(.preconditionFailed, "the key exists already, and the write was to happen only if it did not")
        case "modified":
            self.init(.preconditionFailed, "the object was changed since it was read with this context")
        case "notfound":
            self.init(.preconditionFailed, "there is no object, and the write was to happen only to an unchanged one")
        default:
            self.init(.refused, text.isEmpty ? "the server refused the request without a reason" : text)
        }
    }
}
