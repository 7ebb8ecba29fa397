import Testing

/// The arrows of docs/ARCHITECTURE.md, held where the build cannot: who may import what, and what the pure targets never call.
@Suite struct LayeringTests {
    private let repository = Repository()

    /// What each target may import beside the standard library. A target that is missing here fails the test.
    private static let allowed: [String: Set<String>] = [
        "KindredModel": ["Synchronization"],
        "KindredDiagrams": [],
        "KindredStorage": ["KindredModel", "Synchronization"],
        "KindredResolvers": ["KindredModel"],
        "KindredReplication": ["KindredModel", "KindredStorage"],
        "KindredRocksDB": ["KindredModel", "KindredStorage", "CRocksDB", "Synchronization", "Glibc", "Darwin", "Musl"],
        "KindredWire": ["KindredModel", "NIOCore", "SwiftProtobuf", "Foundation", "FoundationEssentials"],
        "KindredNode": [
            "KindredModel", "KindredStorage", "KindredReplication", "NIOCore", "NIOConcurrencyHelpers", "Logging",
            "Crypto",
            "Synchronization",
        ],
        "KindredPeer": [
            "KindredModel", "KindredReplication", "KindredNode", "NIOCore", "NIOPosix", "NIOSSL", "Logging", "Crypto",
            "X509", "SwiftASN1", "Foundation", "FoundationEssentials", "Glibc", "Darwin", "Musl", "Synchronization",
        ],
        "KindredEtcd": [
            "KindredNode", "AsyncHTTPClient", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL", "Logging", "Foundation",
            "Synchronization",
        ],
        "KindredTesting": ["KindredModel", "KindredStorage", "KindredReplication", "Synchronization"],
        "KindredSimulator": [
            "KindredModel", "KindredStorage", "KindredReplication", "KindredTesting", "Synchronization",
        ],
        "KindredClient": [
            "KindredModel", "KindredWire", "NIOCore", "NIOPosix", "Foundation", "FoundationEssentials",
            "Synchronization",
        ],
        "KindredServer": [
            "KindredModel", "KindredStorage", "KindredReplication", "KindredWire", "KindredNode", "NIOCore", "NIOPosix",
            "NIOHTTP1", "NIOConcurrencyHelpers", "Logging", "HTTPTypes", "Hummingbird", "HummingbirdCore",
            "ServiceLifecycle", "Foundation",
            "FoundationEssentials", "Synchronization", "KindredResolvers",
        ],
        "KindredCommand": [
            "KindredModel", "KindredStorage", "KindredReplication", "KindredWire", "KindredClient", "KindredNode",
            "KindredRocksDB", "KindredServer", "KindredSimulator", "KindredTesting", "KindredPeer", "KindredEtcd",
            "KindredDiagrams", "KindredResolvers", "Logging",
            "NIOCore", "NIOConcurrencyHelpers", "NIOHTTP1", "NIOPosix", "AsyncHTTPClient", "ArgumentParser",
            "ServiceLifecycle", "UnixSignals",
            "Yams", "Foundation", "FoundationEssentials", "Glibc", "Darwin", "Musl", "Synchronization",
        ],
    ]

    @Test func importsFollowTheArrows() {
        var seen: Set<String> = []
        for file in repository.files(in: "Sources", ".swift") {
            let target = String(file.path.split(separator: "/")[1])
            seen.insert(target)
            guard let allowed = Self.allowed[target] else {
                Issue.record("\(target) is not in the table of this test")
                continue
            }
            for (number, line) in file.code {
                let words = line.split(separator: " ")
                guard let keyword = words.firstIndex(of: "import"), keyword <= 2, keyword + 1 < words.count else {
                    continue
                }
                let module = String(words[keyword + 1].prefix { $0 != "." && $0 != ";" })
                #expect(allowed.contains(module), "\(file.path):\(number) imports \(module)")
            }
        }
        #expect(seen == Set(Self.allowed.keys))
    }

    /// Decisions are values: no I/O, no clock, no chance, nothing asynchronous.
    @Test(arguments: ["KindredModel", "KindredDiagrams", "KindredStorage", "KindredReplication"])
    func pureTargetsAreSynchronousAndDeterministic(target: String) {
        let banned = [
            "async", "await", "Task", "Date", "ContinuousClock", "SuspendingClock", "Hasher",
            "SystemRandomNumberGenerator", "random", "UUID", "print", "DispatchQueue",
        ]
        for file in repository.files(in: "Sources/\(target)", ".swift") {
            for (number, line) in file.code {
                let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
                for word in words where banned.contains(String(word)) {
                    Issue.record("\(file.path):\(number): \(word)")
                }
                // As a name, `actor` is all over the model: what mints dots.
                #expect(!isActorDeclaration(line), "\(file.path):\(number): an actor")
            }
        }
    }

    private func isActorDeclaration(_ line: String) -> Bool {
        let words = line.split(separator: " ").drop { ["public", "package", "private", "final"].contains($0) }
        return words.first == "actor" && words.dropFirst().first?.first?.isUppercase == true
    }

    /// What stops the process, or hides an error, has no place where a socket, a file or a flag can reach it.
    @Test func nothingStopsTheProcess() {
        let banned = ["try!", "as!", "fatalError(", "unsafeBitCast(", "@unchecked Sendable", "nonisolated(unsafe)"]
        // Each with a documented rule that makes it safe, beside the code.
        let excused = [
            "Sources/KindredNode/Loop/DataLoop.swift": "@unchecked Sendable",
            "Sources/KindredPeer/PeerNetwork.swift": "@unchecked Sendable",
        ]
        for file in repository.files(in: "Sources", ".swift") where !file.path.contains("/Generated/") {
            for (number, line) in file.code {
                for call in banned where line.contains(call) {
                    let isExcused =
                        excused[file.path] == call
                        || (file.path.hasPrefix("Sources/KindredRocksDB/") && call == "@unchecked Sendable")
                    #expect(isExcused, "\(file.path):\(number): \(call)")
                }
            }
        }
    }
}
