import Testing

@testable import KindredWire

@Suite struct RiakMessageCodeTests {
    @Test func theServedRequestsAndTheirAnswers() {
        let served = RiakMessageCode.allCases.filter(\.isServed)
        #expect(served.map(\.rawValue) == [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 29, 31, 32, 33, 240])
        #expect(
            served.compactMap { $0.answer?.rawValue } == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 30, 20, 22, 34, 241])
    }

    @Test func theMessagesWithoutABody() {
        let bodyless = RiakMessageCode.allCases.filter(\.isBodyless)
        #expect(bodyless.map(\.rawValue) == [1, 2, 3, 6, 7, 14, 22, 30, 254, 255])
    }

    @Test func codesTheProtocolNeverGaveOutHaveNoName() {
        let codes: [UInt8] = [35, 43, 61, 72, 84, 105, 131, 199, 225, 252]
        #expect(codes.allSatisfy { RiakMessageCode(rawValue: $0) == nil })
    }
}
