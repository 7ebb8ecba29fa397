/// Values to put: slices of one pool of random bytes, which storage can't compress.
///
/// Every value is stamped with its key when it is encoded, so that a get can tell whose value it got. All workers read
/// the same pool.
struct ValuePool: @unchecked Sendable {
    /// Bytes in which slices begin: far more than a block or a compressor's window of them.
    private static let starts = 1 << 20

    /// Written once, in `init`.
    private let bytes: UnsafeMutableRawPointer
    private let size: Int

    let empty = UnsafeRawBufferPointer(start: nil, count: 0)

    init(valueSize: Int, seed: UInt64) {
        size = valueSize
        let wordSize = MemoryLayout<UInt64>.size
        let count = (Self.starts + valueSize + wordSize) / wordSize * wordSize
        bytes = .allocate(byteCount: count, alignment: 16)
        var random = SplitMix64(seed: seed)
        for offset in stride(from: 0, to: count, by: wordSize) {
            bytes.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
        }
    }

    func deallocate() {
        bytes.deallocate()
    }

    /// One of the values; `variant` chooses which.
    @inline(__always)
    func value(_ variant: UInt64) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: bytes + Int(truncatingIfNeeded: variant & UInt64(Self.starts - 1)), count: size)
    }
}

/// The first four bytes of a value, if it has as many: the number of its key.
enum ValueStamp {
    static let size = 4

    @inline(__always)
    static func write(_ key: Int, to value: UnsafeMutableRawPointer, size: Int) {
        guard size >= Self.size else { return }
        value.storeBytes(of: UInt32(truncatingIfNeeded: key).littleEndian, as: UInt32.self)
    }

    /// Whether these bytes can be a value of `key`: the size and the stamp are right.
    @inline(__always)
    static func isValue(_ bytes: Slice<UnsafeRawBufferPointer>, of key: UInt32, size: Int) -> Bool {
        guard bytes.count == size else { return false }
        guard size >= Self.size else { return true }
        return UnsafeRawBufferPointer(rebasing: bytes).loadUnaligned(as: UInt32.self) == key.littleEndian
    }
}

/// The causal context that the last get of each key returned, at most `RequestLimits.longestContext` bytes of each.
struct ContextMemory {
    private static let slotSize = 2 + RequestLimits.longestContext

    private let slots: UnsafeMutableRawPointer

    /// Address space for all keys; the system gives memory to the slots that are used.
    init(keys: Int) {
        let count = keys * Self.slotSize
        slots = .allocate(byteCount: count, alignment: 16)
        slots.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    }

    func deallocate() {
        slots.deallocate()
    }

    /// Remembers a copy of `context`; one that is too long is forgotten, as if the key had none.
    @inline(__always)
    func remember(_ context: Slice<UnsafeRawBufferPointer>, of key: UInt32) {
        let slot = slots + Int(key) * Self.slotSize
        let count = context.count <= RequestLimits.longestContext ? context.count : 0
        slot.storeBytes(of: UInt16(truncatingIfNeeded: count), as: UInt16.self)
        if count > 0, let base = UnsafeRawBufferPointer(rebasing: context).baseAddress {
            (slot + 2).copyMemory(from: base, byteCount: count)
        }
    }

    /// The remembered context, empty if there is none. Valid until the next `remember`.
    @inline(__always)
    func context(of key: Int) -> UnsafeRawBufferPointer {
        let slot = slots + key * Self.slotSize
        return UnsafeRawBufferPointer(start: slot + 2, count: Int(slot.load(as: UInt16.self)))
    }
}
