import Dispatch
import Kernel
import Logging
import Synchronization

/// What a database engine must do; there are two (SQLite on GRDB, PostgreSQL on libpq).
protocol Engine: Sendable {
    var dialect: Dialect { get }
    /// Runs a body on a consistent snapshot that cannot write.
    func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T
    /// The same on the caller's own thread.
    func readInPlace(_ body: (Transaction) throws -> Void) throws
    /// Runs a body in the one write transaction that exists at a time; blocks its thread until it is on disk.
    func write(_ body: (Transaction) throws -> Void) throws
    /// A consistent copy of everything while others work.
    func backup(to path: String) throws
    func close()
}

/// The door to the database (库). Reads run beside each other; writes one after another, and those that wait together
/// are committed together, so that each is on disk when it is acknowledged and the disk is asked once.
///
/// Cost: a write waits for one commit at most twice. Writers are serial on both engines: the ledger of acts has one order.
package final class Store: Sendable {
    private let engine: any Engine
    private let writer: Writer
    package var dialect: Dialect { engine.dialect }

    /// - Parameter url: `sqlite:PATH` or `postgres://user:password@host:port/name`.
    /// - Errors: `Refusal` naming what cannot be opened and why.
    package init(url: String, logger: Logger, connections: Int = 8) throws {
        if url.hasPrefix("sqlite:") {
            engine = try SQLiteEngine(path: String(url.dropFirst("sqlite:".count)))
        } else if url.hasPrefix("postgres:") || url.hasPrefix("postgresql:") {
            engine = try PostgresEngine(url: url, connections: connections, logger: logger)
        } else {
            throw Refusal.invalid("/database", Text("数据库地址应为 sqlite:路径 或 postgres://用户@主机:端口/库名：\(url)", "A database is sqlite:PATH or postgres://user@host:port/name: \(url)"))
        }
        writer = Writer(engine: engine)
    }

    package func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await engine.read(body)
    }

    @discardableResult
    package func write<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            writer.submit(Act(body, continuation))
        }
    }

    /// One snapshot of this database and one write of another, on the caller's own thread.
    func readBeside(_ other: Store, _ body: (_ source: Transaction, _ target: Transaction) throws -> Void) throws {
        // SQLite's connections know whose turn it is by their queue, so PostgreSQL's stands outside.
        if dialect == .postgres {
            try engine.readInPlace { source in try other.engine.write { try body(source, $0) } }
        } else {
            try other.engine.write { target in try engine.readInPlace { try body($0, target) } }
        }
    }

    /// A consistent copy while serving: SQLite's online backup, PostgreSQL's pg_dump in its custom format.
    package func backup(to path: String) throws { try engine.backup(to: path) }
    package func close() { engine.close() }
}

/// One write that waits for its turn.
private final class Act<T: Sendable>: AnyAct, @unchecked Sendable {
    // Touched by the writer's queue alone, after submission.
    private let body: @Sendable (Transaction) throws -> T
    private let continuation: CheckedContinuation<T, any Error>
    private var result: Result<T, any Error>?

    init(_ body: @escaping @Sendable (Transaction) throws -> T, _ continuation: CheckedContinuation<T, any Error>) {
        self.body = body
        self.continuation = continuation
    }
    func run(_ tx: Transaction) throws { result = .success(try body(tx)) }
    func fail(_ error: any Error) { result = .failure(error) }
    func finish() { continuation.resume(with: result ?? .failure(Fault("a write ended without a result"))) }
}
private protocol AnyAct: Sendable {
    func run(_ tx: Transaction) throws
    func fail(_ error: any Error)
    func finish()
}

/// Takes what waits, commits it together, answers each.
private final class Writer: Sendable {
    private let engine: any Engine
    private let waiting = Mutex<[any AnyAct]>([])
    private let queue = DispatchQueue(label: "store.writer")
    private static let together = 64

    init(engine: any Engine) { self.engine = engine }

    func submit(_ act: any AnyAct) {
        waiting.withLock { $0.append(act) }
        queue.async { self.drain() }
    }

    private func drain() {
        let acts = waiting.withLock { list in
            let taken = Array(list.prefix(Writer.together))
            list.removeFirst(taken.count)
            return taken
        }
        guard !acts.isEmpty else { return }
        if acts.count == 1 {
            do {
                try engine.write { tx in
                    try acts[0].run(tx)
                    try tx.settle()
                }
            } catch { acts[0].fail(error) }
        } else {
            commitTogether(acts)
        }
        for act in acts { act.finish() }
    }

    /// Each act in a savepoint of its own: one that is refused leaves the others as they are.
    private func commitTogether(_ acts: [any AnyAct]) {
        do {
            try engine.write { tx in
                for act in acts {
                    try tx.send("SAVEPOINT act")
                    let mark = tx.mark
                    do {
                        try act.run(tx)
                        try tx.run("RELEASE SAVEPOINT act")
                    } catch let failure as EngineFailure {
                        throw failure
                    } catch {
                        try tx.undo("act")
                        tx.rewind(to: mark)
                        act.fail(error)
                    }
                }
                try tx.settle()
            }
        } catch {
            // The whole commit failed: nothing of it is on disk, and each is told so.
            for act in acts { act.fail(error) }
        }
    }
}

/// The engine itself is in trouble (connection lost, serialisation failure, disk full): the whole transaction is void.
enum EngineFailure: Error {
    case connectionLost(String)
    case tryAgain(String)
    case full(String)
    case unsure(String)

    static let diskFull = Refusal(
        .unavailable,
        Text(
            "数据库磁盘已满、内存不足或无法写入，未保存任何内容；查询不受影响。请联系管理员检查后重试",
            "The database's disk or memory is full or cannot be written: nothing was saved, reading goes on. Ask the administrator to see to it, then try again"))
    static let away = Refusal(.unavailable, Text("数据库暂时无法连接，未保存任何内容，请稍后重试", "The database cannot be reached: nothing was saved, try again shortly"))
    static let unknown = Refusal(
        .unavailable, Text("提交时与数据库的连接中断，无法确认是否已保存，请先查询再决定是否重试", "The connection broke while committing: look whether it was saved before you try again"))
}
