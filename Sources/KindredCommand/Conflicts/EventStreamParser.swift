/// Reads server-sent events from bytes that come in pieces, divided anywhere.
///
/// It follows the event stream format of the HTML standard, with one addition: a block that has an `id` and no data is told as a
/// position. A feed uses it to say up to where its reader has been told everything.
struct EventStreamParser: Sendable {
    /// Something that a stream says.
    enum Element: Hashable, Sendable {
        /// Data under a name; `message` if the stream gives it none.
        case event(name: String, data: [UInt8])
        /// Where a reader can go on, having taken in everything before this.
        case position(String)
        /// How many milliseconds to wait before connecting again.
        case retry(milliseconds: Int)
    }

    /// The stream is none, or has an event larger than any that a node sends.
    struct TooLong: Error {}

    /// More than a conflict of as many siblings as there can be, each as long as the log remembers, as JSON.
    static let largestEvent = 128 << 20

    private let limit: Int
    private var line: [UInt8] = []
    private var name = ""
    private var data: [UInt8] = []
    private var hasData = false
    private var position: String?
    /// A line feed right after a carriage return belongs to it.
    private var skipsLineFeed = false
    private var isAtStart = true

    init(limit: Int = EventStreamParser.largestEvent) {
        self.limit = limit
    }

    /// Takes a piece of the stream in.
    mutating func read(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [Element] {
        var elements: [Element] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n"), skipsLineFeed {
                skipsLineFeed = false
                continue
            }
            skipsLineFeed = byte == UInt8(ascii: "\r")
            if skipsLineFeed || byte == UInt8(ascii: "\n") {
                endLine(&elements)
            } else {
                guard line.count + data.count < limit else { throw TooLong() }
                line.append(byte)
            }
        }
        return elements
    }

    private mutating func endLine(_ elements: inout [Element]) {
        if isAtStart, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        isAtStart = false
        defer { line.removeAll(keepingCapacity: line.count < 1 << 16) }
        guard !line.isEmpty else { return endBlock(&elements) }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "event": name = String(decoding: value, as: UTF8.self)
        case "data":
            if hasData { data.append(UInt8(ascii: "\n")) }
            data += value
            hasData = true
        case "id" where !value.contains(0): position = String(decoding: value, as: UTF8.self)
        case "retry":
            if let number = Int(String(decoding: value, as: UTF8.self)), number >= 0 {
                elements.append(.retry(milliseconds: number))
            }
        default: break
        }
    }

    private mutating func endBlock(_ elements: inout [Element]) {
        if hasData { elements.append(.event(name: name.isEmpty ? "message" : name, data: data)) }
        if let position { elements.append(.position(position)) }
        (name, data, hasData, position) = ("", [], false, nil)
    }
}
