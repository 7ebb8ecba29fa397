import ArgumentParser
import Foundation
import Testing

@testable import KindredCommand

/// What operators' words mean, who is asked, and certificates.
@Suite struct OperatorArgumentTests {
    @Test(
        "Where a node speaks HTTP",
        arguments: [
            ("http://127.0.0.1:8098", "127.0.0.1", 8098), ("http://a.example", "a.example", 8098),
            ("a:1", "a", 1), ("http://[::1]:9/", "::1", 9), ("::1", "::1", 8098), ("[::1]", "::1", 8098),
        ])
    func urls(text: String, host: String, port: Int) {
        #expect(NodeURL(text) == NodeURL(host: host, port: port))
    }

    @Test("What is no node", arguments: ["", "http://", "https://a:1", "a:0", "a b:1", "http://a:1/path", "ftp://a"])
    func noURLs(text: String) {
        #expect(NodeURL(text) == nil)
    }

    @Test("The environment names the nodes unless the flag does")
    func environment() throws {
        let environment = ["KINDRED_NODE": "http://a:1,b:2"]
        let plain = try OperatorOptions.parse([])
        #expect(try plain.nodes(environment) == [NodeURL(host: "a", port: 1), NodeURL(host: "b", port: 2)])
        #expect(try OperatorOptions.parse(["--node", "c:3"]).nodes(environment) == [NodeURL(host: "c", port: 3)])
        #expect(try plain.nodes([:]) == [.usual] && plain.nodes(["KINDRED_NODE": ""]) == [.usual])
        let failure = #expect(throws: CommandFailure.self) { try plain.nodes(["KINDRED_NODE": "a:1,,b:2"]) }
        #expect(failure?.code == .usage)
    }

    @Test(
        "What makes no sense is a usage error",
        arguments: [
            ["join"], ["replace", "a"], ["replace", "a", "a"], ["reweigh", "a", "0"], ["reweigh", "a", "65536"],
            ["create", "--partitions", "0"], ["create", "--replicas", "16"], ["create", "--wait", "0"],
            ["create", "--node-names", "a,,b"], ["create", "--node-names", "a,b", "--wait", "1"],
            ["commit", "--plan", "x"],
            ["status", "--timeout", "0"], ["status", "--node", "x y"], ["partitions", "--partition", "65536"],
        ])
    func usage(words: [String]) {
        do {
            _ = try Kindred.parseAsRoot(["cluster"] + words)
            Issue.record("\(words) was accepted")
        } catch {
            #expect(Kindred.exitCode(for: error).rawValue == 64)
        }
    }

    // MARK: Asking

    private func terminal() -> Console {
        Console(
            write: { _ in }, complain: { _ in }, readInput: { nil }, isTerminal: true, isInputTerminal: true, width: 80,
            style: Style(isOn: false))
    }

    @Test(
        "Only a clear yes is a yes",
        arguments: [("y", true), (" YES ", true), ("", false), ("n", false), ("yess", false), (nil, false)])
    func answers(line: String?, goesOn: Bool) throws {
        let confirmation = Confirmation(console: terminal(), isGiven: false, isSilent: false, readLine: { line })
        #expect(try confirmation.ask("?") == goesOn)
        let given = Confirmation(console: terminal(), isGiven: true, isSilent: true, readLine: { "n" })
        #expect(try given.ask("?"))
        let silent = Confirmation(console: terminal(), isGiven: false, isSilent: true, readLine: { "y" })
        #expect(throws: CommandFailure.self) { try silent.ask("?") }
    }

    // MARK: Certificates

    private func tls(_ words: [String], _ console: TestConsole) throws -> Int32 {
        let command = try #require(try Kindred.parseAsRoot(["tls"] + words) as? any CertificateCommand)
        return command.perform(console.console()).rawValue
    }

    @Test("An authority and the certificates of nodes are made, and never overwritten")
    func certificates() throws {
        let directory = FileManager.default.temporaryDirectory.path + "/kindred-tls-test-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let authority = "\(directory)/authority"
        let console = TestConsole()
        #expect(try tls(["ca", "--out", authority], console) == 0)
        #expect(try tls(["ca", "--out", authority], console) == 1)
        #expect(console.errors.last?.hasSuffix("exists, and is not overwritten") == true)
        let words = ["node", "a", "--host", "127.0.0.1", "--ca", authority, "--out", "\(directory)/a"]
        #expect(try tls(words, console) == 0)
        for name in ["a.pem", "a-key.pem", "ca.pem"] {
            #expect(FileManager.default.fileExists(atPath: "\(directory)/a/\(name)"), "\(name)")
        }
        #expect(try tls(words, console) == 1)
        // The directory is that of a node of another authority.
        let other = "\(directory)/other"
        #expect(try tls(["ca", "--out", other], console) == 0)
        #expect(try tls(["node", "b", "--host", "b", "--ca", other, "--out", "\(directory)/a"], console) == 1)
        #expect(!FileManager.default.fileExists(atPath: "\(directory)/a/b.pem"))
        #expect(
            try tls(["node", "b", "--host", "b", "--ca", "\(directory)/none", "--out", "\(directory)/b"], console) == 1)
    }
}
