#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// A lock that many may hold for reading or one for writing; a thread that holds it for reading may take it so again.
///
/// POSIX's. `@unchecked Sendable`: the pointer never changes and what it points to is made for use from any thread.
final class ReadWriteLock: @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_rwlock_t>

    init() {
        lock = .allocate(capacity: 1)
        lock.initialize(to: pthread_rwlock_t())
        let error = pthread_rwlock_init(lock, nil)
        precondition(error == 0, "pthread_rwlock_init failed with error \(error)")
    }

    deinit {
        pthread_rwlock_destroy(lock)
        lock.deinitialize(count: 1)
        lock.deallocate()
    }

    func lockForReading() {
        let error = pthread_rwlock_rdlock(lock)
        precondition(error == 0, "pthread_rwlock_rdlock failed with error \(error)")
    }

    func lockForWriting() {
        let error = pthread_rwlock_wrlock(lock)
        precondition(error == 0, "pthread_rwlock_wrlock failed with error \(error)")
    }

    func unlock() {
        let error = pthread_rwlock_unlock(lock)
        precondition(error == 0, "pthread_rwlock_unlock failed with error \(error)")
    }
}
