import Kernel
import Platform
import Store
import Web

/// How long evidence is kept (保存期限), holds, and destruction when its time is over.
///
/// No law read so far fixes the time: that of archives is the archive bureau's, so both periods are the office's own (fact sheet §6.8, `[D]`).
enum Keeping {
    /// Counted from the day on which its matter was closed; while that is open there is no end.
    static let ofMatters = NumberSetting("evidence.keep.matter.days", Text("事项办结后证据保存天数", "Days that evidence is kept after its matter was closed"), 3653, 365...36_500)
    /// Counted from the sealing.
    static let loose = NumberSetting("evidence.keep.loose.days", Text("未关联事项的证据保存天数", "Days that evidence of no matter is kept"), 1096, 30...36_500)

    struct Fate: Sendable {
        /// The last day; nil while its matter is open.
        let until: Day?
        let hold: (reason: String, at: Moment)?
        let disposal: (reason: String, at: Moment)?
        func isOver(on day: Day) -> Bool { disposal == nil && hold == nil && until.map { $0 < day } ?? false }
    }

    static func until(_ item: EvidenceItem, closed: Moment?, open: Bool, matterDays: Int, looseDays: Int) -> Day? {
        guard item.matter != nil else { return (item.sealedAt ?? item.askedAt).day.adding(days: looseDays) }
        guard !open, let closed else { return nil }
        return max(closed, item.sealedAt ?? closed).day.adding(days: matterDays)
    }
    static func of(_ item: EvidenceItem, _ tx: Transaction) throws -> Fate {
        let matter = try item.matter.map { try tx.matter($0) }
        func decision(_ row: Row?) -> (String, Moment)? { row.map { ($0.string("reason"), $0.moment("at")) } }
        return Fate(
            until: until(item, closed: matter?.closedAt, open: matter?.open ?? false, matterDays: try ofMatters.value(tx), looseDays: try loose.value(tx)),
            hold: decision(try tx.one("SELECT reason, at FROM evidence_holds WHERE item = \(item.id) AND released_at IS NULL")),
            disposal: decision(try tx.one("SELECT reason, at FROM evidence_disposals WHERE item = \(item.id)")))
    }
    /// Those whose time is over.
    static func over(on today: Day, _ tx: Transaction) throws -> SQL {
        let (a, b) = (Moment(today.adding(days: -(try ofMatters.value(tx)))), Moment(today.adding(days: -(try loose.value(tx)))))
        return """
            state = 'sealed' AND NOT EXISTS (SELECT 1 FROM evidence_holds h WHERE h.item = evidence_items.id AND h.released_at IS NULL) AND NOT EXISTS (SELECT 1 FROM evidence_disposals d WHERE d.item = evidence_items.id)
            AND ((matter IS NULL AND sealed_at < \(b)) OR (sealed_at < \(a) AND matter IN (SELECT id FROM casework_matters WHERE NOT (open = 1) AND closed_at < \(a))))
            """
    }

    /// - Errors: says when it was destroyed, where it was.
    static func needsFile(_ item: EvidenceItem, _ tx: Transaction) throws {
        guard let gone = try of(item, tx).disposal else { return }
        throw Refusal(.conflict, Text("保存期限届满，已于\(gone.at.minuteText)销毁", "Its time was over: it was destroyed on \(gone.at.minuteText)"))
    }

    static func routes() -> [Route] {
        [
            Route(.post, "/evidence/:id/hold", .permitted("evidence.dispose")) { visit in try await act(visit, "hold") },
            Route(.post, "/evidence/:id/release", .permitted("evidence.dispose")) { visit in try await act(visit, "release") },
            Route(.post, "/evidence/:id/dispose", .permitted("evidence.dispose")) { visit in try await act(visit, "dispose") },
        ]
    }

