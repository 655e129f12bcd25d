import Formats
import Kernel
import Platform
import Store
import Web

/// The mediation's appointment for everybody's calendar (调解日程), and what became of like cases (类案结果).
struct SessionPages: Sendable {
    let limit: RateLimit

    func routes() -> [Route] {
        [
            Route(.get, "/disputes/:id/session.ics", .permitted("casework.see")) { visit in
                let c = try await visit.desk.store.read { tx in
                    let c = try tx.complaint(visit.exchange.id(of: Matter.self))
                    guard visit.maySee(c.matter) else { throw Refusal.notFound }
                    return c
                }
                return try await file(visit, c)
            },
            Route(.get, "/track/:number/session.ics", .anyone) { visit in
                try limit.take("track|" + visit.exchange.peer, at: visit.desk.now)
                let (number, code) = (try visit.exchange.parameter("number"), visit.exchange.query["code"] ?? "")
                let c = try await visit.desk.store.read { try $0.complaint(number: number) }
                guard AccessCode.fits(code, number, c.tracking) else { throw Refusal.notFound }
                return try await file(visit, c)
            },
            Route(.get, "/respond/:number/session.ics", .anyone) { visit in
                try limit.take("respond|" + visit.exchange.peer, at: visit.desk.now)
                let (number, code) = (try visit.exchange.parameter("number"), visit.exchange.query["code"] ?? "")
                let c = try await visit.desk.store.read { tx in
                    let c = try tx.complaint(number: number)
                    guard
                        let row = try tx.one("SELECT m.*, i.code AS invitation FROM disputes_invitations i JOIN casework_matters m ON m.id = i.matter WHERE m.id = \(c.matter.id)"),
                        try RespondPages.opens(row, Matter(row), code: code, of: visit.exchange.query["of"] ?? "", tx)
                    else { throw Refusal.notFound }
                    return c
                }
                return try await file(visit, c)
            },
            Route(.post, "/disputes/:id/confirmation", .permitted("personal.reveal")) { visit in
                let account = try visit.signedIn()
                guard let purpose = try visit.exchange.form()["purpose"], ["serve", "contact"].contains(purpose) else {
                    return visit.redirect("/disputes/\(try visit.exchange.parameter("id"))", saying: Text("请先选择用途", "Choose first for what purpose"), refused: true)
                }
                let (desk, now) = (visit.desk, visit.desk.now)
                let body = try await desk.store.write { tx in
                    let c = try tx.complaint(visit.exchange.id(of: Matter.self))
                    guard visit.maySee(c.matter) else { throw Refusal.notFound }
                    _ = try Reveal.log(c.matter.reference, purpose: purpose, by: account, desk.permissions, at: now, tx)
                    return try PeoplesMediation.application(c, desk, at: now, tx)
                }
                return .sheet(Documents.sheet(body, title: "司法确认申请书", style: Grounds.shared.style))
            },
        ]
    }

    /// The mediations that an officer has before them (调解日程), for the officer's own calendar.
    static func appointments(of account: Account, _ desk: Desk, _ tx: Transaction) throws -> [ICalendar.Event] {
        let rows = try tx.all(
            """
            SELECT m.id, m.number, v.details, c.mediation_place FROM casework_matters m JOIN disputes_complaints c ON c.matter = m.id JOIN casework_moves v ON v.matter = m.id
            WHERE m.kind = 'complaint' AND m.open = 1 AND m.assignee = \(account.id) AND v.move = 'arrange' ORDER BY v.id DESC LIMIT 200
            """)
        var seen: Set<Int64> = []
        return rows.compactMap { row in
            // The last arrangement of each counts.
            guard seen.insert(row.int("id")).inserted, let at = (try? JSON(parsing: Array(row.string("details").utf8)))?["at"]?.string, let start = Moment(at) else { return nil }
            return .init(
                uid: "\(row.string("number"))@\(desk.keys.origin)", title: "消费纠纷调解 \(row.string("number"))", place: row.optionalString("mediation_place") ?? "", start: start)
        }
    }

