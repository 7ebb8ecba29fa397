import ArgumentParser
import KindredClient
import KindredModel
import Testing

@testable import KindredCommand

/// What words on a command line mean.
@Suite struct ArgumentTests {
    private func parsed<Command: ParsableCommand>(_ type: Command.Type, _ words: String...) throws -> Command {
        try #require(try Kindred.parseAsRoot(words) as? Command)
    }

    private func exitCode(_ words: [String]) -> Int32? {
        do {
            _ = try Kindred.parseAsRoot(words)
            return nil
        } catch {
            return Kindred.exitCode(for: error).rawValue
        }
    }

    // MARK: Keys

    @Test(
        arguments: [
            (["fruit/basket"], nil, "default", "fruit", "basket"),
            (["siblings/carts/anna"], nil, "siblings", "carts", "anna"),
            (["immutable/photos/2026/a.jpg"], nil, "immutable", "photos", "2026/a.jpg"),
            (["carts/anna/x"], "siblings", "siblings", "carts", "anna/x"),
            (["carts", "anna"], nil, "default", "carts", "anna"),
            (["a/b", "c/d"], "siblings", "siblings", "a/b", "c/d"),
        ] as [([String], String?, String, String, String)])
    func addresses(words: [String], type: String?, expectedType: String, bucket: String, key: String) throws {
        let address = try ObjectAddress(words, type: type)
        #expect(address == ObjectAddress(bucket: Bucket(Name(bucket), type: Name(expectedType)), key: Name(key)))
    }

    @Test(arguments: [["fruit"], ["/key"], ["bucket/"], ["a//b"], ["", "k"], ["b", ""], ["a", "b", "c"], []])
    func noAddresses(words: [String]) {
        #expect(throws: ValidationError.self) { try ObjectAddress(words, type: nil) }
    }

    @Test func bucketsAreWrittenLikeKeys() throws {
        #expect(try Bucket(word: "fruit", type: nil) == Bucket("fruit"))
        #expect(try Bucket(word: "siblings/carts", type: nil) == Bucket("carts", type: "siblings"))
        #expect(try Bucket(word: "a/b", type: "siblings") == Bucket("a/b", type: "siblings"))
        #expect(throws: ValidationError.self) { try Bucket(word: "/b", type: nil) }
    }

    // MARK: put

    @Test(
        arguments: [
            (["b/k", "v"], "default", "b", "k", "v"), (["b", "k", "v"], "default", "b", "k", "v"),
            (["--type", "t", "b", "k", "v"], "t", "b", "k", "v"), (["--type", "t", "b/k", "v"], "t", "b", "k", "v"),
            (["t/b/k"], "t", "b", "k", nil), (["b", "k"], "default", "b", "k", nil),
            (["b/k", "a/b"], "default", "b", "k", "a/b"),
            (["--new-key", "t/b", "v"], "t", "b", nil, "v"), (["--new-key", "b"], "default", "b", nil, nil),
            (["b/k", "--", "-5"], "default", "b", "k", "-5"),
        ] as [([String], String, String, String?, String?)])
    func targets(words: [String], type: String, bucket: String, key: String?, value: String?) throws {
        let put = try #require(try Kindred.parseAsRoot(["put"] + words) as? Put)
        let target = try put.target()
        #expect(target.bucket == Bucket(Name(bucket), type: Name(type)))
        #expect(target.key == key.map { Name($0) } && target.value == value)
    }

    @Test func putTakesAllThatBelongsToAValue() throws {
        let put = try parsed(
            Put.self, "put", "b/k", "v", "--content-type", "text/html", "--context", "AQID", "--meta", "a=1", "--meta",
            "b=x=y", "--if-not-modified", "--server", "[::1]:9", "--timeout", "3", "--json")
        #expect(put.context?.context == Context(bytes: [1, 2, 3]))
        #expect(put.meta.map(\.name) == ["a", "b"] && put.meta.map(\.value) == ["1", "x=y"])
        #expect(put.contentType == "text/html" && put.ifNotModified && put.common.json && put.common.timeout == 3)
        #expect(put.common.server == ServerAddress(host: "::1", port: 9))
    }

    @Test(arguments: [
        ["put"], ["put", "b"], ["put", "b/k", "v", "--context", "not base 64!"], ["put", "b/k", "v", "--meta", "x"],
        ["put", "b/k", "v", "--if-not-modified"], ["put", "a", "b", "c", "d"], ["get"], ["get", "b"], ["keys"],
        ["put", "b/k", "v", "--if-none-match", "--if-not-modified", "--context", "AQID"],
        ["get", "b/k", "--server", "x:y"],
        ["get", "b/k", "--timeout", "0"], ["bucket-type", "create"], ["bucket-type", "create", "a/b"],
        ["bucket-type", "create", "t", "--strategy", "guess"],
        ["nonsense"], ["buckets", ""],
    ])
    func whatMakesNoSenseIsAUsageError(words: [String]) {
        #expect(exitCode(words) == 64)
    }

