import KindredModel

/// The rule `union`: see `Resolver.union(of:)`.
struct Union {
    let elements: Resolver.UnionElements

    func resolve(_ input: ResolutionInput) throws(ResolutionError) -> ResolvedValue {
        let contents = input.siblings.compactMap(\.content)
        if contents.isEmpty { return .delete }
        let value = try isJSON(contents) ? Self.json(contents) : Self.lines(contents)
        return ResolvedValue(.merged(contents, value: value))
    }

    /// Whether the elements are those of JSON. By the content types, never by the bytes: a text that looks like JSON
    /// would be merged one way by itself and another way beside a text that does not.
    private func isJSON(_ contents: [ObjectContent]) throws(ResolutionError) -> Bool {
        switch elements {
        case .json: return true
        case .lines: return false
        case .byContentType: break
        }
        var found: (isJSON: Bool, type: String)?
        for content in contents {
            guard let bytes = content.contentType else {
                throw .contentType("there is no content type that says what the union is made of")
            }
            let type = String(decoding: bytes, as: UTF8.self)
            let media = type.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
            let isJSON = media == "application/json" || media == "text/json" || media.hasSuffix("+json")
            guard isJSON || media.hasPrefix("text/") else {
                throw .contentType("a union is made of JSON or lines of text, not of \(type)")
            }
            if let found, found.isJSON != isJSON {
                throw .contentType("a union is not made of \(min(type, found.type)) and \(max(type, found.type))")
            }
            found = (isJSON, type)
        }
        return found?.isJSON ?? false
    }

    // MARK: JSON

    private static func json(_ contents: [ObjectContent]) throws(ResolutionError) -> [UInt8] {
        var values: [ExactJSON] = []
        for content in contents { values.append(try content.json()) }
        return try union(values, path: JSONPath()).canonical()
    }

    private static func union(_ values: [ExactJSON], path: JSONPath) throws(ResolutionError) -> ExactJSON {
        let arrays = values.compactMap(\.elements)
        if arrays.count == values.count { return .array(Set(arrays.joined()).sorted()) }
        let objects = values.compactMap(\.members)
        if objects.count == values.count {
            var members: [ExactJSON.Member] = []
            var rows = MemberRows(objects)
            while let (name, row) = rows.next() {
                members.append(.init(name, try union(row.compactMap { $0 }, path: path.appending(name))))
            }
            return .object(members)
        }
        guard values.allSatisfy({ $0 == values[0] }) else { throw .conflict(path: path.description) }
        return values[0]
    }

    // MARK: Lines

    private static func lines(_ contents: [ObjectContent]) throws(ResolutionError) -> [UInt8] {
        var lines: Set<ArraySlice<UInt8>> = []
        for content in contents {
            try content.requireUnencoded()
            guard String(validating: content.value, as: UTF8.self) != nil else { throw .notText }
            lines.formUnion(content.value.split(separator: UInt8(ascii: "\n")))
        }
        var result: [UInt8] = []
        for line in lines.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            result += line
            result.append(UInt8(ascii: "\n"))
        }
        return result
    }
}

/// The members of several objects side by side: each name once, in ascending order, with its value in each object.
struct MemberRows {
    private let objects: [[ExactJSON.Member]]
    private var positions: [Int]

    init(_ objects: [[ExactJSON.Member]]) {
        self.objects = objects
        positions = objects.map { _ in 0 }
    }

    mutating func next() -> (name: [UInt8], values: [ExactJSON?])? {
        var least: [UInt8]?
        for (object, position) in zip(objects, positions) where position < object.count {
            let name = object[position].name
            if least.map({ name.lexicographicallyPrecedes($0) }) ?? true { least = name }
        }
        guard let name = least else { return nil }
        var values: [ExactJSON?] = []
        for (index, object) in objects.enumerated() {
            let position = positions[index]
            if position < object.count, object[position].name == name {
                values.append(object[position].value)
                positions[index] += 1
            } else {
                values.append(nil)
            }
        }
        return (name, values)
    }
}

/// A place in a document.
struct JSONPath: CustomStringConvertible {
    private var names: [[UInt8]] = []

    func appending(_ name: [UInt8]) -> JSONPath {
        var result = self
        result.names.append(name)
        return result
    }

    /// As a JSON Pointer (RFC 6901); empty for the whole document.
    var description: String {
        names.map { name in
            let text = String(decoding: name, as: UTF8.self)
            return "/" + text.replacing("~", with: "~0").replacing("/", with: "~1")
        }.joined()
    }
}
