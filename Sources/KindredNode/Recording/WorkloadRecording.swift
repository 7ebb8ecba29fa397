import KindredReplication
import NIOConcurrencyHelpers

extension Limits {
    /// How much a recording holds for a reader that is slow: the rest is dropped, and counted. Larger than the largest
    /// object.
    package static let recordingBytes = 64 << 20
    package static let recordingEvents = 32_768
    /// How many recordings a node makes at the same time.
    package static let recordings = 4
}

/// What has been recorded and not been read yet. Never grows beyond its bounds: what does not fit is dropped, and
/// counted.
package struct RecordingBuffer: Sendable {
    /// An event with its place in the recording, from 1. What was dropped has a place, too.
    package struct Entry: Sendable {
        package let number: UInt64
        package let event: RecordedEvent
    }

    private let eventLimit: Int
    private let byteLimit: Int
    private var entries: [Entry] = []
    private var bytes = 0
    private var dropped: UInt64 = 0
    private var last: UInt64 = 0

    package init(eventLimit: Int = Limits.recordingEvents, byteLimit: Int = Limits.recordingBytes) {
        self.eventLimit = eventLimit
        self.byteLimit = byteLimit
    }

    package mutating func append(_ event: RecordedEvent) {
        last += 1
        let cost = event.cost
        // Once something was dropped, the rest goes with it until the reader comes, so that all of a gap is in one
        // place.
        guard dropped == 0, entries.count < eventLimit, bytes + cost <= byteLimit else {
            dropped += 1
            return
        }
        entries.append(Entry(number: last, event: event))
        bytes += cost
    }

    /// What there is, and how many events after it were dropped.
    package mutating func take() -> (entries: [Entry], dropped: UInt64) {
        defer {
            entries.removeAll()
            bytes = 0
            dropped = 0
        }
        return (entries, dropped)
    }
}

/// One recording: the data loop puts in, a reader takes out.
package final class WorkloadRecording: Sendable {
    package let options: RecordingOptions
    private let buffer = NIOLockedValueBox(RecordingBuffer())

    init(_ options: RecordingOptions) {
        self.options = options
    }

    fileprivate func append(_ event: RecordedEvent) {
        buffer.withLockedValue { $0.append(event) }
    }

    /// What has happened since the last call, and how many events after it were dropped.
    package func take() -> (entries: [RecordingBuffer.Entry], dropped: UInt64) {
        buffer.withLockedValue { $0.take() }
    }
}

/// The recordings of a node. Belongs to the data loop's event loop; nobody who records costs a look at an empty array.
final class WorkloadRecorder {
    private(set) var recordings: [WorkloadRecording] = []
    /// What the tick that is under way has decided, which counts once it is committed.
    private var held: [RecordedEvent] = []

    var isIdle: Bool { recordings.isEmpty }
    var wantsReads: Bool { recordings.contains { $0.options.includesReads } }

    func start(_ options: RecordingOptions) -> WorkloadRecording? {
        guard recordings.count < Limits.recordings else { return nil }
        let recording = WorkloadRecording(options)
        recordings.append(recording)
        return recording
    }

    func stop(_ recording: WorkloadRecording) {
        recordings.removeAll { $0 === recording }
    }

    /// Notes what is not committed yet.
    func hold(_ event: RecordedEvent) { held.append(event) }

    /// The tick is committed.
    func release() {
        guard !held.isEmpty else { return }
        for event in held { note(event) }
        held.removeAll(keepingCapacity: true)
    }

    /// The tick could not be committed: nothing of it has happened.
    func forget() { held.removeAll(keepingCapacity: true) }

    func note(_ event: RecordedEvent) {
        for recording in recordings {
            switch event {
            case .write(var write):
                guard recording.options.admit(write.address) else { continue }
                if recording.options.values == .none { write.content = nil }
                recording.append(.write(write))
            case .read(let read):
                guard recording.options.includesReads, recording.options.admit(read.address) else { continue }
                recording.append(.read(read))
            }
        }
    }
}
