import Kernel
import Platform
import Statute
import Store
import Web

/// A measure at the desk (措施页面).
struct MeasurePages: Sendable {
    let handling: MeasureHandling

    func routes() -> [Route] {
        [
            Route(.get, "/measures/:id", .permitted("enforcement.see")) { visit in try await show(visit, nil, nil, nil) },
            Route(.post, "/measures/:id/moves/:move", .permitted("enforcement.see")) { visit in try await move(visit) },
        ]
    }

    private func find(_ visit: Visit, _ tx: Transaction) throws -> Measure {
        let m = try tx.measure(tx.matter(visit.exchange.id(of: Matter.self)))
        guard visit.maySee(m.matter) else { throw Refusal.notFound }
        return m
    }

    private func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let (m, c, file) = try await visit.desk.store.read { tx in
            let m = try find(visit, tx)
            return (m, try tx.penaltyCase(m.ofCase), try MatterFile.load(m.matter, desk: visit.desk, tx))
        }
        let moves = MeasureMoves.table.available(m.matter, to: .staff(account), visit.desk.permissions).filter {
            m.kind != .registration || !["test", "extend-notice"].contains($0.name)
        }
        let state = MeasureMoves.table.state(m.matter.state)
        return visit.page(Text("措施 \(m.matter.number)", "Measure \(m.matter.number)"), status: refusal?.kind.status ?? 200, active: "/cases") { h in
            h.div("page-head matter-head") {
                h.div {
                    h.p("crumbs") {
                        h.a("/cases/\(c.matter.id)", nil, "\(c.matter.number) \(c.matter.title)")
                        h.text(" / \(m.matter.number)")
                    }
                    h.h1(m.matter.title)
                    h.p("mb-0") {
                        h.badge(state.title, state.tone)
                        if m.urgent { h.badge(Text("当场采取", "Taken on the spot"), "amber") }
                    }
                }
                h.div("head-due") { visit.headDue(h, file, matter: m.matter) }
            }
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    visit.actions(h, moves, at: "/measures/\(m.matter.id)", under: CaseMoves.regime, failed: failed, refusal, sent) { move, e in
                        switch move.name {
                        case "test":
                            h.field("body", Text("机构", "Body"), value: nil, errors: e)
                            h.field("until", Text("检测期间至（书面告知当事人）", "Until when: the party is told in writing"), value: nil, type: "date", errors: e)
                        case "tested": h.area("result", Text("结论", "Result"), value: nil, rows: 3, errors: e, maxLength: 1000)
                        case "dispose":
                            h.select("disposal", Text("处置方式", "How"), options: MeasureHandling.disposals(of: m.kind), value: nil, errors: e, empty: Text("请选择", "Choose"))
                            h.area("reason", Text("情况", "Remark"), value: nil, rows: 3, errors: e, maxLength: 1000)
                        case "approve", "approve-late": h.area("reason", Text("意见", "Remark"), value: nil, rows: 2, errors: e, required: false, maxLength: 500)
                        default: h.area("reason", Text("理由", "Reason"), value: nil, rows: 3, errors: e, maxLength: 500)
                        }
                    }
                    h.card(Text("清单", "List")) {
                        h.p("small text-muted", "\(h.say(Text("存放", "Kept at")))：\(m.place) · \(m.basis)")
                        h.div("table-wrap") {
                            h.element("table", "table queue") {
                                h.element("thead") {
                                    h.tr { for t in [Text("序号", "No."), Text("名称", "Name"), Text("规格", "Model"), Text("数量", "Quantity"), Text("备注", "Remark")] { h.th(t) } }
                                }
                                h.element("tbody") {
                                    for (i, good) in m.goods.enumerated() {
                                        h.tr {
                                            h.td("number", String(i + 1))
                                            for text in [good.name, good.model, good.quantity, good.note] { h.td(nil, text) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    visit.documents(h, file, replacing: false)
                    visit.files(h, file, matter: m.matter)
                }
                h.element("aside", "matter-side") {
                    visit.clocks(h, file, matter: m.matter)
                    visit.history(h, file, table: MeasureMoves.table, regime: CaseMoves.regime)
                }
            }
        }
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let (handling, now) = (handling, visit.desk.now)
        do {
            try await visit.desk.store.write { tx in try handling.apply(name, on: find(visit, tx), input: form, by: .staff(account), at: now, tx) }
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await show(visit, name, refusal, form) }
        return visit.redirect("/measures/\(try visit.exchange.parameter("id"))", saying: MeasureMoves.table.done(name))
    }
}
