import Formats
import Kernel
import Platform
import Store
import Web

/// A merchant's own code (商家查询码): opens all complaints to which it was invited, and those of the shops of its chain.
enum Merchants {
    /// Whether a code for `of` opens what concerns an operator: its own, or its head office's.
    static func opens(_ of: String, _ code: String, _ op: ID<Operator>, _ tx: Transaction) throws -> Bool {
        guard let row = try tx.one("SELECT m.operator, m.code FROM disputes_merchants m JOIN operators o ON o.id = m.operator WHERE o.uscc = \(of.uppercased())"),
            AccessCode.fits(code, of.uppercased(), row.string("code"))
        else { return false }
        let head = row.int("operator")
        return try head == op.raw || tx.one("SELECT member FROM disputes_chains WHERE head = \(head) AND member = \(op)") != nil
    }

    /// The business, where the officer's region covers it.
    static func own(_ id: ID<Operator>, _ account: Account, _ tx: Transaction) throws -> Operator {
        let op = try Operators.find(id, tx)
        guard account.covers(String(op.region.prefix(6))) || account.region.hasPrefix(op.region) else {
            throw Refusal(.forbidden, Text("该主体不在您的辖区", "The business is not in your region"))
        }
        return op
    }

    /// A new code; the one before ends.
    static func issue(_ op: Operator, code: String, reason: String = "", by account: Account, at now: Moment, _ tx: Transaction) throws {
        let hash = AccessCode.hash(code, op.uscc)
        try tx.run(
            """
            INSERT INTO disputes_merchants (operator, code, at, account) VALUES (\(op.id), \(hash), \(now), \(account.id))
            ON CONFLICT (operator) DO UPDATE SET code = \(hash), at = \(now), account = \(account.id)
            """)
        try tx.audit(
            "merchant.code", of: Reference(kind: "operator", id: op.id.raw), by: account.mark, at: now, details: reason.isEmpty ? [] : [("reason", .string(reason))],
            sealing: [.init("disputes_merchants", key: "operator", op.id.raw)])
    }

    /// The merchant and the shops of its chain.
    static func covered(_ head: Int64, _ tx: Transaction) throws -> [Int64] {
        [head] + (try tx.all("SELECT member FROM disputes_chains WHERE head = \(head) ORDER BY member").map { $0.int("member") })
    }
}

struct MerchantPages: Sendable {
    let limit: RateLimit

    func routes() -> [Route] {
        [
            Route(.get, "/merchant", .anyone) { visit in try await enter(visit) },
            Route(.get, "/merchant/:uscc", .anyone) { visit in try await list(visit) },
            Route(.post, "/operators/:id/merchant-code", .permitted("disputes.mediate")) { visit in try await issue(visit) },
            Route(.post, "/operators/:id/chain", .permitted("disputes.mediate")) { visit in try await chain(visit) },
        ]
    }

    private func enter(_ visit: Visit) async throws -> Answer {
        let query = visit.exchange.query
        if let uscc = query["uscc"], let code = query["code"] { return .redirect(Link.query("/merchant/\(Link.encode(uscc.uppercased()))", [("code", code.uppercased())])) }
        return visit.page(Text("商家入口", "For merchants")) { h in
            h.div("narrow") {
                h.h1(Text("商家入口", "For merchants"))
                h.p(
                    nil,
                    Text("凭统一社会信用代码和市场监管部门给您的商家查询码，查看并答复与您有关的消费投诉。", "With your credit code and the code that the office gave you, see and answer the complaints that concern you.")
                )
                h.element("form", "card card-body", [.init("method", "get"), .init("action", "/merchant")]) {
                    h.field("uscc", Text("统一社会信用代码", "Credit code"), value: query["uscc"], autocomplete: "off")
                    h.field("code", Text("商家查询码", "Merchant's code"), value: nil, autocomplete: "off")
                    h.div { h.button(Text("进入", "Enter")) }
                }
                h.p("small text-muted", Text("收到单件邀请链接的，直接打开链接即可。", "If you got a link for one complaint, just open it."))
            }
        }
    }

