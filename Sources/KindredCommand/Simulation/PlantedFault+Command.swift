import ArgumentParser
import KindredModel

/// Planted faults as the command line has them.
extension PlantedFault {
    /// What to say where this build has no planted faults.
    static let unavailable = """
        this build has no planted faults; build one with them: swift build -c release -Xswiftc -DKINDRED_PLANTED_FAULTS
        """

    /// The fault of this name: `quorum-off-by-one`, or as in the code, `quorumOffByOne`.
    init(argument: String) throws {
        guard let fault = PlantedFault.allCases.first(where: { argument == $0.name || argument == "\($0)" }) else {
            let names = PlantedFault.allCases.map(\.name).joined(separator: ", ")
            throw ValidationError("there is no fault '\(argument)'; there are: \(names)")
        }
        self = fault
    }

    /// The name of the case in words with hyphens.
    var name: String {
        var result = ""
        for character in "\(self)" {
            if character.isUppercase { result += "-" }
            result += character.lowercased()
        }
        return result
    }

    /// Makes this mistake, or none, in the whole process from now on. Does nothing where there are no planted faults.
    static func plantIfAvailable(_ fault: PlantedFault?) {
        #if DEBUG || KINDRED_PLANTED_FAULTS
            plant(fault)
        #endif
    }
}
