package import KindredNode
package import Logging
package struct HTTPListener: Sendable {
    package let address: String
    package static func start(host: String, port: Int, loop: DataLoop, nodeName: String, logger: Logger) async throws -> HTTPListener { HTTPListener(address: "\(host):\(port)") }
    package func stop() async throws {}
}
