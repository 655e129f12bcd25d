import Foundation
import Kernel
import Platform
import Statute
import Store
import Synchronization
import Web

/// The front door of Enforcement (行政处罚): what it brings to the house.
package enum Enforcement {
    package static let grants: [Grant] = [
        Grant("enforcement.see", Text("查看案件", "See cases"), [.officer, .inspector, .reviewer, .leader, .director, .auditor, .analyst]),
        Grant("enforcement.register", Text("登记案源", "Register sources"), [.officer, .inspector, .leader, .analyst]),
        Grant("enforcement.investigate", Text("办理案件", "Handle cases"), [.officer, .inspector]),
        Grant("enforcement.guide", Text("行政指导和责令改正", "Guide, order to rectify"), [.officer, .inspector, .leader, .analyst]),
        Grant("enforcement.audit", Text("审核案件", "Review cases"), [.reviewer]),
        Grant("enforcement.host", Text("主持听证", "Host hearings"), [.reviewer, .leader]),
        Grant("enforcement.decide", Text("审批和决定案件", "Approve and decide"), [.leader, .director]),
        Grant("enforcement.certify", Text("登记执法资格", "Enter certificates"), [.leader, .admin]),
    ]

    package static func domain(printer: Printer, style: @escaping @Sendable () -> String) -> Domain {
        let door = RateLimit(burst: 60, perMinute: 60)
        return Domain(
            name: "enforcement", migrations: EnforcementSchema.migrations, grants: grants,
            routes: { desk in
                let handling = CaseHandling(desk: desk)
                return CasePages(handling: handling).routes() + SimplePages(handling: handling).routes() + CasePage(handling: handling).routes()
                    + MeasurePages(handling: MeasureHandling(desk: desk)).routes() + ArchivePages(style: style, printer: printer).routes()
                    + GuidancePages(handling: GuidanceHandling(desk: desk), limit: door).routes() + PenaltyPages(limit: door).routes()
                    + AssistPages(handling: AssistHandling(desk: desk)).routes()
                    + IncomingLetterPages(handling: IncomingLetterHandling(desk: desk)).routes() + CaseAPI(handling: handling).routes()
            },
            jobs: [
                JobKind("enforcement.clue") { desk, payload in
                    guard let key = payload["matter"]?.int else { return }
                    try await takeClue(Int64(key), result: payload["result"]?.string ?? "", violation: payload["violation"]?.string, desk: desk)
                },
                JobKind(CasePerformance.suitOver) { desk, payload in
                    guard let key = payload["matter"]?.int else { return }
                    try await CasePerformance.lookAfterSuit(Int64(key), desk: desk)
                },
                JobKind(MeasureHandling.lapse) { desk, payload in
                    guard let key = payload["matter"]?.int else { return }
                    try await MeasureHandling.lapse(Int64(key), desk: desk)
                },
            ],
            menu: [("/cases", Text("案件", "Cases"), "enforcement.see")], operatorPanels: [OperatorCases.panel],
            matterKinds: [
                MatterKind(
                    table: CaseMoves.table, permission: "enforcement.see", papers: "enforcement.see",
                    violation: { try $1.one("SELECT violation FROM enforcement_cases WHERE matter = \($0)")?.optionalString("violation") },
                    extending: { matter, account, tx in try tx.checkApprover(account, of: matter.id) }, act: act,
                    offers: { matter, actor, desk, tx in try CaseHandling(desk: desk).available(tx.penaltyCase(matter), to: actor, people: tx.people(of: matter.id)) }
                ) { "/cases/\($0.id)" },
                // Law: PCD art. 38(2): longer by a written notice with reasons alone.
                MatterKind(table: MeasureMoves.table, permission: "enforcement.see", papers: "enforcement.see", extending: nil, act: act) { "/measures/\($0.id)" },
                MatterKind(table: GuidanceMoves.table, permission: "enforcement.see", papers: "enforcement.see", act: act) { "/guidance/\($0.id)" },
                MatterKind(table: AssistMoves.table, permission: "enforcement.see", papers: "enforcement.see", act: act) { "/assist/\($0.id)" },
                MatterKind(table: IncomingLetterMoves.table, permission: "enforcement.see", papers: "enforcement.see", act: act) { "/assistance/\($0.id)" },
            ],
            forms: CaseForms.shared.forms, acts: ["enforcement.certified": Text("登记执法证", "Certificate entered")],
            sealed: [
                SealedTable("enforcement_cases", key: "matter"), SealedTable("enforcement_people"), SealedTable("enforcement_recusals"), SealedTable("enforcement_evidence"),
                SealedTable("enforcement_services"), SealedTable("enforcement_payments"), SealedTable("enforcement_instalments"), SealedTable("enforcement_leniency"),
                SealedTable("enforcement_discussions"), SealedTable("enforcement_publications", key: "matter"), SealedTable("enforcement_challenges"),
                SealedTable("enforcement_disputes"), SealedTable("enforcement_letters", key: "matter"),
                SealedTable("enforcement_certificates", key: "account"),
                SealedTable("enforcement_measures", key: "matter"), SealedTable("enforcement_guidance", key: "matter"), SealedTable("enforcement_pictures"),
            ],
            tick: { [daily = Daily()] desk in try await daily.run(desk) },
            matterLinks: [
                MatterLink(Text("登记为案源", "Register as a source"), "enforcement.register") { $0.kind == CaseMoves.kind ? "/cases/\($0.id)" : "/cases/new?from=\($0.number)" }
            ], settings: CaseHandling.settings)
    }

    /// A move on a case or on what belongs to one, by the API.
    @Sendable static func act(_ name: String, on matter: Matter, input: Form, by actor: Actor, at now: Moment, desk: Desk, _ tx: Transaction) throws -> [(String, JSON)] {
        switch matter.kind {
        case CaseMoves.kind: try CaseHandling(desk: desk).apply(name, on: tx.penaltyCase(matter), input: input, by: actor, at: now, tx)
        case MeasureMoves.kind: try MeasureHandling(desk: desk).apply(name, on: tx.measure(matter), input: input, by: actor, at: now, tx)
        case GuidanceMoves.kind: try GuidanceHandling(desk: desk).apply(name, on: tx.guidance(matter), input: input, by: actor, at: now, tx)
        case AssistMoves.kind: try AssistHandling(desk: desk).apply(name, on: matter, input: input, by: actor, at: now, tx)
        case IncomingLetterMoves.kind: try IncomingLetterHandling(desk: desk).apply(name, on: tx.incomingLetter(matter), input: input, by: actor, at: now, tx)
        default: throw Refusal.notFound
        }
        return []
    }

    /// A lead, a report, a complaint's lead for which a case was proposed: its source is registered once, in the same region.
    static func takeClue(_ id: Int64, result: String, violation model: String?, desk: Desk) async throws {
        let now = desk.now
        try await desk.store.write { tx in
            let source = try tx.matter(ID<Matter>(id))
            guard try tx.one("SELECT matter FROM enforcement_cases WHERE source_matter = \(id) LIMIT 1") == nil else { return }
            let op = try source.operator.map { try Operators.find($0, tx) }
            let violation = model.flatMap { Penalties.shipped[$0] }
            var new = NewCase(
                cause: violation?.title.zh ?? "涉嫌违法行为",
                party: .init(
                    kind: op.map { $0.kind == .individual ? .individual : .organisation } ?? .organisation, name: op?.name ?? String(source.title.prefix(40)), code: op?.uscc,
                    address: op?.address ?? "待查", head: op?.representative, phone: nil), region: source.region, clue: "\(source.number) \(source.title)\n\(result)",
                foundAt: source.receivedAt)
            (new.source, new.sourceMatter, new.violation, new.operator) = (Sources.of(source.kind), source, violation?.id, source.operator)
            _ = try CaseHandling(desk: desk).register(new, by: .system, at: now, tx)
        }
    }
}