    private func list(_ visit: Visit) async throws -> Answer {
        try limit.take("merchant|" + visit.exchange.peer, at: visit.desk.now)
        let uscc = try visit.exchange.parameter("uscc").uppercased()
        let code = visit.exchange.query["code"] ?? ""
        let now = visit.desk.now
        let (op, rows, standing, names) = try await visit.desk.store.read { tx in
            guard let op = try Operators.find(uscc: uscc, tx), try Merchants.opens(uscc, code, op.id, tx) else {
                throw Refusal(.notFound, Text("信用代码与查询码不符，请核对", "Credit code and code do not fit: please check"))
            }
            let all = try Merchants.covered(op.id.raw, tx)
            let rows = try tx.all(
                "SELECT m.*, p.due, p.state AS promise FROM disputes_invitations i JOIN casework_matters m ON m.id = i.matter LEFT JOIN disputes_promises p ON p.matter = m.id WHERE m.operator IN (\(list: all)) ORDER BY m.open DESC, m.id DESC LIMIT 200"
            ).map { (Matter($0), $0.optionalDay("due"), $0.optionalString("promise")) }
            let names = Dictionary(try tx.all("SELECT id, name FROM operators WHERE id IN (\(list: all))").map { ($0.int("id"), $0.string("name")) }) { a, _ in a }
            return (op, rows, try Standing.of(op.id, at: now, tx), names)
        }
        return visit.page(Text("与我有关的投诉", "Complaints that concern me")) { h in
            h.div("page-head") {
                h.h1(op.name)
                h.p("text-muted mb-0", Text("共\(names.count)家主体，\(rows.count)件投诉邀请您答复", "\(names.count) businesses, \(rows.count) complaints that ask for your answer"))
            }
            h.card(Text("答复和履约情况", "How you stand")) { StandingCard.write(h, standing) }
            if rows.isEmpty { return h.empty(Text("没有需要答复的投诉", "Nothing asks for an answer"), Text("受邀答复的投诉会出现在这里。", "Complaints to which you are invited appear here.")) }
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") {
                        h.tr { for t in [Text("编号", "Number"), Text("主体", "Business"), Text("事由", "About"), Text("状态", "State"), Text("承诺", "Promise")] { h.th(t) } }
                    }
                    h.element("tbody") {
                        for (m, due, promise) in rows {
                            let state = ComplaintMoves.table.state(m.state)
                            h.tr {
                                h.td("number") { h.a(Link.query("/respond/\(m.number)", [("code", code), ("of", uscc)]), nil, m.number) }
                                h.td(nil, m.operator.flatMap { names[$0.raw] } ?? "")
                                h.td("title", Redaction.text(m.title))
                                h.td { h.badge(state.title, state.tone) }
                                h.td("nowrap", due.map { "\($0)\(promise == "kept" ? " ✓" : promise == "broken" ? " ✗" : "")" } ?? "—")
                            }
                        }
                    }
                }
            }
        }
    }

    // MARK: The office

    private func issue(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("disputes.mediate")
        let (id, now, code) = (try visit.exchange.id(of: Operator.self), visit.desk.now, AccessCode.make())
        let reason = try visit.exchange.form()["reason"].map { String($0.prefix(200)) } ?? ""
        let uscc: String
        do {
            uscc = try await visit.desk.store.write { tx in
                let op = try Merchants.own(id, account, tx)
                let hasCode = try tx.one("SELECT operator FROM disputes_merchants WHERE operator = \(id)") != nil
                guard !hasCode || !reason.isEmpty else {
                    throw Refusal.invalid("/reason", Text("该商家已有查询码：请写明为何重发", "It has a code already: say why it gets another"))
                }
                try Merchants.issue(op, code: code, reason: reason, by: account, at: now, tx)
                return op.uscc
            }
        } catch let refusal as Refusal where refusal.kind == .invalid { return visit.redirect("/operators/\(id)", saying: refusal.whole, refused: true) }
        return visit.redirect(
            "/operators/\(id)",
            saying: Text(
                "商家查询码 \(code)（只显示一次）。商家在 \(visit.exchange.origin)/merchant 用 \(uscc) 和此码进入。",
                "The merchant's code, shown once: \(code). It enters at \(visit.exchange.origin)/merchant with \(uscc)."))
    }

    private func chain(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("disputes.mediate")
        let form = try visit.exchange.form()
        let (id, now) = (try visit.exchange.id(of: Operator.self), visit.desk.now)
        do {
            let uscc = try form.needed("member", 18).uppercased()
            // What shows that both belong together: the head office sees the shop's complaints from then on.
            let basis = try form.needed("basis", 200)
            try await visit.desk.store.write { tx in
                _ = try Merchants.own(id, account, tx)
                guard let member = try Operators.find(uscc: uscc, tx), member.id != id else {
                    throw Refusal.invalid("/member", Text("登记库中没有另一家代码为“\(uscc)”的主体", "The register has no other business with the code “\(uscc)”"))
                }
                // The head office will read and answer for it: only an office that covers the shop too says so.
                if form["remove"] != "yes" { _ = try Merchants.own(member.id, account, tx) }
                if form["remove"] == "yes" {
                    try tx.run("DELETE FROM disputes_chains WHERE head = \(id) AND member = \(member.id)")
                } else {
                    try tx.run("INSERT INTO disputes_chains (head, member) VALUES (\(id), \(member.id)) ON CONFLICT (head, member) DO NOTHING")
                }
                try tx.audit(
                    "merchant.chain", of: Reference(kind: "operator", id: id.raw), by: account.mark, at: now,
                    details: [("member", .string(uscc)), ("basis", .string(basis)), ("removed", .bool(form["remove"] == "yes"))])
            }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .forbidden {
            return visit.redirect("/operators/\(id)", saying: refusal.whole, refused: true)
        }
        return visit.redirect("/operators/\(id)", saying: Text("已保存", "Saved"))
    }
}

