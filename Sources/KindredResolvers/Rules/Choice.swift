import KindredModel

/// Rules that choose one sibling, with all that belongs to it. Each chooses the greatest in a *total* order of
/// contents and names: such a maximum is commutative, associative and idempotent.
enum Choice {
    /// The greatest sibling, where `isLess` orders some of them and `tieBreak` those that it does not.
    static func choose(
        from input: ResolutionInput, by isLess: (SiblingValue, SiblingValue) -> Bool
    ) -> ResolvedValue {
        var best = input.siblings[0]
        for sibling in input.siblings.dropFirst() {
            if isLess(best, sibling) || (!isLess(sibling, best) && precedes(best.content, sibling.content)) {
                best = sibling
            }
        }
        return ResolvedValue(content: best.content, notes: [])
    }

    static func isEarlier(_ left: SiblingValue, than right: SiblingValue) -> Bool { right.isLater(than: left) }

    static func isSmaller(_ left: SiblingValue, than right: SiblingValue) -> Bool {
        guard let one = left.content?.value, let other = right.content?.value else { return false }
        switch (number(one), number(other)) {
        case (let one?, let other?): return one < other
        case (nil, nil): return one.lexicographicallyPrecedes(other)
        case (let number, _): return number != nil
        }
    }

    static func isShorter(_ left: SiblingValue, than right: SiblingValue) -> Bool {
        guard let one = left.content?.value, let other = right.content?.value else { return false }
        return one.count == other.count ? one.lexicographicallyPrecedes(other) : one.count < other.count
    }

    /// Deletes first, then by all that belongs to the content: what decides where a rule's own order does not.
    private static func precedes(_ left: ObjectContent?, _ right: ObjectContent?) -> Bool {
        guard let left, let right else { return left == nil && right != nil }
        return left != right && left.encoded().lexicographicallyPrecedes(right.encoded())
    }

    /// The number that these bytes are, with nothing but spaces and line ends around it.
    private static func number(_ bytes: [UInt8]) -> JSONNumber? {
        func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
        // What does not even begin like a number is not copied.
        guard let begin = bytes.firstIndex(where: { !isSpace($0) }), let end = bytes.lastIndex(where: { !isSpace($0) }),
            bytes[begin] == UInt8(ascii: "-") || (0x30...0x39).contains(bytes[begin])
        else { return nil }
        return JSONNumber(bytes[begin...end])
    }
}
