import Formats
import Kernel
import Platform
import Store
import Web

/// A closed complaint looked at again (回访、抽查): drawn at random, by somebody who did not handle it.
///
/// No law asks for it; how many are drawn is the office's own choice.
package struct QualityCheck: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case callback, spot
        package var title: Text { self == .callback ? Text("电话回访", "Call-back") : Text("案卷抽查", "Spot check") }
        /// What it may find; `unreached` counts in no figure.
        var results: [(String, Text)] {
            self == .callback
                ? [
                    ("good", Text("满意", "Satisfied")), ("fair", Text("一般", "So so")), ("poor", Text("不满意", "Not satisfied")),
                    ("unreached", Text("三次未接通", "Not reached in three calls")),
                ]
                : [("good", Text("合格", "Passed")), ("fair", Text("有瑕疵", "With flaws")), ("poor", Text("不合格", "Failed"))]
        }
    }
    package let id: Int64
    package let kind: Kind
    package let matter: ID<Matter>
    package let number: String
    package let title: String
    package let region: String
    package let drawnAt: Moment
    package let result: String?
    package let note: String
    package let by: String?
    package let doneAt: Moment?

    init(_ row: Row) {
        id = row.int("id")
        kind = Kind(rawValue: row.string("kind")) ?? .spot
        matter = row.id("matter")
        number = row.string("number")
        title = row.string("title")
        region = row.string("region")
        drawnAt = row.moment("drawn_at")
        result = row.optionalString("result")
        note = row.string("note")
        by = row.optionalString("name")
        doneAt = row.optionalMoment("done_at")
    }
    var resultTitle: Text? { result.flatMap { found in kind.results.first { $0.0 == found }?.1 } }

    static let columns: SQL =
        "k.*, m.number, m.title, m.region, a.name FROM disputes_checks k JOIN casework_matters m ON m.id = k.matter LEFT JOIN platform_accounts a ON a.id = k.done_by"

    /// Draws from what was closed in a month and was not drawn for this before. The seed is kept: the same draw can be made again.
    /// - Returns: how many were drawn; fewer than asked where there are no more.
    /// - Parameter seed: nil, one is drawn; for a synthetic city, that is the same each time.
    package static func draw(_ kind: Kind, month: String, region: String, count: Int, seed given: UInt64? = nil, by officer: Account, at now: Moment, _ tx: Transaction) throws
        -> Int
    {
        guard let first = Day(month + "-01"), month.count == 7, first <= now.day else {
            throw Refusal.invalid("/month", Text("月份应为 2026-05 形式，不晚于本月", "A month like 2026-05, up to this one"))
        }
        guard (1...500).contains(count) else { throw Refusal.invalid("/count", Text("应为1至500的整数", "A whole number from 1 to 500")) }
        let (from, to) = (Moment(first), Moment(first.adding(months: 1)))
        var pool = try tx.all(
            """
            SELECT m.id FROM casework_matters m WHERE m.kind = \(ComplaintMoves.kind) AND m.open = 0 AND m.closed_at >= \(from) AND m.closed_at < \(to) AND m.region >= \(region) AND m.region < \(region + "~")
            AND m.outcome IN ('agreed', 'ended', 'settled-or-withdrawn') AND NOT EXISTS (SELECT 1 FROM disputes_checks k WHERE k.matter = m.id AND k.kind = \(kind)) ORDER BY m.id
            """
        ).map { $0.int("id") }
        guard !pool.isEmpty else { throw Refusal(.conflict, Text("\(month)没有可抽取的办结投诉", "Nothing closed in \(month) is left to draw")) }
        let seed = given ?? Crypto.random(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var generator = Generator(state: seed)
        // What it was drawn from, so that the draw can be made again: the pool as it was, by its digest and its ends.
        let of = Crypto.hex(Crypto.sha256(Array(pool.map(String.init).joined(separator: ",").utf8)).prefix(16))
        let ends = "\(pool.first!)…\(pool.last!)"
        pool.shuffle(using: &generator)
        let drawn = pool.prefix(count)
        for matter in drawn {
            let id = try tx.insert(
                "INSERT INTO disputes_checks (kind, matter, drawn_at, drawn_by, note) VALUES (\(kind), \(matter), \(now), \(officer.id), '') RETURNING id")
            try tx.audit(
                "quality.drawn", of: Reference(kind: ComplaintMoves.kind, id: matter), by: officer.mark, at: now, details: [("check", .string("\(id)"))],
                sealing: [.init("disputes_checks", id)])
        }
        try tx.audit(
            "quality.draw", of: Reference(kind: "quality", id: now.milliseconds), by: officer.mark, at: now,
            details: [
                ("month", .string(month)), ("kind", .string(kind.rawValue)), ("of", .string("\(pool.count)")), ("pool", .string(of)), ("ids", .string(ends)),
                ("drawn", .string("\(drawn.count)")),
                ("seed", .string(String(seed, radix: 16))),
            ])
        return drawn.count
    }

    /// SplitMix64: small, and the same everywhere for the same seed.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// - Errors: `forbidden` for who handled the complaint; `conflict` where it was done before.
    package static func finish(_ id: Int64, form: Form, by officer: Account, sees: (Matter) -> Bool, at now: Moment, _ tx: Transaction) throws {
        guard let row = try tx.one("SELECT \(columns) WHERE k.id = \(id)") else { throw Refusal.notFound }
        let check = QualityCheck(row)
        let matter = try tx.matter(check.matter)
        guard sees(matter) else { throw Refusal.notFound }
        guard try tx.one("SELECT id FROM casework_moves WHERE matter = \(matter.id) AND account = \(officer.id) AND move <> 'checked' LIMIT 1") == nil else {
            throw Refusal(.forbidden, Text("您办理过该投诉，应由他人回访或抽查", "You handled it: another looks at it"))
        }
        let result = try form.chosen("result", check.kind.results.map(\.0))
        let note = String((form["note"] ?? "").prefix(1000))
        guard result != "poor" || !note.isEmpty else { throw Refusal.invalid("/note", Text("不满意或者不合格的，请写明原因", "Say why, where it is not good")) }
        guard try tx.run("UPDATE disputes_checks SET result = \(result), note = \(note), done_by = \(officer.id), done_at = \(now) WHERE id = \(id) AND result IS NULL") == 1 else {
            throw Refusal(.conflict, Text("已由他人完成", "Somebody did it before"))
        }
        try Casework.remark(
            "checked", on: matter, by: .staff(officer),
            details: [("check", .string(check.kind.rawValue)), ("result", .string(check.kind.results.first { $0.0 == result }?.1.zh ?? result)), ("note", .string(note))],
            sealing: [.init("disputes_checks", id)], at: now, tx)
    }
}

