package import KindredModel

extension HintStore {
    /// Whether there is a hint, for anybody, that carries an event of a key.
    package func holds(_ event: Dot, partition: UInt16, address: [UInt8]) -> Bool {
        targets.contains { target in
            let box = HintBox(target: target, partition: partition, address: address)
            return entries[box]?.update.events.contains(event) == true
        }
    }

    /// What is kept of a key, for any node: only a mistake would take it for what a replica knows.
    func object(partition: UInt16, address: [UInt8]) -> CausalObject {
        var object = CausalObject()
        for target in targets {
            let box = HintBox(target: target, partition: partition, address: address)
            if let entry = entries[box] { _ = object.merge(entry.update.object) }
        }
        return object
    }
}
