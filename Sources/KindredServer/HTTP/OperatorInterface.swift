import Foundation
import HTTPTypes
import Hummingbird
import KindredNode
import KindredWire
import NIOCore

/// What Kindred's own interfaces over HTTP have in common, `/kindred/v1/…`: JSON in and out, and what went wrong as `{"error": …}`.
protocol OperatorInterface: Sendable {}

/// The body of a request that is not taken.
enum OperatorBodyError: Error {
    case tooLong(limit: Int)
}

private struct OperatorFailure: Encodable {
    var error: String
    var siblings: [String]?
}

extension OperatorInterface {
    /// A refusal for pages of other sites; nil for everybody else.
    func refusalOfOtherSites(_ request: Request) -> Response? {
        request.isFromAnotherSite ? refusal("requests from pages of other sites are refused", status: 403) : nil
    }

    /// Answers, or says what went wrong.
    func answering(_ body: () async throws -> Response) async -> Response {
        do {
            return try await body()
        } catch let failure as RequestFailure {
            let plain = RiakHTTPResponder.response(to: failure)
            var answer = refusal(RiakErrorText.text(for: failure), status: plain.status.code)
            // When to ask again, and whom.
            for field in plain.headers where answer.headers[field.name] == nil { answer.headers.append(field) }
            return answer
        } catch let refusal as ConflictRefusal {
            return self.refusal(refusal.description, status: refusal.status, siblings: refusal.siblings)
        } catch let refusal as ClusterRefusal {
            return self.refusal(refusal.description, status: 409)
        } catch let error as DecodingError {
            return refusal("the request's body is not what is expected: \(error)", status: 400)
        } catch OperatorBodyError.tooLong(let limit) {
            return refusal("the request has more than \(limit) bytes", status: 413)
        } catch {
            return refusal("the request could not be read: \(error)", status: 400)
        }
    }

    func body<Body: Decodable>(_ type: Body.Type, of request: Request, limit: Int = 64 << 10) async throws -> Body {
        do {
            let bytes = try await request.body.collect(upTo: limit)
            return try JSONDecoder().decode(type, from: Data(bytes.readableBytesView))
        } catch is NIOTooManyBytesError {
            throw OperatorBodyError.tooLong(limit: limit)
        }
    }

    func encoded(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    func json(_ value: some Encodable) throws -> Response {
        Response(json: Array(try encoded(value)))
    }

    func refusal(_ text: String, status: Int, siblings: [String]? = nil) -> Response {
        let body = (try? encoded(OperatorFailure(error: text, siblings: siblings))).map { Array($0) } ?? []
        return Response(bytes: body, status: status, fields: [RiakHTTPField("Content-Type", "application/json")])
    }
}

extension Request {
    /// Whether a page of another site has sent it, open in the browser of somebody who can reach this node.
    fileprivate var isFromAnotherSite: Bool {
        guard let origin = headers[.origin] else { return false }
        return origin.split(separator: "/").last.map(String.init) != head.authority
    }
}
