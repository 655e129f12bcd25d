import Enforcement
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Lists and entries of the credit file at the desk (信用监管页面).
struct CreditPages: Sendable {
    let desk: Desk

    func routes() -> [Route] {
        [
            Route(.get, "/credit", .permitted("credit.see")) { visit in try await home(visit) },
            Route(.get, "/credit/file/:id", .permitted("credit.see")) { visit in try await file(visit) },
            Route(.get, "/credit/new", .permitted("credit.manage")) { visit in try await new(visit, nil, nil) },
            Route(.post, "/credit/new", .permitted("credit.manage")) { visit in try await open(visit) },
            Route(.get, "/credit/serious/new", .permitted("credit.manage")) { visit in try await newSerious(visit, nil, nil) },
            Route(.post, "/credit/serious/new", .permitted("credit.manage")) { visit in try await openSerious(visit) },
            Route(.get, "/credit/serious/pushed", .permitted("credit.manage")) { visit in try await newPushed(visit, nil, nil) },
            Route(.post, "/credit/serious/pushed", .permitted("credit.manage")) { visit in try await receivePushed(visit) },
            Route(.get, "/credit/:id", .permitted("credit.see")) { visit in try await show(visit, nil, nil, nil) },
            Route(.post, "/credit/:id/moves/:move", .permitted("credit.see")) { visit in try await move(visit) },
            Route(.post, "/credit/:id/contact", .permitted("credit.manage")) { visit in try await contact(visit) },
            Route(.post, "/credit/:id/joint", .permitted("credit.manage")) { visit in try await joint(visit) },
        ]
    }
    static let kinds = [AbnormalMoves.kind, SeriousMoves.kind, RepairMoves.kind, JointNotice.kind]
    static func table(_ kind: String) -> MoveTable {
        kind == AbnormalMoves.kind ? AbnormalMoves.table : kind == SeriousMoves.kind ? SeriousMoves.table : kind == RepairMoves.kind ? RepairMoves.table : JointNotice.table
    }

    private func home(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let kind = visit.exchange.query["kind"].flatMap { Self.kinds.contains($0) ? $0 : nil } ?? AbnormalMoves.kind
        let state = visit.exchange.query["state"]
        let cursor = visit.exchange.query["cursor"].flatMap { Int64($0) } ?? Int64.max
        let own = account.region
        let (rows, counts) = try await visit.desk.store.read { tx -> ([Matter], [(String, String, Int)]) in
            let only: SQL = state.map { "AND state = \($0)" } ?? ""
            let rows = try tx.all(
                "SELECT * FROM casework_matters WHERE kind = \(kind) \(only) AND region >= \(own) AND region < \(own + "~") AND id < \(cursor) ORDER BY id DESC LIMIT 41"
            ).map(Matter.init)
            let counts = try tx.all(
                "SELECT kind, state, count(*) AS n FROM casework_matters WHERE kind IN (\(list: Self.kinds)) AND region >= \(own) AND region < \(own + "~") GROUP BY kind, state"
            ).map { ($0.string("kind"), $0.string("state"), $0.count("n")) }
            return (rows, counts)
        }
        let shown = rows.prefix(40)
        let table = Self.table(kind)
        return visit.page(Text("信用监管", "Credit"), active: "/credit") { h in
            h.div("page-head") {
                h.h1(Text("信用监管", "Credit supervision"))
                h.div("d-flex gap-2 flex-wrap") {
                    if visit.may("credit.manage") {
                        h.a("/credit/new", "btn btn-sm btn-primary", Text("发现异常情形", "Ground found"))
                        h.a("/credit/serious/new", "btn btn-sm btn-outline-primary", Text("提出列入严重违法失信名单", "Propose for the serious list"))
                        h.a("/credit/serious/pushed", "btn btn-sm btn-outline-secondary", Text("登记外省推送的列入", "Enter a listing that was pushed"))
                    }
                    h.a("/compass", "btn btn-sm btn-outline-secondary", Text("风险分类", "Risk classes"))
                }
            }
            h.div("tiles") {
                for k in Self.kinds {
                    let all = counts.filter { $0.0 == k }
                    let open = all.filter { Self.table(k).state($0.1).open }.reduce(0) { $0 + $1.2 }
                    h.a(Link.query("/credit", [("kind", k)]), "tile tone-\(k == kind ? "teal" : "grey")") {
                        h.span("tile-count", "\(open)")
                        h.span("tile-title", Text("\(Self.table(k).title.zh)在办", "\(Self.table(k).title.en): open"))
                    }
                }
                let listed = counts.filter { $0.0 == AbnormalMoves.kind && $0.1 == AbnormalMoves.listed }.reduce(0) { $0 + $1.2 }
                h.a("/credit?kind=abnormal&state=listed", "tile tone-red") {
                    h.span("tile-count", "\(listed)")
                    h.span("tile-title", Text("在经营异常名录", "On the abnormal list"))
                }
                let serious = counts.filter { $0.0 == SeriousMoves.kind && $0.1 == SeriousMoves.published }.reduce(0) { $0 + $1.2 }
                h.a("/credit?kind=serious&state=published", "tile tone-red") {
                    h.span("tile-count", "\(serious)")
                    h.span("tile-title", Text("在严重违法失信名单", "On the serious list"))
                }
            }
            h.p("crumbs") {
                h.a(Link.query("/credit", [("kind", kind)]), nil, Text("全部", "All"))
                for s in table.states {
                    let n = counts.first { $0.0 == kind && $0.1 == s.name }?.2 ?? 0
                    if n > 0 {
                        h.text(" · ")
                        h.a(Link.query("/credit", [("kind", kind), ("state", s.name)]), nil, Text("\(s.title.zh) \(n)", "\(s.title.en) \(n)"))
                    }
                }
            }
            guard !shown.isEmpty else {
                return h.empty(
                    Text("没有", "None"),
                    Text("年报公示结束、责令公示到期、无法联系的情形在这里办理列入；修复申请从公众页面收到。", "Grounds for listing are handled here; applications for repair come from the public page."))
            }
            h.div("table-wrap") {
                h.element("table", "table table-hover queue") {
                    h.element("thead") { h.tr { for t in [Text("编号", "Number"), Text("事项", "What"), Text("状态", "State"), Text("辖区", "Region"), Text("期限", "Due")] { h.th(t) } } }
                    h.element("tbody") {
                        for m in shown {
                            let s = table.state(m.state)
                            h.tr {
                                h.td { h.a("/credit/\(m.id)", "number", m.number) }
                                h.td(nil, m.title)
                                h.td { h.badge(s.title, s.tone) }
                                h.td(nil, visit.region(String(m.region.prefix(6))))
                                h.td { if m.open { visit.urgency(h, m.nextDue, why: "/matters/\(m.id)/why") } }
                            }
                        }
                    }
                }
            }
            h.pager(previous: nil, next: rows.count > 40 ? Link.query("/credit", [("kind", kind), ("state", state), ("cursor", shown.last.map { "\($0.id)" })]) : nil, summary: "")
        }
    }

