import Foundation
import KindredNode
import KindredPeer
import KindredReplication
import Logging
import Yams

/// What can be chosen about a server: by a file, by the environment, and by flags. A flag wins over the environment, and that over the
/// file; what none of them says has a default.
struct ServerConfiguration {
    /// A setting, under the name it has in the file; `KINDRED_` and upper case with underscores in the environment; `--` as a flag.
    enum Setting: String, CaseIterable {
        case data
        case pb
        case http
        case nodeName = "node-name"
        case durability
        case cacheMiB = "cache-mib"
        case partitions
        case diskReserveMiB = "disk-reserve-mib"
        case logLevel = "log-level"
        case etcd
        case cluster
        case peer
        case peerAdvertise = "peer-advertise"
        case peerSource = "peer-source"
        case peerCertificate = "peer-certificate"
        case peerKey = "peer-key"
        case peerAuthority = "peer-authority"
        case peerPlaintext = "peer-plaintext"
        case zone
        case weight
        case transferMiB = "transfer-mib"

        var environmentName: String {
            "KINDRED_" + rawValue.uppercased().replacingOccurrences(of: "-", with: "_")
        }

        var fallback: String {
            switch self {
            case .data: "./data"
            case .pb: "127.0.0.1:8087"
            case .http: "127.0.0.1:8098"
            case .nodeName: "kindred@127.0.0.1"
            case .durability: "synced"
            case .cacheMiB: "512"
            case .partitions: "64"
            case .diskReserveMiB: "192"
            case .logLevel: "info"
            case .etcd, .cluster, .peerAdvertise, .peerSource, .peerCertificate, .peerKey, .peerAuthority, .zone: ""
            case .peer: "127.0.0.1:8099"
            case .peerPlaintext: "no"
            case .weight: "1"
            case .transferMiB: "64"
            }
        }
    }

    /// A setting that makes no sense, and where it comes from.
    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    /// An address to listen on. Port 0 lets the system choose.
    struct Endpoint: Equatable {
        let host: String
        let port: Int

        var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

        /// Whether only this machine can reach it.
        var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
    }

    var data: String
    var pb: Endpoint
    var http: Endpoint
    var node: NodeConfiguration
    var diskReserveBytes: UInt64
    var logLevel: Logger.Level
    /// Nil for a node on its own.
    var cluster: ClusterSettings?

