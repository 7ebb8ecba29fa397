import Testing

@testable import KindredCommand

/// Server-sent events, however the network divides them.
@Suite struct EventStreamParserTests {
    private static let stream = """
        retry: 1000
        id: AQ==

        : a comment
        event: conflict
        data: {"a":
        data:1}

        event: failure
        data: ünwell

        data

        event: nothing

        id: Ag==


        """

    private static let expected: [EventStreamParser.Element] = [
        .retry(milliseconds: 1000), .position("AQ=="), .event(name: "conflict", data: Array("{\"a\":\n1}".utf8)),
        .event(name: "failure", data: Array("ünwell".utf8)), .event(name: "message", data: []), .position("Ag=="),
    ]

    private func elements(of pieces: [[UInt8]]) throws -> [EventStreamParser.Element] {
        var parser = EventStreamParser()
        return try pieces.flatMap { try parser.read($0) }
    }

    @Test("A stream says the same wherever it is divided, and however its lines end", arguments: ["\n", "\r\n", "\r"])
    func divisions(end: String) throws {
        let bytes = Array(Self.stream.replacing("\n", with: end).utf8)
        for first in 0...bytes.count {
            let pieces = [Array(bytes[..<first]), Array(bytes[first...])]
            #expect(try elements(of: pieces) == Self.expected, "divided at \(first)")
        }
        #expect(try elements(of: bytes.map { [$0] }) == Self.expected)
    }

    @Test("An event without its empty line has not come yet")
    func unfinished() throws {
        var parser = EventStreamParser()
        let first = try parser.read(Array("id: 7\nevent: conflict\ndata: {}\n".utf8))
        #expect(first.isEmpty)
        let second = try parser.read(Array("\n".utf8))
        #expect(second == [.event(name: "conflict", data: Array("{}".utf8)), .position("7")])
    }

    @Test("A mark at the beginning is skipped, and a position with a zero in it is none")
    func oddities() throws {
        let stream: [UInt8] = [0xEF, 0xBB, 0xBF] + Array("data: a\n\nid: a\u{0}b\n\nretry: soon\nretry: -1\n\n".utf8)
        #expect(try elements(of: [stream]) == [.event(name: "message", data: [UInt8(ascii: "a")])])
    }

    @Test("An event at the limit is taken, and a longer one is refused before it takes memory")
    func limit() throws {
        for isLong in [false, true] {
            // The line with its name, then the data and the next line together.
            var parser = EventStreamParser(limit: isLong ? 15 : 16)
            let stream = Array("data: 0123456789\n\n".utf8)
            if isLong {
                #expect(throws: EventStreamParser.TooLong.self) { try parser.read(stream) }
            } else {
                let elements = try parser.read(stream)
                #expect(elements == [.event(name: "message", data: Array("0123456789".utf8))])
            }
        }
        var parser = EventStreamParser(limit: 100)
        #expect(throws: EventStreamParser.TooLong.self) {
            for _ in 0..<100 { _ = try parser.read(Array("data: 0123456789\n".utf8)) }
        }
    }

    @Test("A conflict that is told again is recognised, as long as it is among the latest")
    func recent() {
        var names = RecentNames()
        let first = ["a", "a", "b"].map { names.insert($0) }
        #expect(first == [true, false, true])
        let areNew = (0..<100_000).allSatisfy { names.insert("\($0)") }
        #expect(areNew)
        let afterwards = ["a", "99999"].map { names.insert($0) }
        #expect(afterwards == [true, false], "the first one is long ago")
    }
}