    // MARK: Servers

    @Test(arguments: [
        ("localhost:1", "localhost", 1), ("10.0.0.7", "10.0.0.7", 8087), ("[::1]:8000", "::1", 8000),
        ("[::1]", "::1", 8087), ("::1", "::1", 8087), ("a.example:65535", "a.example", 65535),
    ])
    func servers(text: String, host: String, port: Int) {
        #expect(ServerAddress(argument: text) == ServerAddress(host: host, port: port))
    }

    @Test(arguments: ["", ":1", "a:", "a:0", "a:65536", "a:b", "http://a:1", "a b:1", "[::1]:x"])
    func noServers(text: String) {
        #expect(ServerAddress(argument: text) == nil)
    }

    @Test func theEnvironmentNamesTheServerUnlessTheFlagDoes() throws {
        let environment = ["KINDRED_SERVER": "a:1"]
        #expect(try parsed(Ping.self, "ping").common.address(environment) == ServerAddress(host: "a", port: 1))
        #expect(try parsed(Ping.self, "ping", "--server", "b:2").common.address(environment).host == "b")
        #expect(try parsed(Ping.self, "ping").common.address([:]) == .usual)
        #expect(try parsed(Ping.self, "ping").common.address(["KINDRED_SERVER": ""]) == .usual)
        let failure = #expect(throws: CommandFailure.self) {
            try parsed(Ping.self, "ping").common.address(["KINDRED_SERVER": "a:b"])
        }
        #expect(failure?.code == .usage)
    }

    // MARK: Properties

    @Test func propertiesAreJSONInEitherForm() throws {
        let plain = try PropertyOptions.parse(Array(#"{"n_val": 3, "allow_mult": true, "backend": "x"}"#.utf8))
        #expect(plain == ["n_val": 3, "allow_mult": true, "backend": "x"])
        #expect(try PropertyOptions.parse(Array(#"{"props":{"n_val":3}}"#.utf8)) == ["n_val": 3])
        #expect(try PropertyOptions.parse(Array("{}".utf8)).isEmpty)
    }

    @Test(arguments: ["", "[]", "3", "{", #"{"a": 1.5}"#, #"{"a": null}"#, "n_val=3"])
    func propertiesThatAreNone(text: String) {
        let failure = #expect(throws: CommandFailure.self) { try PropertyOptions.parse(Array(text.utf8)) }
        #expect(failure?.code == .usage)
    }

    @Test func aStrategyIsAPropertyByName() throws {
        let create = try parsed(
            CreateType.self, "bucket-type", "create", "t", "--strategy", "immutable", "--props", #"{"n_val": 1}"#)
        #expect(try create.properties.set() == ["n_val": 1, "conflict_strategy": "immutable"])
    }

    @Test(arguments: [("on", true), ("off", false)])
    func theConflictLogIsSwitchedByName(word: String, isOn: Bool) throws {
        let create = try parsed(CreateType.self, "bucket-type", "create", "t", "--conflict-log", word)
        #expect(try create.properties.set() == ["conflict_log": .bool(isOn)])
        let update = try parsed(UpdateType.self, "bucket-type", "update", "t", "--conflict-log", word)
        #expect(try update.properties.set() == ["conflict_log": .bool(isOn)])
        #expect(throws: (any Error).self) {
            try parsed(CreateType.self, "bucket-type", "create", "t", "--conflict-log", "maybe")
        }
    }

    // MARK: Help

    @Test func everyCommandHelpsWithExamples() {
        func check(_ command: any ParsableCommand.Type, _ path: String) {
            #expect(Kindred.helpMessage(for: command, columns: 80).contains("EXAMPLES"), "\(path)")
            for sub in command.configuration.subcommands { check(sub, "\(path) \(sub._commandName)") }
        }
        check(Kindred.self, "kindred")
    }

    @Test(arguments: [CompletionShell.bash, .zsh, .fish])
    func completionKnowsTheCommands(shell: CompletionShell) {
        let script = Kindred.completionScript(for: shell)
        for word in ["bucket-type", "activate", "demo", "new-key", "version-vectors"] {
            #expect(script.contains(word), "\(word)")
        }
    }
}
