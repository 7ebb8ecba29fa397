import Foundation
import KindredModel
import KindredSimulator

/// One run, exactly: a seed, what the cluster is like, and which of the faults that belong to them happen.
///
/// Which faults belong to a seed depends on how long the run was when they were chosen. A run that was made shorter
/// keeps that duration apart, so that the same faults are there to choose from.
struct ReplayPlan: Hashable {
    let seed: UInt64
    var settings: SimulationSettings
    /// For how many virtual microseconds the faults were chosen.
    let plannedFor: UInt64
    /// The episodes that happen, by their place among those that were chosen, in ascending order; nil for all.
    var kept: [Int]?
    let planted: PlantedFault?

    /// A whole seed.
    init(seed: UInt64, settings: SimulationSettings, planted: PlantedFault? = nil) {
        self.seed = seed
        self.settings = settings
        plannedFor = settings.duration
        kept = nil
        self.planted = planted
    }

    init(
        seed: UInt64, settings: SimulationSettings, plannedFor: UInt64, kept: [Int]?, planted: PlantedFault?
    ) {
        self.seed = seed
        self.settings = settings
        self.plannedFor = plannedFor
        self.kept = kept
        self.planted = planted
    }

    /// Whether nothing was taken away from the seed.
    var isWhole: Bool { kept == nil && plannedFor == settings.duration }

    /// The faults that were chosen for the seed.
    var chosen: FaultPlan {
        var settings = settings
        settings.duration = plannedFor
        return Simulation(seed: seed, settings: settings).plan
    }

    /// The faults that happen: those kept that end before the run does. A removal may have made others impossible.
    var faults: FaultPlan {
        let chosen = chosen
        guard !isWhole else { return chosen }
        let end = VirtualTime(microseconds: settings.duration)
        let episodes = (kept ?? Array(chosen.episodes.indices)).map { chosen.episodes[$0] }
        return chosen.keeping(episodes.filter { $0.end <= end })
    }

    /// The places of the faults that happen.
    var effective: [Int] {
        let happening = faults.episodes
        var places: [Int] = []
        for (place, episode) in chosen.episodes.enumerated()
        where places.count < happening.count && happening[places.count] == episode {
            places.append(place)
        }
        return places
    }

    /// The run, before its first event.
    func simulation(traceLines: Int = 0) -> Simulation {
        Simulation(seed: seed, settings: settings, plan: isWhole ? nil : faults, traceLines: traceLines)
    }
}

/// Why a plan cannot be read.
struct ReplayPlanError: Error, Hashable {
    let message: String
}

/// A plan as a small JSON file.
extension ReplayPlan {
    private static let format = 1
    /// A plan of a day has some hundred thousand episodes; more is no plan.
    private static let largestFile = 4 << 20

    /// The members, as they are in the file.
    private struct Members: Decodable {
        let format: Int
        let seed: Int64
        let nodes: Int
        let profile: String
        let clients: Int
        let duration: String
        let plannedFor: String
        let episodes: [Int]?
        let planted: String?
    }

    /// Reads a file.
    init(path: String) throws(ReplayPlanError) {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw ReplayPlanError(message: "\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        let bytes: Data?
        do {
            bytes = try file.read(upToCount: Self.largestFile + 1)
        } catch {
            throw ReplayPlanError(message: "\(path) cannot be read: \(error.localizedDescription)")
        }
        guard (bytes?.count ?? 0) <= Self.largestFile else {
            throw ReplayPlanError(message: "\(path) is too large for a plan")
        }
        do throws(ReplayPlanError) {
            try self.init(json: [UInt8](bytes ?? Data()))
        } catch {
            throw ReplayPlanError(message: "\(path) is no plan: \(error.message)")
        }
    }

    /// Reads the content of a file. What does not fit together is an error: a plan that means something else than it
    /// says would be worse than none.
    init(json: [UInt8]) throws(ReplayPlanError) {
        let members: Members
        do {
            members = try JSONDecoder().decode(Members.self, from: Data(json))
        } catch DecodingError.keyNotFound(let key, _) {
            throw ReplayPlanError(message: "it has no '\(key.stringValue)'")
        } catch DecodingError.typeMismatch(_, let context) {
            throw ReplayPlanError(
                message: "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' has the wrong type")
        } catch {
            throw ReplayPlanError(message: "it is not JSON")
        }
        guard members.format == Self.format else {
            throw ReplayPlanError(message: "it has format \(members.format); this version reads format \(Self.format)")
        }
        guard let seed = UInt64(exactly: members.seed) else { throw ReplayPlanError(message: "the seed is negative") }
        guard let profile = FaultProfile(rawValue: members.profile) else {
            throw ReplayPlanError(message: "there is no profile '\(members.profile)'")
        }
        guard SimulationOptions.nodeRange.contains(members.nodes) else {
            throw ReplayPlanError(message: "\(members.nodes) nodes are out of range")
        }
        guard SimulationOptions.clientRange.contains(members.clients) else {
            throw ReplayPlanError(message: "\(members.clients) clients are out of range")
        }
        let duration: SimulatedDuration
        let plannedFor: SimulatedDuration
        var planted: PlantedFault?
        do {
            duration = try SimulatedDuration(argument: members.duration)
            plannedFor = try SimulatedDuration(argument: members.plannedFor)
            planted = try members.planted.map(PlantedFault.init(argument:))
        } catch {
            throw ReplayPlanError(message: "\(error)")
        }
        var settings = SimulationSettings()
        settings.nodes = members.nodes
        settings.replicas = min(settings.replicas, members.nodes)
        settings.profile = profile
        settings.clients = members.clients
        settings.duration = duration.microseconds
        self.init(
            seed: seed, settings: settings, plannedFor: plannedFor.microseconds, kept: members.episodes,
            planted: planted)
        if let kept {
            let count = chosen.episodes.count
            guard kept.allSatisfy((0..<count).contains), zip(kept, kept.dropFirst()).allSatisfy(<) else {
                throw ReplayPlanError(
                    message: "its episodes are not ascending numbers below \(count), which is how many the seed has")
            }
        }
    }

    /// The content of the file.
    var json: String {
        var members = [
            Property("format", .integer(Int64(Self.format))), Property("seed", .integer(Int64(clamping: seed))),
            Property("nodes", .integer(Int64(settings.nodes))), Property("profile", .text(settings.profile.rawValue)),
            Property("clients", .integer(Int64(settings.clients))),
            Property("duration", .text(SimulatedDuration(microseconds: settings.duration).description)),
            Property("plannedFor", .text(SimulatedDuration(microseconds: plannedFor).description)),
        ]
        if let kept { members.append(Property("episodes", .list(kept.map { .integer(Int64($0)) }))) }
        if let planted { members.append(Property("planted", .text(planted.name))) }
        return JSONText.encode(.object(members)) + "\n"
    }

    /// Writes the file.
    func write(to path: String) throws(ReplayPlanError) {
        do {
            try Data(json.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw ReplayPlanError(message: "\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
