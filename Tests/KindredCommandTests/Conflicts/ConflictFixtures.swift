import Foundation
import KindredServer

/// Conflicts as a node tells them.
enum ConflictFixtures {
    /// What a client may call itself, its bucket, its key, and what it may write.
    static let hostile = "\u{1B}]0;x\u{07}\u{1B}[2J\r\n\t\u{9B}31m\u{202E}\u{200F}\u{2028}\0\u{7F}é漢👩‍👩‍👧"

    static func quoted(_ text: String) -> String {
        (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }

    /// A lost write, unless something else is asked for.
    static func json(
        id: String = "17-3.a7-lost", kind: String = "lost", state: String = "lost", key: String = "anna",
        client: String = "Anna", text: String = "milk, eggs", bucket: String = "carts", time: UInt64 = 1_795_701_792_123
    ) -> String {
        """
        {"id":\(quoted(id)),"kind":\(quoted(kind)),"state":\(quoted(state)),"rule":"a rule","strategy":"last-write-wins",
        "type":"default","bucket":\(quoted(bucket)),"key":\(quoted(key)),"noticed_ms":\(time),"records":["3.a9"],
        "subject":{"dot":"3.a7","written_ms":\(time),"client":\(quoted(client)),"parent":"3.a6",
          "value":{"state":"remembered","content_type":"text/plain","text":\(quoted(text)),"length":\(text.utf8.count)}},
        "others":[{"dot":"3.a8","written_ms":\(time),"client":"Ben","seen":"{}","value":{"state":"stored"}}]}
        """
    }

    static func report(_ json: String) throws -> ConflictReport {
        try JSONDecoder().decode(ConflictReport.self, from: Data(json.utf8))
    }

    static func page(_ conflicts: [String], next: String? = nil) -> String {
        let end = next.map { ",\"next\":\(quoted($0))" } ?? ""
        return "{\"conflicts\":[\(conflicts.joined(separator: ","))]\(end)}"
    }

    static func explanation(
        key: String = "anna", client: String = "Anna", text: String = "milk", verdict: String = "3.a8 is shown."
    ) throws -> ExplainReport {
        let json = """
            {"type":"default","bucket":"carts","key":\(quoted(key)),"strategy":"last-write-wins",
            "verdict":[\(quoted(verdict))],"conflicts":[\(self.json(client: client))],"events":[
            {"party":{"dot":"3.a7","parent":"3.a6","written_ms":1795701792123,"client":\(quoted(client)),
              "value":{"state":"remembered","text":\(quoted(text))}},"fate":"lost","saw":[]},
            {"party":{"dot":"3.a8","written_ms":1795701792124,"value":{"state":"stored","base64":"AP8="}},
              "fate":"shown","saw":[]},
            {"party":{"written_ms":1795701792125,"client":"Carol","value":{"state":"oversized","length":70000,
              "sha256":"abcdef0123"}},"fate":"refused","saw":["3.a8"]}]}
            """
        return try JSONDecoder().decode(ExplainReport.self, from: Data(json.utf8))
    }
}

extension String {
    /// What a terminal would obey, or what hides or turns around what stands beside it.
    var obeyed: [Unicode.Scalar] {
        unicodeScalars.filter { scalar in
            scalar != "\n"
                && (scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                    || [0x200E, 0x200F, 0x2028, 0x2029].contains(scalar.value)
                    || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value))
        }
    }
}

extension ConflictFixtures {
    static func value(_ json: String) throws -> ValueReport {
        try JSONDecoder().decode(ValueReport.self, from: Data(json.utf8))
    }

    static func count(
        type: String = "default", bucket: String = "carts", strategy: String = "last-write-wins",
        day: String = "2026-11-26", kind: String, count: Int = 1
    ) throws -> ConflictCount {
        let json = """
            {"type":\(quoted(type)),"bucket":\(quoted(bucket)),"strategy":\(quoted(strategy)),"day":\(quoted(day)),
            "kind":\(quoted(kind)),"count":\(count)}
            """
        return try JSONDecoder().decode(ConflictCount.self, from: Data(json.utf8))
    }
}
