internal import KindredModel
package import KindredReplication

/// Messages and answers in a few words, for a person who reads a trace.
extension PeerMessage {
    package var summary: String {
        switch self {
        case .replicate(let message):
            "replicate #\(short(message.id)) \(message.update.summary)"
                + (message.leaderEpoch > 0 ? " as leader of epoch \(message.leaderEpoch)" : "")
        case .replicated(let message): "replicated #\(short(message.id))\(refusal(message.refusal))"
        case .read(let message): "read #\(short(message.id)) \(keyName(message.address))"
        case .readReply(let message):
            switch message.result {
            case .success(let update): "read reply #\(short(message.id)) \(update.summary)"
            case .failure(let reason): "read reply #\(short(message.id))\(refusal(reason))"
            }
        case .hint(let message): "hint #\(short(message.id)) for \(message.target): \(message.update.summary)"
        case .hinted(let message): "hinted #\(short(message.id))\(refusal(message.refusal))"
        case .pull(let message): "pull p\(message.partition) by actor \(message.actor.rawValue) with \(message.clock)"
        case .pulled(let message):
            switch message.content {
            case .nothing: "pulled: nothing missing, \(message.clock)"
            case .updates(let updates, let more): "pulled: \(updates.count) keys\(more ? ", more to come" : "")"
            case .transferNeeded: "pulled: a full transfer is needed"
            case .refused(let reason): "pulled\(refusal(reason))"
            }
        case .transfer(let message):
            "transfer p\(message.partition)\(message.after == nil ? " from the beginning" : "")"
        case .transferred(let message):
            "transferred \(message.updates.map(\.summary).joined(separator: "; "))\(message.through == nil ? ", the last" : "")\(refusal(message.refusal))"
        case .promise(let message): "promise p\(message.partition) to follow epoch \(message.leaderEpoch)?"
        case .promised(let message):
            switch message.result {
            case .success(let clock): "promised, with \(clock)"
            case .failure(let reason): "promised\(refusal(reason))"
            }
        case .forward(let message): "forward \(message.request.summary)"
        case .forwarded(let message): "forwarded: \(message.reply.summary)"
        case .list(let message): "list p\(message.partition)"
        case .listed(let message):
            switch message.result {
            case .success(let page): "listed \(page.names.count) names\(page.isLast ? ", the last" : "")"
            case .failure(let reason): "listed\(refusal(reason))"
            }
        }
    }

    private func short(_ id: UInt64) -> UInt64 { id & 0xFFFF_FFFF }

    private func refusal(_ reason: ReplicaRefusal?) -> String { reason.map { ", refused: \($0)" } ?? "" }
}

private func keyName(_ address: [UInt8]) -> String {
    guard address.count > 7 else { return "?" }
    return "t\(address[3])/" + String(decoding: address[7...], as: UTF8.self)
}

extension ObjectUpdate {
    package var summary: String {
        let versions = object.versions.map { "\($0.dot)\($0.isTombstone ? "†" : "")" }.joined(separator: ", ")
        return "\(keyName(address)) {\(versions)} events [\(events.map(\.description).joined(separator: ", "))]"
    }
}

extension ClientRequest {
    package var summary: String {
        switch operation {
        case .get: "get"
        case .write(let write, _, _):
            (write.content == nil ? "delete" : "put") + (write.seen.map { ", having seen \($0.context)" } ?? ", blind")
        }
    }
}

extension ClientReply {
    package var summary: String {
        switch self {
        case .object(let object):
            "[\(object.versions.filter { !$0.isTombstone }.map(\.dot.description).joined(separator: ", "))] context \(object.context)"
        case .written(let reply): "written as \(reply.dot.map(\.description) ?? "nothing new")"
        case .refused(let refusal): "refused: \(refusal)"
        case .unavailable(let reason, let mayHaveHappened):
            "unavailable: \(reason)\(mayHaveHappened ? ", may have happened" : "")"
        }
    }
}

extension PartitionView {
    package var summary: String {
        let members = members.map { "\($0.node)=\($0.actor.rawValue)\($0.role == .voter ? "" : " \($0.role)")" }
        var text = "p\(partition) epoch \(epoch): " + members.joined(separator: ", ")
        if !closing.isEmpty { text += "; closing \(closing.map(\.rawValue))" }
        if !closed.isEmpty { text += "; \(closed.epoch) closed" }
        if let leadership { text += "; \(leadership.leader) leads epoch \(leadership.epoch)" }
        return text
    }
}
