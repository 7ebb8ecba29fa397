/// Numbers as text, the same on every machine.
enum Figures {
    /// A coordinate, to a tenth of a pixel. What is no number, or absurdly far away, becomes the nearest that can be
    /// drawn.
    static func coordinate(_ value: Double) -> String {
        let tenths = Int((bounded(value, by: 1e7) * 10).rounded())
        let (whole, rest) = abs(tenths).quotientAndRemainder(dividingBy: 10)
        return (tenths < 0 ? "-" : "") + String(whole) + (rest == 0 ? "" : ".\(rest)")
    }

    /// The value with at most `decimals` decimals and no zeros at their end: `1,234.5`.
    static func decimal(_ value: Double, decimals: Int) -> String {
        let decimals = min(max(decimals, 0), 6)
        let scale = power(of: decimals)
        let value = bounded(value, by: 1e15 / scale)
        let scaled = Int((value * scale).rounded())
        let (whole, rest) = abs(scaled).quotientAndRemainder(dividingBy: Int(scale))
        var digits = String(rest)
        digits = String(repeating: "0", count: decimals - min(decimals, digits.count)) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        let sign = scaled < 0 ? "−" : ""
        return sign + grouped(whole) + (rest == 0 ? "" : "." + digits)
    }

    /// The value with about three significant digits.
    static func short(_ value: Double) -> String {
        let size = bounded(value, by: 1e15).magnitude
        if size == size.rounded(), size < 1e9 { return decimal(value, decimals: 0) }
        return decimal(value, decimals: size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 4)
    }

    /// `1,234,567`.
    static func grouped(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var result = number < 0 ? "−" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(",") }
            result.append(digit)
        }
        return result
    }

    static func bounded(_ value: Double, by limit: Double) -> Double {
        value.isNaN ? 0 : min(max(value, -limit), limit)
    }

    private static func power(of exponent: Int) -> Double {
        (0..<exponent).reduce(1) { power, _ in power * 10 }
    }
}

/// Round values along an axis, with how they are written.
struct Ticks {
    /// From the first at or below the least value to the first at or above the greatest.
    let values: [Double]
    /// How many decimals they need.
    let decimals: Int

    /// About `count` ticks for values in `range`, each one, two or five times a power of ten apart.
    init(_ range: ClosedRange<Double>, count: Int) {
        let low = Figures.bounded(range.lowerBound, by: 1e12)
        let high = Figures.bounded(range.upperBound, by: 1e12)
        let extent = max(high - low, 1e-6)
        let wanted = extent / Double(max(1, count))
        var unit = 1.0
        var decimals = 0
        while unit * 10 <= wanted { unit *= 10 }
        while unit > wanted, decimals < 6 {
            decimals += 1
            unit = 1 / (0..<decimals).reduce(1.0) { power, _ in power * 10 }
        }
        var step = unit
        for factor in [2.0, 5.0, 10.0] where step < wanted { step = unit * factor }
        if step >= 1 { decimals = 0 }
        let first = (low / step).rounded(.down)
        let last = max((high / step).rounded(.up), first + 1)
        values = (0...Int(min(last - first, 100))).map { (first + Double($0)) * step }
        self.decimals = decimals
    }

    var first: Double { values.first ?? 0 }
    var last: Double { values.last ?? 1 }
    func text(_ value: Double) -> String { Figures.decimal(value, decimals: decimals) }
}

/// A time in microseconds, in the unit that suits a whole drawing.
struct TimeUnit {
    let name: String
    let microseconds: Double
    let decimals: Int

    init(forExtent microseconds: Int) {
        switch microseconds {
        case ..<10_000: (name, self.microseconds, decimals) = ("µs", 1, 0)
        case ..<10_000_000: (name, self.microseconds, decimals) = ("ms", 1_000, microseconds < 1_000_000 ? 1 : 0)
        default: (name, self.microseconds, decimals) = ("s", 1_000_000, microseconds < 1_000_000_000 ? 2 : 0)
        }
    }

    func text(_ time: Int) -> String { Figures.decimal(Double(time) / microseconds, decimals: decimals) }
}