/// 回访与抽查 by page: draw, the list to work through, what was found.
struct QualityPages: Sendable {
    func routes() -> [Route] {
        [
            Route(.get, "/quality", .permitted("quality.check")) { visit in try await list(visit, nil) },
            Route(.post, "/quality/draw", .permitted("quality.draw")) { visit in try await draw(visit) },
            Route(.post, "/quality/:id", .permitted("quality.check")) { visit in try await finish(visit) },
            Route(.get, "/quality/export", .permitted("quality.check")) { visit in try await export(visit) },
        ]
    }

    private struct Asked {
        let kind: QualityCheck.Kind?
        let done: Bool
        let region: String
        let trade: String
        /// Done in a period.
        let during: String?
    }
    private func asked(_ visit: Visit) throws -> Asked {
        let (query, account) = (visit.exchange.query, try visit.signedIn())
        if let during = query["during"], Day.span(during) == nil {
            throw Refusal.invalid("/during", Text("期间应为 2026-05、2026-Q2 或 2026 形式", "A period reads 2026-05, 2026-Q2 or 2026"))
        }
        let region = query["region"] ?? account.region
        guard account.covers(region) else { throw Refusal.invalid("/region", Text("不在您的辖区", "Not in your region")) }
        return Asked(
            kind: query["kind"].flatMap { QualityCheck.Kind(rawValue: $0) }, done: query["done"] == "yes", region: region, trade: query["trade"] ?? "", during: query["during"])
    }
    private func find(_ a: Asked, limit: Int, _ tx: Transaction) throws -> [QualityCheck] {
        let state: SQL = a.done ? "k.result IS NOT NULL" : "k.result IS NULL"
        let which: SQL = a.kind.map { "k.kind = \($0)" } ?? "1 = 1"
        let trade: SQL = a.trade.isEmpty ? "1 = 1" : "m.operator IN (SELECT id FROM operators WHERE industry >= \(a.trade) AND industry < \(a.trade + "~"))"
        let then: SQL = a.during.flatMap(Day.span).map { "k.done_at >= \(Moment($0.lowerBound)) AND k.done_at < \(Moment($0.upperBound))" } ?? "1 = 1"
        return try tx.all(
            "SELECT \(QualityCheck.columns) WHERE \(state) AND \(which) AND \(trade) AND \(then) AND m.region >= \(a.region) AND m.region < \(a.region + "~") ORDER BY k.id DESC LIMIT \(limit)"
        ).map(
            QualityCheck.init)
    }