    /// Names neither side: an appointment lies open on a phone.
    private func file(_ visit: Visit, _ c: Complaint) async throws -> Answer {
        // The moment itself stands in the move that arranged it; the complaint has it in the words of the notice.
        let details = try await visit.desk.store.read {
            try $0.one("SELECT details FROM casework_moves WHERE matter = \(c.matter.id) AND move = 'arrange' ORDER BY id DESC LIMIT 1")?.string("details")
        }
        guard let at = details.flatMap({ try? JSON(parsing: Array($0.utf8)) })?["at"]?.string, let start = Moment(at) else {
            throw Refusal(.notFound, Text("还没有安排调解时间", "No time was arranged yet"))
        }
        let mode = ["on-site": "现场调解", "remote": "电话、视频调解", "delegated": "委托调解"][c.mediationMode ?? ""] ?? "调解"
        let event = ICalendar.Event(
            uid: "\(c.matter.number)@\(visit.desk.keys.origin)", title: "消费纠纷调解 \(c.matter.number)", place: c.mediationPlace ?? "",
            text: "\(mode)，调解人员：\(c.mediators ?? "")。\(visit.desk.configuration.hotline)", start: start)
        return .file(ICalendar.file([event], at: visit.desk.now, name: "调解日程"), type: "text/calendar; charset=utf-8", name: "\(c.matter.number).ics")
    }
}

/// How like cases ended (类案结果): those about the same kind of thing, among the latest closed ones.
package struct LikeCases: Sendable {
    package let n: Int
    package let agreed: Int
    /// Days from the taking up to the closing: quartiles.
    package let days: (Int, Int, Int)?
    /// Shares of what was asked for that taken offers gave: quartiles, in percent; nil under five.
    package let given: (Int, Int, Int)?
    package let givenOf: Int

    /// Nil: nothing says what the complaint is about. Looks at the latest 400 that carry the words of the purchase.
    static func of(_ c: Complaint, _ tx: Transaction) throws -> LikeCases? {
        guard let purchase = c.purchase, let terms = Search.query("complaint", purchase) else { return nil }
        let keys = try Search.find("complaint", terms, limit: 400, tx).filter { $0 != c.matter.id.raw }
        guard !keys.isEmpty else { return nil }
        let rows = try tx.all(keys: keys) {
            "SELECT id, outcome, received_at, closed_at FROM casework_matters WHERE id IN (\($0)) AND outcome IN ('agreed', 'ended') AND closed_at IS NOT NULL"
        }
        guard !rows.isEmpty else { return nil }
        let days = rows.compactMap { row in row.optionalMoment("closed_at").map { $0.day - row.moment("received_at").day } }.sorted()
        let shares = try tx.all(keys: rows.map { $0.int("id") }) {
            "SELECT o.amount, c.amount AS asked FROM disputes_offers o JOIN disputes_complaints c ON c.matter = o.matter WHERE o.matter IN (\($0)) AND o.state = 'accepted' AND o.amount IS NOT NULL AND c.amount > 0"
        }.map { Int($0.int("amount") * 100 / $0.int("asked")) }.sorted()
        return LikeCases(
            n: rows.count, agreed: rows.count { $0.string("outcome") == "agreed" }, days: quartiles(days), given: shares.count < 5 ? nil : quartiles(shares), givenOf: shares.count)
    }
    private static func quartiles(_ sorted: [Int]) -> (Int, Int, Int)? {
        guard !sorted.isEmpty else { return nil }
        return (sorted[sorted.count / 4], sorted[sorted.count / 2], sorted[min(sorted.count - 1, sorted.count * 3 / 4)])
    }

    func write(_ h: HTML) {
        h.card(Text("类案结果（供参考）", "Like cases, for orientation")) {
            h.p("mb-1", Text("同类商品已结投诉\(n)件，调解成功\(agreed * 100 / n)%", "\(n) closed about the like; \(agreed * 100 / n) % settled"))
            if let days {
                h.p(
                    "mb-1 small",
                    Text("办理天数：四分之一在\(days.0)天内，一半在\(days.1)天内，四分之三在\(days.2)天内", "Days: a quarter within \(days.0), half within \(days.1), three quarters within \(days.2)"))
            }
            if let given {
                h.p(
                    "mb-1 small",
                    Text(
                        "在线和解金额占诉求：\(given.0)%–\(given.2)%，中位\(given.1)%（\(givenOf)件）",
                        "Taken offers gave \(given.0)–\(given.2) % of what was asked, median \(given.1) % (\(givenOf))"))
            } else {
                h.p("mb-1 small text-muted", Text("可比的和解金额不足五件，不作统计", "Fewer than five comparable sums: not counted"))
            }
            h.p("text-muted small mb-0", Text("每件纠纷事实不同，由双方自愿协商。", "Facts differ; what is agreed is up to both."))
        }
    }
}
