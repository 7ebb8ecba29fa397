// swift-tools-version: 6.2
import PackageDescription

// The dependency arrows below are the architecture (docs/ARCHITECTURE.md): a target may depend only on targets of a
// lower level, and `swift build --explicit-target-dependency-import-check error` holds every import to them.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioConcurrency: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "kindred",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "kindred", targets: ["KindredCommand"]),
        .library(name: "KindredModel", targets: ["KindredModel"]),
        .library(name: "KindredClient", targets: ["KindredClient"]),
        .library(name: "KindredResolvers", targets: ["KindredResolvers"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        // Level 0: values.
        .target(name: "KindredModel", swiftSettings: settings),

        // Level 0, too: drawings and pages of values that others bring.
        .target(name: "KindredDiagrams", swiftSettings: settings),

        // Level 1: the storage boundary, and rules that merge siblings.
        .target(name: "KindredStorage", dependencies: ["KindredModel"], swiftSettings: settings),
        .target(name: "KindredResolvers", dependencies: ["KindredModel"], swiftSettings: settings),

        // Level 2: decisions, and the engine on RocksDB.
        .target(name: "KindredReplication", dependencies: ["KindredModel", "KindredStorage"], swiftSettings: settings),
        .systemLibrary(
            name: "CRocksDB", pkgConfig: "rocksdb",
            providers: [.apt(["librocksdb-dev"]), .brew(["rocksdb"])]),
        .target(
            name: "KindredRocksDB", dependencies: ["KindredModel", "KindredStorage", "CRocksDB"],
            swiftSettings: settings),

        // Level 3: bytes ⇄ values, the shell, and what tests share.
        .target(
            name: "KindredWire",
            dependencies: [
                "KindredModel", nioCore, .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Riak/Schemas"],
            swiftSettings: settings),
        .target(
            name: "KindredNode",
            dependencies: [
                "KindredModel", "KindredStorage", "KindredReplication", nioCore, nioConcurrency, logging,
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings),
        .target(
            name: "KindredTesting", dependencies: ["KindredModel", "KindredStorage", "KindredReplication"],
            swiftSettings: settings),

        // Level 4: the simulator.
        .target(
            name: "KindredSimulator",
            dependencies: ["KindredModel", "KindredStorage", "KindredReplication", "KindredTesting"],
            swiftSettings: settings),

        // Level 4: the connections between nodes, and the configuration of clusters in etcd.
        .target(
            name: "KindredPeer",
            dependencies: [
                "KindredModel", "KindredReplication", "KindredNode", nioCore, nioPosix, logging,
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
            ],
            swiftSettings: settings),
        .target(
            name: "KindredEtcd",
            dependencies: [
                "KindredNode", nioCore, nioPosix, logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings),

        // Level 4: the Swift client.
        .target(
            name: "KindredClient", dependencies: ["KindredModel", "KindredWire", nioCore, nioPosix],
            swiftSettings: settings),

        // Level 5: listeners.
        .target(
            name: "KindredServer",
            dependencies: [
                "KindredModel", "KindredStorage", "KindredWire", "KindredReplication", "KindredNode", nioCore, nioPosix,
                nioConcurrency, logging, "KindredResolvers",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // Level 6: the executable composes and runs.
        .executableTarget(
            name: "KindredCommand",
            dependencies: [
                "KindredModel", "KindredStorage", "KindredReplication", "KindredWire", "KindredClient", "KindredNode",
                "KindredRocksDB", "KindredServer", "KindredSimulator", "KindredTesting", "KindredPeer", "KindredEtcd",
                "KindredDiagrams", "KindredResolvers", logging,
                nioCore, nioPosix, nioConcurrency, .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),

        // Tests mirror Sources.
        .testTarget(
            name: "KindredModelTests", dependencies: ["KindredModel", "KindredTesting"], swiftSettings: settings),
        .testTarget(
            name: "KindredDiagramsTests",
            dependencies: ["KindredDiagrams", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .testTarget(
            name: "KindredStorageTests",
            dependencies: ["KindredModel", "KindredStorage", "KindredRocksDB", "KindredTesting"],
            swiftSettings: settings),
        .testTarget(
            name: "KindredResolversTests", dependencies: ["KindredModel", "KindredResolvers"], swiftSettings: settings),
        .testTarget(
            name: "KindredReplicationTests",
            dependencies: ["KindredModel", "KindredStorage", "KindredReplication", "KindredTesting"],
            swiftSettings: settings),
        .testTarget(
            name: "KindredSimulatorTests",
            dependencies: [
                "KindredModel", "KindredStorage", "KindredReplication", "KindredTesting", "KindredSimulator",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KindredWireTests",
            dependencies: [
                "KindredModel", "KindredWire", nioCore, .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KindredNodeTests",
            dependencies: [
                "KindredModel", "KindredStorage", "KindredReplication", "KindredNode", "KindredTesting", nioCore,
                nioPosix, logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KindredPeerTests",
            dependencies: [
                "KindredModel", "KindredReplication", "KindredNode", "KindredPeer", "KindredTesting", nioCore, nioPosix,
                logging, .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KindredEtcdTests",
            dependencies: ["KindredNode", "KindredEtcd", nioCore, nioPosix, logging], swiftSettings: settings),
        .testTarget(
            name: "KindredServerTests",
            dependencies: [
                "KindredModel", "KindredStorage", "KindredReplication", "KindredRocksDB", "KindredWire", "KindredNode",
                "KindredServer", "KindredClient", "KindredTesting", "KindredResolvers", nioCore, nioPosix, logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KindredCommandTests",
            dependencies: [
                "KindredModel", "KindredReplication", "KindredSimulator", "KindredWire", "KindredClient", "KindredNode",
                "KindredPeer", "KindredServer", "KindredDiagrams", "KindredResolvers",
                "KindredCommand", nioCore, nioPosix,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .testTarget(name: "RepositoryTests", swiftSettings: settings),
    ]
)
