import KindredModel
package import KindredNode
import KindredReplication
import KindredStorage
import KindredWire

/// What an error reply of Riak's protocol buffers says.
///
/// Clients compare these texts. Where Riak has one, it is given as Riak gives it, some of them printed Erlang terms; where
/// it has none, the text says what is wrong and what helps.
package enum RiakErrorText {
    /// The text for a request that the node could not carry out.
    package static func text(for failure: RequestFailure) -> String {
        switch failure {
        case .empty(let part):
            "\(part.rawValue) cannot be zero-length"
        case .tooLong(let part, let limit):
            "\(part.rawValue) is longer than \(limit) bytes"
        case .unknownType(let name):
            BucketTypeError.unknown(name).description
        case .bucketType(let error):
            error.description
        case .dataTypeBucket:
            "The bucket holds data types: plain objects cannot be stored, read or deleted in it"
        case .tooManyReplicasAskedFor(let nVal):
            "{n_val_violation,\(nVal)}"
        case .invalidContext(let refusal):
            text(for: refusal)
        case .tooLarge(let bytes):
            "{too_large,\(bytes)}"
        case .tooMuchMetadata(let limit):
            "The object has more than \(limit) links, user metadata and index entries"
        case .invalidIndexEntry(let reason):
            reason
        case .tooManySiblings(let count, let token):
            "{too_many_siblings,\(count + 1)}: the key has \(count) siblings, and this put would add one. "
                + "Read the key, merge its values, and put the result with the vclock of that read. "
                + "To replace the siblings unread, put with this vclock (in base64): \(Base64.encode(token))"
        case .exists:
            "The key exists with other content and its bucket is immutable"
        case .immutable:
            "The key cannot be deleted: its bucket is immutable"
        case .preconditionFailed(.exists, _):
            "match_found"
        case .preconditionFailed(.missing, _):
            "notfound"
        case .preconditionFailed(.modified, _):
            "modified"
        case .timeout:
            "timeout"
        case .unavailable(let reason, _):
            text(for: reason)
        case .notTheLeader(let leader, let mayHaveHappened):
            "The key has version numbers, and only the leader of its partition serves it: "
                + (leader.map { "ask \($0)" } ?? "at the moment nobody leads it, try again")
                + (mayHaveHappened ? ". Whether the write happened is unknown" : "")
        case .notServing(let reason):
            reason
        case .storage(let error):
            text(for: error)
        }
    }

    private static func text(for refusal: CausalToken.Refusal) -> String {
        switch refusal {
        case .malformed:
            "Invalid vclock: not one that this database gave out"
        case .notAuthentic:
            "Invalid vclock: it was altered, or belongs to another key or another cluster"
        case .fromTheFuture:
            "Invalid vclock: it speaks of writes that this database does not have; read the key again"
        }
    }

    private static func text(for reason: Unavailability) -> String {
        switch reason {
        case .unsatisfied(let kind, let required, let got): "{\(kind)_val_unsatisfied,\(required),\(got)}"
        case .timeout: "timeout"
        case .overload: "overload"
        case .noCoordinator: "No replica of the key can coordinate the request at the moment; try again"
        case .notTheLeader: "Only the leader of the key's partition serves it"
        case .sessionNotServed: "No replica that knows what the session has seen can be reached"
        case .tooManyAskedFor(let n): "{n_val_violation,\(n)}"
        case .clockSkew: "The object's timestamp is too far ahead of the clock of its replica; try again"
        case .clockAhead(let milliseconds):
            "Last-write-wins writes are refused here: the time of the node that would coordinate this one is \(milliseconds) ms "
                + "ahead of most other nodes', and they take no more than \(Limits.maximumSkewMilliseconds) ms. Nothing was "
                + "written; ask another node"
        case .storage: "The storage of the replica has failed, and whether the request was carried out is unknown"
        }
    }

    private static func text(for error: StorageError) -> String {
        switch error {
        case .full(let reason):
            "The disk is full, so writes are refused and nothing was written: \(reason)"
        case .failed(let reason):
            "The storage has failed, and whether the request was carried out is unknown: \(reason)"
        case .corrupt(let reason):
            "Stored data is damaged: \(reason)"
        case .closed:
            "The node is shutting down"
        }
    }
}
