import Enforcement
import Foundation
import Kernel
import Logging
import Platform
import Statute
import Store
import Synchronization
import Web

/// The front door of Credit (信用监管): the file on every operator, the lists, repair, the compass.
package enum Credit {
    package static let grants: [Grant] = [
        Grant("credit.see", Text("查看信用档案", "See credit files"), [.officer, .inspector, .reviewer, .leader, .director, .auditor, .clerk]),
        Grant("credit.manage", Text("办理列入、异议和修复", "Handle lists, objections and repair"), [.officer, .inspector]),
        Grant("credit.decide", Text("决定列入和修复", "Decide on lists and repair"), [.leader]),
        Grant("credit.consent", Text("上一级机关同意列入", "Consent as the higher office"), [.director]),
        Grant("compass.see", Text("查看风险分类", "See risk classes"), [.officer, .inspector, .reviewer, .leader, .director, .auditor]),
        Grant("compass.override", Text("提出分类调整", "Propose to set a class"), [.officer, .inspector, .leader]),
        Grant("compass.model", Text("编制分类模型", "Make models"), [.director, .leader]),
    ]

    package static func domain(printer: Printer, style: @escaping @Sendable () -> String) -> Domain {
        let door = RateLimit(burst: 60, perMinute: 60)
        return Domain(
            name: "credit", migrations: CreditSchema.migrations, grants: grants,
            routes: { desk in CreditPages(desk: desk).routes() + RepairWizard(desk: desk, limit: door, printer: printer, style: style).routes() + CompassPages().routes() },
            jobs: [
                JobKind("credit.decided") { desk, payload in try await heard(payload, desk: desk, decided) },
                JobKind("credit.published") { desk, payload in try await heard(payload, desk: desk, published) },
                JobKind("credit.withdrawn") { desk, payload in try await heard(payload, desk: desk, withdrawn) },
                JobKind("credit.changed") { desk, payload in try await heard(payload, desk: desk, changed) },
                JobKind("credit.assisted") { desk, payload in try await pushed(payload, desk: desk, shown: true) },
                JobKind("credit.assist-ended") { desk, payload in try await pushed(payload, desk: desk, shown: false) },
                JobKind("credit.annulled") { desk, payload in try await heard(payload, desk: desk, annulled) },
                JobKind("credit.fall") { desk, payload in
                    guard let key = payload["case"]?.int else { return }
                    let now = desk.now
                    try await desk.store.write { tx in
                        for row in try tx.all("SELECT matter FROM credit_serious WHERE of_case = \(Int64(key)) AND removed_on IS NULL") {
                            let s = try tx.serious(tx.matter(ID<Matter>(row.int("matter"))))
                            guard s.matter.state != SeriousMoves.dropped else { continue }
                            // What is listed falls; what is on its way there is not listed.
                            let name = s.listedOn == nil ? "drop" : "annul"
                            try SeriousHandling(desk: desk).apply(name, on: s, input: Form([("reason", "列入所依据的处罚被撤销")]), by: .system, at: now, tx)
                        }
                    }
                },
                JobKind("guidance.ended") { desk, payload in
                    // Staying away from an interview without reason, or correcting nothing, goes to the file.
                    guard let key = payload["matter"]?.int else { return }
                    let now = desk.now
                    try await desk.store.write { tx in
                        let g = try tx.guidance(tx.matter(ID<Matter>(Int64(key))))
                        guard let op = g.matter.operator, try tx.one("SELECT id FROM credit_events WHERE matter = \(g.matter.id) AND kind IN ('absent', 'guided')") == nil else {
                            return
                        }
                        try CreditEvent.add(g.absent ? .absent : .guided, of: op, on: now.day, matter: g.matter.id, "\(g.kind.title.zh)：\(g.issues)", by: "system", at: now, tx)
                    }
                },
                JobKind(CompassRun.one) { desk, payload in
                    guard let key = payload["operator"]?.int else { return }
                    let now = desk.now
                    try await desk.store.write { tx in
                        try CompassRun.takeInShipped(at: now, tx)
                        if let model = try CompassRun.active(tx) { try CompassRun.count(ID(Int64(key)), model, at: now, tx) }
                    }
                },
                JobKind(CompassRun.all) { desk, _ in
                    let now = desk.now
                    let model = try await desk.store.write { tx in
                        try CompassRun.takeInShipped(at: now, tx)
                        return try CompassRun.active(tx)
                    }
                    if let model {
                        let counted = try await CompassRun.plan(model, at: now, in: desk.store)
                        try await desk.store.write { tx in try CompassRun.write(counted, model, at: now, tx) }
                        desk.logger.notice("risk classes counted", metadata: ["operators": "\(counted.operators)", "changed": "\(counted.changed)"])
                    }
                },
            ],
            menu: [("/credit", Text("信用", "Credit"), "credit.see")], operatorPanels: [OperatorCredit.panel],
            matterKinds: [
                MatterKind(table: AbnormalMoves.table, permission: "credit.see", papers: "credit.see", act: act) { "/credit/\($0.id)" },
                MatterKind(table: SeriousMoves.table, permission: "credit.see", papers: "credit.see", act: act) { "/credit/\($0.id)" },
                MatterKind(table: RepairMoves.table, permission: "credit.see", papers: "credit.see", act: act) { "/credit/\($0.id)" },
                MatterKind(table: JointNotice.table, permission: "credit.see", papers: "credit.see", act: act) { "/credit/\($0.id)" },
                MatterKind(table: Contest.table, permission: "compass.see") { "/contests/\($0.id)" },
            ],
            forms: CreditPapers.forms.values.sorted { $0.name < $1.name },
            acts: [
                "credit.known": Text("记入信用档案", "Kept in the credit file"), "credit.separate": Text("另册管理", "Separate register"),
                "credit.model-active": Text("启用分类模型", "Model of classes active"),
                "credit.model-drafted": Text("编制分类模型", "Model of classes drafted"), "credit.override-proposed": Text("提出分类调整", "Class proposed by hand"),
                "credit.override-approved": Text("批准分类调整", "Class set by hand"), "abnormal.restored": Text("恢复列入", "Listed again"),
                "serious.restored": Text("恢复列入", "Listed again"),
                "credit.reported": Text("登记年报", "Reports entered"),
            ],
            sealed: [
                SealedTable("credit_events"), SealedTable("credit_abnormal", key: "matter"), SealedTable("credit_serious", key: "matter"),
                SealedTable("credit_repairs", key: "matter"),
                SealedTable("credit_notices", key: "matter"), SealedTable("credit_models"), SealedTable("credit_overrides"), SealedTable("credit_contests", key: "matter"),
            ],
            imports: [ReportImport.kind],
            tick: { [daily = Daily()] desk in
                try await daily.run(desk)
                try await CompassFollow.look(desk)
            })
    }

    /// A move on what the lists, repairs and notices keep, whichever door it came by.
    @Sendable static func act(_ name: String, on matter: Matter, input: Form, by actor: Actor, at now: Moment, desk: Desk, _ tx: Transaction) throws -> [(String, JSON)] {
        switch matter.kind {
        case AbnormalMoves.kind: try AbnormalHandling(desk: desk).apply(name, on: tx.abnormal(matter), input: input, by: actor, at: now, tx)
        case SeriousMoves.kind: try SeriousHandling(desk: desk).apply(name, on: tx.serious(matter), input: input, by: actor, at: now, tx)
        case RepairMoves.kind: try RepairHandling(desk: desk).apply(name, on: tx.repair(matter), input: input, by: actor, at: now, tx)
        default: try Casework(table: JointNotice.table, desk: desk).perform(name, on: matter, by: actor, at: now, tx)
        }
        return []
    }

    // MARK: What Enforcement tells

    private static func heard(_ payload: JSON, desk: Desk, _ act: @escaping @Sendable (Case, ID<Operator>, Moment, Transaction) throws -> Void) async throws {
        guard let key = payload["matter"]?.int else { return }
        // It was known when it was done; the job only carries it.
        let now = payload["at"]?.int.map { Moment(milliseconds: Int64($0)) } ?? desk.now
        try await desk.store.write { tx in
            let c = try tx.penaltyCase(ID<Matter>(Int64(key)))
            guard let op = c.matter.operator else { return }
            try act(c, op, now, tx)
        }
    }
    /// A decision: kept once, however often the job comes.
    @Sendable static func decided(_ c: Case, _ op: ID<Operator>, _ now: Moment, _ tx: Transaction) throws {
        guard let day = c.decidedOn, let decided = c.decided, decided.kind == .punish || decided.kind == .exempt else { return }
        let kind: CreditEvent.Kind = decided.kind == .punish ? .penalty : .exempt
        guard try tx.one("SELECT id FROM credit_events WHERE matter = \(c.matter.id) AND kind = \(kind.rawValue)") == nil else { return }
        try CreditEvent.add(
            kind, of: op, on: day, matter: c.matter.id, violation: c.violation, amount: decided.kind == .punish ? c.fine : nil,
            "\(c.cause)：\(decided.kind == .punish ? decided.items().joined(separator: "；") : decided.kind.title.zh)", by: "system", at: now, tx)
    }
    @Sendable static func published(_ c: Case, _ op: ID<Operator>, _ now: Moment, _ tx: Transaction) throws {
        // While a plan is carried out what is published of it is hidden at once.
        if try Repair.isShielded(op, tx) { try Penalty.shield(op, since: now.day, at: now, tx) }
        guard try shown(c.matter.id, tx) == nil,
            let row = try tx.one("SELECT published_on, until FROM enforcement_publications WHERE matter = \(c.matter.id) AND published_on IS NOT NULL")
        else { return }
        try CreditEvent.add(
            .published, of: op, on: row.day("published_on"), until: row.optionalDay("until"), matter: c.matter.id, violation: c.violation, c.decisionNumber ?? c.cause,
            by: "system", at: now, tx)
    }
    /// The line that says that a penalty is shown; nil where it is not, or no more.
    private static func shown(_ matter: ID<Matter>, _ tx: Transaction) throws -> Int64? {
        try tx.one(
            "SELECT p.id AS id FROM credit_events p WHERE p.matter = \(matter) AND p.kind = 'published' AND NOT EXISTS (SELECT 1 FROM credit_events c WHERE c.cancels = p.id) ORDER BY p.id DESC LIMIT 1"
        )?.int("id")
    }
    /// What was withdrawn to be put right is not shown until it is published again.
    @Sendable static func withdrawn(_ c: Case, _ op: ID<Operator>, _ now: Moment, _ tx: Transaction) throws {
        guard let shown = try shown(c.matter.id, tx) else { return }
        try CreditEvent.add(.unpublished, of: op, on: now.day, matter: c.matter.id, cancels: shown, c.decisionNumber ?? c.cause, by: "system", at: now, tx)
    }
    /// What review or court changed: the penalty counts as changed, and the line says so.
    @Sendable static func changed(_ c: Case, _ op: ID<Operator>, _ now: Moment, _ tx: Transaction) throws {
        guard let before = try tx.one("SELECT id, amount FROM credit_events WHERE matter = \(c.matter.id) AND kind = 'penalty' ORDER BY id DESC LIMIT 1"),
            before.optionalMoney("amount") != c.fine, let day = c.decidedOn, let decided = c.decided
        else { return }
        try CreditEvent.add(
            .penalty, of: op, on: day, matter: c.matter.id, cancels: before.int("id"), violation: c.violation, amount: c.fine,
            "\(c.cause)（复议、诉讼变更）：\(decided.items().joined(separator: "；"))", by: "system", at: now, tx)
    }
    /// A penalty that another province pushed: known here when it is published, kept once.
    private static func pushed(_ payload: JSON, desk: Desk, shown: Bool) async throws {
        guard let key = payload["matter"]?.int, let at = payload["at"]?.int else { return }
        let now = Moment(milliseconds: Int64(at))
        try await desk.store.write { tx in
            let matter = try tx.matter(ID<Matter>(Int64(key)))
            guard let op = matter.operator, let p = try PublishedPenalty.of(matter.id, tx), let on = p.publishedOn else { return }
            let before = try tx.one("SELECT id FROM credit_events WHERE matter = \(matter.id) AND kind = 'published' ORDER BY id LIMIT 1")?.int("id")
            let over = try tx.one("SELECT id FROM credit_events WHERE matter = \(matter.id) AND kind = 'unpublished'") != nil
            if shown, try Repair.isShielded(op, tx) { try Penalty.shield(op, since: now.day, at: now, tx) }
            if shown, before == nil {
                try CreditEvent.add(.penalty, of: op, on: p.decidedOn ?? on, matter: matter.id, matter.title, by: "system", at: now, tx)
                try CreditEvent.add(.published, of: op, on: on, until: p.until, matter: matter.id, matter.title, by: "system", at: now, tx)
            } else if !shown, let before, !over {
                try CreditEvent.add(.unpublished, of: op, on: now.day, matter: matter.id, cancels: before, p.reason ?? matter.title, by: "system", at: now, tx)
            }
        }
    }
    /// What was decided does not stand: the penalty no longer counts, and a listing that rests on it falls.
    @Sendable static func annulled(_ c: Case, _ op: ID<Operator>, _ now: Moment, _ tx: Transaction) throws {
        guard try tx.one("SELECT id FROM credit_events WHERE matter = \(c.matter.id) AND kind = 'annulled'") == nil else { return }
        let penalty = try tx.one("SELECT id FROM credit_events WHERE matter = \(c.matter.id) AND kind = 'penalty' ORDER BY id DESC LIMIT 1")?.int("id")
        try CreditEvent.add(.annulled, of: op, on: now.day, matter: c.matter.id, cancels: penalty, c.annulled ?? "", by: "system", at: now, tx)
        if let shown = try tx.one("SELECT id FROM credit_events WHERE matter = \(c.matter.id) AND kind = 'published' ORDER BY id LIMIT 1")?.int("id") {
            try CreditEvent.add(.unpublished, of: op, on: now.day, matter: c.matter.id, cancels: shown, c.decisionNumber ?? c.cause, by: "system", at: now, tx)
        }
        try Jobs.add("credit.fall", [("case", .int(c.matter.id.raw))], at: now, tx)
    }
}

