import ArgumentParser
import Testing

@testable import KindredLoad
@testable import KindredLoadCommand

@Suite struct LoadOptionsTests {
    @Test func serversAreHostAndPort() throws {
        #expect(try LoadOptions.parseServer("localhost:8087") == ("localhost", 8087))
        #expect(try LoadOptions.parseServer("[::1]:80") == ("::1", 80))
        for text in ["", "host", ":1", "host:", "host:0", "host:65536", "host:-1", "::1:80", "[]:1"] {
            #expect(throws: LoadOptionsError.self, "\(text)") { try LoadOptions.parseServer(text) }
        }
    }

    @Test func mixesAreTwoShares() throws {
        #expect(try LoadOptions.parseMix("95:5") == (95, 5))
        for text in ["", "1", "1:", "a:b", "1:2:3"] {
            #expect(throws: LoadOptionsError.self, "\(text)") { try LoadOptions.parseMix(text) }
        }
    }

    @Test func theDefaultsAreValid() throws {
        #expect(try LoadOptions().validated() == LoadOptions())
    }

    @Test(arguments: [
        ["--connections", "0"], ["--connections", "20001"], ["--pipeline", "0"], ["--pipeline", "4097"],
        ["--threads", "65"], ["--threads", "2", "--connections", "1"], ["--mix", "0:0"], ["--mix", "-1:2"],
        ["--value-size", "-1"], ["--value-size", "16777217"], ["--keys", "0"], ["--keys", "100000001"],
        ["--value-size", "16777216", "--pipeline", "17"], ["--bucket", ""], ["--duration", "0"], ["--duration", "nan"],
        ["--warmup", "-1"], ["--rate", "0"], ["--rate", "inf"], ["--stall", "0"], ["--server-pid", "0"],
        ["--context", "echo", "--protocol", "redis"], ["--context", "echo", "--threads", "2"],
        ["--context", "echo", "--keys", "2000001"], ["--protocol", "http"], ["--distribution", "normal"],
        ["--server", "nowhere"],
    ])
    func optionsOutOfBoundsAreRefused(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try LoadCommand.parse(arguments) }
    }

    @Test func argumentsBecomeOptions() throws {
        let command = try LoadCommand.parse([
            "--server", "10.0.0.1:99", "--mix", "3:1", "--connections", "7", "--pipeline", "2", "--value-size", "10",
            "--keys", "5", "--distribution", "latest", "--type", "siblings", "--bucket", "x", "--duration", "1.5",
            "--warmup", "0", "--preload", "--context", "echo", "--rate", "10", "--seed", "9", "--server-pid", "1",
            "--stall", "3",
        ])
        var expected = LoadOptions()
        (expected.host, expected.port) = ("10.0.0.1", 99)
        (expected.gets, expected.puts) = (3, 1)
        expected.connections = 7
        expected.pipeline = 2
        expected.valueSize = 10
        expected.keys = 5
        expected.distribution = .latest
        expected.bucketType = "siblings"
        expected.bucket = "x"
        expected.durationSeconds = 1.5
        expected.warmupSeconds = 0
        expected.preload = true
        expected.context = .echo
        expected.rate = 10
        expected.seed = 9
        expected.serverPID = 1
        expected.stallSeconds = 3
        #expect(try command.options() == expected)
    }

    @Test func redisHasItsOwnPort() throws {
        #expect(try LoadCommand.parse(["--protocol", "redis"]).options().port == 6379)
    }
}
