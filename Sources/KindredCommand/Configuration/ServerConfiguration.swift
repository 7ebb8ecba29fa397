import Foundation
import KindredNode
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
        case conflictLog = "conflict-log"
        case conflictDays = "conflict-days"
        case conflictMiB = "conflict-mib"
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
            case .conflictLog: "on"
            case .conflictDays: "30"
            case .conflictMiB: "1024"
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
        var settings = SettingValues()
        if let file {
            for (setting, value) in try Self.settings(inFile: file.text, named: file.name) {
                settings.values[setting] = (value, "\(file.name): \(setting.rawValue)")
            }
        }
        for setting in Setting.allCases {
            if let value = environment[setting.environmentName] {
                settings.values[setting] = (value, setting.environmentName)
            }
            if let value = flags[setting] { settings.values[setting] = (value, "--\(setting.rawValue)") }
        }
        data = settings.text(.data).value
        guard !data.isEmpty else { throw Invalid(description: "\(settings.text(.data).origin): no directory") }
        pb = try settings.endpoint(.pb)
        http = try settings.endpoint(.http)
        let name = settings.text(.nodeName)
        guard (1...255).contains(name.value.utf8.count), name.value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Invalid(description: "\(name.origin): a node's name has 1 to 255 printable ASCII characters")
        }
        node = NodeConfiguration(
            durability: try settings.choice(.durability, Durability.self),
            cacheBytes: try settings.number(.cacheMiB, 1...1_048_576) << 20,
            partitions: UInt16(try settings.number(.partitions, 1...4_096)), name: name.value)
        diskReserveBytes = UInt64(try settings.number(.diskReserveMiB, 0...1_048_576)) << 20
        logLevel = try settings.choice(.logLevel, Logger.Level.self)
        cluster = try ClusterSettings(settings)
        node.isClustered = cluster != nil
        node.keepsConflictLog = try settings.isOn(.conflictLog)
        node.conflictLogLimits.milliseconds = UInt64(try settings.number(.conflictDays, 1...36_500)) * 86_400_000
        node.conflictLogLimits.bytes = try settings.number(.conflictMiB, 1...1_048_576) << 20
        node.transferBytesPerSecond = UInt64(try settings.number(.transferMiB, 1...1_048_576)) << 20
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
