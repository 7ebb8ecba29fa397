import Crypto
import Foundation
import KindredModel

/// The operations of the model that every request goes through.
///
/// Inputs rotate over 64 different ones, so that neither the optimiser nor the branch predictor knows the answer.
enum ModelBenchmarks {
    private static let variants = 64

    static var all: [Benchmark] { causality + objects + tokens + strategies }

    // MARK: Causality

    /// Pairs of vectors over three actors: a third ordered, a third equal, a third concurrent.
    private static let pairs: [(left: VersionVector, right: VersionVector)] = (0..<variants).map { number in
        let base = UInt64(number) * 1_000
        func vector(_ additions: UInt64...) -> VersionVector {
            VersionVector(
                additions.enumerated().map { .init(ActorID(UInt32($0.offset) * 7 + 1), base + 1 + $0.element) })
        }
        switch number % 3 {
        case 0: return (vector(3, 1, 4), vector(3, 2, 9))
        case 1: return (vector(3, 1, 4), vector(3, 1, 4))
        default: return (vector(3, 1, 4), vector(2, 7, 4))
        }
    }

    private static let contexts: [CausalContext] = pairs.enumerated().map { number, pair in
        var context = CausalContext(pair.left)
        context.insert(Dot(ActorID(8), UInt64(number) * 1_000 + 100))
        return context
    }

    private static var causality: [Benchmark] {
        let pairs = pairs
        let contexts = contexts
        return [
            Benchmark("compare two version vectors, 3 actors", below: 50, mustNotAllocate: true) { times in
                for index in 0..<times {
                    let pair = pairs[index % variants]
                    keep(pair.left.order(relativeTo: pair.right))
                }
            },
            Benchmark("merge two version vectors, 3 actors", below: 150) { times in
                for index in 0..<times {
                    let pair = pairs[index % variants]
                    var merged = pair.left
                    merged.merge(pair.right)
                    keep(merged)
                }
            },
            Benchmark("is a dot in a causal context, 3 actors and 1 dot", mustNotAllocate: true) { times in
                for index in 0..<times {
                    keep(contexts[index % variants].contains(Dot(ActorID(8), UInt64(index))))
                }
            },
            Benchmark("merge two causal contexts, 3 actors and 1 dot each") { times in
                for index in 0..<times {
                    var merged = contexts[index % variants]
                    merged.merge(contexts[(index + 3) % variants])
                    keep(merged)
                }
            },
        ]
    }

    // MARK: Objects

    private static let content = ArraySlice([UInt8](repeating: 0xA5, count: 1_024))

    /// Objects with one version of 1 KiB and a context of three actors.
    private static let objects1: [CausalObject] = pairs.enumerated().map { number, pair in
        var object = CausalObject(versions: [], context: CausalContext(pair.left))
        object.insert(version(Dot(ActorID(1), UInt64(number) * 1_000 + 5)))
        return object
    }

    /// The same objects as another replica has them: with a concurrent version.
    private static let objects2: [CausalObject] = pairs.enumerated().map { number, pair in
        var object = CausalObject(versions: [], context: CausalContext(pair.left))
        object.insert(version(Dot(ActorID(8), UInt64(number) * 1_000 + 3)))
        return object
    }

    private static let records = objects1.map { $0.encoded() }

    private static func version(_ dot: Dot) -> Version {
        Version(dot: dot, timestamp: HybridTimestamp(milliseconds: 1_700_000_000_000 + dot.counter), content: content)
    }

    private static var objects: [Benchmark] {
        let objects = objects1
        let others = objects2
        let records = records
        return [
            Benchmark("encode an object, 1 KiB") { times in
                for index in 0..<times { keep(objects[index % variants].encoded()) }
            },
            Benchmark("decode an object, 1 KiB") { times in
                for index in 0..<times { keep(try? CausalObject(encoded: records[index % variants])) }
            },
            Benchmark("merge two replicas' objects into two siblings") { times in
                for index in 0..<times {
                    var merged = objects[index % variants]
                    keep(merged.merge(others[index % variants]))
                    keep(merged)
                }
            },
        ]
    }

    // MARK: Tokens

    private static let address = Array("\u{0}siblings\u{0}benchmark\u{0}key:000000000042".utf8)

    private static var tokens: [Benchmark] {
        let key = SymmetricKey(data: [UInt8](repeating: 7, count: 32))
        let keyed = HMAC<SHA256>(key: key)
        func code(
            _ keyed: HMAC<SHA256>, _ token: UnsafeRawBufferPointer, _ address: UnsafeRawBufferPointer
        ) -> (UInt64, UInt64) {
            var code = keyed
            code.update(data: token)
            code.update(data: address)
            return code.finalize().withUnsafeBytes { bytes in
                (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
        }
        return [
            token("seal and open a causal token, without its code") { token, address in
                (UInt64(token.count), UInt64(address.count))
            },
            token("seal and open a causal token, HMAC-SHA-256") { token, address in
                // The key's own two blocks are hashed once, in `keyed`.
                code(keyed, token, address)
            },
            token("seal and open a causal token, HMAC-SHA-256 keyed each time") { token, address in
                code(HMAC<SHA256>(key: key), token, address)
            },
        ]
    }

    private static func token(_ name: String, _ authenticator: @escaping CausalToken.Authenticator) -> Benchmark {
        let known = contexts.map { Knowledge(context: $0, timestamp: HybridTimestamp(milliseconds: 1_700_000_000_000)) }
        return Benchmark(name) { times in
            address.withUnsafeBytes { address in
                for index in 0..<times {
                    let token = CausalToken.seal(
                        known[index % variants], keyID: 1, address: address, authenticator: authenticator)
                    token.withUnsafeBytes { token in
                        keep(try? CausalToken.open(token, keyID: 1, address: address, authenticator: authenticator))
                    }
                }
            }
        }
    }

    // MARK: Strategies

    private static var strategies: [Benchmark] {
        let objects = objects1
        let records = records
        let seen = objects.map { Knowledge(context: $0.context, timestamp: $0.latestTimestamp, number: 1) }
        func update(_ strategy: ConflictStrategy, _ index: Int, _ object: inout CausalObject) {
            let write = ClientWrite(content: content, seen: seen[index % variants])
            let event = WriteEvent(
                dot: Dot(ActorID(15), 1_000_000), timestamp: HybridTimestamp(milliseconds: 1_800_000_000_000))
            keep(strategy.apply(write, as: event, to: &object, siblingLimit: 100))
        }
        let updates = ConflictStrategy.allCases.map { strategy in
            Benchmark("update an object that the writer has read, \(strategy.rawValue)") { times in
                for index in 0..<times {
                    var object = objects[index % variants]
                    update(strategy, index, &object)
                    keep(object)
                }
            }
        }
        return updates + [
            Benchmark("decode, update and encode an object, 1 KiB, version-vectors") { times in
                for index in 0..<times {
                    guard var object = try? CausalObject(encoded: records[index % variants]) else { continue }
                    update(.versionVectors, index, &object)
                    keep(object.encoded())
                }
            }
        ]
    }
}