/// What is looked at once a day (每日事项): listings that are over, two years on the list, the month's count of classes.
final class Daily: Sendable {
    private let last = Mutex<Day?>(nil)
    func run(_ desk: Desk) async throws {
        let today = desk.today()
        guard last.withLock({ $0 != today }) else { return }
        try await SeriousHandling.endWhatIsOver(desk)
        try await AbnormalHandling.markSeparate(desk)
        try await Deregistered.end(desk)
        let now = desk.now
        try await desk.store.write { tx in
            try CompassRun.takeInShipped(at: now, tx)
            // Once a month, and the first time; an override that ended yesterday is seen by the next.
            let counted = try CompassRun.last(tx)
            let isDue = counted.map { ($0.year, $0.month) != (today.year, today.month) } ?? true
            if isDue, try tx.one("SELECT id FROM platform_jobs WHERE kind = \(CompassRun.all) AND state = 'waiting' LIMIT 1") == nil { try Jobs.add(CompassRun.all, at: now, tx) }
        }
        last.withLock { $0 = today }
    }
}

/// A class that is contested (分类异议).
package enum Contest {
    static let kind = "contest"
    static let table = MoveTable(
        kind: kind, title: Text("风险分类异议", "Contested class"),
        states: [
            State("open", Text("待答复", "To be answered"), outside: Text("待答复", "To be answered"), open: true, tone: "amber"),
            State("upheld", Text("分类无误", "Stands"), outside: Text("分类无误", "Stands"), open: false, tone: "grey"),
            State("changed", Text("予以更正", "Corrected"), outside: Text("予以更正", "Corrected"), open: false, tone: "green"),
        ],
        moves: [
            Move("uphold", Text("分类无误", "Stands"), from: ["open"], to: "upheld", by: [.staff("credit.decide")], articles: [:]),
            Move("change", Text("予以更正", "Corrected"), from: ["open"], to: "changed", by: [.staff("credit.decide")], articles: [:]),
        ], filer: Text("经营者", "The operator"), opening: Text("提出异议", "Contested")
    ) { key, value, _ in key == "note" ? (Text("内容", "Content"), Text(verbatim: value)) : nil }

    package static func open(_ form: Form, of op: Operator, by account: Account, at now: Moment, desk: Desk, _ tx: Transaction) throws -> Matter {
        guard account.covers(op.region) else { throw Refusal.notFound }
        let line = try form.needed("line", 60), said = try form.needed("said", 2000)
        let casework = Casework(table: table, desk: desk)
        let matter = try casework.open(
            .init(
                number: try tx.number("FY", "contest", in: now.day.year), state: "open", title: op.name, regime: "CRO", region: op.region, operator: op.id, receivedAt: now,
                competentAt: now), tx)
        try tx.send("INSERT INTO credit_contests (matter, line, said) VALUES (\(matter.id), \(line), \(said))")
        try casework.record(
            matter, as: "receive", by: .staff(account), article: nil, starting: [], at: now, details: [("note", .string(said))],
            sealing: [.init("credit_contests", key: "matter", matter.id.raw)], tx)
        return matter
    }
    static func answer(_ form: Form, _ matter: Matter, by account: Account, at now: Moment, desk: Desk, _ tx: Transaction) throws {
        let result = try form.chosen("result", ["upheld", "changed"]), answer = try form.needed("answer", 2000)
        try tx.send("UPDATE credit_contests SET answer = \(answer) WHERE matter = \(matter.id)")
        try Casework(table: table, desk: desk).perform(
            result == "upheld" ? "uphold" : "change", on: matter, by: .staff(account), at: now, details: [("note", .string(answer))],
            sealing: [.init("credit_contests", key: "matter", matter.id.raw)], tx)
        if let op = matter.operator { try Jobs.add(CompassRun.one, [("operator", .int(op.raw))], at: now, tx) }
    }
}

