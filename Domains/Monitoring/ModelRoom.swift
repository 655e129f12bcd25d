import Detect
import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store
import Synchronization

/// A model's texts as they ran (模型版本): `rule.yml`, the lists it draws on, its cases, under the hash of all of them.
package struct Edition: Sendable {
    /// 草稿、试运行、启用、停用: a draft does nothing, a shadow runs and opens nothing.
    package enum State: String, Sendable, CaseIterable {
        case draft, shadow, active, retired
        package var title: Text {
            switch self {
            case .draft: Text("草稿", "draft")
            case .shadow: Text("试运行", "in trial")
            case .active: Text("启用", "active")
            case .retired: Text("停用", "retired")
            }
        }
        var tone: String {
            switch self {
            case .draft: "grey"
            case .shadow: "violet"
            case .active: "green"
            case .retired: "grey"
            }
        }
    }
    package let id: Int64
    package let model: String
    package let edition: String
    package let state: State
    package let title: String
    package let folder: String
    package let files: [String: String]
    package let madeBy: String
    package let madeAt: Moment
    package let decidedBy: String?
    package let decidedAt: Moment?
    package let note: String

    init(_ row: Row) throws {
        id = row.int("id")
        model = row.string("model")
        edition = row.string("edition")
        state = State(rawValue: row.string("state")) ?? .draft
        title = row.string("title")
        folder = row.string("folder")
        guard case .object(let pairs) = try JSON(parsing: Array(row.string("files").utf8)) else { throw Fault("an edition's files are no object") }
        files = Dictionary(pairs.compactMap { pair in pair.value.string.map { (pair.key, $0) } }) { a, _ in a }
        madeBy = row.string("made_by")
        madeAt = row.moment("made_at")
        decidedBy = row.optionalString("decided_by")
        decidedAt = row.optionalMoment("decided_at")
        note = row.string("note")
    }

    /// Twelve hex digits over names and texts in order.
    static func hash(_ files: [String: String]) -> String {
        Crypto.hex(Crypto.sha256(Array(files.sorted { $0.key < $1.key }.map { "\($0.key)\u{0}\($0.value)\u{0}" }.joined().utf8)).prefix(6))
    }
}