enum StandingCard {
    static func write(_ h: HTML, _ s: Standing) {
        func percent(_ share: Double?) -> String { share.map { "\(Int(($0 * 100).rounded()))%" } ?? "—" }
        h.div("figures") {
            for (n, title) in [
                (percent(s.answeredShare), Text("答复率", "Answered")), (percent(s.tradeAnswered), Text("同行业答复率", "Its trade")),
                (percent(s.cityAnswered), Text("全市答复率", "The city")), (percent(s.keptShare), Text("履约率", "Promises kept")),
                (percent(s.tradeKept), Text("同行业履约率", "Its trade")), (percent(s.cityKept), Text("全市履约率", "The city")),
            ] {
                h.div("figure") {
                    h.span("figure-n", n)
                    h.span("figure-t", title)
                }
            }
        }
        h.p(
            "small text-muted mb-0",
            Text(
                "受邀\(s.invited)件，答复\(s.answered)件；到期承诺\(s.promises)项，消费者确认履行\(s.kept)项；同行业不足五件的不作比较",
                "Invited to \(s.invited), answered \(s.answered); of \(s.promises) promises due the consumer confirmed \(s.kept); a trade with fewer than five is not compared"))
    }

    /// On the operator's page, with what the office may do.
    static let panel = OperatorPanel { id, visit, tx in
        guard visit.may("disputes.mediate") else { return { _ in } }
        let standing = try Standing.of(id, at: visit.desk.now, tx)
        let members = try tx.all("SELECT o.name, o.uscc FROM disputes_chains c JOIN operators o ON o.id = c.member WHERE c.head = \(id) ORDER BY o.name").map {
            ($0.string("name"), $0.string("uscc"))
        }
        let hasCode = try tx.one("SELECT operator FROM disputes_merchants WHERE operator = \(id)") != nil
        let mine = visit.account.map { (try? Merchants.own(id, $0, tx)) != nil } ?? false
        return { h in
            h.card(Text("商家答复和履约", "Answers and promises")) {
                StandingCard.write(h, standing)
                if !members.isEmpty {
                    h.h3(Text("所属门店", "Shops of its chain"), "h6 mt-3")
                    h.ul("plain") { for (name, uscc) in members { h.li { h.text("\(name) \(uscc)") } } }
                }
                guard mine else { return }
                visit.form(h, "/operators/\(id)/merchant-code", "decide mt-2") {
                    if hasCode {
                        h.void(
                            "input", "form-control form-control-sm",
                            [
                                .name("reason"), .required, .init("maxlength", "200"), .label(h.say(Text("重发理由", "Why another code"))),
                                .init("placeholder", h.say(Text("重发理由", "Why another code"))),
                            ])
                    }
                    h.button(
                        Text("生成商家查询码", "Make the merchant's code"), "btn btn-sm btn-outline-secondary",
                        attributes: [h.confirming(Text("原查询码将失效，确定生成？", "An earlier code becomes void: make one?"))])
                }
                visit.form(h, "/operators/\(id)/chain", "decide mt-2") {
                    h.void(
                        "input", "form-control form-control-sm",
                        [
                            .name("member"), .init("maxlength", "18"), .label(h.say(Text("门店信用代码", "Credit code of a shop"))),
                            .init("placeholder", h.say(Text("门店信用代码", "Credit code of a shop"))),
                        ])
                    h.void(
                        "input", "form-control form-control-sm",
                        [
                            .name("basis"), .required, .init("maxlength", "200"), .label(h.say(Text("依据（总部证明、门店同意书）", "What shows it"))),
                            .init("placeholder", h.say(Text("依据（总部证明、门店同意书）", "What shows it"))),
                        ])
                    h.button(Text("加入连锁", "Add to the chain"), "btn btn-sm btn-outline-secondary")
                    h.button(Text("移出", "Remove"), "btn btn-sm btn-outline-secondary", name: "remove", value: "yes")
                }
            }
        }
    }
}
