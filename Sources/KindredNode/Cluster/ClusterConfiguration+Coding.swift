package import KindredModel
import KindredReplication

/// The document `topology`, byte for byte: docs/formats/topology.md.
extension ClusterConfiguration {
    private static let formatVersion: UInt8 = 1
    /// No name, zone or address is longer, in bytes.
    private static let textLimit = 1_024

    package func encoded() -> [UInt8] {
        var bytes = [ClusterConfiguration.formatVersion]
        bytes.append(lengthPrefixed: clusterID)
        bytes.append(lengthPrefixed: tokenSecret)
        bytes.append(varint: UInt64(nodes.count))
        for node in nodes {
            bytes.append(lengthPrefixed: Array(node.name.utf8))
            bytes.append(varint: UInt64(node.id?.rawValue ?? 0))
            bytes.append(lengthPrefixed: Array(node.peer.host.utf8))
            bytes.append(varint: UInt64(node.peer.port))
            bytes.append(lengthPrefixed: Array(node.pb.utf8))
            bytes.append(lengthPrefixed: Array(node.http.utf8))
            bytes.append(lengthPrefixed: Array(node.zone.utf8))
            bytes.append(varint: UInt64(node.weight))
            bytes.append(bigEndian: node.start)
        }
        bytes.append(varint: UInt64(staged.count))
        for change in staged { change.encode(into: &bytes) }
        bytes.append(topology == nil ? 0 : 1)
        topology?.encode(into: &bytes)
        return bytes
    }

    package init(decoding bytes: [UInt8]) throws(MalformedBytes) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> ClusterConfiguration in
                var reader = ByteReader(buffer)
                let configuration = try ClusterConfiguration(from: &reader)
                guard reader.isAtEnd else { throw MalformedBytes("cluster: bytes after the end") }
                return configuration
            }
        }
        self = try result.get()
    }

    private init(from reader: inout ByteReader) throws(MalformedBytes) {
        func text() throws(MalformedBytes) -> String {
            let range = try reader.lengthPrefixedRange()
            guard range.count <= ClusterConfiguration.textLimit else {
                throw MalformedBytes("cluster: a text is too long")
            }
            return String(decoding: reader.copy(range), as: UTF8.self)
        }
        func number<Number: FixedWidthInteger>(_ type: Number.Type) throws(MalformedBytes) -> Number {
            guard let number = Number(exactly: try reader.varint()) else {
                throw MalformedBytes("cluster: number out of bounds")
            }
            return number
        }
        guard try reader.byte() == ClusterConfiguration.formatVersion else {
            throw MalformedBytes("cluster: unknown format version")
        }
        let clusterID = reader.copy(try reader.lengthPrefixedRange())
        let tokenSecret = reader.copy(try reader.lengthPrefixedRange())
        guard clusterID.count == 16, tokenSecret.count == 32 else { throw MalformedBytes("cluster: identity") }
        self.init(clusterID: clusterID, tokenSecret: tokenSecret)
        let nodeCount = try reader.count(ofAtLeast: 16)
        guard nodeCount <= Limits.nodes else { throw MalformedBytes("cluster: number of nodes") }
        for _ in 0..<nodeCount {
            let name = try text()
            let id = try number(UInt32.self)
            let peer = PeerAddress(host: try text(), port: Int(try number(UInt16.self)))
            nodes.append(
                RegisteredNode(
                    name: name, id: id == 0 ? nil : NodeID(id), peer: peer, pb: try text(), http: try text(),
                    zone: try text(), weight: try number(UInt16.self), start: try reader.bigEndian(UInt64.self)))
        }
        let stagedCount = try reader.count(ofAtLeast: 2)
        for _ in 0..<stagedCount { staged.append(try MembershipChange(from: &reader)) }
        switch try reader.byte() {
        case 0: topology = nil
        case 1: topology = try Topology(from: &reader)
        default: throw MalformedBytes("cluster: neither topology nor none")
        }
    }
}

extension MembershipChange {
    private enum Code {
        static let join: UInt8 = 0
        static let leave: UInt8 = 1
        static let replace: UInt8 = 2
        static let reweigh: UInt8 = 3
    }

    fileprivate func encode(into bytes: inout [UInt8]) {
        switch self {
        case .join(let id):
            bytes.append(Code.join)
            bytes.append(varint: UInt64(id.rawValue))
        case .leave(let id):
            bytes.append(Code.leave)
            bytes.append(varint: UInt64(id.rawValue))
        case .replace(let old, let new):
            bytes.append(Code.replace)
            bytes.append(varint: UInt64(old.rawValue))
            bytes.append(varint: UInt64(new.rawValue))
        case .reweigh(let id, let weight):
            bytes.append(Code.reweigh)
            bytes.append(varint: UInt64(id.rawValue))
            bytes.append(varint: UInt64(weight))
        }
    }

    fileprivate init(from reader: inout ByteReader) throws(MalformedBytes) {
        func id() throws(MalformedBytes) -> NodeID {
            guard let raw = UInt32(exactly: try reader.varint()) else { throw MalformedBytes("change: node") }
            return NodeID(raw)
        }
        switch try reader.byte() {
        case Code.join: self = .join(try id())
        case Code.leave: self = .leave(try id())
        case Code.replace: self = .replace(try id(), with: try id())
        case Code.reweigh:
            let node = try id()
            guard let weight = UInt16(exactly: try reader.varint()) else { throw MalformedBytes("change: weight") }
            self = .reweigh(node, weight)
        default: throw MalformedBytes("change: unknown kind")
        }
    }
}
