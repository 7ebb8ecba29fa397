import KindredModel

/// A rule that makes one value of siblings.
///
/// Replicas resolve on their own, at different times, with different siblings in different order. They agree in the
/// end only if the rule is a function of the *set* of siblings and may be applied in any grouping:
/// `ResolverLaws.check` looks whether it is.
///
/// ```swift
/// let shortest = Resolver(name: "shortest", version: 1) { input in
///     guard let content = input.siblings.compactMap(\.content).min(by: { $0.value.count < $1.value.count })
///     else { return .delete }
///     return ResolvedValue(content)
/// }
/// let report = ResolverLaws.check(shortest, values: .lines)
/// #expect(report.violations.isEmpty, "\(report)")     // it fails: two values of the same length depend on their order
/// ```
public struct Resolver: Sendable {
    /// What it is called, with its parameters: `merge-json:latest`.
    public let name: String
    /// Grows whenever the same siblings give another result: replicas that run different versions would not agree.
    public let version: Int
    private let rule: @Sendable (ResolutionInput) throws -> ResolvedValue

    /// A resolver of one's own. The closure may throw; then the siblings stay.
    public init(name: String, version: Int, rule: @escaping @Sendable (ResolutionInput) throws -> ResolvedValue) {
        self.name = name
        self.version = version
        self.rule = rule
    }

    /// Makes one value of the siblings.
    ///
    /// - Throws: why it cannot. An error of the closure that is no `ResolutionError` becomes `refused`, with its text.
    public func resolve(_ input: ResolutionInput) throws(ResolutionError) -> ResolvedValue {
        let result: ResolvedValue
        do {
            result = try rule(input)
        } catch let error as ResolutionError {
            throw error
        } catch {
            throw .refused(String(describing: error))
        }
        if let content = result.content, content.value.count > ResolverLimits.maximumBytes { throw .tooLarge }
        return result
    }
}

extension Resolver: CustomStringConvertible {
    /// Name and version: `union, version 1`.
    public var description: String { "\(name), version \(version)" }
}
