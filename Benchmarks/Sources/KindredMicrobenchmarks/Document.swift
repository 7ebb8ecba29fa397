import ArgumentParser
import Foundation

/// Where figures go in the documentation.
enum Document {
    /// When and on what figures were taken.
    static var heading: String {
        "\(Date.now.formatted(.iso8601.year().month().day())), \(processor), one thread."
    }

    private static var processor: String {
        let cpuinfo = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = cpuinfo.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
        return model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    }

    /// Replaces what stands between the marks of a section of a Markdown file.
    static func fill(_ path: String, section: String, _ table: String) throws {
        let marks = (first: "<!-- figures: \(section) -->", last: "<!-- end of figures: \(section) -->")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        guard let first = text.range(of: marks.first), let last = text.range(of: marks.last),
            first.upperBound <= last.lowerBound
        else { throw ValidationError("\(path) has no section marked \(marks.first)") }
        let filled = text[..<first.upperBound] + "\n" + table + "\n" + text[last.lowerBound...]
        try String(filled).write(toFile: path, atomically: true, encoding: .utf8)
    }
}
