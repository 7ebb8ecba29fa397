public import KindredModel

/// Where the values of law checks come from.
///
/// The built-in ones are small and alike on purpose: laws break where values collide, and values that have nothing in
/// common never do.
public struct LawValues: Sendable {
    /// What they are called in reports.
    public let name: String
    private let make: @Sendable (inout SeededRandom) -> (contents: [ObjectContent?], ancestor: ObjectContent??)

    /// Values of one's own: the closure makes one value at a time, and nil stands for a delete. There are no ancestors.
    ///
    /// The closure must take all chance from its argument, so that a counter-example can be found again.
    public init(_ name: String, value: @escaping @Sendable (inout SeededRandom) -> ObjectContent?) {
        self.init(name: name) { random in ((0..<3).map { _ in value(&random) }, nil) }
    }

    /// Values from a list. In every second case one of them is the ancestor.
    ///
    /// - Returns: nil if the list is empty.
    public init?(_ name: String, list: [ObjectContent?]) {
        guard !list.isEmpty else { return nil }
        self.init(name: name) { random in
            let contents = (0..<3).map { _ in list[random.below(list.count)] }
            return (contents, random.chance(50) ? .some(list[random.below(list.count)]) : nil)
        }
    }

    init(
        name: String,
        make: @escaping @Sendable (inout SeededRandom) -> (contents: [ObjectContent?], ancestor: ObjectContent??)
    ) {
        self.name = name
        self.make = make
    }

    /// The case of this number.
    ///
    /// Timestamps are few, so that they are equal now and then. Dots are never equal: no two writes have the same.
    func lawCase(_ number: Int, seed: UInt64) -> LawCase {
        var random = SeededRandom(seed: seed, number: number)
        let (contents, ancestor) = make(&random)
        let turn = random.below(contents.count)
        let siblings = contents.enumerated().map { index, content in
            SiblingValue(
                content: content, timestamp: UInt64(1 + random.below(5)),
                dot: Dot(ActorID(UInt32(1 + (index + turn) % contents.count)), 1))
        }
        return LawCase(
            siblings: siblings,
            ancestor: ancestor.map { SiblingValue(content: $0, timestamp: 0, dot: Dot(ActorID(1), 0)) })
    }

    /// The built-in values, by name.
    public static let builtIn: [LawValues] = [.json, .numbers, .lines, .bytes, .mixed]
}

// MARK: Built-in values

extension LawValues {
    private static func content(_ value: [UInt8], _ type: String) -> ObjectContent {
        ObjectContent(value: value, contentType: Array(type.utf8))
    }

    private static func content(_ text: String, _ type: String) -> ObjectContent { content(Array(text.utf8), type) }

    /// Whole numbers of 64 bits, negative ones, decimals, and some that a double cannot hold.
    public static let numbers = LawValues("numbers") { content(number(&$0), "text/plain") }

    /// Some lines of text, from few words, some with user metadata; deletes in between.
    public static let lines = LawValues("lines") { random in
        if random.chance(5) { return nil }
        let lines = (0..<random.below(5)).map { _ in random.pick(["milk", "eggs", "bread", "é", "", " "]) ?? "" }
        var result = content(lines.map { $0 + "\n" }.joined(), "text/plain")
        if random.chance(10) { result.userMetadata = [.init(key: [0x6B], value: [UInt8(0x30 + random.below(3))])] }
        return result
    }

    /// Few and short bytes, deletes in between.
    public static let bytes = LawValues("bytes") { random in
        if random.chance(5) { return nil }
        let value = (0..<random.below(5)).map { _ in random.pick([0x00, 0x61, 0x62, 0xFF]) ?? 0 as UInt8 }
        return content(value, random.chance(90) ? "application/octet-stream" : "image/png")
    }

    /// Numbers, texts that look like numbers, and others beside each other.
    public static let mixed = LawValues("mixed") { random in
        if random.chance(5) { return nil }
        if random.chance(50) { return content(number(&random), "text/plain") }
        return content(random.pick(["5x", "9", "09", "", "-", "a", "1 \n", "{}"]) ?? "", "text/plain")
    }

    /// JSON documents. In two cases of three they are changes of a common document, which the resolver is given in
    /// half of these.
    public static let json = LawValues(name: "json") { random in
        var source = RandomJSON(root: random.pick(RandomJSON.Root.allCases) ?? .object)
        func content(_ value: ExactJSON) -> ObjectContent { Self.content(value.canonical(), "application/json") }
        guard random.below(3) > 0 else {
            return ((0..<3).map { _ in random.chance(5) ? nil : content(source.document(&random)) }, nil)
        }
        let base = source.document(&random)
        let contents = (0..<3).map { _ in
            random.chance(5) ? nil : content(source.changed(base, &random))
        }
        return (contents, random.chance(50) ? .some(content(base)) : nil)
    }

    private static func number(_ random: inout SeededRandom) -> String {
        switch random.below(6) {
        case 0: String(random.below(3))
        case 1: String(random.below(200) - 100)
        case 2: String(Int64(bitPattern: random.next()))
        case 3: "\(random.below(20) - 10).\(random.below(3))\(random.below(2))"
        case 4: random.pick(["1", "1.0", "1e0", "10e-1", "-0", "0", "0.0"]) ?? "0"
        default: random.pick(["9007199254740993", "9007199254740992", "1e400", "-1e400", "1e-400"]) ?? "0"
        }
    }
}
