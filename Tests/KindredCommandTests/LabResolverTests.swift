import ArgumentParser
import Foundation
import KindredModel
import KindredResolvers
import Testing

@testable import KindredCommand

/// `kindred lab check-resolver` as its users see it.
@Suite struct LabResolverTests {
    private func run(_ words: [String]) throws -> (code: ExitCode, output: String, errors: [String]) {
        let command = try Kindred.parseAsRoot(["lab", "check-resolver"] + words)
        let check = try #require(command as? LabResolver)
        let console = TestConsole()
        return (check.perform(console.console()), console.output, console.errors)
    }

    // MARK: Rules

    @Test func aGoodRuleEndsWithZero() throws {
        let (code, output, errors) = try run(["union", "--cases", "50"])
        #expect(code == .success)
        #expect(errors.isEmpty)
        #expect(output.contains("union, version 1: 50 cases of json, seed 1"))
        #expect(output.contains("union, version 1: 50 cases of lines, seed 1"))
        #expect(output.contains("  idempotent   holds        50 compared\n"))
        #expect(output.hasSuffix("No counter-example was found.\n"))
    }

    @Test func aBrokenLawIsShownAndEndsWithOne() throws {
        let (code, output, _) = try run(["merge-json", "--on-conflict", "latest", "--cases", "500"])
        #expect(code == .failure)
        #expect(output.contains("  associative  BROKEN"))
        #expect(output.contains("BROKEN  associative: it does not matter which two of three are merged first\n"))
        #expect(output.contains("  resolve(resolve(a, b), c)  "))
        #expect(output.hasSuffix("2 laws broken.\n"))
    }

