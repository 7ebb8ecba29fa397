import Foundation
import KindredClient

extension Context {
    /// Reads the form in which contexts are shown.
    init?(base64: String) {
        guard let data = Data(base64Encoded: base64) else { return nil }
        self.init(bytes: data)
    }

    /// The form in which contexts are shown.
    var base64: String { Data(bytes).base64EncodedString() }
}
