import Foundation
import KindredModel
import KindredNode
import KindredReplication
import KindredWire
import NIOCore

/// A listing of keys or buckets on its way to a client, part by part.
struct RiakListing: Sendable {
    enum Source: Sendable {
        case keys(NameListing)
        /// Buckets come at once; `streaming` decides whether the answer says `done`.
        case buckets(NameListing, streaming: Bool)
    }

    /// A message of the answer.
    enum Part: Sendable {
        case keys([[UInt8]])
        case endOfKeys
        case buckets([[UInt8]], streaming: Bool)
        case failed(RequestFailure)
    }

    private var source: Source
    /// When the client stops waiting.
    private let deadline: NIODeadline?

    init(_ source: Source, timeoutMilliseconds: UInt32?, received: NIODeadline) {
        self.source = source
        deadline = timeoutMilliseconds.map { $0 == 0 ? nil : received + .milliseconds(Int64($0)) } ?? nil
    }

    /// Fetches the next part, and calls `resume` on the event loop with it and the rest.
    func next(on loop: DataLoop, then resume: @escaping @Sendable (Part, RiakListing) -> Void) {
        switch source {
        case .keys(let listing):
            loop.next(of: listing, limit: Limits.keysPerChunk) { result, rest in
                var next = self
                next.source = .keys(rest)
                resume(self.part(result) { $0.map(Part.keys) ?? .endOfKeys }, next)
            }
        case .buckets(let listing, let streaming):
            loop.allBuckets(of: listing) { result in
                resume(self.part(result) { .buckets($0, streaming: streaming) }, self)
            }
        }
    }

    private func part<Names>(_ result: Result<Names, RequestFailure>, _ make: (Names) -> Part) -> Part {
        switch result {
        case .failure(let failure): return .failed(failure)
        case .success(let names):
            // Too late is too late, also for the last message: the client has been told how long it would take at most.
            if let deadline, NIODeadline.now() >= deadline { return .failed(.timeout) }
            return make(names)
        }
    }
}

extension RiakListing.Part {
    /// Appends the message.
    ///
    /// - Returns: whether it ends the answer.
    func append(to output: inout ByteBuffer) -> Bool {
        switch self {
        case .keys(let keys):
            var message = RpbListKeysResp()
            message.keys = keys.map { Data($0) }
            append(message, .listKeysResponse, to: &output)
            return false
        case .endOfKeys:
            var message = RpbListKeysResp()
            message.done = true
            append(message, .listKeysResponse, to: &output)
            return true
        case .buckets(let buckets, let streaming):
            var message = RpbListBucketsResp()
            message.buckets = buckets.map { Data($0) }
            if streaming {
                if !buckets.isEmpty { append(message, .listBucketsResponse, to: &output) }
                message = RpbListBucketsResp()
                message.done = true
            }
            append(message, .listBucketsResponse, to: &output)
            return true
        case .failed(let failure):
            output.appendRiakError(RiakErrorText.text(for: failure))
            return true
        }
    }

    private func append(_ message: some RiakMessage, _ code: RiakMessageCode, to output: inout ByteBuffer) {
        do throws(MalformedBytes) {
            try output.appendRiakFrame(code, message)
        } catch {
            output.appendRiakError("\(error)")
        }
    }
}
