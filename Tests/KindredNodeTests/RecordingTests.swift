import Foundation
import KindredModel
import KindredReplication
import Testing

@testable import KindredNode

@Suite struct RecordingTests {
    private func event(_ bytes: Int = 10, key: String = "k") -> RecordedEvent {
        let content = [UInt8](repeating: 1, count: bytes)
        return .write(
            RecordedWrite(
                ClientWrite(content: content[...], seen: nil), .none, address: Array("address \(key)".utf8),
                partition: 0, .versionVectors, outcome: .applied(replaced: [], discarded: []),
                object: CausalObject(), event: (Dot(ActorID(1), 1), HybridTimestamp(milliseconds: 5)), wall: 5,
                isAlone: true))
    }

    // MARK: The buffer

    @Test("What does not fit is dropped and counted, and the numbers go on")
    func bounds() {
        var buffer = RecordingBuffer(eventLimit: 3, byteLimit: 1 << 20)
        for _ in 0..<5 { buffer.append(event()) }
        let first = buffer.take()
        #expect(first.entries.map(\.number) == [1, 2, 3] && first.dropped == 2)
        buffer.append(event())
        let second = buffer.take()
        #expect(second.entries.map(\.number) == [6] && second.dropped == 0)
        #expect(buffer.take().entries.isEmpty)
    }

    @Test("The bytes of values count, and a gap is in one place even if something small would still fit")
    func bytes() {
        var buffer = RecordingBuffer(eventLimit: 100, byteLimit: 2_000)
        buffer.append(event(1_000))
        buffer.append(event(1_000))
        buffer.append(event(1))
        let taken = buffer.take()
        #expect(taken.entries.map(\.number) == [1] && taken.dropped == 2)
        buffer.append(event(1_000))
        #expect(buffer.take().entries.map(\.number) == [4])
    }

    @Test("The largest object fits")
    func largest() {
        var buffer = RecordingBuffer()
        buffer.append(event(Limits.objectMaximumBytes))
        #expect(buffer.take().dropped == 0)
    }

    // MARK: The recorder

    @Test("What a tick has decided is recorded once it is committed, and not if it cannot be")
    func commits() throws {
        let recorder = WorkloadRecorder()
        let recording = try #require(recorder.start(RecordingOptions()))
        recorder.hold(event())
        #expect(recording.take().entries.isEmpty)
        recorder.forget()
        recorder.release()
        #expect(recording.take().entries.isEmpty)
        recorder.hold(event())
        recorder.release()
        #expect(recording.take().entries.count == 1)
        recorder.stop(recording)
        #expect(recorder.isIdle)
    }

