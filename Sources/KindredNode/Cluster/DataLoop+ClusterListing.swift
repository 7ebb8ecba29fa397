import KindredModel
import KindredReplication
import NIOCore

/// The pages of listings that other nodes have been asked for.
struct PendingListings {
    fileprivate var lastID: UInt64 = 0
    fileprivate var pages: [UInt64: PendingPage] = [:]
}

private struct PendingPage {
    let request: ListRequest
    /// Whom to ask next.
    var others: ArraySlice<NodeID>
    var asked: NodeID
    var timeout: Scheduled<Void>?
    let resume: @Sendable (Result<ListPage, RequestFailure>) -> Void
}

/// Listings in a cluster: each partition is listed by exactly one of its replicas, this node's own if it has one. If none of them answers, the
/// listing says so instead of leaving the partition out.
extension DataLoop {
    func fetchFromReplica(
        _ request: ListRequest, then resume: @escaping @Sendable (Result<ListPage, RequestFailure>) -> Void
    ) {
        guard case .member(let member) = role else {
            if case .waiting(let reason) = role { resume(.failure(.notServing(reason))) }
            return
        }
        let replicas = member.replicasForReading(request.partition, reachable: cluster.reachable)
        ask(replicas[...], request, then: resume)
    }

    private func ask(
        _ candidates: ArraySlice<NodeID>, _ request: ListRequest,
        then resume: @escaping @Sendable (Result<ListPage, RequestFailure>) -> Void
    ) {
        guard case .member(let member) = role, let replica = candidates.first else {
            let text = "partition \(request.partition) cannot be listed: none of its replicas answers"
            return resume(.failure(.notServing(text)))
        }
        if replica == member.node.id {
            guard member.isSure(of: request.partition) else {
                return ask(candidates.dropFirst(), request, then: resume)
            }
            return scan(request) { result in
                switch result {
                case .success(let page): resume(.success(page))
                case .failure: self.ask(candidates.dropFirst(), request, then: resume)
                }
            }
        }
        cluster.listings.lastID += 1
        let id = cluster.listings.lastID
        var question = request
        question.id = id
        let timeout = eventLoop.scheduleTask(in: .milliseconds(Int64(Limits.listingMilliseconds))) {
            self.askNext(id)
        }
        cluster.listings.pages[id] = PendingPage(
            request: request, others: candidates.dropFirst(), asked: replica, timeout: timeout, resume: resume)
        member.send(.list(question), to: replica)
    }

    private func askNext(_ id: UInt64) {
        guard let page = cluster.listings.pages.removeValue(forKey: id) else { return }
        page.timeout?.cancel()
        ask(page.others, page.request, then: page.resume)
    }

    /// Serves what a message says about listings.
    ///
    /// - Returns: whether it was about one.
    func answerListing(_ message: PeerMessage, from sender: NodeID, _ member: ClusterMember) -> Bool {
        switch message {
        case .list(let request):
            guard member.isSure(of: request.partition) else {
                member.send(.listed(ListReply(id: request.id, result: .failure(.notReady))), to: sender)
                return true
            }
            scan(request) { result in
                guard case .member(let member) = self.role else { return }
                let reply = ListReply(id: request.id, result: result.mapError { _ in .storage })
                member.send(.listed(reply), to: sender)
            }
            return true
        case .listed(let reply):
            guard let page = cluster.listings.pages[reply.id], page.asked == sender else { return true }
            switch reply.result {
            case .failure: askNext(reply.id)
            case .success(let names):
                cluster.listings.pages[reply.id] = nil
                page.timeout?.cancel()
                page.resume(.success(names))
            }
            return true
        default:
            return false
        }
    }
}
