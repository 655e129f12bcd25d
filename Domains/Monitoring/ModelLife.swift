import Detect
import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store
import Synchronization

/// The life of a model (模型生命周期): draft → in trial → active → retired, each step decided by a person and kept; what its cases and its
/// past say comes first.
package enum ModelLife {
    private static let read = Mutex<[String: Model]>([:])

    /// An edition's model. Its texts are read once a process.
    package static func model(_ edition: Edition, law: LawRegister) throws -> Model {
        let key = "\(edition.model)|\(edition.edition)"
        if let known = read.withLock({ $0[key] }) { return known }
        let model = try model(edition.files, folder: edition.folder, law: law)
        read.withLock { all in
            if all.count > 200 { all = [:] }
            all[key] = model
        }
        return model
    }

    /// - Errors: what is wrong with the texts, at `/rule`.
    package static func model(_ files: [String: String], folder: String, law: LawRegister) throws -> Model {
        try inFolder(files, folder) { place in
            let (models, flaws) = try ModelLibrary.read(place, law: law)
            if let flaw = flaws.first { throw Refusal.invalid("/rule", Text("模型无法使用：\(flaw.what)", "The model cannot be used: \(flaw.what)")) }
            guard let model = models.first else { throw Refusal.invalid("/rule", Text("没有规则", "There is no rule")) }
            return model
        }
    }

    private static func inFolder<T>(_ files: [String: String], _ folder: String, _ work: (URL) throws -> T) throws -> T {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-model-\(Crypto.hex(Crypto.random(6)))")
        defer { try? FileManager.default.removeItem(at: place) }
        try ModelRoom.write(files, to: place.appendingPathComponent(folder))
        _ = try ModelRoom.lists(in: place)
        return try work(place)
    }

    /// An edition alone, ready to match: for its cases, a pasted listing, the past.
    package struct Alone: Sendable {
        package let model: Model
        package let program: Program
    }
    package static func alone(_ files: [String: String], folder: String, law: LawRegister) throws -> Alone {
        try inFolder(files, folder) { place in
            let library = try ModelLibrary(place, law: law)
            guard let model = library.models.first else { throw Refusal.invalid("/rule", Text("没有规则", "There is no rule")) }
            return Alone(model: model, program: try library.program(cache: nil).program)
        }
    }

    /// Runs an edition's own cases.
    package static func cases(_ files: [String: String], folder: String, law: LawRegister) throws -> ModelCases.Report {
        try inFolder(files, folder) { place in
            guard let report = try ModelCases.run(ModelLibrary(place, law: law), law: law, cache: nil).first else {
                throw Refusal.invalid("/rule", Text("没有规则", "There is no rule"))
            }
            return report
        }
    }

    /// Decides about an edition. What takes the place of another retires it.
    /// - Errors: an edition whose cases fail cannot run; the same state again.
    package static func decide(_ id: Int64, to state: Edition.State, note: String, by actor: String, at now: Moment, _ tx: Transaction) throws {
        guard let row = try tx.one("SELECT * FROM monitoring_editions WHERE id = \(id)") else { throw Refusal.notFound }
        let edition = try Edition(row)
        guard edition.state != state else { throw Refusal(.conflict, Text("已经是“\(state.title.zh)”", "It is “\(state.title.en)” already")) }
        if state == .active || state == .shadow {
            for other in try tx.all("SELECT id FROM monitoring_editions WHERE model = \(edition.model) AND id <> \(id) AND state = \(state)") {
                try set(other.int("id"), .retired, "由版本\(edition.edition)代替", actor, now, tx)
            }
        }
        try set(id, state, note, actor, now, tx)
    }

    private static func set(_ id: Int64, _ state: Edition.State, _ note: String, _ actor: String, _ now: Moment, _ tx: Transaction) throws {
        guard let row = try tx.one("SELECT model, edition, note FROM monitoring_editions WHERE id = \(id)") else { throw Refusal.notFound }
        try tx.change(
            "UPDATE monitoring_editions SET state = \(state), decided_by = \(actor), decided_at = \(now), note = \(note.isEmpty ? row.string("note") : note) WHERE id = \(id)")
        try tx.audit(
            "monitoring.edition-\(state.rawValue)", of: Reference(kind: "model", id: id), by: actor, at: now,
            details: [("number", .string(row.string("model"))), ("edition", .string(row.string("edition"))), ("note", .string(note))], sealing: [.init("monitoring_editions", id)])
    }

    // MARK: The past

    /// What an edition would have done (回溯测试).
    package struct Backtest: Sendable {
        package var versions = 0
        package var hits = 0
        /// Shops, each of which would be one lead.
        package var leads: Int { shops.count }
        /// Hits of each shop.
        var shops: [String: Int] = [:]
        /// Leads that persons judged: whether they confirmed it, the hits that it gathered (none where it is not found any more).
        var judged: [(number: String, right: Bool, hits: Int)] = []
        package var samples: [(listing: String, text: String)] = []

        /// Of what was confirmed or dismissed: what it would still open, and what not any more, where so many hits of a shop open a lead.
        package func judged(_ right: Bool, minimum: Int = 1) -> (open: [String], gone: [String]) {
            let all = judged.filter { $0.right == right }
            return (all.filter { $0.hits >= minimum }.map(\.number), all.filter { $0.hits < minimum }.map(\.number))
        }

        package var json: JSON {
            let (right, wrong) = (judged(true), judged(false))
            return .object([
                ("versions", .int(versions)), ("hits", .int(hits)), ("leads", .int(leads)), ("confirmedKept", .int(right.open.count)),
                ("confirmedLost", .array(right.gone.map(JSON.string))), ("dismissedSpared", .int(wrong.gone.count)), ("dismissedStill", .int(wrong.open.count)),
                ("samples", .array(samples.map { .object([("listing", .string($0.listing)), ("text", .string($0.text))]) })),
            ])
        }
    }

    /// Replays an edition on every version kept since a day (the newest so many of them), with the features as of then, and on all leads that persons judged.
    package static func backtest(
        _ alone: Alone, model id: String, since: Day, newest: Int? = nil, desk: Desk, permitKinds: [Features.PermitKind], progress: (Int) async throws -> Void = { _ in }
    ) async throws -> Backtest {
        var report = Backtest()
        var last: Int64 = 0
        if let newest {
            last = try await desk.store.read {
                try $0.one("SELECT id FROM monitoring_versions WHERE last_at >= \(Moment(since)) ORDER BY id DESC LIMIT 1 OFFSET \(newest)")?.int("id") ?? 0
            }
        }
        while true {
            let after = last
            let (rows, seen) = try await desk.store.read { tx in
                let rows = try tx.all(
                    "SELECT id, listing, body, first_at, last_at FROM monitoring_versions WHERE id > \(after) AND last_at >= \(Moment(since)) ORDER BY id LIMIT 500")
                let listings = Set(rows.map { $0.int("listing") })
                return (rows, try tx.all(keys: listings) { "SELECT * FROM monitoring_observations WHERE listing IN (\($0)) AND at >= \(Moment(since)) ORDER BY listing, at" })
            }
            guard !rows.isEmpty else { break }
            last = rows.last!.int("id")
            let looks = Dictionary(grouping: seen) { $0.int("listing") }
            let listings = rows.flatMap { row in replayed(row, looks[row.int("listing")] ?? [], since: Moment(since), now: desk.now) }
            let context = try await desk.store.read { try Intake.Context(listings, $0) }
            let matcher = Matcher(alone.program)
            for listing in listings {
                report.versions += 1
                guard let hit = matched(Intake.enriched(listing, context, permitKinds), matcher) else { continue }
                report.hits += 1
                report.shops[listing.seller?.ref ?? listing.id, default: 0] += 1
                if report.samples.count < 20, !report.samples.contains(where: { $0.listing == listing.id }) {
                    report.samples.append((listing.id, hit.matches.map(\.text).filter { !$0.isEmpty }.prefix(3).joined(separator: "、")))
                }
            }
            try await progress(report.versions)
        }
        // Each judged lead by the fields that were saved when it was found.
        let judged = try await desk.store.read { tx in
            try tx.all(
                "SELECT m.number, l.verdict, l.body_hash, l.hits FROM monitoring_leads l JOIN casework_matters m ON m.id = l.matter WHERE l.model = \(id) AND l.verdict IN ('right', 'wrong') ORDER BY m.id"
            ).map { ($0.string("number"), $0.string("verdict") == "right", $0.string("body_hash"), $0.count("hits")) }
        }
        let matcher = Matcher(alone.program)
        for (number, right, hash, hits) in judged {
            guard let bytes = try? desk.files.read(hash), let json = try? JSON(parsing: bytes) else { continue }
            report.judged.append((number, right, matched(json, matcher) == nil ? 0 : hits))
        }
        return report
    }

    /// A version each time that it was seen: its text with the price and sales of then.
    private static func replayed(_ version: Row, _ looks: [Row], since: Moment, now: Moment) -> [Listing] {
        guard let body = try? JSON(parsing: Array(version.string("body").utf8)) else { return [] }
        let (first, last) = (version.moment("first_at"), version.moment("last_at"))
        let own = looks.filter { (first...last).contains($0.moment("at")) }
        if own.isEmpty { return (try? Listing(body, at: now)).map { [$0] } ?? [] }
        func with(_ object: JSON?, _ pairs: [(String, JSON?)]) -> JSON {
            guard case .object(let all)? = object ?? .object([]) else { return .object([]) }
            return .object(all.filter { old in !pairs.contains { $0.0 == old.key } } + pairs.compactMap { pair in pair.1.map { (key: pair.0, value: $0) } })
        }
        return own.compactMap { look in
            let offers = with(
                body["offers"],
                [("price", look.optionalMoney("price").map { .number($0.plain) }), ("listPrice", look.optionalMoney("list_price").map { .number($0.plain) })])
            let sales = with(body["sales"], [("count30d", look.optionalInt("sold").map { .int($0) })])
            return try? Listing(
                body.setting("offers", offers).setting("sales", sales).setting("observedAt", .string(look.moment("at").isoText)), at: now)
        }
    }

    /// The first hit in a listing; a listing that cannot be read has none.
    static func matched(_ json: JSON, _ matcher: Matcher) -> Hit? { scan(json, matcher)?.hits.first }

    /// Whether a listing is hit by one of the models in force; the words that hit only in what the model excuses.
    static func hits(_ model: String, _ json: JSON, _ set: ModelRoom.Set, _ matcher: Matcher) -> (hit: Bool, excused: [String]) {
        guard let result = scan(json, matcher) else { return (true, []) }
        func of(_ hits: [Hit]) -> [Hit] { hits.filter { set.library.models[set.modelOf[$0.rule]].id == model } }
        return (!of(result.hits).isEmpty, of(result.excused).flatMap { $0.matches.map(\.text) })
    }

    private static func scan(_ json: JSON, _ matcher: Matcher) -> Matcher.Result? {
        let bytes = Array(json.text.utf8)
        do { return try bytes.withUnsafeBufferPointer { bytes throws(Matcher.Bad) in try matcher.scan(bytes) } } catch { return nil }
    }
}
