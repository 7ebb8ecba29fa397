/// The settings that somebody has chosen, in text, and where each was found; to be read as what they mean.
struct SettingValues {
    var values: [ServerConfiguration.Setting: (value: String, origin: String)] = [:]

    /// What was chosen, or the default, and where that stands.
    func text(_ setting: ServerConfiguration.Setting) -> (value: String, origin: String) {
        values[setting] ?? (setting.fallback, setting.rawValue)
    }

    /// A number within bounds.
    func number(_ setting: ServerConfiguration.Setting, _ range: ClosedRange<Int>) throws(ServerConfiguration.Invalid)
        -> Int
    {
        let (value, origin) = text(setting)
        guard let number = Int(value), range.contains(number) else {
            throw ServerConfiguration.Invalid(
                description: "\(origin): '\(value)' is not a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// An address to listen on.
    func endpoint(_ setting: ServerConfiguration.Setting) throws(ServerConfiguration.Invalid)
        -> ServerConfiguration.Endpoint
    {
        let (value, origin) = text(setting)
        guard let colon = value.lastIndex(of: ":"), let port = UInt16(value[value.index(after: colon)...]) else {
            throw ServerConfiguration.Invalid(description: "\(origin): '\(value)' is not HOST:PORT")
        }
        let host = value[..<colon].trimmingPrefix("[")
        return ServerConfiguration.Endpoint(
            host: host.hasSuffix("]") ? String(host.dropLast()) : String(host), port: Int(port))
    }

    /// A switch.
    func isOn(_ setting: ServerConfiguration.Setting) throws(ServerConfiguration.Invalid) -> Bool {
        let (value, origin) = text(setting)
        guard value == "on" || value == "off" else {
            throw ServerConfiguration.Invalid(description: "\(origin): 'on' or 'off'")
        }
        return value == "on"
    }

    /// One of several words.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ setting: ServerConfiguration.Setting, _ type: Choice.Type
    ) throws(ServerConfiguration.Invalid) -> Choice where Choice.RawValue == String {
        let (value, origin) = text(setting)
        guard let choice = Choice(rawValue: value) else {
            let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ServerConfiguration.Invalid(description: "\(origin): '\(value)' is none of: \(all)")
        }
        return choice
    }
}