    /// Puts the three sources together.
    ///
    /// - Parameters:
    ///   - file: the text of the configuration file, if there is one, and its name for error messages.
    ///   - environment: the process's environment.
    ///   - flags: the settings given as flags.
    init(
        file: (name: String, text: String)?, environment: [String: String], flags: [Setting: String]
    ) throws(Invalid) {
        var values: [Setting: (value: String, origin: String)] = [:]
        if let file {
            for (setting, value) in try Self.settings(inFile: file.text, named: file.name) {
                values[setting] = (value, "\(file.name): \(setting.rawValue)")
            }
        }
        for setting in Setting.allCases {
            if let value = environment[setting.environmentName] { values[setting] = (value, setting.environmentName) }
            if let value = flags[setting] { values[setting] = (value, "--\(setting.rawValue)") }
        }
        func text(_ setting: Setting) -> (value: String, origin: String) {
            values[setting] ?? (setting.fallback, setting.rawValue)
        }
        func number(_ setting: Setting, _ range: ClosedRange<Int>) throws(Invalid) -> Int {
            let (value, origin) = text(setting)
            guard let number = Int(value), range.contains(number) else {
                throw Invalid(
                    description: "\(origin): '\(value)' is not a number from \(range.lowerBound) to \(range.upperBound)"
                )
            }
            return number
        }
        func endpoint(_ setting: Setting) throws(Invalid) -> Endpoint {
            let (value, origin) = text(setting)
            guard let colon = value.lastIndex(of: ":"), let port = UInt16(value[value.index(after: colon)...]) else {
                throw Invalid(description: "\(origin): '\(value)' is not HOST:PORT")
            }
            let host = value[..<colon].trimmingPrefix("[")
            return Endpoint(host: host.hasSuffix("]") ? String(host.dropLast()) : String(host), port: Int(port))
        }
        func choice<Choice: RawRepresentable & CaseIterable>(
            _ setting: Setting, _ type: Choice.Type
        ) throws(Invalid) -> Choice where Choice.RawValue == String {
            let (value, origin) = text(setting)
            guard let choice = Choice(rawValue: value) else {
                let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
                throw Invalid(description: "\(origin): '\(value)' is none of: \(all)")
            }
            return choice
        }

        data = text(.data).value
        guard !data.isEmpty else { throw Invalid(description: "\(text(.data).origin): no directory") }
        pb = try endpoint(.pb)
        http = try endpoint(.http)
        let name = text(.nodeName)
        guard (1...255).contains(name.value.utf8.count), name.value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Invalid(description: "\(name.origin): a node's name has 1 to 255 printable ASCII characters")
        }
        node = NodeConfiguration(
            durability: try choice(.durability, Durability.self),
            cacheBytes: try number(.cacheMiB, 1...1_048_576) << 20,
            partitions: UInt16(try number(.partitions, 1...4_096)), name: name.value)
        diskReserveBytes = UInt64(try number(.diskReserveMiB, 0...1_048_576)) << 20
        logLevel = try choice(.logLevel, Logger.Level.self)
        cluster = nil
        let (clusterName, clusterOrigin) = text(.cluster)
        let etcd = text(.etcd).value.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        guard !clusterName.isEmpty || !etcd.isEmpty else { return }
        guard !clusterName.isEmpty, !etcd.isEmpty else {
            throw Invalid(
                description: "a cluster's node needs both: --etcd, where its configuration is, and --cluster, its name")
        }
        guard ConfigurationLimits.isClusterName(clusterName) else {
            throw Invalid(
                description:
                    "\(clusterOrigin): '\(clusterName)' is no name of a cluster: 1 to 64 of A–Z, a–z, 0–9, '.', '_', '-'"
            )
        }
        let peer = try endpoint(.peer)
        let advertised = text(.peerAdvertise).value.isEmpty ? nil : try endpoint(.peerAdvertise)
        let files = [text(.peerCertificate).value, text(.peerKey).value, text(.peerAuthority).value]
        let tls: PeerTLSFiles?
        switch files.count(where: \.isEmpty) {
        case 0: tls = PeerTLSFiles(certificate: files[0], key: files[1], authority: files[2])
        case 3: tls = nil
        default:
            throw Invalid(
                description: "--peer-certificate, --peer-key and --peer-authority are given together or not at all")
        }
        guard ["yes", "no"].contains(text(.peerPlaintext).value) else {
            throw Invalid(description: "\(text(.peerPlaintext).origin): 'yes' or 'no'")
        }
        if tls == nil, !peer.isLoopback || !(advertised ?? peer).isLoopback, text(.peerPlaintext).value == "no" {
            throw Invalid(
                description: """
                    --peer: nodes on several machines speak TLS: give --peer-certificate, --peer-key and --peer-authority \
                    ('kindred tls' makes some for development), or --peer-plaintext yes if the network is safe by itself
                    """)
        }
        let zone = text(.zone)
        guard zone.value.utf8.count <= Limits.zoneNameBytes else {
            throw Invalid(description: "\(zone.origin): a zone's name has at most \(Limits.zoneNameBytes) bytes")
        }
        node.isClustered = true
        node.transferBytesPerSecond = UInt64(try number(.transferMiB, 1...1_048_576)) << 20
        cluster = ClusterSettings(
            etcd: etcd, name: clusterName, peer: peer, advertised: advertised,
            source: text(.peerSource).value.isEmpty ? nil : text(.peerSource).value, tls: tls, zone: zone.value,
            weight: UInt16(try number(.weight, 1...65_535)))
    }

    /// What is chosen about a node's part in a cluster.
    struct ClusterSettings {
        /// Where etcd answers: URLs.
        var etcd: [String]
        var name: String
        /// Where the node listens for the others.
        var peer: Endpoint
        /// Where the others find it, if that is not the same.
        var advertised: Endpoint?
        /// The local address that connections to the others leave from.
        var source: String?
        var tls: PeerTLSFiles?
        var zone: String
        var weight: UInt16
    }

    /// The settings of a YAML file: one flat mapping. A name that is none is an error, so that a slip of the pen is not a silent
    /// default.
    private static func settings(inFile text: String, named name: String) throws(Invalid) -> [Setting: String] {
        let document: Node?
        do {
            document = try Yams.compose(yaml: text)
        } catch {
            throw Invalid(description: "\(name): not YAML: \(error)")
        }
        guard let document else { return [:] }
        guard let mapping = document.mapping else {
            throw Invalid(description: "\(name): the file must be a mapping, one 'setting: value' a line")
        }
        var settings: [Setting: String] = [:]
        for (key, value) in mapping {
            guard let word = key.scalar?.string, let setting = Setting(rawValue: word) else {
                let known = Setting.allCases.map(\.rawValue).joined(separator: ", ")
                throw Invalid(description: "\(name): no setting '\(key.scalar?.string ?? "?")'; there are: \(known)")
            }
            guard let scalar = value.scalar?.string else {
                throw Invalid(description: "\(name): \(word): a single value is expected")
            }
            settings[setting] = scalar
        }
        return settings
    }
}
