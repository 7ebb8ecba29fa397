import Foundation
import HTTPTypes
import Hummingbird
import KindredModel
import KindredNode
import KindredWire
import NIOCore
import ServiceLifecycle

/// `/kindred/v1/lab/record`: what clients do at this node, as it happens, one JSON document on each line.
struct RecordingHTTPResponder: OperatorInterface {
    let loop: DataLoop

    static let path = "/kindred/v1/lab/record"
    /// The header with which the salt comes, in base 16, when several nodes are to hash alike. Not a parameter: those
    /// are logged on the way.
    private static let saltField = "X-Kindred-Recording-Salt"
    private static let pause = Duration.milliseconds(100)
    private static let pausesPerHeartbeat = 50
    private static let longestSeconds = 86_400 * 7

    func respond(to request: Request) async -> Response {
        if let refusal = refusalOfOtherSites(request) { return refusal }
        guard request.method == .get else { return refusal("method not allowed", status: 405) }
        return await answering { try await start(try await Wish(request, loop), salt: try salt(request)) }
    }

    private func salt(_ request: Request) throws(ConflictRefusal) -> [UInt8] {
        guard let text = HTTPField.Name(Self.saltField).flatMap({ request.headers[$0] }) else {
            return loop.makeRecordingSalt()
        }
        let digits = Array(text)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
        guard digits.count == 64, bytes.count == 32 else {
            throw ConflictRefusal(description: "\(Self.saltField): 32 bytes in base 16", status: 400)
        }
        return bytes
    }

    private func start(_ wish: Wish, salt: [UInt8]) async throws -> Response {
        guard let recording = await loop.startRecording(wish.options) else {
            return refusal("this node makes as many recordings as it can; end one of them", status: 429)
        }
        let header = RecordingLine.Header(
            nodes: [loop.name], started: loop.wallClock, type: wish.type, bucket: wish.bucket,
            hashesKeys: wish.options.hashesKeys, values: wish.options.values, reads: wish.options.includesReads)
        let loop = loop
        // Stops the recording when nobody holds the answer any more, whether its body was ever asked for or not.
        let lease = RecordingLease(recording, loop)
        let body = ResponseBody { writer in
            try await Self.stream(lease, header, wish, salt, loop, to: &writer)
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: HTTPFields([
                RiakHTTPField("Content-Type", "application/x-ndjson"), RiakHTTPField("Cache-Control", "no-store"),
            ]), body: body)
    }

    private static func stream(
        _ lease: RecordingLease, _ header: RecordingLine.Header, _ wish: Wish, _ salt: [UInt8], _ loop: DataLoop,
        to writer: inout any ResponseBodyWriter
    ) async throws {
        defer { lease.end() }
        let lines = RecordingWriter(wish.options, node: loop.name, salt: salt)
        var names: [UInt32: String] = [:]
        try await writer.write(try encoded([.header(header)]))
        let clock = ContinuousClock()
        let end = wish.duration.map { clock.now.advanced(by: $0) }
        var idle = 0
        while true {
            let isLast =
                Task.isCancelled || Task.isShuttingDownGracefully || (end.map { clock.now >= $0 } ?? false)
            let (entries, dropped) = lease.recording.take()
            for entry in entries {
                let type = RecordingWriter.type(of: entry.event)
                if names[type] == nil { names[type] = try await ConflictService(loop: loop).typeName(type) }
            }
            var batch = entries.compactMap { entry in lines.line(entry) { names[$0] ?? "#\($0)" } }
            if dropped > 0 { batch.append(.dropped(dropped, node: loop.name)) }
            if isLast { batch.append(.end(loop.wallClock)) }
            idle = batch.isEmpty ? idle + 1 : 0
            if idle == pausesPerHeartbeat {
                batch.append(.alive)
                idle = 0
            }
            // In pieces, so that a reader that is slow holds up the next one rather than fill memory with text.
            for start in stride(from: 0, to: batch.count, by: 256) {
                try await writer.write(try encoded(Array(batch[start..<min(start + 256, batch.count)])))
            }
            if isLast { return }
            try await Task.sleep(for: pause)
        }
    }

    private static func encoded(_ lines: [RecordingLine]) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var buffer = ByteBuffer()
        for line in lines {
            buffer.writeBytes(try encoder.encode(line))
            buffer.writeInteger(UInt8(ascii: "\n"))
        }
        return buffer
    }

    /// What the request's parameters ask for.
    private struct Wish: Sendable {
        var options = RecordingOptions()
        var type: String?
        var bucket: String?
        var duration: Duration?

        init(_ request: Request, _ loop: DataLoop) async throws {
            for (name, value) in request.uri.queryParameters {
                switch String(name) {
                case "type" where !value.isEmpty: type = String(value)
                case "bucket" where !value.isEmpty: bucket = String(value)
                case "type", "bucket": break
                case "hash-keys": options.hashesKeys = try Self.flag(name, value)
                case "reads": options.includesReads = try Self.flag(name, value)
                case "values":
                    guard let values = RecordingOptions.Values(rawValue: String(value)) else {
                        throw ConflictRefusal(description: "values: sizes, none or full", status: 400)
                    }
                    options.values = values
                case "seconds":
                    guard let seconds = Int(value), 1...RecordingHTTPResponder.longestSeconds ~= seconds else {
                        throw ConflictRefusal(
                            description: "seconds: a number from 1 to \(RecordingHTTPResponder.longestSeconds)",
                            status: 400)
                    }
                    duration = .seconds(seconds)
                default: throw ConflictRefusal(description: "there is no parameter '\(name)'", status: 400)
                }
            }
            options.bucket = bucket.map { Array($0.utf8) }
            if let type {
                options.type = try await loop.run { loop throws(RequestFailure) -> UInt32? in
                    try Array(type.utf8).withBytes { name throws(RequestFailure) in try loop.typeID(name) }
                }
            }
        }

        private static func flag(_ name: Substring, _ value: Substring) throws(ConflictRefusal) -> Bool {
            switch value {
            case "true", "1", "": return true
            case "false", "0": return false
            default: throw ConflictRefusal(description: "\(name): true or false", status: 400)
            }
        }
    }
}

/// Holds a recording for as long as somebody may read it.
private final class RecordingLease: Sendable {
    let recording: WorkloadRecording
    private let loop: DataLoop

    init(_ recording: WorkloadRecording, _ loop: DataLoop) {
        self.recording = recording
        self.loop = loop
    }

    func end() { loop.stopRecording(recording) }

    deinit { end() }
}
