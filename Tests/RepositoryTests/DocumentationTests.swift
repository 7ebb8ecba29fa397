import Foundation
import Testing

@Suite struct DocumentationTests {
    private let repository = Repository()

    @Test(arguments: [
        "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "docs/ARCHITECTURE.md",
        "docs/GLOSSARY.md", "docs/TESTING.md", "docs/PERFORMANCE.md", "docs/flows/put.md", "docs/flows/get.md",
        "scripts/start", "scripts/test", ".ci/run",
    ])
    func expectedFilesAreThere(path: String) {
        #expect(repository.exists(path), "\(path) is missing")
    }

    /// Links between pages, and from pages to code, lead somewhere.
    @Test func linksAreNotDead() throws {
        let link = try Regex(#"\]\(([^)#\s]+)(#[^)]*)?\)"#)
        for file in repository.files(in: "", ".md") {
            let folder = file.path.split(separator: "/").dropLast().joined(separator: "/")
            for match in file.text.matches(of: link) {
                guard let target = match.output[1].substring, !target.contains("://"), !target.hasPrefix("mailto:")
                else {
                    continue
                }
                let path = target.hasPrefix("/") ? String(target.dropFirst()) : folder + "/" + target
                let normal = URL(fileURLWithPath: "/" + path).standardized.path.dropFirst()
                #expect(repository.exists(String(normal)), "\(file.path): \(target)")
            }
        }
    }

    /// The pages of the flows name the files in the order in which a request goes through them: they must exist.
    @Test func flowsNameFilesThatExist() throws {
        let path = try Regex(#"`((?:Sources|Tests|scripts|IntegrationTests|Benchmarks|docs)/[A-Za-z0-9_+./-]+)`"#)
        for file in repository.files(in: "docs", ".md") {
            for match in file.text.matches(of: path) {
                guard let named = match.output[1].substring else { continue }
                #expect(repository.exists(String(named)), "\(file.path) names \(named)")
            }
        }
    }

    /// Pages promise nothing that is not there.
    @Test func nothingIsLeftToDo() {
        let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X:"]
        for file in repository.files(in: "", ".md", ".swift", ".py", ".sh") {
            for (number, line) in file.lines {
                for mark in marks where line.contains(mark) { Issue.record("\(file.path):\(number): \(mark)") }
            }
        }
    }
}
