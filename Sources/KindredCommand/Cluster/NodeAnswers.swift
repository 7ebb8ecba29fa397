import KindredNode

/// What each node of a cluster says when it is asked itself.
struct NodeAnswers: Sendable {
    enum Answer: Sendable {
        case report(ClusterReport)
        case failure(NodeFailure)
        /// The node has not said where it speaks HTTP.
        case noAddress

        var report: ClusterReport? {
            guard case .report(let report) = self else { return nil }
            return report
        }
    }

    /// By the nodes' names.
    var answers: [String: Answer] = [:]

    /// What a node says of itself; nil if it does not answer, or if something else answers at its address.
    func report(of name: String) -> ClusterReport? {
        guard let report = answers[name]?.report, report.answeredBy == name else { return nil }
        return report
    }
}

extension NodeReport {
    /// Where the node speaks HTTP. One that listens on all addresses is found where its peers find it.
    var url: NodeURL? {
        guard var url = NodeURL(http) else { return nil }
        if url.isUnspecified, let peer = ServerAddress(argument: peer) { url.host = peer.host }
        return url
    }
}

extension ClusterClient {
    /// How long the others may take while one person waits for all of them.
    private static let patience = Duration.seconds(2)
    /// How many nodes are asked at the same time.
    private static let concurrency = 32

    /// Asks the nodes of a report, all or some; the one that made the report has answered already.
    func ask(_ names: Set<String>? = nil, of report: ClusterReport) async -> NodeAnswers {
        var gathered = NodeAnswers()
        gathered.answers[report.answeredBy] = .report(report)
        let others = report.nodes.filter { node in
            node.name != report.answeredBy && (names?.contains(node.name) ?? true)
        }
        await withTaskGroup(of: (String, NodeAnswers.Answer).self) { group in
            var rest = others[...]
            func askNext() {
                guard let node = rest.popFirst() else { return }
                group.addTask { (node.name, await self.ask(node)) }
            }
            for _ in 0..<Self.concurrency { askNext() }
            for await (name, answer) in group {
                gathered.answers[name] = answer
                askNext()
            }
        }
        return gathered
    }

    private func ask(_ node: NodeReport) async -> NodeAnswers.Answer {
        guard let url = node.url else { return .noAddress }
        do throws(NodeFailure) {
            return .report(try await report(of: url, within: Self.patience))
        } catch {
            return .failure(error)
        }
    }
}
