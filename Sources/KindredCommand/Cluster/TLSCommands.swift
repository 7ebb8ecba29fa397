import ArgumentParser
import Foundation
import KindredPeer

/// `kindred tls`: certificates for clusters that have no better source of them.
struct TLSCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tls",
        abstract: "Make certificates for the connections between nodes.",
        discussion: """
            For development, and for clusters without an authority of their own. Whoever has 'ca-key.pem' can make \
            members of the cluster: keep it off the nodes.

            EXAMPLES
              kindred tls ca --out ./authority
              kindred tls node a --host 10.0.0.7 --ca ./authority --out ./a
            """,
        subcommands: [TLSAuthority.self, TLSNode.self])
}

/// A command that writes files and talks to nobody.
protocol CertificateCommand: AsyncParsableCommand {
    func run(_ console: Console) throws
}

extension CertificateCommand {
    func run() async throws {
        let code = perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says, and says what went wrong.
    func perform(_ console: Console) -> ExitCode {
        do {
            try run(console)
            return .success
        } catch {
            return console.complain(error)
        }
    }

    /// Makes the directory where there is none: for its owner, as there will be keys in it.
    func makeDirectory(_ path: String) throws(CommandFailure) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure(.failure, "cannot make the directory '\(path)': \(error.localizedDescription)")
        }
    }
}

/// `kindred tls ca`
struct TLSAuthority: CertificateCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca",
        abstract: "Make an authority that signs the certificates of nodes.",
        discussion: """
            Writes ca.pem, which every node gets, and ca-key.pem, which none gets. It overwrites nothing.

            EXAMPLES
              kindred tls ca --out ./authority
            """)

    @Option(help: ArgumentHelp("The directory to write to.", valueName: "dir"))
    var out: String

    func run(_ console: Console) throws {
        try makeDirectory(out)
        try DevelopmentCA.create(in: out)
        console.print([
            StyledLine("wrote \(out)/ca.pem       for every node: --peer-authority"),
            StyledLine("wrote \(out)/ca-key.pem   signs certificates: keep it off the nodes"),
            "For each node:",
            StyledLine("  kindred tls node NAME --host ADDRESS --ca \(out) --out DIR"),
        ])
    }
}

/// `kindred tls node`
struct TLSNode: CertificateCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Make the certificate of a node.",
        discussion: """
            Writes NAME.pem, NAME-key.pem, and a copy of the authority's certificate. It overwrites neither of the first \
            two. A certificate is valid for 825 days.

            EXAMPLES
              kindred tls node a --host a.example --host 10.0.0.7 --ca ./authority --out ./a
            """)

    @Argument(help: "The node's name: letters, digits, dots, underscores and hyphens.")
    var name: String
    @Option(help: ArgumentHelp("A name or an address of the node's machine; can be given again.", valueName: "host"))
    var host: [String]
    @Option(help: ArgumentHelp("Where 'kindred tls ca' has made the authority.", valueName: "dir"))
    var ca: String
    @Option(help: ArgumentHelp("The directory to write to.", valueName: "dir"))
    var out: String

    func run(_ console: Console) throws {
        let authority = try DevelopmentCA(in: ca)
        try makeDirectory(out)
        try copyAuthority()
        try authority.issue(name: name, hosts: host, into: out)
        console.print([
            StyledLine("wrote \(out)/\(name).pem, \(out)/\(name)-key.pem and \(out)/ca.pem. On the node:"),
            "  kindred serve … \\",
            StyledLine("    --peer-certificate \(name).pem --peer-key \(name)-key.pem --peer-authority ca.pem"),
        ])
    }

    /// The node needs it, too. One that is there already is not another one, or the node's files were not made for it.
    private func copyAuthority() throws(CommandFailure) {
        let source = URL(fileURLWithPath: "\(ca)/ca.pem")
        let target = URL(fileURLWithPath: "\(out)/ca.pem")
        guard let certificate = try? Data(contentsOf: source) else {
            throw CommandFailure(.failure, "cannot read '\(ca)/ca.pem'")
        }
        if let existing = try? Data(contentsOf: target) {
            guard existing == certificate else {
                throw CommandFailure(.failure, "\(out)/ca.pem is of another authority, and is not overwritten")
            }
            return
        }
        do {
            try certificate.write(to: target)
        } catch {
            throw CommandFailure(.failure, "cannot write '\(out)/ca.pem': \(error.localizedDescription)")
        }
    }
}
