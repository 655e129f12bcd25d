import Detect
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// A model's page (模型页): its card, how it does, cases, versions, back-tests, trigger, exceptions.
extension ModelPages {
    private struct Page: Sendable {
        let editions: [Edition]
        let hitsOf: [String: Int]
        let figures: Figures
        let trigger: LeadDesk.Trigger
        let accounts: [Account]
        let exceptions: [(id: Int64, what: String, reason: String, until: Day, owner: String)]
        let tests: [(edition: String, since: String, state: String, result: JSON?, at: Moment)]
        let leads: [Matter]
    }

    func show(_ visit: Visit, _ refusal: Refusal?, _ part: String?) async throws -> Answer {
        let id = try visit.exchange.parameter("id")
        let now = visit.desk.now
        let page = try await visit.desk.store.read { tx -> Page in
            let editions = try tx.all("SELECT * FROM monitoring_editions WHERE model = \(id) ORDER BY id DESC").map(Edition.init)
            guard !editions.isEmpty else { throw Refusal.notFound }
            let exceptions = try tx.all(
                """
                SELECT e.id, e.phrase, e.reason, e.until, a.name AS owner, s.name AS shop, i.name AS listing FROM monitoring_exceptions e JOIN platform_accounts a ON a.id = e.owner
                LEFT JOIN monitoring_sellers s ON s.id = e.seller LEFT JOIN monitoring_listings i ON i.id = e.listing WHERE e.model = \(id) AND e.ended_at IS NULL AND e.until >= \(now.day) ORDER BY e.id DESC
                """
            ).map { row in
                let what = [row.optionalString("shop"), row.optionalString("listing"), row.optionalString("phrase").map { "“\($0)”" }].compactMap { $0 }.joined(separator: " · ")
                return (row.int("id"), what, row.string("reason"), row.day("until"), row.string("owner"))
            }
            let tests = try tx.all(
                "SELECT e.edition, b.since, b.state, b.result, b.asked_at FROM monitoring_backtests b JOIN monitoring_editions e ON e.id = b.edition WHERE e.model = \(id) ORDER BY b.id DESC LIMIT 5"
            ).map { row in
                (
                    row.string("edition"), row.string("since"), row.string("state"), row.optionalString("result").flatMap { try? JSON(parsing: Array($0.utf8)) },
                    row.moment("asked_at")
                )
            }
            return Page(
                editions: editions,
                hitsOf: Dictionary(
                    try tx.all("SELECT edition, count(*) AS n FROM monitoring_hits WHERE model = \(id) GROUP BY edition").map { ($0.string("edition"), $0.count("n")) }
                ) { a, _ in a },
                figures: try Self.figures(id, at: now, tx)[id] ?? Figures(), trigger: try LeadDesk.Trigger.of(id, tx),
                accounts: try Accounts.all(tx).filter { $0.active && $0.roles.contains(.analyst) }, exceptions: exceptions, tests: tests,
                leads: try tx.all("SELECT m.* FROM monitoring_leads l JOIN casework_matters m ON m.id = l.matter WHERE l.model = \(id) ORDER BY m.id DESC LIMIT 10").map(
                    Matter.init))
        }
        let shown = page.editions.first { $0.state == .active } ?? page.editions.first { $0.state == .shadow } ?? page.editions[0]
        let law = visit.desk.law.register
        let model = try ModelLife.model(shown, law: law)
        let report = try? ModelLife.cases(shown.files, folder: shown.folder, law: law)
        return visit.page(
            Text(verbatim: "\(id) \(model.title[visit.language])"), status: refusal?.kind.status ?? 200, active: "/monitoring",
            refresh: page.tests.contains { $0.state == "waiting" } ? 3 : nil
        ) { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/monitoring/models", nil, Text("监测模型", "Models")) }
                h.h1("\(id) \(model.title[visit.language])")
                h.p("mb-0") {
                    h.badge(shown.state.title, shown.state.tone)
                    h.span(
                        "text-muted ms-2",
                        Text(
                            "版本 \(shown.edition) · 负责 \(model.card.owner) · 复核 \(model.card.reviewed)",
                            "edition \(shown.edition) · owner \(model.card.owner) · reviewed \(model.card.reviewed)"))
                }
                if !shown.note.isEmpty { h.p("small text-muted mb-0", shown.note) }
            }
            h.errorSummary(refusal, part: part ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    about(h, visit, model, law)
                    self.figures(h, visit, page)
                    cases(h, report)
                    versions(h, visit, page)
                    tests(h, visit, page)
                    h.card(Text("假如改动门槛", "What if a threshold were another")) {
                        h.p("small", Text("改一个数，看最近的命中、线索和已判定的线索会怎样。", "Change a number and see what becomes of recent hits, leads and those that were judged."))
                        h.a("/monitoring/models/\(id)/what-if", "btn btn-sm btn-outline-primary", Text("试算", "Try"))
                    }
                    h.card(Text("规则原文（Sigma）", "The rule (Sigma)")) {
                        h.element("details") {
                            h.element("summary", text: h.say(Text("查看 rule.yml", "Show rule.yml")))
                            h.element("pre", "code", text: shown.files["rule.yml"] ?? "")
                        }
                        if visit.may("monitoring.edit") {
                            h.a("/monitoring/models/\(id)/edit", "btn btn-sm btn-outline-primary mt-2", Text("修改并试用", "Edit and try"))
                        }
                    }
                }
                h.element("aside", "matter-side") {
                    triggerCard(h, visit, id, page, part == "trigger" ? HTML.Errors(refusal) : HTML.Errors())
                    exceptions(h, visit, id, page, part == "exceptions" ? HTML.Errors(refusal) : HTML.Errors())
                    h.card(Text("最近的线索", "Latest leads")) {
                        if page.leads.isEmpty { h.p("text-muted mb-0", Text("还没有线索", "None yet")) }
                        h.ul("plain") {
                            for m in page.leads {
                                h.li {
                                    h.a("/leads/\(m.id)", nil, m.number)
                                    h.text(" \(m.title) ")
                                    h.badge(LeadMoves.table.state(m.state).title, LeadMoves.table.state(m.state).tone)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func about(_ h: HTML, _ visit: Visit, _ model: Model, _ law: LawRegister) {
        h.card(Text("模型说明", "What it looks for")) {
            h.p(nil, model.description)
            h.h3(Text("法律依据", "Law"), "h6")
            h.ul {
                for basis in model.card.law {
                    h.li {
                        h.text(law.cite(basis.article))
                        if let from = basis.from {
                            h.span("small text-muted ms-2", basis.to.map { Text("\(from)至\($0)", "\(from) to \($0)") } ?? Text("\(from)起施行", "since \(from)"))
                        }
                    }
                }
            }
            h.h3(Text("违法要件", "Elements"), "h6")
            h.ul { for element in model.card.elements { h.li { h.text(element) } } }
            if !model.card.exemptions.isEmpty {
                h.h3(Text("豁免情形", "Exemptions"), "h6")
                h.ul { for exemption in model.card.exemptions { h.li { h.text(exemption) } } }
            }
            if !model.rules[0].falsePositives.isEmpty {
                h.h3(Text("已知误报", "Known false positives"), "h6")
                h.ul("mb-0") { for known in model.rules[0].falsePositives { h.li { h.text(known) } } }
            }
        }
    }

    private func figures(_ h: HTML, _ visit: Visit, _ p: Page) {
        h.card(Text("运行情况", "How it does")) {
            let f = p.figures
            h.div("figures") {
                for (n, title) in [
                    (String(f.hits), Text("累计命中", "Hits")), (String(f.leads), Text("线索", "Leads")), (f.precision.share.map(percent) ?? "—", Text("精度", "Precision")),
                    (f.drift.map { "×" + String(format: "%.1f", $0) } ?? "—", Text("漂移", "Drift")),
                ] {
                    h.div("figure") {
                        h.span("figure-n", n)
                        h.span("figure-t", title)
                    }
                }
            }
            if let range = f.precision.interval {
                h.p(
                    "small mb-1",
                    Text(
                        "近\(Precision.days)天判定\(f.precision.judged)件，确认\(f.precision.right)件，95%区间 \(percent(range.lowerBound))–\(percent(range.upperBound))；下限\(p.trigger.floor)%",
                        "\(f.precision.judged) judged in \(Precision.days) days, \(f.precision.right) confirmed; 95 % interval \(percent(range.lowerBound))–\(percent(range.upperBound)); floor \(p.trigger.floor) %"
                    ))
            }
            spark(h, f.weeks)
        }
    }

    private func cases(_ h: HTML, _ report: ModelCases.Report?) {
        h.card(Text("自带用例", "Its own cases")) {
            guard let report else { return h.p("mb-0", Text("用例无法运行", "The cases cannot be run")) }
            h.p("mb-1") {
                h.badge(
                    report.failures.isEmpty ? Text("全部通过", "all pass") : Text("\(report.failures.count)个不符", "\(report.failures.count) fail"),
                    report.failures.isEmpty ? "green" : "red")
                h.text(Text(" 应命中\(report.positive)个，不应命中\(report.negative)个", " \(report.positive) must hit, \(report.negative) must not"))
            }
            if !report.failures.isEmpty { h.ul("small") { for failure in report.failures.prefix(10) { h.li { h.text(failure) } } } }
        }
    }

    private func versions(_ h: HTML, _ visit: Visit, _ p: Page) {
        h.card(Text("版本", "Editions")) {
            h.ul("plain") {
                for (i, edition) in p.editions.enumerated() {
                    h.li("edition") {
                        h.element("code", text: edition.edition)
                        h.badge(edition.state.title, edition.state.tone)
                        h.span("small text-muted", Text("\(edition.madeAt.minuteText) 建立", "made \(edition.madeAt.minuteText)"))
                        if let at = edition.decidedAt { h.span("small text-muted", Text("\(at.minuteText) 决定", "decided \(at.minuteText)")) }
                        if let n = p.hitsOf[edition.edition] { h.span("small text-muted", Text("命中\(n)次", "\(n) hits")) }
                        if !edition.note.isEmpty { h.span("small d-block", edition.note) }
                        if i + 1 < p.editions.count { difference(h, from: p.editions[i + 1], to: edition) }
                        if visit.may("monitoring.approve") { decisions(h, visit, edition) }
                    }
                }
            }
        }
    }

    /// What came and what went, line by line: a phrase of a list, a line of the rule, a case.
    private func difference(_ h: HTML, from old: Edition, to new: Edition) {
        let changed = Set(old.files.keys).union(new.files.keys).sorted().compactMap { name -> (String, [String], [String])? in
            func lines(_ text: String?) -> [String] { (text ?? "").split(whereSeparator: \.isNewline).map { String($0).trimmed } }
            let (before, after) = (lines(old.files[name]), lines(new.files[name]))
            let (was, now) = (Set(before), Set(after))
            let (came, went) = (after.filter { !was.contains($0) }, before.filter { !now.contains($0) })
            return came.isEmpty && went.isEmpty ? nil : (name, came, went)
        }
        h.element("details", "diff") {
            h.element("summary", text: h.say(Text("与上一版的差异", "What differs from the one before")))
            for (name, came, went) in changed {
                h.p("small mb-1", Text("\(name)：增加\(came.count)行，删去\(went.count)行", "\(name): \(came.count) lines more, \(went.count) gone"))
                h.element("pre", "code") {
                    for line in went.prefix(40) { h.element("del", text: "- \(line)\n") }
                    for line in came.prefix(40) { h.element("ins", text: "+ \(line)\n") }
                    if came.count > 40 || went.count > 40 { h.text("…") }
                }
            }
        }
    }

    private func decisions(_ h: HTML, _ visit: Visit, _ edition: Edition) {
        let ways: [(Edition.State, Text)] =
            switch edition.state {
            case .draft: [(.shadow, Text("转入试运行", "Put in trial"))]
            case .shadow: [(.active, Text("启用", "Activate")), (.retired, Text("停用", "Retire"))]
            case .active: [(.shadow, Text("退回试运行", "Back to trial")), (.retired, Text("停用", "Retire"))]
            case .retired: [(.shadow, Text("重新试运行", "Into trial again"))]
            }
        visit.form(h, "/monitoring/models/\(edition.model)/decide", "decide mt-1") {
            h.hidden("edition", String(edition.id))
            h.void(
                "input", "form-control form-control-sm",
                [.name("note"), .init("maxlength", "300"), .label(h.say(Text("决定说明", "Remark"))), .init("placeholder", h.say(Text("说明（选填）", "Remark (optional)")))])
            for (state, title) in ways {
                h.button(
                    title, state == .active ? "btn btn-sm btn-primary" : "btn btn-sm btn-outline-secondary", name: "to", value: state.rawValue,
                    attributes: [h.confirming(Text("确定“\(title.zh)”？", "\(title.en)?"))])
            }
        }
    }

    private func tests(_ h: HTML, _ visit: Visit, _ p: Page) {
        h.card(Text("回溯测试", "Back-test")) {
            h.p("small text-muted", Text("在留存的历史版本上重放：会生成多少线索，会丢失哪些已确认的。", "Replays on what was kept: leads that it would open, confirmed ones that it would lose."))
            visit.form(h, "/monitoring/models/\(p.editions[0].model)/backtest", "decide mb-2") {
                h.element("select", "form-select form-select-sm", [.name("edition"), .label(h.say(Text("版本", "Edition")))]) {
                    for edition in p.editions.prefix(10) { h.element("option", nil, [.value(String(edition.id))], text: "\(edition.edition) \(h.say(edition.state.title))") }
                }
                h.void(
                    "input", "form-control form-control-sm",
                    [.type("date"), .name("since"), .value(visit.desk.today().adding(days: -90).description), .label(h.say(Text("自", "Since")))])
                h.button(Text("运行", "Run"), "btn btn-sm btn-outline-primary")
            }
            for test in p.tests {
                h.element("section", "hit") {
                    h.p("mb-1") {
                        h.element("code", text: test.edition)
                        h.text(Text(" 自 \(test.since)", " since \(test.since)"))
                        if test.state == "waiting" { h.badge(Text("进行中", "running"), "blue") }
                    }
                    if let r = test.result {
                        let lost = r["confirmedLost"]?.array?.compactMap(\.string) ?? []
                        func n(_ key: String) -> Int { r[key]?.int ?? 0 }
                        h.p(
                            "mb-1",
                            Text(
                                "\(n("versions"))个版本中命中\(n("hits"))次，约\(n("leads"))件线索；已确认的保留\(n("confirmedKept"))件、丢失\(lost.count)件；已排除的不再出现\(n("dismissedSpared"))件、仍会出现\(n("dismissedStill"))件。",
                                "\(n("hits")) hits in \(n("versions")) versions, about \(n("leads")) leads; of the confirmed \(n("confirmedKept")) kept, \(lost.count) lost; of the dismissed \(n("dismissedSpared")) gone, \(n("dismissedStill")) still there."
                            ))
                        if !lost.isEmpty {
                            h.p("small text-danger mb-1", Text("将丢失：\(lost.prefix(10).joined(separator: "、"))", "Would be lost: \(lost.prefix(10).joined(separator: ", "))"))
                        }
                    } else if test.state == "failed" {
                        h.p("small text-danger mb-0", Text("未能运行", "It could not be run"))
                    }
                }
            }
        }
    }

    private func triggerCard(_ h: HTML, _ visit: Visit, _ id: String, _ p: Page, _ e: HTML.Errors) {
        h.card(Text("触发条件", "Trigger")) {
            let t = p.trigger
            guard visit.may("monitoring.approve") else {
                return h.p(
                    "mb-0",
                    t.opens
                        ? Text("命中\(t.minimum)次、等级不低于“\(LeadPages.level(t.level).title.zh)”时自动生成线索", "A lead opens at \(t.minimum) hits of level \(t.level) and above")
                        : Text("不自动生成线索", "It opens no lead by itself"))
            }
            visit.form(h, "/monitoring/models/\(id)/trigger") {
                h.part("trigger") {
                    h.checkbox("opens", Text("自动生成线索", "Open leads by itself"), checked: t.opens)
                    h.field("minimum", Text("同一店铺命中次数", "Hits of one shop"), value: String(t.minimum), errors: e, inputmode: "numeric")
                    h.select("level", Text("最低等级", "Lowest level"), options: LeadDesk.levels.map { ($0, LeadPages.level($0).title) }, value: t.level, errors: e)
                    h.select(
                        "account", Text("分派给", "Given to"), options: [("", Text("不指定", "Nobody"))] + p.accounts.map { ($0.id.description, Text(verbatim: $0.name)) },
                        value: t.account?.description ?? "", errors: e, required: false)
                    h.field(
                        "floor", Text("精度下限（%）", "Floor of precision (%)"), value: String(t.floor),
                        hint: Text("判定\(Precision.enough)件以上且明显低于下限时自动转为试运行", "Surely below it after \(Precision.enough) judgements it goes back into trial"), errors: e,
                        inputmode: "numeric")
                }
                h.button(Text("保存", "Save"), "btn btn-sm btn-primary")
            }
        }
    }

    private func exceptions(_ h: HTML, _ visit: Visit, _ id: String, _ p: Page, _ e: HTML.Errors) {
        h.card(Text("例外", "Exceptions")) {
            if p.exceptions.isEmpty { h.p("text-muted", Text("没有例外", "None")) }
            h.ul("plain") {
                for x in p.exceptions {
                    h.li {
                        h.text("\(x.what) · \(x.reason) · ")
                        h.span("small text-muted", Text("\(x.owner)，至\(x.until)", "\(x.owner), until \(x.until)"))
                        if visit.may("monitoring.screen") {
                            visit.form(h, "/monitoring/models/\(id)/exceptions", "d-inline") {
                                h.button(Text("终止", "End"), "btn btn-sm btn-link", name: "end", value: String(x.id))
                            }
                        }
                    }
                }
            }
            guard visit.may("monitoring.screen") else { return }
            h.element("details", "mt-2", [.init("open", if: !e.isEmpty)]) {
                h.element("summary", text: h.say(Text("添加例外", "Add an exception")))
                visit.form(h, "/monitoring/models/\(id)/exceptions", "mt-2") {
                    h.part("exceptions") {
                        h.field("shop", Text("店铺名称", "Shop"), value: nil, errors: e, required: false)
                        h.field("phrase", Text("词语", "Phrase"), value: nil, hint: Text("只有该词命中时不生成线索", "No lead where only this phrase hits"), errors: e, required: false)
                        h.field("reason", Text("理由", "Reason"), value: nil, errors: e)
                        h.field("until", Text("到期日", "Until"), value: visit.desk.today().adding(days: 90).description, type: "date", errors: e)
                    }
                    h.button(Text("添加", "Add"), "btn btn-sm btn-primary")
                }
            }
        }
    }
}
