package import KindredModel
package import NIOCore
package import SwiftProtobuf

/// A message that is rare enough for generated code. The properties are in Generated; see Schemas for what they mean.
package protocol RiakMessage: SwiftProtobuf.Message {
    /// Decodes a message body.
    ///
    /// - Throws: `MalformedBytes` if it is not such a message or lacks a required field.
    init(riakBody: UnsafeRawBufferPointer) throws(MalformedBytes)

    /// Encodes the message.
    ///
    /// - Throws: `MalformedBytes` if a required field is not set.
    func riakBody() throws(MalformedBytes) -> [UInt8]
}

extension RiakMessage {
    package init(riakBody: UnsafeRawBufferPointer) throws(MalformedBytes) {
        do {
            try self.init(serializedBytes: [UInt8](riakBody))
        } catch {
            throw MalformedBytes("\(Self.protoMessageName): \(error)")
        }
    }

    package func riakBody() throws(MalformedBytes) -> [UInt8] {
        do {
            return try serializedBytes()
        } catch {
            throw MalformedBytes("\(Self.protoMessageName): \(error)")
        }
    }
}

extension ByteBuffer {
    /// Appends a message.
    ///
    /// - Throws: `MalformedBytes` if a required field is not set or the buffer could not hold the frame.
    package mutating func appendRiakFrame(
        _ code: RiakMessageCode, _ message: some RiakMessage
    ) throws(MalformedBytes) {
        try appendRiakFrame(code, body: message.riakBody())
    }
}

extension RpbErrorResp: RiakMessage {}
extension RpbGetClientIdResp: RiakMessage {}
extension RpbSetClientIdReq: RiakMessage {}
extension RpbGetServerInfoResp: RiakMessage {}
extension RpbGetReq: RiakMessage {}
extension RpbGetResp: RiakMessage {}
extension RpbPutReq: RiakMessage {}
extension RpbPutResp: RiakMessage {}
extension RpbDelReq: RiakMessage {}
extension RpbListBucketsReq: RiakMessage {}
extension RpbListBucketsResp: RiakMessage {}
extension RpbListKeysReq: RiakMessage {}
extension RpbListKeysResp: RiakMessage {}
extension RpbGetBucketReq: RiakMessage {}
extension RpbGetBucketResp: RiakMessage {}
extension RpbSetBucketReq: RiakMessage {}
extension RpbResetBucketReq: RiakMessage {}
extension RpbGetBucketTypeReq: RiakMessage {}
extension RpbSetBucketTypeReq: RiakMessage {}
extension RpbGetBucketKeyPreflistReq: RiakMessage {}
extension RpbGetBucketKeyPreflistResp: RiakMessage {}
extension RpbAuthReq: RiakMessage {}
extension KindredAdministrationReq: RiakMessage {}
extension KindredAdministrationResp: RiakMessage {}