/// What is looked at once a day (每日事项).
final class Daily: Sendable {
    private let last = Mutex<Day?>(nil)
    func run(_ desk: Desk) async throws {
        let today = desk.today()
        guard last.withLock({ $0 != today }) else { return }
        try await PublishedPenalty.endWhatIsOver(desk)
        last.withLock { $0 = today }
    }
}

/// What Enforcement knows of an operator (经营主体页·案件).
enum OperatorCases {
    static let panel = OperatorPanel { id, visit, tx in
        guard visit.may("enforcement.see") else { return { _ in } }
        let rows = try tx.all(
            """
            SELECT m.*, e.cause AS cause, e.fine AS fine, e.decided_on AS decided_on FROM casework_matters m JOIN enforcement_cases e ON e.matter = m.id
            WHERE m.operator = \(id) ORDER BY m.id DESC LIMIT 12
            """
        ).map { (Matter($0), $0.string("cause"), $0.money("fine"), $0.optionalDay("decided_on")) }.filter { visit.maySee($0.0) }
        let guidance = try tx.all("SELECT * FROM casework_matters WHERE operator = \(id) AND kind = \(GuidanceMoves.kind) ORDER BY id DESC LIMIT 8").map(Matter.init).filter(
            visit.maySee)
        return { h in
            h.card(Text("案件和行政指导", "Cases and guidance")) {
                if rows.isEmpty, guidance.isEmpty { h.p("text-muted mb-0", Text("没有案件", "No cases")) }
                h.ul("plain mb-0") {
                    for (m, cause, fine, decided) in rows {
                        let state = CaseMoves.table.state(m.state)
                        h.li {
                            h.a("/cases/\(m.id)", nil, m.number)
                            h.text(" \(cause) ")
                            h.badge(state.title, state.tone)
                            if fine.fen > 0 { h.span("small text-muted ms-1", "¥\(fine.grouped)\(decided.map { " · \($0)" } ?? "")") }
                        }
                    }
                    for m in guidance {
                        let state = GuidanceMoves.table.state(m.state)
                        h.li {
                            h.a("/guidance/\(m.id)", nil, m.number)
                            h.text(" \(m.title) ")
                            h.badge(state.title, state.tone)
                        }
                    }
                }
            }
        }
    }
}
