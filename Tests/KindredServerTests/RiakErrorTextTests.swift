import KindredModel
import KindredNode
import KindredReplication
import KindredServer
import KindredStorage
import KindredWire
import Testing

@Suite struct RiakErrorTextTests {
    /// Clients compare these, to the letter.
    @Test(
        arguments: [
            (.empty(.type), "Type cannot be zero-length"),
            (.empty(.bucket), "Bucket cannot be zero-length"),
            (.empty(.key), "Key cannot be zero-length"),
            (.unknownType(Array("x".utf8)), "No bucket-type named 'x'"),
            (.bucketType(.unknown(Array("x".utf8))), "No bucket-type named 'x'"),
            (.tooManyReplicasAskedFor(nVal: 3), "{n_val_violation,3}"),
            (.tooLarge(52_428_801), "{too_large,52428801}"),
            (.preconditionFailed(.exists, current: []), "match_found"),
            (.preconditionFailed(.modified, current: []), "modified"),
            (.preconditionFailed(.missing, current: []), "notfound"),
            (.timeout, "timeout"),
        ] as [(RequestFailure, String)])
    func theTextsOfRiak(_ failure: RequestFailure, _ text: String) {
        #expect(RiakErrorText.text(for: failure) == text)
    }

    @Test func tooManySiblingsSayHowToResolveThem() throws {
        let token: [UInt8] = [1, 2, 250, 255]
        let text = RiakErrorText.text(for: .tooManySiblings(100, token: token))
        #expect(text.hasPrefix("{too_many_siblings,101}"))
        #expect(Base64.decode(try #require(text.split(separator: " ").last)) == token)
    }

    /// What only Kindred has to say, each told apart from the others and with what it is about.
    @Test func theTextsOfOurOwn() {
        let texts: [(RequestFailure, String)] = [
            (.exists, "immutable"),
            (.immutable, "cannot be deleted"),
            (.dataTypeBucket, "data types"),
            (.tooLong(.key, limit: 4_096), "Key is longer than 4096 bytes"),
            (.tooMuchMetadata(limit: 10_000), "10000"),
            (.invalidContext(.malformed), "Invalid vclock"),
            (.invalidContext(.notAuthentic), "another key"),
            (.invalidContext(.fromTheFuture), "does not have"),
            (.storage(.full("no space")), "full, so writes are refused and nothing was written: no space"),
            (.storage(.failed("i/o error")), "unknown: i/o error"),
            (.storage(.corrupt("checksum")), "damaged: checksum"),
            (.storage(.closed), "shutting down"),
            (.unavailable(.clockAhead(milliseconds: 812), mayHaveHappened: false), "812 ms ahead"),
            (.bucketType(.defaultType), "default"),
            (.bucketType(.tooMany("1024 types")), "1024 types"),
        ]
        for (failure, part) in texts {
            #expect(RiakErrorText.text(for: failure).contains(part))
        }
        #expect(Set(texts.map { RiakErrorText.text(for: $0.0) }).count == texts.count)
    }
}
