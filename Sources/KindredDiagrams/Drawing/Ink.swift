/// The colours by their purpose, for light and dark grounds. Those of fates and series come from Okabe and Ito's
/// palette, which people with any kind of colour blindness can tell apart, darkened or lightened until they stand out
/// from the ground.
enum Ink: String, CaseIterable, Sendable {
    case ground, panel, band, ink, muted, rule, edge, accent
    case kept, replaced, lostReported, lostSilently, refused, sibling, read, other
    case series1, series2, series3, series4, series5, series6

    /// On a light ground, and on a dark one.
    var colours: (light: String, dark: String) {
        switch self {
        case .ground: ("#ffffff", "#0f1419")
        case .panel: ("#f6f8fa", "#171d24")
        case .band: ("#f2eee3", "#26231b")
        case .ink: ("#1b1f24", "#e6edf3")
        case .muted: ("#555e68", "#a0a9b3")
        case .rule: ("#d5dae0", "#343c46")
        case .edge: ("#7a838d", "#7f8a96")
        case .accent: ("#0b62b8", "#7ab8ff")
        case .kept, .series1: ("#008a64", "#2fc398")
        case .replaced: ("#7f8891", "#8e98a3")
        case .lostReported, .series2: ("#bf7a00", "#f0b13c")
        case .lostSilently, .series3: ("#c2380a", "#ff7a45")
        case .refused, .series5: ("#a3487f", "#e39ac4")
        case .sibling, .series4: ("#0069a8", "#5bb5ea")
        case .read, .series6: ("#555e68", "#a0a9b3")
        case .other: ("#6b747d", "#98a2ad")
        }
    }

    /// The class that fills with this colour.
    var fill: String { "f-\(rawValue)" }
    /// The class that strokes with this colour.
    var stroke: String { "s-\(rawValue)" }

    /// The rules of all drawings. Plain properties rather than variables: not every renderer of SVG knows those.
    static let style: String = {
        let light = allCases.map { ".\($0.fill){fill:\($0.colours.light)}.\($0.stroke){stroke:\($0.colours.light)}" }
        let dark = allCases.map { ".\($0.fill){fill:\($0.colours.dark)}.\($0.stroke){stroke:\($0.colours.dark)}" }
        return """
            svg text{font-family:\(Typeface.sans.family);unicode-bidi:isolate;white-space:pre}
            svg text.mono{font-family:\(Typeface.mono.family)}
            .line{fill:none}.strong{font-weight:600}.halo{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}
            \(light.joined())
            @media screen and (prefers-color-scheme:dark){\(dark.joined())}
            """
    }()
}
