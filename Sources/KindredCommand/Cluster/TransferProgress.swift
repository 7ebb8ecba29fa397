import KindredNode

/// The changes of members at one moment: what a node reports, and how many bytes each replica has.
struct TransferSample: Sendable {
    /// In seconds, from some moment on.
    var time: Double
    var report: ClusterReport
    /// By partition, then by node: what each node says of its own replica.
    var bytes: [UInt16: [String: UInt64]] = [:]
    /// What full transfers bring to a node, in bytes a second, by the node's own count.
    var rates: [String: Double] = [:]

    init(time: Double, report: ClusterReport, answers: NodeAnswers) {
        self.time = time
        self.report = report
        for node in report.nodes {
            guard let own = answers.report(of: node.name) else { continue }
            for transfer in own.transfers {
                if let bytes = transfer.bytesHere { self.bytes[transfer.partition, default: [:]][node.name] = bytes }
            }
            if own.local.transferBytesPerSecond >= 1 { rates[node.name] = own.local.transferBytesPerSecond }
        }
    }

    /// The nodes that have to be asked for the changes that are under way: who arrives, and who is there already.
    static func involved(in report: ClusterReport) -> Set<String> {
        let active = Set(report.transfers.filter { $0.stage != "waiting" }.map(\.partition))
        let members = report.partitionStates.filter { active.contains($0.partition) }.flatMap { $0.members.map(\.node) }
        return Set(members + report.transfers.filter { active.contains($0.partition) }.flatMap(\.arriving))
    }
}

/// How far one replica is that arrives, or a partition where none does.
struct TransferProgress: Encodable, Hashable {
    var partition: UInt16
    var stage: String
    /// Nil where nobody arrives (any more).
    var arrives: String?
    var leaves: [String]
    /// About how many bytes the arriving replica has, and one that votes.
    var bytes: UInt64?
    var bytesAtVoter: UInt64?
    var bytesPerSecond: Double?
    var secondsLeft: Double?
    var awaits: [String]

    /// Below that, a rate says nothing.
    private static let shortestInterval = 0.2

    /// - Parameter earlier: for the rates; nil if there is no sample yet.
    static func all(_ sample: TransferSample, earlier: TransferSample?) -> [TransferProgress] {
        let states = Dictionary(sample.report.partitionStates.map { ($0.partition, $0) }) { first, _ in first }
        return sample.report.transfers.flatMap { transfer -> [TransferProgress] in
            let members = states[transfer.partition]?.members ?? []
            let base = TransferProgress(
                partition: transfer.partition, stage: transfer.stage, leaves: transfer.leaving,
                bytesAtVoter: voterBytes(sample, transfer, members), awaits: awaited(transfer.awaits, members))
            guard !transfer.arriving.isEmpty else { return [base] }
            return transfer.arriving.map { name in base.of(name, sample, earlier) }
        }
    }

    private func of(_ name: String, _ sample: TransferSample, _ earlier: TransferSample?) -> TransferProgress {
        var progress = self
        progress.arrives = name
        progress.bytes = sample.bytes[partition]?[name]
        guard let earlier, let now = progress.bytes, let before = earlier.bytes[partition]?[name], now >= before,
            sample.time - earlier.time >= Self.shortestInterval
        else { return progress }
        let rate = Double(now - before) / (sample.time - earlier.time)
        progress.bytesPerSecond = rate
        if rate > 0, let whole = bytesAtVoter { progress.secondsLeft = whole > now ? Double(whole - now) / rate : 0 }
        return progress
    }

    /// The largest replica that is none of the arriving ones: others may have gaps.
    private static func voterBytes(
        _ sample: TransferSample, _ transfer: TransferReport, _ members: [MemberReport]
    ) -> UInt64? {
        members.filter { !transfer.arriving.contains($0.node) }
            .compactMap { sample.bytes[transfer.partition]?[$0.node] }.max()
    }

    /// What a change waits for, in words: the report names incarnations, people know nodes. Nodes that are to do the same are
    /// named together.
    private static func awaited(_ reports: [String], _ members: [MemberReport]) -> [String] {
        var waits: [(what: String, nodes: [String])] = []
        for report in reports {
            let (node, what) = awaited(report, members)
            if let known = waits.firstIndex(where: { $0.what == what }) {
                waits[known].nodes.append(node)
            } else {
                waits.append((what, [node]))
            }
        }
        return waits.map { "\($0.nodes.joined(separator: " and ")) \($0.what)" }
    }

