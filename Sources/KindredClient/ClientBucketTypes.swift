public import KindredModel
import KindredWire
import NIOCore

// Bucket types, by messages that only Kindred knows: another server of the protocol refuses them.

extension Client {
    /// All bucket types, in the order in which they were created.
    public func bucketTypes() async throws(ClientError) -> [BucketTypeDetails] {
        try await administer(.list)
    }

    /// One bucket type.
    public func bucketType(_ name: Name) async throws(ClientError) -> BucketTypeDetails {
        try await administerOne(.status(name: name.bytes))
    }

    /// Creates a bucket type. It can be used once it is activated.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - properties: its properties by Riak's names, and `conflict_strategy`, which is one of those of `ConflictStrategy`; what is not
    ///     given has Riak's default.
    @discardableResult
    public func createBucketType(
        _ name: Name, properties: PropertySet = [:]
    ) async throws(ClientError) -> BucketTypeDetails {
        try await administerOne(.create(name: name.bytes, properties))
    }

    /// Makes a bucket type usable. One that is active already stays so.
    @discardableResult
    public func activateBucketType(_ name: Name) async throws(ClientError) -> BucketTypeDetails {
        try await administerOne(.activate(name: name.bytes))
    }

    /// Changes the given properties of a bucket type, and leaves the others as they are.
    @discardableResult
    public func updateBucketType(
        _ name: Name, properties: PropertySet
    ) async throws(ClientError) -> BucketTypeDetails {
        try await administerOne(.update(name: name.bytes, properties))
    }

    private func administerOne(_ request: BucketTypeRequest) async throws(ClientError) -> BucketTypeDetails {
        guard let type = try await administer(request).first else {
            throw ClientError(.protocolViolation, "the server did not tell about the bucket type")
        }
        return type
    }

    private func administer(_ request: BucketTypeRequest) async throws(ClientError) -> [BucketTypeDetails] {
        var frame = ByteBuffer()
        do {
            try frame.appendRiakAdministrationRequest(request)
        } catch {
            throw ClientError(.invalidRequest, "\(error)")
        }
        return try await answer(to: frame, as: .administrationResponse) { bytes throws(MalformedBytes) in
            try BucketTypeDescription.list(bytes).map(BucketTypeDetails.init)
        }
    }
}

/// A bucket type and its rules.
public struct BucketTypeDetails: Hashable, Sendable {
    /// Its name.
    public var name: Name
    /// Whether it can be used. A type that is not active yet can be looked at and changed only.
    public var isActive: Bool
    /// The name of its conflict strategy (see `ConflictStrategy`), or of the data type that its values are.
    public var strategy: String
    /// All its properties, by Riak's names and ours.
    public var properties: PropertySet

    /// Describes a bucket type.
    public init(name: Name, isActive: Bool, strategy: String, properties: PropertySet) {
        self.name = name
        self.isActive = isActive
        self.strategy = strategy
        self.properties = properties
    }

    init(_ type: BucketTypeDescription) {
        self.init(
            name: Name(bytes: type.name), isActive: type.isActive, strategy: type.strategy, properties: type.properties)
    }
}
