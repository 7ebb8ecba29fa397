import Foundation

/// A number of 64 bits. The gateway writes them as texts, and leaves out 0.
struct EtcdNumber: Codable, Sendable {
    var value: UInt64

    init(_ value: UInt64) {
        self.value = value
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            guard let number = UInt64(text) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no number")
            }
            value = number
        } else {
            value = try container.decode(UInt64.self)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(String(value))
    }
}

/// An answer that says as of when it is.
protocol EtcdAnswer: Decodable, Sendable {
    /// The header of a linearizable answer; nil if this is none.
    var linearized: EtcdHeader? { get }
}

extension EtcdAnswer {
    var linearized: EtcdHeader? { nil }
}

struct EtcdHeader: Decodable, Sendable {
    var clusterId: EtcdNumber?
    var revision: EtcdNumber?
}

struct EtcdKeyValue: Decodable, Sendable {
    var key: Data
    var modRevision: EtcdNumber?
    var lease: EtcdNumber?
    var value: Data?

    /// When the key was written; in the event of a deletion, when it was deleted.
    var revision: UInt64 { modRevision?.value ?? 0 }
    var bytes: Data { value ?? Data() }
}

// MARK: Keys

struct EtcdRangeRequest: Encodable, Sendable {
    var key: Data
    var rangeEnd: Data?
}

struct EtcdRangeAnswer: EtcdAnswer {
    var header: EtcdHeader
    var kvs: [EtcdKeyValue]?

    var linearized: EtcdHeader? { header }
}

/// Puts a key if it was last written at a revision; at 0, if there is no such key.
struct EtcdSwapRequest: Encodable, Sendable {
    struct Compare: Encodable, Sendable {
        var key: Data
        var target = "MOD"
        var result = "EQUAL"
        var modRevision: EtcdNumber
    }

    struct Put: Encodable, Sendable {
        var key: Data
        var value: Data
        var lease: EtcdNumber?
    }

    struct Operation: Encodable, Sendable {
        var requestPut: Put
    }

    var compare: [Compare]
    var success: [Operation]

    init(key: Data, value: Data, lease: UInt64? = nil, expecting revision: UInt64) {
        compare = [Compare(key: key, modRevision: EtcdNumber(revision))]
        success = [Operation(requestPut: Put(key: key, value: value, lease: lease.map { EtcdNumber($0) }))]
    }
}

struct EtcdSwapAnswer: EtcdAnswer {
    var header: EtcdHeader
    var succeeded: Bool?

    var linearized: EtcdHeader? { header }
    /// The revision of the put; nil if the comparison failed.
    var revision: UInt64? { succeeded == true ? header.revision?.value : nil }
}

// MARK: Leases

struct EtcdLeaseGrantRequest: Encodable, Sendable {
    enum CodingKeys: String, CodingKey { case seconds = "TTL" }

    var seconds: EtcdNumber
}

/// The name of a lease. The gateway wants `ID` in capitals.
struct EtcdLeaseRequest: Encodable, Sendable {
    enum CodingKeys: String, CodingKey { case lease = "ID" }

    var lease: EtcdNumber
}

struct EtcdLeaseAnswer: EtcdAnswer {
    enum CodingKeys: String, CodingKey {
        case lease = "ID"
        case seconds = "TTL"
    }

    var lease: EtcdNumber?
    /// How long it lasts; 0 or absent in the answer to a beat: there is no such lease any more.
    var seconds: EtcdNumber?
}

/// A beat is a stream of requests and answers to etcd. Through the gateway it is one of each, wrapped as in a stream.
struct EtcdLeaseBeatAnswer: EtcdAnswer {
    var result: EtcdLeaseAnswer
}

struct EtcdEmptyAnswer: EtcdAnswer {}

// MARK: Watches

struct EtcdWatchRequest: Encodable, Sendable {
    struct Create: Encodable, Sendable {
        var key: Data
        var rangeEnd: Data
        var startRevision: EtcdNumber
    }

    var createRequest: Create
}

/// One line of a watch.
struct EtcdWatchLine: Decodable, Sendable {
    struct Event: Decodable, Sendable {
        /// `DELETE`; absent for a put.
        var type: String?
        var kv: EtcdKeyValue
    }

    struct Result: Decodable, Sendable {
        var header: EtcdHeader
        var created: Bool?
        var canceled: Bool?
        var cancelReason: String?
        /// What the watch asked for is gone; this is the first revision that is still there.
        var compactRevision: EtcdNumber?
        var events: [Event]?
    }

    var result: Result?
    var error: EtcdRefusal?
}

// MARK: Users, refusals

struct EtcdAuthenticateRequest: Encodable, Sendable {
    var name: String
    var password: String
}

struct EtcdAuthenticateAnswer: EtcdAnswer {
    var token: String?
}

/// How the gateway says no: gRPC's code and text.
struct EtcdRefusal: Decodable, Sendable {
    var code: Int?
    var grpcCode: Int?
    var message: String?
    var error: String?

    var text: String { message ?? error ?? "no reason given" }
    var number: Int { code ?? grpcCode ?? 0 }

    /// etcd, or its quorum, is not available now: unknown, deadline exceeded, aborted, internal, unavailable.
    var isPassing: Bool { [2, 4, 10, 13, 14].contains(number) }
    /// The token is unknown or too old, or users were changed since it was given.
    var isUnauthenticated: Bool { number == 16 || text.contains("revision of auth store is old") }
}
