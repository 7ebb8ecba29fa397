import KindredNode
import KindredWire
import NIOCore
enum RiakErrorText { static func text(for failure: RequestFailure) -> String { "\(failure)" } }
enum RiakBucketRequests { static func answer(_ m: RiakMessageCode, _ b: UnsafeRawBufferPointer, on loop: DataLoop, nodeName: String, into o: inout ByteBuffer) throws -> Bool { false } }
