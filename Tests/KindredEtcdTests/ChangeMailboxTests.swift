import KindredNode
import Testing

/// The bound of what a slow subscriber costs.
@Suite("The mailbox of a subscriber")
struct ChangeMailboxTests {
    private func document(_ revision: UInt64) -> ConfigurationChange {
        .document(.topology, VersionedDocument(bytes: [], revision: revision))
    }

    @Test("A change that was overtaken is not delivered, and the later one keeps its place in time")
    func overtaking() async {
        let mailbox = ChangeMailbox()
        var changes = mailbox.stream {}.makeAsyncIterator()
        mailbox.put(document(1))
        mailbox.put(.presence(name: "a", bytes: [1]))
        mailbox.put(document(2))
        mailbox.put(.presence(name: "b", bytes: [1]))
        #expect(await changes.next() == .presence(name: "a", bytes: [1]))
        #expect(await changes.next() == document(2))
        mailbox.put(.presence(name: "b", bytes: nil))
        mailbox.put(document(3))
        #expect(await changes.next() == .presence(name: "b", bytes: nil))
        #expect(await changes.next() == document(3))
    }

    @Test("An outage that is over before it was told is not told; one that was told is ended")
    func shortOutage() async {
        let mailbox = ChangeMailbox()
        var changes = mailbox.stream {}.makeAsyncIterator()
        mailbox.put(.reachable(false, reason: "x"))
        mailbox.put(.reachable(true, reason: nil))
        mailbox.put(.reachable(false, reason: "y"))
        mailbox.put(.reachable(true, reason: nil))
        mailbox.put(document(1))
        #expect(await changes.next() == document(1))
        mailbox.put(.reachable(false, reason: "z"))
        #expect(await changes.next() == .reachable(false, reason: "z"))
        mailbox.put(.reachable(false, reason: "again"))
        mailbox.put(.reachable(true, reason: nil))
        #expect(await changes.next() == .reachable(true, reason: nil))
    }

    @Test("A stream that nobody has any more says so, and one that has ended stays so")
    func dropping() async {
        let mailbox = ChangeMailbox()
        await confirmation { ended in
            var changes: AsyncStream<ConfigurationChange>? = mailbox.stream { ended() }
            #expect(changes != nil)
            changes = nil
        }
        var late = mailbox.stream {}.makeAsyncIterator()
        mailbox.put(document(1))
        #expect(await late.next() == nil)
    }
}