/// Which years were reported (年度报告登记), by file.
enum ReportImport {
    static let format = ImportFormat(
        kind: "reports",
        columns: [.init("uscc", ["统一社会信用代码", "信用代码"], required: true), .init("year", ["年度", "年报年度"], required: true), .init("reportedOn", ["公示日期", "报送日期"], required: true)])
    static let kind = ImportKind(format: format, title: Text("导入年报公示情况", "Import annual reports"), permission: "credit.manage") { desk, file, progress in
        let now = desk.now
        return try await Transfer.run(format, file: file, store: desk.store, progress: progress) { records, tx in
            var batch = ImportBatch()
            for r in records {
                do {
                    guard let op = try Operators.find(uscc: r["uscc"].uppercased(), tx) else { throw r.reject("uscc", Text("登记库中没有这个代码", "not on the register")) }
                    guard let year = Int(r["year"].filter(\.isNumber)), (2013..<now.day.year).contains(year) else { throw r.reject("year", Text("不是应报年度", "no such year")) }
                    guard let on = Transfer.day(r["reportedOn"]), on <= now.day else { throw r.reject("reportedOn", Text("不是日期", "not a day")) }
                    if try tx.one("SELECT year FROM credit_reports WHERE operator = \(op.id) AND year = \(year)") != nil {
                        batch.same += 1
                    } else {
                        try tx.send("INSERT INTO credit_reports (operator, year, reported_on) VALUES (\(op.id), \(year), \(on))")
                        batch.added += 1
                    }
                } catch let reject as ImportReject { batch.rejects.append(reject) }
            }
            if batch.added > 0 { try tx.audit("credit.reported", of: Reference(kind: "import", id: 0), by: "import", at: now, details: [("added", .int(batch.added))]) }
            return batch
        }
    }
}

