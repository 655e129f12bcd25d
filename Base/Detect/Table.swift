/// Values that never change, read by any number of threads (只读表): plain memory, so that reading counts no references.
final class Table<T>: @unchecked Sendable {
    let p: UnsafeMutablePointer<T>
    let count: Int
    init(_ values: [T]) {
        count = values.count
        p = .allocate(capacity: max(1, values.count))
        p.initialize(from: values, count: values.count)
    }
    deinit {
        p.deinitialize(count: count)
        p.deallocate()
    }
    @inline(__always) subscript(_ i: Int) -> T { p[i] }
}
