import Foundation
import KindredClient
import KindredWire
import Testing

@testable import KindredCommand

/// The demo: what it makes of what happened, and how it draws that.
@Suite struct DemoTests {
    private func history(_ events: [History.Event], kept: [String], clients: Int = 2) -> History {
        History(
            bucket: Bucket("demo", type: "siblings"), key: "X", clients: ["A", "B", "C"].prefix(clients).map { $0 },
            events: events, kept: kept, mostSiblings: kept.count)
    }

    private func write(
        _ client: Int, _ value: String, seen: [String] = [], number: Int, isNumbered: Bool = false
    ) -> History.Event {
        .write(
            client: client, value: value, seen: seen,
            .stored(version: "1.\(number)", number: isNumbered ? number : nil))
    }

    private func drawn(_ demonstration: Demonstration) -> String {
        Timeline(demonstration: demonstration, style: Style(isOn: false)).lines(number: 1).joined(separator: "\n")
    }

    // MARK: What became of the values

    @Test func aValueIsReplacedByAWriteThatHadSeenIt() {
        let history = history(
            [write(0, "1", number: 1), write(1, "2", seen: ["1"], number: 2), write(0, "3", seen: ["1"], number: 3)],
            kept: ["2", "3"])
        #expect(history.replaced.map(\.value) == ["1"] && history.replaced.map(\.by) == ["2"])
        #expect(history.lost.isEmpty)
    }

    @Test func aValueThatIsGoneUnseenIsLost() {
        let history = history([write(0, "apple", number: 1), write(1, "banana", number: 2)], kept: ["banana"])
        #expect(history.lost == ["apple"] && history.replaced.isEmpty)
    }

    @Test func versionsHaveNumbersWhereTheTagTellsThem() {
        let numbered = history(
            [
                write(0, "a", number: 1, isNumbered: true), write(1, "b", number: 2),
                write(0, "c", number: 3, isNumbered: true),
            ],
            kept: ["c"])
        #expect(numbered.numbers == [1, 3])
    }

    @Test func aRefusedValueIsNeitherLostNorReplaced() {
        let history = history(
            [write(0, "first", number: 1), .write(client: 1, value: "second", seen: [], .refused(reason: "exists"))],
            kept: ["first"])
        #expect(history.refused == ["second"] && history.lost.isEmpty && history.replaced.isEmpty)
    }

    // MARK: Drawings