/// What Credit knows of an operator (经营主体页·信用).
enum OperatorCredit {
    static let panel = OperatorPanel { id, visit, tx in
        guard visit.may("credit.see") else { return { _ in } }
        let standing = try CreditStanding.of(id, at: visit.desk.now, tx)
        let isOurs = try visit.account?.covers(Operators.find(id, tx).region) ?? false
        let cls = isOurs && visit.may("compass.see") ? try tx.one("SELECT class, points, percentile, before_class FROM credit_classes WHERE operator = \(id)") : nil
        return { h in
            h.card(Text("信用", "Credit")) {
                h.p("mb-2") {
                    if let cls, let c = CompassModel.Class(rawValue: cls.string("class")) {
                        h.a("/compass/operators/\(id)", "me-2") { h.badge(c.title, c.tone) }
                        h.span(
                            "small text-muted me-2",
                            Text("\(cls.count("points"))分，高于\(cls.count("percentile"))%同业", "\(cls.count("points")) points, above \(cls.count("percentile"))% of its trade"))
                    }
                    for e in standing.serious + standing.abnormal { h.badge(e.kind.title, "red") }
                    if standing.serious.isEmpty, standing.abnormal.isEmpty { h.badge(Text("不在名录、名单上", "On no list"), "green") }
                }
                h.ul("plain mb-2") {
                    for e in standing.events.prefix(6) {
                        h.li {
                            h.span("text-muted small me-2", e.on.description)
                            h.badge(e.kind.title, e.kind.tone)
                            h.text(" \(e.detail)")
                        }
                    }
                }
                h.a("/credit/file/\(id)", "small", Text("信用档案（可看任一天当时所知）", "Credit file, as of any day"))
            }
        }
    }
}
