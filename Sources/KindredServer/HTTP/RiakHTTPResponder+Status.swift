import HTTPTypes
import Hummingbird
import KindredModel
import KindredNode
import KindredReplication
import KindredStorage
import KindredWire

/// What the node says about itself.
extension RiakHTTPResponder {
    /// What there is and where: JSON for programs, a page for people.
    func root(_ request: Request) -> Response {
        let links = RiakHTTPJSON.resources.compactMap { resource -> String? in
            guard case .text(let path) = resource.value else { return nil }
            return "<\(path)>; rel=\"\(resource.name)\""
        }
        let link = RiakHTTPField("Link", links.joined(separator: ","))
        let accept = request.headers[values: .accept].joined(separator: ",").lowercased()
        let wantsPage = accept.contains("text/html") && !accept.hasPrefix("application/json")
        guard wantsPage else {
            return Response(
                bytes: RiakHTTPJSON.encode(.object(RiakHTTPJSON.resources)), status: 200,
                fields: [RiakHTTPField("Content-Type", "application/json"), link])
        }
        let items = RiakHTTPJSON.resources.compactMap { resource -> String? in
            guard case .text(let path) = resource.value else { return nil }
            return "<li><a href=\"\(path)\">\(resource.name)</a></li>"
        }
        let page =
            "<!DOCTYPE html><html><head><title>Kindred</title></head><body><ul>\(items.joined())</ul></body></html>"
        return Response(
            bytes: Array(page.utf8), status: 200, fields: [RiakHTTPField("Content-Type", "text/html"), link])
    }

    /// Counters since the node was started, under Riak's names where Riak has them.
    func statistics(_ request: Request) async throws -> Response {
        let nodeName = nodeName
        let properties = try await loop.run { loop throws(RequestFailure) -> [Property]? in
            let node = loop.statistics
            let cache = loop.store.statistics
            func count(_ name: String, _ value: UInt64) -> Property { Property(name, .integer(Int64(clamping: value))) }
            let conflicts = loop.conflictCounts.map { count("conflicts_\($0.kind.name)_total", $0.count) }
            return conflicts + [
                count("cache_bytes", UInt64(cache.bytes)),
                count("cache_entries", UInt64(cache.entries)),
                count("cache_evictions_total", cache.evictions),
                count("cache_hits_total", cache.hits),
                count("cache_misses_total", cache.misses),
                count("disk_reads_total", node.diskReads),
                count("disk_synchronizations_total", node.synchronizations),
                count(
                    "discarded_versions_total",
                    node.discardedVersions + (loop.clusterStatistics?.discardedVersions ?? 0)),
                count("node_deletes_total", node.deletes),
                count("node_gets_total", node.gets),
                count("node_puts_total", node.puts),
                Property("nodename", .text(nodeName)),
                count("refused_writes_total", node.refusals),
                Property("riak_kv_version", .text(RiakRequests.serverVersion)),
                count("ring_num_partitions", UInt64(loop.identity.partitions)),
                count("sibling_puts_total", node.siblingPuts),
                count("sibling_warnings_total", node.siblingWarnings),
                count("storage_failures_total", node.storageFailures),
            ]
        }
        let accept = request.headers[values: .accept].joined(separator: ",").lowercased()
        guard accept.hasPrefix("text/plain") else { return Response(json: RiakHTTPJSON.encode(.object(properties))) }
        let lines = properties.map { "\($0.name) : \($0.value)\n" }
        return Response(text: lines.joined(), status: 200)
    }
}
