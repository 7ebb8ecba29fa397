package import KindredModel
package import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

// Kindred's own messages, 240 and 241: what Riak lets be done at its server's console only, both halves.

/// What an operator asks of the bucket types.
package enum BucketTypeRequest: Hashable, Sendable {
    /// Makes a type, which is not active yet. What is not given gets its default.
    case create(name: [UInt8], PropertySet)
    /// Makes a type usable; one that is active already stays so.
    case activate(name: [UInt8])
    /// Changes the given properties of a type.
    case update(name: [UInt8], PropertySet)
    /// Asks for all types.
    case list
    /// Asks for one type.
    case status(name: [UInt8])
}

/// A bucket type as an operator is shown it.
package struct BucketTypeDescription: Hashable, Sendable {
    /// Its name, in UTF-8.
    package var name: [UInt8]
    /// A type that is not active can be changed, but not be used.
    package var isActive: Bool
    /// The name of the conflict strategy, or of the data type where that takes its place.
    package var strategy: String
    /// All properties by name.
    package var properties: PropertySet

    /// Describes a bucket type.
    package init(name: [UInt8], isActive: Bool, strategy: String, properties: PropertySet) {
        self.name = name
        self.isActive = isActive
        self.strategy = strategy
        self.properties = properties
    }

    /// Describes a bucket type of the registry.
    package init(_ type: BucketType) {
        self.init(
            name: type.name, isActive: type.isActive, strategy: type.strategyName, properties: type.properties)
    }
}

// MARK: - Requests

extension ByteBuffer {
    /// Asks something of the bucket types (message 240).
    ///
    /// - Throws: `UnsendableProperty` if there is no such property, or it cannot have this value. Nothing is appended then.
    package mutating func appendRiakAdministrationRequest(
        _ request: BucketTypeRequest
    ) throws(UnsendableProperty) {
        var message = KindredAdministrationReq()
        switch request {
        case .create(let name, let properties):
            message.action = .create
            message.name = Data(name)
            message.props = try RpbBucketProps(properties)
        case .activate(let name):
            message.action = .activate
            message.name = Data(name)
        case .update(let name, let properties):
            message.action = .update
            message.name = Data(name)
            message.props = try RpbBucketProps(properties)
        case .list:
            message.action = .list
        case .status(let name):
            message.action = .status
            message.name = Data(name)
        }
        do throws(MalformedBytes) {
            try appendRiakFrame(.administrationRequest, message)
        } catch {
            throw UnsendableProperty(name: "request", reason: error.reason)
        }
    }
}

extension BucketTypeRequest {
    /// Decodes the body of message 240.
    ///
    /// - Throws: `MalformedBytes` if it is not such a message, or its action needs a name and has none.
    package init(_ body: UnsafeRawBufferPointer) throws(MalformedBytes) {
        let message = try KindredAdministrationReq(riakBody: body)
        let name = Array(message.name)
        if message.action != .list, !message.hasName {
            throw MalformedBytes("KindredAdministrationReq: name is missing")
        }
        switch message.action {
        case .create: self = .create(name: name, try message.props.propertySet())
        case .activate: self = .activate(name: name)
        case .update: self = .update(name: name, try message.props.propertySet())
        case .list: self = .list
        case .status: self = .status(name: name)
        }
    }
}

// MARK: - Answers

extension ByteBuffer {
    /// Answers with bucket types (message 241).
    ///
    /// - Throws: `MalformedBytes` if the message has no field for one of the properties. Nothing is appended then.
    package mutating func appendRiakAdministrationResponse(
        _ types: [BucketTypeDescription]
    ) throws(MalformedBytes) {
        var response = KindredAdministrationResp()
        for type in types {
            var message = KindredBucketType()
            message.name = Data(type.name)
            message.active = type.isActive
            message.strategy = Data(type.strategy.utf8)
            message.props = try RpbBucketProps(stored: type.properties)
            response.types.append(message)
        }
        try appendRiakFrame(.administrationResponse, response)
    }
}

extension BucketTypeDescription {
    /// Decodes the body of message 241.
    ///
    /// - Throws: `MalformedBytes` if it is not such a message.
    package static func list(_ body: UnsafeRawBufferPointer) throws(MalformedBytes) -> [BucketTypeDescription] {
        var types: [BucketTypeDescription] = []
        for message in try KindredAdministrationResp(riakBody: body).types {
            types.append(
                BucketTypeDescription(
                    name: Array(message.name), isActive: message.active,
                    strategy: String(decoding: message.strategy, as: UTF8.self),
                    properties: try message.props.propertySet()))
        }
        return types
    }
}