    // MARK: The file, as of a day

    private func file(_ visit: Visit) async throws -> Answer {
        let id = try visit.exchange.id(of: Operator.self)
        let today = visit.desk.today()
        let asked = visit.exchange.query["on"]
        guard let day = asked == nil ? today : Day(asked!), day <= today else { throw Refusal.invalid("/on", Text("应为不晚于今天的日期", "A day not later than today")) }
        let (op, standing) = try await visit.desk.store.read { tx in (try Operators.find(id, tx), try CreditStanding.of(id, at: Moment(day, hour: 23, minute: 59, second: 59), tx))
        }
        return visit.page(Text("信用档案 \(op.name)", "Credit file \(op.name)"), active: "/credit") { h in
            h.div("page-head") {
                h.div {
                    h.p("crumbs") { h.a("/operators/\(op.id)", nil, op.name) }
                    h.h1(Text("信用档案", "Credit file"))
                    h.p("text-muted mb-0", day == today ? Text("截至今天所知", "As known today") : Text("\(day)当时所知", "As known on \(day)"))
                }
            }
            h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/credit/file/\(op.id)")]) {
                h.void("input", "form-control", [.type("date"), .name("on"), .value(day.description), .init("max", today.description), .label(h.say(Text("截至日期", "As of")))])
                h.button(Text("查看当时", "Show"))
            }
            h.div("tiles") {
                for (title, n, tone) in [
                    (Text("经营异常名录", "Abnormal list"), standing.abnormal.count, "red"), (Text("严重违法失信名单", "Serious list"), standing.serious.count, "red"),
                    (Text("公示中的处罚", "Penalties shown"), standing.shown.count, "amber"), (Text("处罚（未撤销）", "Penalties that stand"), standing.penalties.count, "grey"),
                ] {
                    h.div("tile tone-\(n > 0 ? tone : "green")") {
                        h.span("tile-count", "\(n)")
                        h.span("tile-title", title)
                    }
                }
            }
            guard !standing.events.isEmpty else {
                return h.empty(Text("没有信用记录", "Nothing on record"), Text("处罚、列入、修复、抽查结果会逐条记录在这里。", "Penalties, listings, repairs and visits are kept here line by line."))
            }
            h.element("ol", "timeline") {
                for e in standing.events {
                    h.li {
                        h.div("t-head") {
                            h.element("span", "t-what") { h.badge(e.kind.title, e.kind.tone) }
                            h.element("time", "t-when", text: e.on.description)
                        }
                        h.p("t-note", e.detail + (e.amount.map { " ¥\($0.grouped)" } ?? ""))
                        h.p("small text-muted mb-0") {
                            h.text(Text("\(e.knownAt.minuteText)记入", "Known \(e.knownAt.minuteText)"))
                            if let until = e.until { h.text(Text("，至\(until)", ", until \(until)")) }
                        }
                    }
                }
            }
        }
    }

    // MARK: One entry

    private func find(_ visit: Visit, _ tx: Transaction) throws -> Matter {
        let matter = try tx.matter(visit.exchange.id(of: Matter.self))
        guard Self.kinds.contains(matter.kind), visit.maySee(matter) else { throw Refusal.notFound }
        return matter
    }

    private func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let (matter, file, entry) = try await visit.desk.store.read { tx in
            let matter = try find(visit, tx)
            return (matter, try MatterFile.load(matter, desk: visit.desk, tx), try CreditEntry.load(matter, on: visit.desk.today(), tx))
        }
        let table = Self.table(matter.kind)
        let moves = table.available(matter, to: .staff(account), visit.desk.permissions).filter { entry.allows($0.name) }
        return visit.page(Text("\(table.title.zh) \(matter.number)", "\(table.title.en) \(matter.number)"), status: refusal?.kind.status ?? 200, active: "/credit") { h in
            visit.matterHead(h, file, matter, of: table, home: Link.query("/credit", [("kind", matter.kind)]))
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    visit.actions(
                        h, moves, at: "/credit/\(matter.id)", under: matter.regime,
                        final: ["list", "grant", "refuse", "revoke", "annul", "correct", "shield", "plan-done", "plan-failed", "drop", "not-accept", "publish", "execute"],
                        failed: failed, refusal, sent
                    ) { entry.fields(h, $0.name, $1, today: visit.desk.today()) }
                    entry.content(h, visit)
                    if entry.isListed, visit.may("credit.manage") { jointForm(h, visit, matter, failed == "joint" ? HTML.Errors(refusal) : HTML.Errors(), sent) }
                    visit.documents(h, file, replacing: false)
                    visit.files(h, file, matter: matter)
                    visit.notes(h, file, matter: matter)
                }
                h.element("aside", "matter-side") {
                    visit.clocks(h, file, matter: matter)
                    visit.history(h, file, table: table, regime: matter.regime)
                }
            }
        }
    }

    /// Whom to call about an application: looked at for a purpose, which the ledger keeps.
    private func contact(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn(), form = try visit.exchange.form()
        let (now, permissions) = (visit.desk.now, visit.desk.permissions)
        let (id, said) = try await visit.desk.store.write { tx in
            let matter = try find(visit, tx), r = try tx.repair(matter)
            let receipt = try Reveal.log(matter.reference, purpose: form["purpose"] ?? "verify", by: account, permissions, at: now, tx)
            return (matter.id, "\(r.contact.whole(receipt)) \(r.phone.whole(receipt))")
        }
        return visit.redirect("/credit/\(id)", saying: Text("联系人：\(said)（已记入操作日志）", "Contact: \(said) (kept in the ledger)"))
    }

    private func jointForm(_ h: HTML, _ visit: Visit, _ matter: Matter, _ e: HTML.Errors, _ sent: Form?) {
        h.card(Text("联合惩戒通知", "Joint discipline")) {
            h.element("details", nil, [.init("open", if: !e.isEmpty)]) {
                h.element("summary", text: h.say(Text("通知其他部门", "Tell another agency")))
                visit.form(h, "/credit/\(matter.id)/joint", "mt-2") {
                    h.part("joint", keeping: e.isEmpty ? nil : sent) {
                        h.field("agency", Text("接收单位", "Agency"), value: nil, errors: e)
                        if let error = e["measure"] { h.p("text-danger small", error) }
                        for (key, title) in JointNotice.measures { h.checkbox("measure", title, value: key, checked: false) }
                        h.area("body", Text("内容", "What it says"), value: nil, rows: 3, errors: e, maxLength: 2000)
                    }
                    h.button(Text("发出", "Send"), "btn btn-sm btn-primary")
                }
            }
        }
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let (now, desk) = (visit.desk.now, visit.desk)
        do {
            try await desk.store.write { tx in
                _ = try Credit.act(name, on: find(visit, tx), input: form, by: .staff(account), at: now, desk: desk, tx)
            }
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await show(visit, name, refusal, form) }
        let matter = try await desk.store.read { try find(visit, $0) }
        return visit.redirect("/credit/\(matter.id)", saying: Self.table(matter.kind).done(name))
    }

    private func joint(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (now, desk, code) = (visit.desk.now, visit.desk, AccessCode.make())
        do {
            let matter = try await desk.store.write { tx in try JointNotice.send(form, of: find(visit, tx), by: account, code: code, at: now, desk: desk, tx) }
            let path = Link.query("/joint/\(matter.number)", [("code", code)])
            return visit.redirect("/credit/\(matter.id)", saying: Text("已发出。接收单位凭此链接签收和反馈：\(path)（只显示这一次）", "Sent. The agency answers by this link, shown this once: \(path)"))
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await show(visit, "joint", refusal, form) }
    }
}