    @Test("There are only so many recordings at a time")
    func recordings() {
        let recorder = WorkloadRecorder()
        for _ in 0..<Limits.recordings { #expect(recorder.start(RecordingOptions()) != nil) }
        #expect(recorder.start(RecordingOptions()) == nil)
    }

    // MARK: Lines

    @Test("A line says after coding what it said before")
    func roundTrip() throws {
        var write = RecordingLine.Write(
            node: "n", number: 3, at: 1_700_000_000_000,
            name: RecordingLine.Name(type: "t", bucket: "b", key: "6b00", keyForm: "hex"), partition: 9,
            strategy: "immutable", operation: "put", outcome: "exists", hasContext: true,
            seen: RecordingLine.Events(upTo: ["1:4"], single: ["2:7"]), found: ["1:3"])
        write.conditions = ["absent"]
        write.reflected = RecordingLine.Events(upTo: ["1:9"])
        write.bytes = 0
        write.digest = "00ff"
        write.client = "anna"
        let lines: [RecordingLine] = [
            .header(
                RecordingLine.Header(
                    nodes: ["n"], started: 1, type: nil, bucket: "b", hashesKeys: true, values: .none, reads: false)),
            .write(write),
            .read(
                RecordingLine.Read(
                    node: "n", number: 4, at: 2, name: write.name, partition: 9, strategy: "immutable", shown: [])),
            .dropped(17, node: "n"), .alive, .end(5),
        ]
        for line in lines {
            let data = try JSONEncoder().encode(line)
            #expect(try JSONDecoder().decode(RecordingLine.self, from: data) == line)
        }
    }

    @Test("A line of an unknown kind is refused", arguments: [#"{"line":"other"}"#, "{}", #"{"line":"write"}"#])
    func unknownLines(text: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(RecordingLine.self, from: Data(text.utf8))
        }
    }

    @Test("A set of events says after coding what it said before, and nonsense is no set")
    func events() {
        let context = CausalContext(dots: [(1, 1), (1, 2), (2, 7)].map { Dot(ActorID($0), UInt64($1)) })
        let events = RecordingLine.Events(context)
        #expect(events.upTo == ["1:2"] && events.single == ["2:7"] && events.context == context)
        #expect(RecordingLine.Events(upTo: ["1:0"]).context == nil)
        #expect(RecordingLine.Events(upTo: ["1:18446744073709551615"]).context == nil)
        #expect(RecordingLine.Events(upTo: ["x"], single: nil).context == nil)
        #expect(RecordingLine.Events(single: ["1:2:3"]).context == nil)
    }

    @Test("Salted hashes of equal keys and contents are equal, and say nothing to who has another salt")
    func hashes() throws {
        var options = RecordingOptions()
        options.hashesKeys = true
        func line(_ event: RecordedEvent, salt: UInt8) throws -> RecordingLine.Write {
            var buffer = RecordingBuffer()
            buffer.append(event)
            let writer = RecordingWriter(options, node: "n", salt: [UInt8](repeating: salt, count: 32))
            guard
                case .write(let write)? = writer.line(try #require(buffer.take().entries.first), typeName: { "#\($0)" })
            else { throw NeverHappened(description: "a line of a write") }
            return write
        }
        let one = try line(written(key: "secret"), salt: 1)
        #expect(one.name.keyForm == "hash" && !one.name.key.contains("secret") && one.name.key.count == 32)
        #expect(one.client != nil && one.client != "anna")
        #expect(try line(written(key: "secret"), salt: 1).name == one.name)
        #expect(try line(written(key: "secret"), salt: 1).digest == one.digest)
        #expect(try line(written(key: "secret"), salt: 2).name != one.name)
        #expect(try line(written(key: "secret"), salt: 2).digest != one.digest)
        #expect(try line(written(key: "other"), salt: 1).name != one.name)
        #expect(one.value == nil && one.bytes == 5)
    }

    private func written(key: String) -> RecordedEvent {
        let content = ObjectContent(value: Array("value".utf8)).encoded()
        let address = [0, 0, 0, 1, 0, 1] + Array("b\(key)".utf8)
        return .write(
            RecordedWrite(
                ClientWrite(content: content[...], seen: nil, writer: Array("anna".utf8)[...]), .none,
                address: address, partition: 0, .versionVectors, outcome: .unchanged, object: CausalObject(),
                event: nil, wall: 5, isAlone: true))
    }
}

/// Recording in a cluster.
@Suite struct ClusterRecordingTests {
    @Test("A write is recorded at the node that coordinates it, once, with what it had seen and its name")
    func coordinators() async throws {
        let cluster = try await LoopCluster.start()
        var recordings: [WorkloadRecording] = []
        for node in cluster.nodes {
            recordings.append(try #require(await node.loop.startRecording(RecordingOptions())))
        }
        for number in 0..<12 {
            let token = try await cluster.nodes[number % 3].put("v\(number)", to: "k\(number % 4)")
            _ = try await cluster.nodes[(number + 1) % 3].put("w\(number)", to: "k\(number % 4)", token: token)
        }
        var writes: [RecordedWrite] = []
        try await eventually("24 writes are recorded") {
            for recording in recordings {
                for entry in recording.take().entries {
                    if case .write(let write) = entry.event { writes.append(write) }
                }
            }
            return writes.count >= 24
        }
        #expect(writes.count == 24)
        var names: Set<String> = []
        var applied: [Dot: RecordedWrite] = [:]
        for write in writes {
            guard case .applied(let dot, _) = write.outcome else {
                Issue.record("a write was not applied")
                continue
            }
            names.insert("\(write.partition) \(dot)")
            applied[dot] = write
            // Its coordinator is one of several replicas, so what it knew is said; its own write it knows.
            #expect(write.reflected?.contains(dot) == true)
        }
        #expect(names.count == 24)
        #expect(writes.count { $0.hasToken && !$0.context.isEmpty } == 12)
        for (node, recording) in zip(cluster.nodes, recordings) { node.loop.stopRecording(recording) }
        await cluster.stop()
    }
}
