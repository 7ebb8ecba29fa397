/// Makes JSON documents that are alike: few names, few values, and changes of what is there.
struct RandomJSON {
    /// What documents are at the top. All siblings of a case are alike, most of the time.
    enum Root: CaseIterable {
        case object, array, anything
    }

    let root: Root
    private static let names = ["a", "b", "c"]

    func document(_ random: inout SeededRandom) -> ExactJSON {
        switch root {
        case .object: object(&random, depth: 0)
        case .array: array(&random, depth: 0)
        case .anything: value(&random, depth: 0)
        }
    }

    private func object(_ random: inout SeededRandom, depth: Int) -> ExactJSON {
        var members: [ExactJSON.Member] = []
        for name in Self.names where random.chance(50) { members.append(.init(name, value(&random, depth: depth + 1))) }
        return .object(unordered: members)
    }

    private func array(_ random: inout SeededRandom, depth: Int) -> ExactJSON {
        .array((0..<random.below(4)).map { _ in value(&random, depth: depth + 1) })
    }

    private func value(_ random: inout SeededRandom, depth: Int) -> ExactJSON {
        switch random.below(depth < 3 ? 9 : 7) {
        case 0: .null
        case 1: .bool(random.chance(50))
        case 2: .string(random.pick(["", "x", "é", "e\u{301}", "\"\\\n"]) ?? "")
        case 3: .integer(Int64(bitPattern: random.next()))
        case 4...6: JSONNumber((random.pick(["0", "1", "2", "1.0", "1e400"]) ?? "0").utf8).map { .number($0) } ?? .null
        case 7: object(&random, depth: depth)
        default: array(&random, depth: depth)
        }
    }

    /// The document, with a change or two, or none.
    func changed(_ document: ExactJSON, _ random: inout SeededRandom) -> ExactJSON {
        var result = document
        for _ in 0..<random.below(3) { result = changedOnce(result, &random, depth: 0) }
        return result
    }

    private func changedOnce(_ document: ExactJSON, _ random: inout SeededRandom, depth: Int) -> ExactJSON {
        switch document {
        case .object(var members):
            let name = Array((random.pick(Self.names) ?? "a").utf8)
            guard let index = members.firstIndex(where: { $0.name == name }) else {
                return .object(unordered: members + [.init(name, value(&random, depth: depth + 1))])
            }
            if random.chance(30) {
                members.remove(at: index)
            } else {
                members[index] = .init(name, changedOnce(members[index].value, &random, depth: depth + 1))
            }
            return .object(members)
        case .array(var elements) where random.chance(80):
            if elements.isEmpty || random.chance(60) {
                elements.append(value(&random, depth: depth + 1))
            } else {
                elements.remove(at: random.below(elements.count))
            }
            return .array(elements)
        default:
            return value(&random, depth: depth)
        }
    }
}
