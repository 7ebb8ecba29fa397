import Testing

@testable import KindredRocksDB

@Suite("Free space guard")
struct FreeSpaceGuardTests {
    private static let mebibyte: UInt64 = 1 << 20

    /// A guard with a reserve of 64 MiB over a file system that can be filled.
    private struct Disk {
        var guardian = FreeSpaceGuard(reserve: 64 << 20)
        var free: UInt64? = 1 << 30
        var now: UInt64 = 1_000_000_000
        var measurements = 0

        mutating func refusal(of bytes: Int) -> UInt64? {
            guardian.refusal(of: bytes, now: now) {
                measurements += 1
                return free
            }
        }
    }

    @Test("With room, the file system is asked at most every 250 ms")
    func asksRarely() {
        var disk = Disk()
        for _ in 0..<1_000 {
            #expect(disk.refusal(of: 1_000) == nil)
            disk.now += 1_000_000
        }
        #expect(disk.measurements == 4)
    }

    @Test("It is asked earlier when much is written")
    func asksAfterWriting() {
        var disk = Disk()
        for _ in 0..<65 { #expect(disk.refusal(of: 1 << 20) == nil) }
        #expect(disk.measurements == 9)
    }

    @Test("What was written since the last measurement counts")
    func subtractsWritten() {
        var disk = Disk()
        disk.free = 70 * Self.mebibyte
        for _ in 0..<6 { #expect(disk.refusal(of: 1 << 20) == nil) }
        #expect(disk.refusal(of: 1 << 20) == 64 * Self.mebibyte)
        #expect(disk.refusal(of: 1) == 64 * Self.mebibyte)
    }

    @Test("The reserve itself is never given away", arguments: [0, 1, 1 << 20])
    func edge(bytes: Int) {
        var disk = Disk()
        disk.free = 64 * Self.mebibyte + UInt64(bytes)
        #expect(disk.refusal(of: bytes) == nil)
        disk = Disk()
        disk.free = 64 * Self.mebibyte + UInt64(bytes)
        #expect(disk.refusal(of: bytes + 1) == 64 * Self.mebibyte + UInt64(bytes))
    }

    @Test("Refused writes resume by themselves, soon after there is room again")
    func resumes() {
        var disk = Disk()
        disk.free = 0
        #expect(disk.refusal(of: 1) == 0)
        disk.free = 1 << 30
        disk.now += FreeSpaceGuard.intervalWhileFull - 1
        #expect(disk.refusal(of: 1) == 0)
        disk.now += 1
        #expect(disk.refusal(of: 1) == nil)
    }

    @Test("A file system that does not say is taken to have room")
    func unknown() {
        var disk = Disk()
        disk.free = nil
        #expect(disk.refusal(of: 1) == nil)
        disk.free = 1
        #expect(disk.refusal(of: 1) == 1)
    }

    @Test("Sizes beyond all disks do not overflow")
    func overflow() {
        var disk = Disk()
        disk.guardian = FreeSpaceGuard(reserve: .max)
        disk.free = .max
        #expect(disk.refusal(of: .max) == .max)
        #expect(disk.refusal(of: 0) == nil)
    }
}
