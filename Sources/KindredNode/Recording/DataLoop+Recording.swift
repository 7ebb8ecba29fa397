import KindredModel
import KindredReplication
import NIOCore

/// Recording what clients do: the writes that this node coordinates, and what it answers to reads.
extension DataLoop {
    /// Begins a recording; nil if there are as many as there may be. It goes on until it is stopped.
    package func startRecording(_ options: RecordingOptions) async -> WorkloadRecording? {
        await withCheckedContinuation { continuation in
            eventLoop.execute { continuation.resume(returning: self.recorder.start(options)) }
        }
    }

    package func stopRecording(_ recording: WorkloadRecording) {
        eventLoop.execute { self.recorder.stop(recording) }
    }

    /// A recording's salt, for readers that bring none.
    package func makeRecordingSalt() -> [UInt8] { environment.randomBytes(32) }

    /// The milliseconds since 1970.
    package var wallClock: UInt64 { environment.wallClock() }

    package var name: String { nodeName }

    /// Notes a write of a node that is alone, which may be committed or not.
    func record(_ request: ReplicaWrite, _ reply: ReplicaWriteReply) {
        guard !recorder.isIdle else { return }
        recorder.hold(
            .write(
                RecordedWrite(
                    request.write, request.precondition, address: Array(request.key.address),
                    partition: request.key.partition, request.strategy, outcome: reply.outcome, object: reply.object,
                    event: reply.event.map { ($0.dot, $0.timestamp) }, wall: wall, isAlone: true)))
    }

    /// Notes what a read was shown.
    func record(read answer: ObjectAnswer) {
        guard !recorder.isIdle, recorder.wantsReads else { return }
        recorder.hold(
            .read(
                RecordedRead(
                    wall: wall, partition: answer.key.partition, address: Array(answer.key.address),
                    strategy: answer.strategy, shown: answer.versions.map(\.dot))))
    }
}

extension WorkloadRecorder {
    /// Notes a write that a replica of a cluster has coordinated, and that is as durable as configured.
    func record(_ request: ClientRequest, _ write: CoordinatedWrite, wall: UInt64) {
        guard !isIdle, case .write(let wish, let precondition, _) = request.operation else { return }
        note(
            .write(
                RecordedWrite(
                    wish, precondition, address: request.address, partition: request.partition, request.strategy,
                    outcome: write.outcome, object: write.object,
                    event: write.dot.map { ($0, write.writerKnows.timestamp) }, wall: wall, isAlone: false)))
    }
}
