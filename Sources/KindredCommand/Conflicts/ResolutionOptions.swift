import ArgumentParser
import Foundation

/// How siblings become one value, and what they have to be.
struct ResolutionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How to make one value of several.", valueName: "rule"))
    var rule: String?
    @Option(help: ArgumentHelp("Write this sibling again, with its metadata.", valueName: "version"))
    var keep: String?
    @Option(help: ArgumentHelp("Write this value.", valueName: "text"))
    var value: String?
    @Option(help: ArgumentHelp("Write what this file has; '-' is the standard input.", valueName: "file"))
    var valueFile: String?
    @Flag(help: "Delete them all.")
    var delete = false
    @Option(
        help: ArgumentHelp(
            "The media type of the value. (default: text/plain for text, else application/octet-stream)",
            valueName: "media/type"))
    var contentType: String?
    @Option(
        help: ArgumentHelp(
            "The siblings you have looked at, separated by commas: if there are others now, nothing is written.",
            valueName: "versions"))
    var seen: String?

    func validate() throws {
        let ways = [rule, keep, value, valueFile].count { $0 != nil } + (delete ? 1 : 0)
        guard ways == 1 else {
            throw ValidationError("say one of --rule, --keep, --value, --value-file and --delete")
        }
        for (name, text) in [("rule", rule), ("keep", keep), ("value-file", valueFile), ("seen", seen)] {
            guard text?.isEmpty != true else { throw ValidationError("--\(name) is empty") }
        }
        guard contentType == nil || value != nil || valueFile != nil else {
            throw ValidationError("--content-type goes with --value and --value-file")
        }
    }

    /// What a node is asked for about one key.
    func wish(
        type: String, bucket: String, key: String, _ console: Console
    ) throws(CommandFailure) -> ConflictClient.Wish {
        var wish = ConflictClient.Wish(type: type, bucket: bucket, key: key)
        wish.rule = rule
        wish.keep = keep
        wish.value = value
        if let valueFile {
            let bytes = valueFile == "-" ? try ValueInput.standardInput(console) : try ValueInput.file(valueFile)
            wish.valueBase64 = Data(bytes).base64EncodedString()
        }
        wish.delete = delete ? true : nil
        wish.contentType = contentType
        // The node says what is no version, so that what it understands is in one place.
        wish.seen = seen?.split(separator: ",", omittingEmptySubsequences: false).map { version in
            String(version.drop { $0 == " " })
        }
        return wish
    }
}