    private static func act(_ visit: Visit, _ act: String) async throws -> Answer {
        let officer = try visit.require("evidence.dispose")
        let form = try visit.exchange.form()
        try visit.checkForm(form)
        let reason = act == "release" ? "" : try form.needed("reason", 200)
        let (now, today) = (visit.desk.now, visit.desk.today())
        let (item, said) = try await visit.desk.store.write { tx -> (EvidenceItem, Text) in
            let item = try ItemPages.find(visit, tx)
            let fate = try Keeping.of(item, tx)
            guard item.state == .sealed, fate.disposal == nil else { throw Refusal(.conflict, Text("该证据未封存或已销毁", "It is not sealed, or destroyed already")) }
            switch act {
            case "hold":
                guard fate.hold == nil else { throw Refusal(.conflict, Text("已暂停销毁", "It is held already")) }
                try tx.run(
                    """
                    INSERT INTO evidence_holds (item, reason, account, at) VALUES (\(item.id), \(reason), \(officer.id), \(now))
                    ON CONFLICT (item) DO UPDATE SET reason = \(reason), account = \(officer.id), at = \(now), released_at = NULL
                    """)
                try Custody.record("held", on: item, by: .staff(officer), note: reason, at: now, sealing: [.init("evidence_holds", key: "item", item.id)], tx)
                return (item, Text("已暂停销毁", "It is held"))
            case "release":
                guard try tx.run("UPDATE evidence_holds SET released_at = \(now) WHERE item = \(item.id) AND released_at IS NULL") == 1 else {
                    throw Refusal(.conflict, Text("没有暂停销毁", "It is not held"))
                }
                try Custody.record("released", on: item, by: .staff(officer), at: now, sealing: [.init("evidence_holds", key: "item", item.id)], tx)
                return (item, Text("已解除暂停", "The hold is lifted"))
            default:
                guard fate.isOver(on: today) else {
                    throw Refusal(.conflict, Text("保存期限未满或已暂停销毁，不能销毁", "Its time is not over, or it is held: it cannot be destroyed"))
                }
                try tx.run("INSERT INTO evidence_disposals (item, reason, account, at) VALUES (\(item.id), \(reason), \(officer.id), \(now))")
                try Analysis.forget(item.id, tx)
                // Its words are found no more.
                Search.index("evidence", item.id, texts: [item.number], tx)
                try Custody.record("disposed", on: item, by: .staff(officer), note: reason, at: now, sealing: [.init("evidence_disposals", key: "item", item.id)], tx)
                return (item, Text("已登记销毁，文件在一日内清除，登记和保管链保留", "Its file is removed within a day; the record and its custody stay"))
            }
        }
        return visit.redirect("/evidence/\(item.id)", saying: said)
    }

    static func card(_ h: HTML, _ visit: Visit, _ item: EvidenceItem, _ fate: Fate) {
        h.card(Text("保存期限", "How long it is kept"), id: "keeping") {
            if let disposal = fate.disposal {
                h.p("mb-0", Text("已于\(disposal.at.minuteText)到期销毁：\(disposal.reason)", "Destroyed \(disposal.at.minuteText) when its time was over: \(disposal.reason)"))
                return
            }
            h.p(nil, fate.until.map { Text("保存至\($0)", "Kept until \($0)") } ?? Text("事项办结前一直保存", "Kept for as long as its matter is open"))
            if let hold = fate.hold { h.p(nil, Text("暂停销毁（\(hold.at.minuteText)）：\(hold.reason)", "Held since \(hold.at.minuteText): \(hold.reason)")) }
            guard visit.may("evidence.dispose"), item.state == .sealed else { return }
            let place = "/evidence/\(item.id)"
            if fate.hold != nil {
                visit.form(h, "\(place)/release") { h.button(Text("解除暂停", "Lift the hold"), "btn btn-sm btn-outline-secondary") }
            } else {
                h.element("details") {
                    h.element("summary", text: h.say(fate.isOver(on: visit.desk.today()) ? Text("期限已满：暂停或销毁", "Its time is over: hold or destroy") : Text("暂停销毁", "Hold")))
                    visit.form(h, "\(place)/hold", "mt-2") {
                        h.field("reason", Text("暂停理由", "Why it is held"), value: nil)
                        h.button(Text("暂停销毁", "Hold"), "btn btn-sm btn-outline-secondary")
                    }
                    if fate.isOver(on: visit.desk.today()) {
                        visit.form(h, "\(place)/dispose", "mt-3") {
                            h.element("label", "form-label", [.for_("dispose-reason")], text: h.say(Text("销毁依据", "On what ground")))
                            h.void("input", "form-control mb-2", [.id("dispose-reason"), .name("reason"), .required])
                            h.button(
                                Text("销毁", "Destroy"), "btn btn-sm btn-danger", attributes: [h.confirming(Text("销毁后文件不能恢复，确定吗？", "The file cannot be brought back. Destroy it?"))])
                        }
                    }
                }
            }
        }
    }
}
