// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what it needs to measure never becomes a dependency of what it measures.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "kindred-benchmarks",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "kindred-load", targets: ["KindredLoadCommand"]),
        .executable(name: "kindred-microbenchmarks", targets: ["KindredMicrobenchmarks"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift.git", from: "0.2.0"),
    ],
    targets: [
        // System headers that Swift's Glibc module leaves out.
        .target(name: "CLinux"),

        // The load generator: one module, so that the request loop is specialised for each protocol.
        .target(
            name: "KindredLoad",
            dependencies: ["CLinux", .product(name: "Histogram", package: "hdrhistogram-swift")],
            swiftSettings: settings),
        .executableTarget(
            name: "KindredLoadCommand",
            dependencies: ["KindredLoad", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: settings),

        // What is measured: the same files as in the package above, by links, and not that package. Most of it is not
        // public, and this way nothing else of the server has to be built.
        .target(name: "KindredModel", swiftSettings: settings),
        .target(name: "KindredStorage", dependencies: ["KindredModel"], swiftSettings: settings),
        .target(name: "KindredReplication", dependencies: ["KindredModel", "KindredStorage"], swiftSettings: settings),

        // What single operations cost, and what replicas say to each other.
        .target(name: "CAllocationCount"),
        .executableTarget(
            name: "KindredMicrobenchmarks",
            dependencies: [
                "CAllocationCount", "KindredModel", "KindredStorage", "KindredReplication",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "KindredLoadTests",
            dependencies: [
                "KindredLoad", "KindredLoadCommand",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings),
    ]
)
