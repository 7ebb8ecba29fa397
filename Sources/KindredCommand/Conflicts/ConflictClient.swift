import KindredClient
import KindredServer
import NIOHTTP1

/// Asks nodes for what `/kindred/v1/conflicts…` and `/kindred/v1/explain` have, and does there what resolves conflicts.
struct ConflictClient: Sendable {
    static let prefix = "/kindred/v1/conflicts"
    private static let explainPath = "/kindred/v1/explain"
    private static let resolvePath = "/kindred/v1/resolve"

    let http: NodeHTTP

    /// Opens a client for as long as `body` runs.
    ///
    /// - Parameter silence: for how long a feed may say nothing.
    static func with<Result: Sendable>(
        _ nodes: [NodeURL], timeout: Duration, silence: Duration? = nil,
        _ body: (ConflictClient) async throws -> Result
    ) async throws -> Result {
        try await NodeHTTP.with(nodes, timeout: timeout, silence: silence, afterDoubt: "kindred explain") { http in
            try await body(ConflictClient(http: http))
        }
    }

    // MARK: Questions

    func page(_ query: QueryText) async throws(CommandFailure) -> NodeAnswer<ConflictPage> {
        try await http.answer(NodeRequest(.GET, Self.prefix + query.text))
    }

    func conflict(_ id: String) async throws(CommandFailure) -> NodeAnswer<ConflictReport> {
        try await http.answer(NodeRequest(.GET, "\(Self.prefix)/\(QueryText.escaped(id))"))
    }

    func counts(_ query: QueryText) async throws(CommandFailure) -> NodeAnswer<Counts> {
        try await http.answer(NodeRequest(.GET, "\(Self.prefix)/counts\(query.text)"))
    }

    func explain(_ address: ObjectAddress) async throws(CommandFailure) -> NodeAnswer<ExplainReport> {
        var query = QueryText()
        query.add("type", address.bucket.type.bytes)
        query.add("bucket", address.bucket.name.bytes)
        query.add("key", address.key.bytes)
        return try await http.answer(NodeRequest(.GET, Self.explainPath + query.text))
    }

    /// How many conflicts buckets had.
    struct Counts: Codable, Sendable {
        var counts: [ConflictCount]
        /// Whether new conflicts are entered; only told of a single bucket.
        var logged: Bool?
    }

    // MARK: Changes

    func restore(
        _ id: String, valueOf dot: String?, isBeside: Bool, as client: String
    ) async throws(CommandFailure) -> NodeAnswer<ResolutionReport> {
        var parameters: [String] = []
        if let dot { parameters.append("dot=\(QueryText.escaped(dot))") }
        if isBeside { parameters.append("beside=true") }
        let query = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
        var request = NodeRequest(.POST, "\(Self.prefix)/\(QueryText.escaped(id))/restore\(query)")
        request.headers = [(Self.clientHeader, client)]
        return try await http.answer(request)
    }

    func resolve(_ wish: Wish, as client: String) async throws(CommandFailure) -> NodeAnswer<ResolutionReport> {
        var request = try NodeRequest(.POST, Self.resolvePath, json: wish)
        request.headers.append((Self.clientHeader, client))
        return try await http.answer(request)
    }

    /// Which siblings are to become one value, and how: one of `rule`, `keep`, `value`, `valueBase64` and `delete`.
    struct Wish: Encodable, Hashable, Sendable {
        var type: String
        var bucket: String
        var key: String
        var rule: String?
        var keep: String?
        var value: String?
        var valueBase64: String?
        var delete: Bool?
        var contentType: String?
        var seen: [String]?

        enum CodingKeys: String, CodingKey {
            case type, bucket, key, rule, keep, value, delete, seen
            case valueBase64 = "value_base64"
            case contentType = "content_type"
        }
    }

    private static let clientHeader = "X-Kindred-Client"
}

/// The parameters at the end of a path.
struct QueryText: Hashable, Sendable {
    private var items: [String] = []

    mutating func add(_ name: String, _ value: String?) {
        if let value { add(name, Array(value.utf8)) }
    }

    mutating func add(_ name: String, _ value: [UInt8]) {
        items.append("\(name)=\(Self.escaped(value))")
    }

    /// `?a=1&b=2`; nothing without parameters.
    var text: String { items.isEmpty ? "" : "?" + items.joined(separator: "&") }

    static func escaped(_ text: String) -> String { escaped(Array(text.utf8)) }

    /// Everything but the unreserved characters of RFC 3986 as `%…`.
    static func escaped(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                return String(UnicodeScalar(byte))
            default:
                return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
