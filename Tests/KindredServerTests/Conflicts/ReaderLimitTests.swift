import Testing

@testable import KindredServer

@Suite struct ReaderLimitTests {
    @Test("there is room for so many, and again when one has ended")
    func limit() {
        let limit = ReaderLimit(2)
        #expect(limit.begin() && limit.begin())
        #expect(!limit.begin())
        limit.end()
        #expect(limit.begin())
        #expect(!limit.begin())
    }
}
