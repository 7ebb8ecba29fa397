package import KindredModel

extension HintStore {
    /// Whether there is a hint, for anybody, that carries an event of a key.
    package func holds(_ event: Dot, partition: UInt16, address: [UInt8]) -> Bool {
        targets.contains { target in
            let box = HintBox(target: target, partition: partition, address: address)
            return entries[box]?.update.events.contains(event) == true
        }
    }
}
