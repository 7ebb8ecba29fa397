import Foundation

/// The files of the repository this test was compiled from.
struct Repository {
    let root: URL

    /// The repository whose test this source file is.
    init(testFile: String = #filePath) {
        root = URL(fileURLWithPath: testFile).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    /// A text file, by its path from the root.
    struct File {
        let path: String
        let text: String

        /// Lines with their numbers, from 1.
        var lines: [(number: Int, text: Substring)] {
            text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
                ($0.offset + 1, $0.element)
            }
        }

        /// The lines of code, without comments and without what stands in string literals on one line.
        var code: [(number: Int, text: String)] {
            var isInLongText = false
            return lines.compactMap { number, line in
                let delimiters = line.components(separatedBy: "\"\"\"").count - 1
                defer { if delimiters % 2 == 1 { isInLongText.toggle() } }
                if isInLongText || delimiters > 0 { return nil }
                var bare = ""
                var isInText = false
                var previous: Character = " "
                for character in line {
                    if character == "\"", previous != "\\" { isInText.toggle() }
                    if !isInText, character == "/", previous == "/" {
                        bare.removeLast()
                        break
                    }
                    if !isInText { bare.append(character) }
                    previous = character
                }
                return (number, bare)
            }
        }
    }

    /// The files below a folder with one of these endings, without build products.
    func files(in folder: String, _ endings: String...) -> [File] {
        let base = root.appendingPathComponent(folder)
        guard let walker = FileManager.default.enumerator(atPath: base.path) else { return [] }
        var files: [File] = []
        for case let path as String in walker {
            guard !path.split(separator: "/").contains(where: { $0.hasPrefix(".build") || $0 == ".git" }),
                endings.contains(where: { path.hasSuffix($0) }),
                let text = try? String(contentsOf: base.appendingPathComponent(path), encoding: .utf8)
            else { continue }
            files.append(File(path: folder.isEmpty ? path : folder + "/" + path, text: text))
        }
        return files.sorted { $0.path < $1.path }
    }

    func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }
}
