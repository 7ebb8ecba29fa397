import Foundation
import KindredNode
import KindredPeer
import KindredReplication

/// What is chosen about a node's part in a cluster.
struct ClusterSettings {
    /// Where etcd answers: URLs.
    var etcd: [String]
    var name: String
    /// Where the node listens for the others.
    var peer: ServerConfiguration.Endpoint
    /// Where the others find it, if that is not the same.
    var advertised: ServerConfiguration.Endpoint?
    /// The local address that connections to the others leave from.
    var source: String?
    var tls: PeerTLSFiles?
    var zone: String
    var weight: UInt16
}

extension ClusterSettings {
    /// Reads the settings of a cluster's node; nil for a node on its own.
    init?(_ settings: SettingValues) throws(ServerConfiguration.Invalid) {
        let (clusterName, clusterOrigin) = settings.text(.cluster)
        let etcd = settings.text(.etcd).value.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        guard !clusterName.isEmpty || !etcd.isEmpty else { return nil }
        guard !clusterName.isEmpty, !etcd.isEmpty else {
            throw ServerConfiguration.Invalid(
                description: "a cluster's node needs both: --etcd, where its configuration is, and --cluster, its name")
        }
        guard ConfigurationLimits.isClusterName(clusterName) else {
            throw ServerConfiguration.Invalid(
                description:
                    "\(clusterOrigin): '\(clusterName)' is no name of a cluster: 1 to 64 of A–Z, a–z, 0–9, '.', '_', '-'"
            )
        }
        let peer = try settings.endpoint(.peer)
        let advertised = settings.text(.peerAdvertise).value.isEmpty ? nil : try settings.endpoint(.peerAdvertise)
        let files = [
            settings.text(.peerCertificate).value, settings.text(.peerKey).value, settings.text(.peerAuthority).value,
        ]
        let tls: PeerTLSFiles?
        switch files.count(where: \.isEmpty) {
        case 0: tls = PeerTLSFiles(certificate: files[0], key: files[1], authority: files[2])
        case 3: tls = nil
        default:
            throw ServerConfiguration.Invalid(
                description: "--peer-certificate, --peer-key and --peer-authority are given together or not at all")
        }
        guard ["yes", "no"].contains(settings.text(.peerPlaintext).value) else {
            throw ServerConfiguration.Invalid(description: "\(settings.text(.peerPlaintext).origin): 'yes' or 'no'")
        }
        if tls == nil, !peer.isLoopback || !(advertised ?? peer).isLoopback, settings.text(.peerPlaintext).value == "no"
        {
            throw ServerConfiguration.Invalid(
                description: """
                    --peer: nodes on several machines speak TLS: give --peer-certificate, --peer-key and --peer-authority \
                    ('kindred tls' makes some for development), or --peer-plaintext yes if the network is safe by itself
                    """)
        }
        let zone = settings.text(.zone)
        guard zone.value.utf8.count <= Limits.zoneNameBytes else {
            throw ServerConfiguration.Invalid(
                description: "\(zone.origin): a zone's name has at most \(Limits.zoneNameBytes) bytes")
        }
        self.init(
            etcd: etcd, name: clusterName, peer: peer, advertised: advertised,
            source: settings.text(.peerSource).value.isEmpty ? nil : settings.text(.peerSource).value, tls: tls,
            zone: zone.value,
            weight: UInt16(try settings.number(.weight, 1...65_535)))
    }
}