    @Test func concurrentWritesOfThreeClients() {
        let history = history(
            [
                write(0, "1", number: 1), .read(client: 1, values: ["1"]), write(1, "2", seen: ["1"], number: 2),
                .read(client: 2, values: ["2"]), write(2, "4", seen: ["2"], number: 3),
                write(0, "3", seen: ["1"], number: 4), .read(client: 1, values: ["4", "3"]),
            ], kept: ["4", "3"], clients: 3)
        let demonstration = Demonstration(
            id: "x", title: "Version vectors", rule: "A write replaces exactly what its writer had seen.",
            history: history, checks: [.init(promise: "both are kept", holds: true)])
        #expect(
            drawn(demonstration) == """
                ━━ 1 ━ Version vectors ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ type siblings · key X ━━
                    A write replaces exactly what its writer had seen.

                    A                        B                        C
                    │                        │                        │
                    ● X = 1                  │                        │
                    │ had seen nothing       │                        │
                    │                        │                        │
                    ├───────────────────────▶○ reads 1                │
                    │                        │                        │
                    │                        ● X = 2                  │
                    │                        │ had seen 1             │
                    │                        │                        │
                    │                        ├───────────────────────▶○ reads 2
                    │                        │                        │
                    │                        │                        ● X = 4
                    │                        │                        │ had seen 2
                    │                        │                        │
                    ● X = 3                  │                        │
                    │ had seen 1             │                        │
                    │                        │                        │
                    ├───────────────────────▶○◀───────────────────────┤
                    │                        │ reads 4 and 3          │
                    ╵                        ╵                        ╵

                    kept      4  and  3
                    replaced  1 by 2 · 2 by 4
                    lost      nothing
                    ✓ both are kept
                """)
    }

    @Test func arrowsFromTheRightRefusalsAndNumbers() {
        let history = history(
            [
                write(1, "milk, bread", number: 1, isNumbered: true), .read(client: 0, values: ["milk, bread"]),
                .write(client: 0, value: "other", seen: ["milk, bread"], .refused(reason: "because it is so")),
                .write(client: 0, value: "milk, bread", seen: [], .unchanged), .read(client: 1, values: []),
            ], kept: ["milk, bread"])
        let demonstration = Demonstration(
            id: "x", title: "Numbers", rule: "A rule.", history: history,
            checks: [.init(promise: "that this fails", holds: false)])
        #expect(
            drawn(demonstration) == """
                ━━ 1 ━ Numbers ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ type siblings · key X ━━
                    A rule.

                    A                                     B
                    │                                     │
                    │                                     ● v1  milk, bread
                    │                                     │ had seen nothing
                    │                                     │
                    ○◀────────────────────────────────────┤
                    │ reads v1: milk, bread               │
                    │                                     │
                    ✗ X = other                           │
                    │ refused: because it is so           │
                    │                                     │
                    ● X = milk, bread                     │
                    │ accepted: it is there already       │
                    │                                     │
                    │                                     ○ reads nothing
                    ╵                                     ╵

                    kept      milk, bread
                    refused   other
                    lost      nothing
                    ✗ NOT AS PROMISED: that this fails
                """)
    }

    @Test func longHistoriesAreAbridged() {
        let events = (1...10).map { write($0 % 2, "v\($0)", seen: $0 > 1 ? ["v\($0 - 1)"] : [], number: $0) }
        let demonstration = Demonstration(
            id: "x", title: "Long", rule: "A rule.", history: history(events, kept: ["v10"]), checks: [], drawn: 2)
        let text = drawn(demonstration)
        #expect(text.contains("8 more writes") && text.contains("replaced  9 values") && !text.contains("v3"))
    }

    @Test func nothingIsWiderThanTheDrawing() {
        let long = String(repeating: "many words ", count: 30)
        let history = history(
            [
                write(0, long, number: 1), .read(client: 2, values: [long]),
                .write(client: 2, value: long, seen: [long], .refused(reason: long)),
            ], kept: [long], clients: 3)
        let demonstration = Demonstration(
            id: "x", title: "Long", rule: long, history: history, checks: [.init(promise: "short", holds: true)])
        for line in drawn(demonstration).split(separator: "\n") {
            #expect(TextLayout.width(line) <= Timeline.width)
        }
    }

    // MARK: The command

    /// A server that takes every write and keeps none.
    private static let forgetful: @Sendable (FakeServer.Request) -> [FakeServer.Reply] = { request in
        switch request.code {
        case .getServerInfoRequest: [.message(.getServerInfoResponse, RpbGetServerInfoResp())]
        case .putRequest: [.frame(.putResponse)]
        default: [.frame(.getResponse)]
        }
    }

    @Test func aNodeThatDoesNotKeepItsPromisesIsFoundOut() async throws {
        try await FakeServer.serving(Self.forgetful) { server in
            let console = TestConsole()
            let code = try await console.run(["demo"], against: server)
            #expect(code == 1)
            #expect(console.output.contains("NOT AS PROMISED"))
            #expect(console.output.contains("Not as promised: Last write wins, Immutable keys, Version numbers"))
        }
    }

    @Test func outcomesAsJSON() async throws {
        try await FakeServer.serving(Self.forgetful) { server in
            let console = TestConsole()
            let code = try await console.run(["demo", "--json"], against: server)
            #expect(code == 1)
            let document = try #require(
                try JSONSerialization.jsonObject(with: Data(console.bytes)) as? [String: Any])
            #expect(document["passed"] as? Bool == false)
            let histories = try #require(document["histories"] as? [[String: Any]])
            #expect(
                histories.map { $0["history"] as? String } == [
                    "last-write-wins", "immutable-keys", "version-numbers", "version-vectors", "no-sibling-explosion",
                ])
            #expect(
                histories.map { $0["type"] as? String } == [
                    "last_write_wins", "immutable", "versioned", "siblings", "siblings",
                ])
            #expect(
                histories.allSatisfy { $0["passed"] as? Bool == false && ($0["kept"] as? [String])?.isEmpty == true })
            #expect((histories[4]["events"] as? [Any])?.count == 100)
        }
    }
}
