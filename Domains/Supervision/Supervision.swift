import Kernel
import Platform
import Statute
import Store
import Synchronization
import Web

/// The front door of Supervision (监督检查): draws that anybody can recompute, inspections within the rules of restraint.
package enum Supervision {
    package static let grants: [Grant] = [
        Grant("supervision.see", Text("查看监督检查", "See supervision"), [.officer, .inspector, .leader, .director, .auditor]),
        Grant("supervision.draw", Text("准备、承诺和抽取", "Prepare, commit, draw"), [.leader, .director]),
        Grant("supervision.plan", Text("安排检查", "Plan visits"), [.officer, .inspector, .leader]),
        Grant("supervision.approve", Text("批准检查", "Approve visits"), [.leader]),
        Grant("supervision.inspect", Text("实施检查", "Make visits"), [.officer, .inspector]),
    ]

    package static func domain() -> Domain {
        let door = RateLimit(burst: 20, perMinute: 20)
        return Domain(
            name: "supervision", migrations: SupervisionSchema.migrations, grants: grants,
            routes: { desk in
                DrawPages(draws: DrawDesk(desk: desk), limit: door).routes() + YearPlanPages().routes() + InspectionPages(handling: InspectionHandling(desk: desk)).routes()
            },
            jobs: [
                JobKind(DrawDesk.plan) { desk, payload in
                    guard let id = payload["draw"]?.int, let from = payload["from"]?.int else { return }
                    try await DrawDesk.planInspections(Int64(id), from: from, desk: desk)
                }
            ],
            menu: [("/supervision", Text("检查", "Visits"), "supervision.see")], operatorPanels: [OperatorVisits.panel],
            matterKinds: [
                MatterKind(
                    table: InspectionMoves.table, permission: "supervision.see", papers: "supervision.see",
                    act: { move, matter, input, actor, now, desk, tx in
                        let code = AccessCode.make()
                        try InspectionHandling(desk: desk).apply(move, on: tx.inspection(matter), input: input, by: actor, at: now, code: code, tx)
                        // The party's own door, said this once.
                        return move == "order" ? [("code", .string(code))] : []
                    }
                ) { "/supervision/inspections/\($0.id)" }
            ],
            acts: [
                "supervision.item": Text("公布抽查事项", "Item published"), "supervision.item-ended": Text("停止适用抽查事项", "Item taken out of use"),
                "supervision.plan-added": Text("拟订年度计划任务", "Line of the plan drafted"), "supervision.plan-approve": Text("批准年度计划任务", "Line of the plan approved"),
                "supervision.plan-file": Text("年度计划报备", "Plan filed"), "supervision.plan-drop": Text("撤销年度计划任务", "Line of the plan taken out"),
                "supervision.draw-prepared": Text("形成抽取名单", "List for a draw made"),
                "supervision.draw-committed": Text("承诺抽取名单和种子", "Draw committed to"),
                "supervision.draw-drawn": Text("抽取", "Drawn"),
            ],
            sealed: [
                SealedTable("supervision_items"), SealedTable("supervision_plans"), SealedTable("supervision_draws"), SealedTable("supervision_inspections", key: "matter"),
                SealedTable("supervision_sheets"),
            ],
            files: { tx in Set(try tx.all("SELECT list_file, keys_file FROM supervision_draws").flatMap { [$0.string("list_file"), $0.string("keys_file")] }) },
            tick: { [daily = Daily()] desk in try await daily.run(desk) }, settings: DrawDesk.settings)
    }
}

/// What is looked at once a day (每日事项): the items that ship, results whose time is over.
final class Daily: Sendable {
    private let last = Mutex<Day?>(nil)
    func run(_ desk: Desk) async throws {
        let now = desk.now
        guard last.withLock({ $0 != now.day }) else { return }
        try await desk.store.write { try InspectionItem.takeInShipped(at: now, $0) }
        try await ShownResults.hideWhatIsOver(desk)
        last.withLock { $0 = now.day }
    }
}

/// What Supervision knows of an operator (经营主体页·检查).
enum OperatorVisits {
    static let panel = OperatorPanel { id, visit, tx in
        guard visit.may("supervision.see") else { return { _ in } }
        let rows = try tx.all(
            "SELECT m.*, i.result AS result, i.ended_on AS ended_on, i.planned_on AS planned FROM supervision_inspections i JOIN casework_matters m ON m.id = i.matter WHERE m.operator = \(id) ORDER BY m.id DESC LIMIT 8"
        ).map { (Matter($0), $0.optionalString("result"), $0.optionalDay("ended_on"), $0.day("planned")) }.filter { visit.maySee($0.0) }
        return { h in
            h.card(Text("监督检查", "Visits")) {
                if rows.isEmpty { h.p("text-muted mb-0", Text("没有检查记录", "No visits")) }
                h.ul("plain mb-0") {
                    for (m, result, ended, planned) in rows {
                        h.li {
                            h.a("/supervision/inspections/\(m.id)", nil, m.number)
                            h.text(" \((ended ?? planned)) ")
                            if let result {
                                h.text(Inspection.results.first { $0.0 == result }?.1 ?? Text("", ""))
                            } else {
                                h.badge(InspectionMoves.table.state(m.state).title, InspectionMoves.table.state(m.state).tone)
                            }
                        }
                    }
                }
            }
        }
    }
}