    private static func awaited(_ text: String, _ members: [MemberReport]) -> (node: String, what: String) {
        let kind = text.prefix { $0 != "(" }
        let nodes = text.split { !$0.isNumber }.compactMap { UInt32($0) }.map { actor in
            members.first { $0.actor == actor }?.node ?? "#\(actor)"
        }
        switch (String(kind), nodes.count) {
        case ("ready", 1): return (nodes[0], "to have everything")
        case ("acknowledged", 1): return (nodes[0], "to know of it")
        case ("caughtUp", 1): return (nodes[0], "to catch up")
        case ("pulled", 2): return (nodes[1], "to take over from \(nodes[0])")
        case ("led", 1): return (nodes[0], "to lead")
        default: return (text, "")
        }
    }
}

/// The changes of members, for people and for programs.
struct TransfersPage {
    let sample: TransferSample
    let transfers: [TransferProgress]

    init(_ sample: TransferSample, earlier: TransferSample? = nil) {
        self.sample = sample
        transfers = TransferProgress.all(sample, earlier: earlier)
    }

    var isEmpty: Bool { sample.report.transfers.isEmpty }

    var lines: [StyledLine] {
        guard !isEmpty else { return ["No partition is changing its members."] }
        let active = transfers.filter { $0.stage != "waiting" }
        var lines = [StyledLine(TransferTotals(sample).text)]
        if !active.isEmpty {
            let heading = ["PARTITION", "STAGE", "ARRIVES", "LEAVES", "PROGRESS", "RATE", "LEFT", "AWAITS"]
            lines += [""] + Page.table([heading] + active.map(row))
        }
        return lines
    }

    private func row(_ transfer: TransferProgress) -> [String] {
        [
            "\(transfer.partition)", transfer.stage, transfer.arrives.map(Page.name) ?? "–",
            transfer.leaves.isEmpty ? "–" : Page.names(transfer.leaves), progress(transfer),
            transfer.bytesPerSecond.map { "\(Page.bytes(UInt64(max(0, $0))))/s" } ?? "–",
            transfer.secondsLeft.map(SimulationProgress.duration) ?? "–", Page.names(transfer.awaits),
        ]
    }

    private func progress(_ transfer: TransferProgress) -> String {
        guard transfer.arrives != nil else { return "–" }
        let have = transfer.bytes.map(Page.bytes) ?? "?"
        guard let whole = transfer.bytesAtVoter else { return have }
        guard let bytes = transfer.bytes, whole > 0 else { return "\(have) of \(Page.bytes(whole))" }
        // The sizes are estimates, and the arriving replica is not there before it has said so.
        let percent = min(100, Int(Double(bytes) / Double(whole) * 100))
        return "\(percent)% of \(Page.bytes(whole))"
    }

    // MARK: For programs

    struct Document: Encodable {
        var waiting: Int
        var transfers: [TransferProgress]
    }

    var document: Document {
        Document(waiting: transfers.count { $0.stage == "waiting" }, transfers: transfers)
    }
}

/// The changes of members on one line.
struct TransferTotals: Hashable {
    /// Partitions.
    let changing: Int
    let waiting: Int
    /// Node and bytes a second, where full transfers bring something.
    let receiving: [String]
    /// The same of all nodes together; nil where nothing comes.
    let rate: String?

    init(_ sample: TransferSample) {
        waiting = sample.report.transfers.count { $0.stage == "waiting" }
        changing = sample.report.transfers.count - waiting
        let bytes = sample.rates.values.reduce(0, +)
        rate = bytes >= 1 ? "\(Page.bytes(UInt64(bytes)))/s" : nil
        receiving = sample.report.nodes.compactMap { node in
            sample.rates[node.name].map { "\(Page.name(node.name)) receives \(Page.bytes(UInt64($0)))/s" }
        }
    }

    var text: String {
        var parts = ["\(Page.are(changing, "partition")) changing"]
        if waiting > 0 { parts.append("\(waiting) wait\(waiting == 1 ? "s" : "") for their turn") }
        return (parts + receiving).joined(separator: ", ")
    }
}
