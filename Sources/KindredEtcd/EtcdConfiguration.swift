import Foundation
import KindredNode

/// Where etcd is, and how patient to be with it.
package struct EtcdConfiguration: Sendable {
    /// The members' client addresses: `http://HOST:PORT` or `https://HOST:PORT`. One that works is kept; when it fails,
    /// the next is tried. All must be members of the same etcd cluster.
    package var endpoints: [String]
    /// The cluster of Kindred: the part of etcd's key space that is used is `/kindred/NAME/`.
    package var clusterName: String
    /// How long one endpoint may take for one answer.
    package var requestTimeout: Duration = .seconds(2)
    /// How long a presence outlives its process, or an outage of etcd: the time to live of its lease, in whole seconds.
    package var presenceSeconds: UInt32 = 10
    /// A user of etcd, if it asks for one.
    package var user: User?
    /// Keys and certificates, for endpoints of `https`. By default the system's authorities are trusted.
    package var security = Security()

    /// How often a watched endpoint is asked whether it answers: so late a silent outage is noticed, plus the timeout.
    var probeInterval: Duration = .seconds(2)
    /// After so long a watch is opened anew.
    var watchRenewal: Duration = .seconds(60)

    /// A user of etcd.
    package struct User: Sendable {
        package var name: String
        package var password: String

        package init(name: String, password: String) {
            self.name = name
            self.password = password
        }
    }

    /// Files in PEM.
    package struct Security: Sendable {
        /// The authorities that the servers' certificates are checked against.
        package var authorityFile: String?
        /// This client's certificate, with those between it and its authority; goes with `keyFile`.
        package var certificateFile: String?
        /// The key of this client's certificate.
        package var keyFile: String?

        package init(authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
            self.authorityFile = authorityFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    package init(endpoints: [String], clusterName: String) {
        self.endpoints = endpoints
        self.clusterName = clusterName
    }

    /// Refuses what cannot work, before anything is opened.
    func checkedEndpoints() throws(ConfigurationStoreError) -> [String] {
        guard ConfigurationLimits.isClusterName(clusterName) else {
            throw .refused(
                "the cluster's name is 1 to \(ConfigurationLimits.clusterNameBytes) of A–Z, a–z, 0–9, '.', '_' and '-'"
            )
        }
        guard requestTimeout > .zero else { throw .refused("a request timeout of \(requestTimeout)") }
        guard (1...Self.longestPresence).contains(presenceSeconds) else {
            throw .refused("a presence lasts for 1 to \(Self.longestPresence) seconds, not \(presenceSeconds)")
        }
        guard (1...Self.mostEndpoints).contains(endpoints.count) else {
            throw .refused("1 to \(Self.mostEndpoints) endpoints of etcd are needed, not \(endpoints.count)")
        }
        var checked: [String] = []
        for endpoint in endpoints { checked.append(try Self.checked(endpoint)) }
        return checked
    }

    /// An outage of a day is not a dead process's.
    private static let longestPresence: UInt32 = 86_400
    /// etcd clusters have 3 to 7 members.
    private static let mostEndpoints = 32

    /// Without a slash at its end, so that a path can be appended.
    private static func checked(_ endpoint: String) throws(ConfigurationStoreError) -> String {
        guard let url = URLComponents(string: endpoint), url.scheme == "http" || url.scheme == "https",
            let host = url.host, !host.isEmpty, url.path.isEmpty || url.path == "/",
            url.query == nil, url.fragment == nil, url.user == nil
        else {
            throw .refused("'\(endpoint)' is no endpoint of etcd; http://HOST:PORT or https://HOST:PORT is expected")
        }
        return endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
    }
}
