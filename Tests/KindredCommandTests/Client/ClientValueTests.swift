import Foundation
import KindredClient
import KindredModel
import Testing

/// The values of the client by themselves.
@Suite struct ClientValueTests {
    @Test(arguments: [("3.a7", 3, 367), ("0.0", 0, 0), ("zz.1", 1295, 1)] as [(String, UInt64, UInt64)])
    func aTagTellsWhoAndWhich(text: String, actor: UInt64, event: UInt64) {
        #expect(VersionTag(text).actor == actor && VersionTag(text).event == event)
    }

    @Test func aTagOfABucketWithVersionNumbersTellsTheNumber() {
        let tag = VersionTag("12-3.a7")
        #expect(tag.number == 12 && tag.actor == 3 && tag.event == 367)
        #expect(VersionTag("3.a7").number == nil)
    }

    @Test(arguments: [
        "", "3", "3.", ".7", "3.a.7", "3.!", "zzzzzzzzzzzzzzz.1", "5jTqLsM1yz2", "x-3.a7", "-3.a7", "4-", "4-4-3.a7",
    ])
    func aTagOfAnotherForm(text: String) {
        #expect(VersionTag(text).actor == nil && VersionTag(text).event == nil && VersionTag(text).number == nil)
        #expect(VersionTag(text).description == text)
    }

    @Test func namesAreBytes() {
        #expect(Name("ä").bytes == [0xC3, 0xA4] && Name("ä").text == "ä")
        #expect(Name(bytes: [0xFF]).text == nil && Name(bytes: [0xFF]).description == "\u{FFFD}")
        #expect(Name("a") < Name("b") && Name("a") < Name("aa"))
    }

    @Test func onlyASingleValueIsTheContent() {
        let one = Sibling(content: ObjectContent(text: "1"), version: VersionTag("1.1"))
        let two = Sibling(content: ObjectContent(text: "2"), version: VersionTag("1.2"))
        #expect(StoredObject(siblings: [one]).content?.text == "1")
        #expect(StoredObject(siblings: [one, two]).content == nil && StoredObject(siblings: [one, two]).exists)
        #expect(StoredObject().content == nil && !StoredObject().exists)
    }
}
