/// Numbered versions, handed out by the one leader of the key: a write names the version it read, replaces everything up to it, and
/// keeps what is newer as siblings.
///
/// The numbers are what people read; what is compared is the set of events behind them, so a number that is used again after a
/// delete can replace nothing by mistake.
/// (Kleppmann, "Designing Data-Intensive Applications", chapter 5, "Capturing the happens-before relationship".)
enum VersionNumberStrategy {
    static func apply(
        _ write: ClientWrite, as event: WriteEvent, to object: inout CausalObject, siblingLimit: Int
    ) -> WriteOutcome {
        guard write.content != nil else {
            return VersionVectorStrategy.delete(write, as: event, from: &object)
        }
        let seen = write.seen ?? .nothing
        let highest = max(object.latestNumber, seen.number)
        return VersionVectorStrategy.put(
            write, number: highest == .max ? .max : highest + 1, as: event, to: &object, siblingLimit: siblingLimit)
    }
}