    private func list(_ visit: Visit, _ refusal: Refusal?, _ failed: Int64? = nil) async throws -> Answer {
        let a = try asked(visit)
        let (rows, counts) = try await visit.desk.store.read { tx in
            (
                try find(a, limit: 200, tx),
                try tx.all(
                    "SELECT k.kind, k.result, count(*) AS n FROM disputes_checks k JOIN casework_matters m ON m.id = k.matter WHERE m.region >= \(a.region) AND m.region < \(a.region + "~") GROUP BY k.kind, k.result"
                ).map { (QualityCheck.Kind(rawValue: $0.string("kind")) ?? .spot, $0.optionalString("result"), $0.count("n")) }
            )
        }
        return visit.page(Text("回访与抽查", "Call-backs and spot checks"), status: refusal?.kind.status ?? 200, active: "/quality") { h in
            h.div("page-head") {
                h.h1(Text("回访与抽查", "Call-backs and spot checks"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "从办结的投诉中随机抽取，由未办理该件的人员完成；抽取方法和种子记入日志，可以重现。",
                        "Drawn at random from what was closed, done by somebody who did not handle it; the seed is in the ledger, so that a draw can be made again."))
            }
            h.errorSummary(refusal)
            h.div("figures mb-3") {
                for kind in QualityCheck.Kind.allCases {
                    let mine = counts.filter { $0.0 == kind }
                    let judged = mine.filter { ["good", "fair", "poor"].contains($0.1 ?? "") }.reduce(0) { $0 + $1.2 }
                    let good = mine.first { $0.1 == "good" }?.2 ?? 0
                    h.div("figure") {
                        h.span("figure-n", judged == 0 ? "—" : "\(Int((Double(good) * 100 / Double(judged)).rounded()))%")
                        h.span(
                            "figure-t",
                            kind == .callback ? Text("回访满意率（\(good)/\(judged)）", "Satisfied (\(good)/\(judged))") : Text("抽查合格率（\(good)/\(judged)）", "Passed (\(good)/\(judged))"))
                    }
                }
            }
            h.element("nav", "filter-bar") {
                for (title, query) in [
                    (Text("待完成", "To do"), []), (Text("已完成", "Done"), [("done", "yes")]), (Text("回访", "Call-backs"), [("kind", "callback")]),
                    (Text("抽查", "Spot checks"), [("kind", "spot")]),
                ] as [(Text, [(String, String?)])] {
                    h.a(Link.query("/quality", query), "btn btn-sm btn-outline-primary", title)
                }
                h.a(Link.query("/quality/export", [("done", a.done ? "yes" : nil), ("kind", a.kind?.rawValue)]), "btn btn-sm btn-outline-secondary", Text("导出Excel", "Export"))
            }
            if rows.isEmpty { h.empty(a.done ? Text("还没有完成的", "None done yet") : Text("没有待完成的", "Nothing to do"), Text("由负责人在下方抽取。", "The head draws some below.")) }
            if !rows.isEmpty {
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") { h.tr { for t in [Text("方式", "Kind"), Text("投诉", "Complaint"), Text("结果", "Result")] { h.th(t) } } }
                        h.element("tbody") { for check in rows { row(h, visit, check, failed == check.id) } }
                    }
                }
                if a.done, rows.contains(where: { $0.result == "poor" }) {
                    h.p("small text-muted", Text("不满意的，打开投诉页，经双方同意可以再次调解。", "Where somebody is not satisfied: open the complaint; with both consents it is mediated again."))
                }
            }
            if visit.may("quality.draw") {
                h.element("details", "card mt-3", [.init("open", if: rows.isEmpty && !a.done)]) {
                    h.element("summary", "card-header", text: h.say(Text("随机抽取", "Draw at random")))
                    visit.form(h, "/quality/draw", "card-body") {
                        h.radios("kind", Text("做什么", "What for"), options: QualityCheck.Kind.allCases.map { ($0.rawValue, $0.title, nil) }, value: "callback", inline: true)
                        h.field(
                            "month", Text("哪个月办结的", "Closed in which month"), value: String(visit.desk.today().adding(months: -1).description.prefix(7)), type: "month",
                            errors: HTML.Errors(refusal))
                        h.field("count", Text("抽多少件", "How many"), value: "20", errors: HTML.Errors(refusal), inputmode: "numeric")
                        h.div { h.button(Text("抽取", "Draw")) }
                    }
                }
            }
        }
    }

    private func row(_ h: HTML, _ visit: Visit, _ check: QualityCheck, _ failed: Bool) {
        h.tr {
            h.td { h.badge(check.kind.title, check.kind == .callback ? "blue" : "violet") }
            h.td("title") {
                h.a("/disputes/\(check.matter)", nil, check.number)
                h.span("d-block small text-muted", "\(check.title) · \(visit.region(String(check.region.prefix(6))))")
            }
            h.td {
                if let result = check.resultTitle {
                    h.badge(result, check.result == "good" ? "green" : check.result == "poor" ? "red" : "amber")
                    h.span("small ms-2", check.note)
                    h.span("d-block small text-muted", "\(check.by ?? "") · \(check.doneAt?.minuteText ?? "")")
                } else {
                    visit.form(h, "/quality/\(check.id)", "decide align-items-center") {
                        h.element("select", "form-select form-select-sm\(failed ? " is-invalid" : "")", [.name("result"), .label(h.say(Text("结果", "Result"))), .required]) {
                            h.element("option", nil, [.value("")], text: h.say(Text("结果", "Result")))
                            for (value, title) in check.kind.results { h.element("option", nil, [.value(value)], text: h.say(title)) }
                        }
                        h.void(
                            "input", "form-control form-control-sm",
                            [
                                .name("note"), .init("maxlength", "1000"), .label(h.say(Text("情况", "What was said or found"))),
                                .init("placeholder", h.say(Text("情况（不满意、不合格时必填）", "What was said or found"))),
                            ])
                        h.button(Text("完成", "Done"), "btn btn-sm btn-outline-primary")
                    }
                }
            }
        }
    }

    private func draw(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("quality.draw")
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            let kind = QualityCheck.Kind(rawValue: try form.chosen("kind", QualityCheck.Kind.allCases.map(\.rawValue)))!
            let month = try form.needed("month", 7)
            let n = try await visit.desk.store.write {
                try QualityCheck.draw(kind, month: month, region: officer.region, count: form["count"].flatMap { Int($0) } ?? 0, by: officer, at: now, $0)
            }
            return visit.redirect("/quality", saying: Text("已抽取\(n)件", "Drawn: \(n)"))
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await list(visit, refusal) }
    }

    private func finish(_ visit: Visit) async throws -> Answer {
        let officer = try visit.signedIn()
        let form = try visit.exchange.form()
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let now = visit.desk.now
        do {
            try await visit.desk.store.write { try QualityCheck.finish(id, form: form, by: officer, sees: { officer.covers($0.region) }, at: now, $0) }
            return visit.redirect("/quality", saying: Text("已记录", "Recorded"))
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await list(visit, refusal, id) }
    }

    private func export(_ visit: Visit) async throws -> Answer {
        let a = try asked(visit)
        let rows = try await visit.desk.store.read { try find(a, limit: 10_000, $0) }
        let language = visit.language
        let header = [Text("编号", "Number"), Text("事项", "Matter"), Text("方式", "Kind"), Text("结果", "Result"), Text("情况", "Note"), Text("完成人", "By"), Text("完成时间", "When")].map {
            $0[language]
        }
        return .file(
            try Transfer.xlsx(
                sheet: Text("回访与抽查", "Checks")[language], header: header,
                rows: rows.map { [$0.number, $0.title, $0.kind.title[language], $0.resultTitle?[language] ?? "", $0.note, $0.by ?? "", $0.doneAt?.minuteText ?? ""] }),
            type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", name: "quality-\(visit.desk.today()).xlsx")
    }
}
