/// Order and equality of byte strings, as every engine and every key of Kindred understands them: unsigned bytes from
/// left to right, and a prefix comes before what it is a prefix of.
///
/// Written out because the standard library's `lexicographicallyPrecedes` goes byte by byte through a generic
/// iterator, and because this module imports no C library whose `memcmp` it could use. Eight bytes are taken at a time.
package enum Bytes {
    /// Negative if `left` comes before `right`, zero if they are equal, positive otherwise.
    package static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        let shared = min(left.count, right.count)
        var offset = 0
        while offset &+ 8 <= shared {
            let a = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let b = right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if a != b { return a.bigEndian < b.bigEndian ? -1 : 1 }
            offset &+= 8
        }
        while offset < shared {
            let a = left[offset]
            let b = right[offset]
            if a != b { return a < b ? -1 : 1 }
            offset &+= 1
        }
        return left.count - right.count
    }

    package static func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
        left.withUnsafeBytes { left in right.withUnsafeBytes { right in compare(left, right) } }
    }

    /// Whether both hold the same bytes.
    static func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        let count = left.count
        var offset = 0
        while offset &+ 8 <= count {
            if left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                != right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            {
                return false
            }
            offset &+= 8
        }
        while offset < count {
            if left[offset] != right[offset] { return false }
            offset &+= 1
        }
        return true
    }
}
