import Foundation
import KindredNode
import Logging

/// One announced name: a key with a lease, and what keeps both alive.
///
/// ```
///   announce ──► claim ──► held ──beat──► held …
///                            │ lease lost, or key gone        │ a later process of the same owner has the key
///                            ▼                                ▼
///                          claim again at every beat        superseded: the end
/// ```
actor EtcdPresence {
    private enum Claim {
        case held
        case superseded
    }

    /// How often one claim is tried when others write the key at the same time.
    private static let attempts = 4
    /// How soon a beat is tried again that was not answered, at the latest.
    private static let retry: Duration = .milliseconds(500)

    private let name: String
    private let key: Data
    private let value: PresenceValue
    private let seconds: UInt32
    private let gateway: EtcdGateway
    private let logger: Logger
    private var lease: UInt64?
    /// When this process has written the key.
    private var revision: UInt64 = 0

    init(
        _ name: String, key: Data, value: PresenceValue, seconds: UInt32, gateway: EtcdGateway, logger: Logger
    ) {
        self.name = name
        self.key = key
        self.value = value
        self.seconds = seconds
        self.gateway = gateway
        self.logger = logger
    }

    /// Takes the name, also from an earlier process of the same owner.
    func announce() async throws(ConfigurationStoreError) {
        do throws(ConfigurationStoreError) {
            _ = try await claim(takingOver: true)
        } catch {
            await withdraw()
            throw error
        }
    }

    /// Ends the lease, and the key with it.
    func withdraw() async {
        guard let lease else { return }
        self.lease = nil
        await revoke(lease)
    }

    /// Keeps the presence alive until the task is cancelled, or a later process has taken it over.
    func keep() async {
        let beat = Duration.milliseconds(Int64(seconds) * 1_000) / 3
        var pause = beat
        var trouble: ConfigurationStoreError?
        while true {
            // The next beat of the lease.
            do { try await Task.sleep(for: pause) } catch { return }
            do throws(ConfigurationStoreError) {
                guard try await beatOnce() == .held else {
                    logger.warning("\(name) was taken over by a later process of the same owner")
                    await withdraw()
                    return
                }
                if trouble != nil { logger.info("\(name) is announced again") }
                trouble = nil
                pause = beat
            } catch {
                if Task.isCancelled || error == .closed { return }
                if trouble == nil { logger.warning("\(name) may not be seen by others: \(error)") }
                trouble = error
                switch error {
                case .unreachable, .unknownOutcome: pause = min(beat, Self.retry)
                // Maybe for the lease: the next beat is with another one.
                case .refused: lease = nil
                case .taken, .tooLarge, .closed: pause = beat
                }
            }
        }
    }

    private func beatOnce() async throws(ConfigurationStoreError) -> Claim {
        if let lease {
            let request = EtcdLeaseRequest(lease: EtcdNumber(lease))
            let answer: EtcdLeaseBeatAnswer = try await gateway.call("/v3/lease/keepalive", request, .repeatable)
            if answer.result.seconds?.value ?? 0 == 0 { self.lease = nil }
        }
        return try await claim(takingOver: false)
    }

    /// Sees to it that the key is there and has this process's lease.
    private func claim(takingOver: Bool) async throws(ConfigurationStoreError) -> Claim {
        let lease = try await grantedLease()
        var latest: ConfigurationStoreError = .taken(name)
        for _ in 0..<Self.attempts {
            let range: EtcdRangeAnswer = try await gateway.call("/v3/kv/range", EtcdRangeRequest(key: key), .repeatable)
            let present = range.kvs?.first
            if let present {
                if present.lease?.value == lease {
                    revision = present.revision
                    return .held
                }
                guard PresenceValue(present.bytes)?.owner == value.owner else { throw .taken(name) }
                guard takingOver || present.revision == revision else { return .superseded }
            }
            do throws(ConfigurationStoreError) {
                let swap = EtcdSwapRequest(
                    key: key, value: value.encoded, lease: lease, expecting: present?.revision ?? 0)
                let answer: EtcdSwapAnswer = try await gateway.call("/v3/kv/txn", swap, .once)
                guard let revision = answer.revision else { continue }
                self.revision = revision
                if let earlier = present?.lease?.value { await revoke(earlier) }
                return .held
            } catch {
                // The next look tells whether it was done: nobody else has this lease.
                guard case .unknownOutcome = error else { throw error }
                latest = error
            }
        }
        throw latest
    }

    private func grantedLease() async throws(ConfigurationStoreError) -> UInt64 {
        if let lease { return lease }
        let request = EtcdLeaseGrantRequest(seconds: EtcdNumber(UInt64(seconds)))
        let answer: EtcdLeaseAnswer = try await gateway.call("/v3/lease/grant", request, .repeatable)
        guard let lease = answer.lease?.value, lease != 0 else { throw .refused("etcd grants no lease") }
        self.lease = lease
        return lease
    }

    /// If this fails, the lease ends by itself.
    private func revoke(_ lease: UInt64) async {
        let request = EtcdLeaseRequest(lease: EtcdNumber(lease))
        do throws(ConfigurationStoreError) {
            let _: EtcdEmptyAnswer = try await gateway.call("/v3/lease/revoke", request, .repeatable)
        } catch {
            logger.debug("a lease of \(name) was not revoked: \(error)")
        }
    }
}