/// The models in force, compiled once a process and again when somebody decides about one (在用模型).
package final class ModelRoom: Sendable {
    /// What a set of editions compiles to.
    package struct Set: Sendable {
        package let library: ModelLibrary
        package let program: Program
        package let modelOf: [Int]
        /// By model: its edition and whether it is only in trial.
        package let editions: [String: (edition: String, shadow: Bool)]
        package let permitKinds: [Features.PermitKind]
        /// Editions in trial of models that have an active one: they run beside it and open nothing.
        package var trials: [Set] = []
    }
    private let current = Mutex<(mark: String, set: Set)?>(nil)
    private let compiling = Mutex<(mark: String, task: Task<Set, any Error>)?>(nil)
    private let hasTakenIn = Mutex(false)
    private let law: LawRegister
    private let cache: URL?

    package init(law: LawRegister, cache: URL?) {
        self.law = law
        self.cache = cache
    }

    // MARK: Editions

    /// The files of a model that lies in a folder, with the shared lists that its rules name.
    package static func files(of model: Model) throws -> [String: String] {
        var files: [String: String] = [:]
        for name in ["rule.yml", "cases.ndjson"] {
            if let text = try? String(contentsOf: model.folder.appendingPathComponent(name), encoding: .utf8) { files[name] = text }
        }
        for list in model.rules.flatMap(\.lists) {
            for place in [model.folder, model.folder.deletingLastPathComponent().appendingPathComponent("lists")] {
                if let text = try? String(contentsOf: place.appendingPathComponent(list + ".csv"), encoding: .utf8) {
                    files[list + ".csv"] = text
                    break
                }
            }
        }
        return files
    }

    /// Takes in the models that ship: one that this installation does not have yet begins in trial; a changed one waits as a draft.
    package func takeInShipped(_ store: Store, at now: Moment) async throws {
        guard !hasTakenIn.withLock({ $0 }) else { return }
        let library = try ModelLibrary(ModelLibrary.shipped, law: law)
        let shipped = try library.models.map { (model: $0, files: try ModelRoom.files(of: $0)) }
        let known = Swift.Set(try await store.read { try $0.all("SELECT model, edition FROM monitoring_editions").map { "\($0.string("model"))|\($0.string("edition"))" } })
        let new = shipped.filter { !known.contains("\($0.model.id)|\(Edition.hash($0.files))") }
        if new.isEmpty { return hasTakenIn.withLock { $0 = true } }
        try await store.write { tx in
            for (model, files) in new {
                let first = try tx.one("SELECT id FROM monitoring_editions WHERE model = \(model.id)") == nil
                try ModelRoom.add(model.id, model.title.zh, model.folder.lastPathComponent, files, state: first ? .shadow : .draft, by: "system", at: now, note: "", tx)
            }
        }
    }

    @discardableResult
    static func add(
        _ model: String, _ title: String, _ folder: String, _ files: [String: String], state: Edition.State, by actor: String, at now: Moment, note: String, _ tx: Transaction
    ) throws -> Int64 {
        let edition = Edition.hash(files)
        if let old = try tx.one("SELECT id FROM monitoring_editions WHERE model = \(model) AND edition = \(edition)") { return old.int("id") }
        let body = JSON.object(files.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }).text
        let id = try tx.insert(
            """
            INSERT INTO monitoring_editions (model, edition, state, title, folder, files, made_by, made_at, note)
            VALUES (\(model), \(edition), \(state), \(title), \(folder), \(body), \(actor), \(now), \(note)) RETURNING id
            """)
        try tx.audit(
            "monitoring.edition-added", of: Reference(kind: "model", id: id), by: actor, at: now,
            details: [("number", .string(model)), ("edition", .string(edition)), ("state", .string(state.rawValue))], sealing: [.init("monitoring_editions", id)])
        return id
    }

    // MARK: What runs

    /// The set in force. Cost: one row where nothing has changed; a compilation else.
    package func current(_ store: Store) async throws -> Set {
        let mark = try await store.read { tx in
            try tx.all("SELECT id, state FROM monitoring_editions WHERE state IN ('active', 'shadow') ORDER BY id").map { "\($0.int("id"))\($0.string("state"))" }.joined(
                separator: "|")
        }
        if let kept = current.withLock({ $0 }), kept.mark == mark { return kept.set }
        // Whoever comes meanwhile waits for the one compilation.
        let task = compiling.withLock { running in
            if let running, running.mark == mark { return running.task }
            let task = Task { try await self.set(store, mark) }
            running = (mark, task)
            return task
        }
        defer { compiling.withLock { if $0?.mark == mark { $0 = nil } } }
        return try await task.value
    }
    private func set(_ store: Store, _ mark: String) async throws -> Set {
        let editions = try await store.read { try $0.all("SELECT * FROM monitoring_editions WHERE state IN ('active', 'shadow') ORDER BY model, id").map(Edition.init) }
        let active = Dictionary(editions.filter { $0.state == .active }.map { ($0.model, $0) }) { _, new in new }
        let trial = Dictionary(editions.filter { $0.state == .shadow }.map { ($0.model, $0) }) { _, new in new }
        var set = try compile(active.merging(trial) { old, _ in old }.values.sorted { $0.model < $1.model })
        let beside = trial.values.filter { active[$0.model] != nil }.sorted { $0.model < $1.model }
        if !beside.isEmpty { set.trials = [try compile(beside)] }
        let made = set
        current.withLock { $0 = (mark, made) }
        return made
    }

    /// Editions as a library that runs; their texts stand in a folder of their own while they are read.
    package func compile(_ editions: [Edition]) throws -> Set {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-models-\(Crypto.hex(Crypto.random(6)))")
        defer { try? FileManager.default.removeItem(at: folder) }
        for edition in editions { try ModelRoom.write(edition.files, to: folder.appendingPathComponent(edition.folder)) }
        let lists = try ModelRoom.lists(in: folder)
        let library = try ModelLibrary(folder, law: law)
        let (program, modelOf) = try library.program(cache: cache)
        let kinds = try CSV.read(String(contentsOf: lists.appendingPathComponent("permit_categories.csv"), encoding: .utf8)).compactMap { record -> Features.PermitKind? in
            guard record.cells.count >= 2, !record.cells[0].hasPrefix("#"), record.cells[0] != "word" else { return nil }
            return .init(word: record.cells[0], kind: record.cells[1])
        }
        return Set(
            library: library, program: program, modelOf: modelOf,
            editions: Dictionary(editions.map { ($0.model, ($0.edition, $0.state != .active)) }) { a, _ in a }, permitKinds: kinds)
    }

    /// The lists that all models share, beside those in a folder.
    static func lists(in folder: URL) throws -> URL {
        let lists = folder.appendingPathComponent("lists")
        try FileManager.default.copyItem(at: ModelLibrary.shipped.appendingPathComponent("lists"), to: lists)
        return lists
    }

    static func write(_ files: [String: String], to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, text) in files where !name.contains("/") && !name.hasPrefix(".") { try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8) }
    }
}