    @Test func thePageShowsWhatComesOut() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/resolvers.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let (_, output, _) = try run(["merge-json", "--on-conflict", "latest"])
        #expect(text.contains(output), "\(output)")
    }

    @Test func aCounterExampleIsTheSameInJSON() throws {
        let (code, output, _) = try run(["merge-json:latest", "--cases", "500", "--json"])
        #expect(code == .failure)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        #expect(document["passed"] as? Bool == false)
        let report = try #require((document["reports"] as? [[String: Any]])?.first)
        let laws = try #require(report["laws"] as? [[String: Any]])
        #expect(laws.count == 7)
        let law = try #require(laws.first { $0["law"] as? String == "associative" })
        #expect(law["verdict"] as? String == "broken")
        let example = try #require(law["counterExample"] as? [String: Any])
        #expect((example["siblings"] as? [Any])?.count == 3)
        #expect((example["left"] as? [String: Any])?["expression"] as? String == "resolve(resolve(a, b), c)")
        #expect(laws.first?["verdict"] as? String == "holds")
    }

    @Test func aRuleThatRefusesEverythingHasNotPassed() throws {
        let file = try TemporaryFile("\"text\"\n")
        defer { file.remove() }
        let (code, output, _) = try run(["union:json", "--values", file.path, "--cases", "20"])
        #expect(code == .nothingCompared)
        #expect(output.contains("not checked  0 compared, 20 refused (not JSON: no value, at byte 0)"))
    }

    @Test func valuesComeFromAFile() throws {
        let file = try TemporaryFile("{\"b\":[1], \"a\":1}\n\n\"one\\ntwo\"\r\n")
        defer { file.remove() }
        let (code, output, _) = try run(["longest", "--values", file.path, "--cases", "20"])
        #expect(code == .success)
        #expect(output.contains("20 cases of \(file.path)"))
    }

    @Test func aFileThatIsWrongIsNamedWithItsLine() throws {
        let file = try TemporaryFile("1\n{\"a\":1,\"a\":2}\n")
        defer { file.remove() }
        let (code, _, errors) = try run(["longest", "--values", file.path])
        #expect(code == .usage)
        #expect(errors.first?.contains("\(file.path), line 2: an object has the name 'a' twice") == true)
        #expect(try run(["longest", "--values", file.path + ".not"]).code == .usage)
    }

    @Test(arguments: [
        [], ["first"], ["union", "--exec", "cat"], ["union", "--on-conflict", "latest"],
        ["merge-json", "--on-conflict", "newest"], ["union", "--generate", "words"], ["union", "--cases", "0"],
        ["union", "--generate", "json", "--values", "x"], ["union", "--timeout", "0"],
    ])
    func wordsThatMakeNoSenseAreRefused(words: [String]) {
        #expect(throws: (any Error).self) { try Kindred.parseAsRoot(["lab", "check-resolver"] + words) }
    }

    // MARK: Programs

    /// A program that answers each line by a shell's command.
    private func shell(_ command: String) -> [String] {
        ["--exec", "sh", "-c", "while read -r line; do \(command); done"]
    }

    @Test func aProgramIsAskedLineByLine() throws {
        let (code, output, _) = try run(["--cases", "30"] + shell(#"echo '{"value":"same"}'"#))
        #expect(code == .success, "\(output)")
        #expect(output.contains("unordered    holds        150 compared"))
    }

    @Test func aProgramThatBreaksALawIsCaught() throws {
        let counting = #"n=$((n+1)); echo "{\"value\":\"$n\"}""#
        let (code, output, _) = try run(["--cases", "5"] + shell(counting))
        #expect(code == .failure)
        #expect(output.contains("repeatable   BROKEN"))
    }

    @Test func aRefusalOfAProgramIsNoFailure() throws {
        let (code, output, _) = try run(["--cases", "5"] + shell(#"echo '{"error":"not today"}'"#))
        #expect(code == .nothingCompared)
        #expect(output.contains("refused (not today)"))
        #expect(!output.contains("failed"))
    }

    @Test(arguments: [
        ("exit 3", "it ended with 3"), ("kill -9 $$", "it was ended by signal 9"),
        ("echo '{'", "its answer is not JSON"),
        ("echo '{}'", "its answer has neither"), ("printf 'a\\nb\\n'", "more than one line of answer"),
        (#"echo '{"value":"!","encoding":"base64"}'"#, "its answer's 'value' is not in base 64"),
        (#"echo '{"value":"","encoding":"gzip"}'"#, "its answer has an unknown 'encoding'"),
    ])
    func aFailureOfAProgramIsToldAndBreaksNoLaw(command: String, reason: String) throws {
        let (code, output, _) = try run(["--cases", "20"] + shell(command))
        #expect(code == .failure)
        #expect(output.contains("The program has failed 10 times."), "\(output)")
        #expect(output.contains("the first time: \(reason)"))
        #expect(output.contains(#"it was asked:   {"#))
        #expect(output.contains("It was not asked any more after that."))
        #expect(!output.contains("BROKEN"))
    }

    @Test func aProgramThatFailsOnceIsStartedAgain() throws {
        let file = try TemporaryFile("")
        defer { file.remove() }
        // It ends the first time, and answers the second.
        let command = "[ -s \(file.path) ] || { echo 1 > \(file.path); exit 1; }; echo '{\"deleted\":true}'"
        let (code, output, _) = try run(["--cases", "20", "--json"] + shell(command))
        #expect(code == .failure)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        let program = try #require(document["program"] as? [String: Any])
        #expect(program["failures"] as? Int == 1)
        #expect(program["firstFailure"] as? String == "it ended with 1")
        #expect(program["givenUp"] as? Bool == false)
    }

    @Test func aProgramThatIsNotThereIsAnErrorOfUse() throws {
        let (code, _, errors) = try run(["--exec", "/nowhere/resolver"])
        #expect(code == .usage)
        #expect(errors == ["kindred: --exec: there is no program '/nowhere/resolver'"])
    }

    @Test func silenceEndsWithATimeout() throws {
        let process = try LineProcess("/bin/sh", ["-c", "read -r line; read -r line"])
        defer { process.end() }
        #expect(throws: LabFailure.self) { try process.exchange(Array("{}".utf8), timeout: .milliseconds(50)) }
    }

    @Test func aQuestionLargerThanAPipeIsAsked() throws {
        let process = try LineProcess("/bin/cat", [])
        defer { process.end() }
        let question = [UInt8](repeating: 0x61, count: 3 << 20)
        // It writes while it is still being asked, and neither waits for the other for ever.
        let answer = try process.exchange(question, timeout: .seconds(60))
        #expect(answer == question)
    }

    // MARK: Lines

    @Test func aQuestionIsOneLine() throws {
        let siblings = [
            SiblingValue("a\nb", timestamp: 7, dot: Dot(ActorID(1), 2)),
            SiblingValue(content: nil, timestamp: 8, dot: Dot(ActorID(2), 3)),
            SiblingValue(content: ObjectContent(value: [0xFF]), timestamp: 9, dot: Dot(ActorID(3), 4)),
        ]
        let line = ResolverLine.question(try ResolutionInput(siblings, ancestor: siblings[1]))
        #expect(
            String(decoding: line, as: UTF8.self)
                == #"{"ancestor":{"deleted":true,"timestamp":8,"version":"2:3"},"siblings":["#
                + #"{"contentType":"text/plain","deleted":false,"timestamp":7,"value":"a\nb","version":"1:2"},"#
                + #"{"deleted":true,"timestamp":8,"version":"2:3"},"#
                + #"{"deleted":false,"encoding":"base64","timestamp":9,"value":"/w==","version":"3:4"}]}"#)
    }

    @Test func anAnswerIsAValueADeleteOrARefusal() throws {
        func value(_ text: String) throws -> ObjectContent? {
            guard case .value(let value) = try ResolverLine.answer(Array(text.utf8)) else { return nil }
            return value.content
        }
        #expect(
            try value(#"{"value":"x","contentType":"text/plain"}"#)
                == ObjectContent(value: Array("x".utf8), contentType: Array("text/plain".utf8)))
        #expect(try value(#"{"value":"/w==","encoding":"base64"}"#) == ObjectContent(value: [0xFF]))
        #expect(try value(#"{"deleted":true}"#) == nil)
        guard case .refusal("why") = try ResolverLine.answer(Array(#"{"error":"why"}"#.utf8)) else {
            Issue.record("no refusal")
            return
        }
    }
}
