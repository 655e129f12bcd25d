import Kernel
import Statute
import Store
import Web

/// Periods and their law (期限与法律依据): the catalogue, a calculator that says why, the register of laws.
package enum LawPages {
    package static func routes() -> [Route] {
        [
            Route(.get, "/law", .anyone) { visit in catalogue(visit) },
            Route(.get, "/law/:id", .anyone) { visit in try law(visit) },
        ]
    }

    private static func catalogue(_ visit: Visit) -> Answer {
        let desk = visit.desk
        let query = visit.exchange.query
        var answer: (Deadline?, Refusal?) = (nil, nil)
        if let id = query["duty"], let from = query["from"] {
            do throws(Refusal) {
                guard let moment = Moment(from) else { throw .invalid("/from", Text("日期应为 2026-11-23 形式", "A date reads 2026-11-23")) }
                answer.0 = try desk.engine.deadline(id, from: moment, received: query["received"].flatMap { Day($0) })
            } catch { answer.1 = error }
        }
        return visit.page(Text("期限与法律依据", "Periods and their law")) { h in
            h.div("page-head") {
                h.h1(Text("期限与法律依据", "Periods and their law"))
                h.p("text-muted mb-0", Text("每个期限都写明法律、条款和施行日期；任何日期都可以展开看逐日计算。", "Every period names its law, article and dates in force; every date opens into its count."))
            }
            h.errorSummary(answer.1)
            h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/law")]) {
                h.element("select", "form-select", [.name("duty"), .label(h.say(Text("期限", "Period")))]) {
                    for duty in desk.law.catalogue.duties {
                        h.element("option", nil, [.value(duty.id), .selected(duty.id == query["duty"])], text: "\(duty.id) \(h.say(duty.title))")
                    }
                }
                h.void(
                    "input", "form-control", [.type("date"), .name("from"), .value(query["from"] ?? desk.today().description), .label(h.say(Text("起算事件日期", "Day of the event")))])
                h.button(Text("计算", "Count"))
            }
            if let deadline = answer.0 {
                h.card(
                    Text(
                        "\(deadline.duty)：不晚于 \(deadline.dueMoment?.minuteText ?? deadline.due.description)",
                        "\(deadline.duty): by \(deadline.dueMoment?.minuteText ?? deadline.due.description)")
                ) {
                    visit.explanation(h, deadline, stricter: true)
                }
            }
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") {
                        h.tr { for t in [Text("编号", "Id"), Text("期限", "Period"), Text("长度", "Length"), Text("起算", "From"), Text("依据", "Law"), Text("施行", "In force")] { h.th(t) } }
                    }
                    h.element("tbody") {
                        for duty in desk.law.catalogue.duties {
                            for rule in duty.rules {
                                h.tr {
                                    h.td("number", duty.id)
                                    h.td { h.text(duty.title) }
                                    h.td("nowrap") { h.text(length(rule)) }
                                    h.td { h.text(rule.start.text) }
                                    h.td {
                                        for article in rule.basis.map(\.place) {
                                            h.a("/law/\(Link.encode(article.law))", "d-block small", desk.law.register.cite(article))
                                        }
                                        if rule.verified == false { h.badge(Text("待法规科核对", "to be confirmed"), "amber") }
                                    }
                                    h.td("nowrap small") { h.text("\(rule.from?.description ?? "")–\(rule.to?.description ?? "")") }
                                }
                            }
                        }
                    }
                }
            }
            h.h2(Text("法规库", "Register of laws"), "h5 mt-4")
            h.ul("law-list") { for law in desk.law.register.laws { h.li { h.a("/law/\(Link.encode(law.id))", nil, law.name) } } }
        }
    }

    static func length(_ rule: Period) -> Text {
        guard let n = rule.length else { return Text("—", "—") }
        return switch rule.unit {
        case .workday: Text("\(n)个工作日", "\(n) working days")
        case .day: Text("\(n)日", "\(n) days")
        case .hour: Text("\(n)小时", "\(n) hours")
        case .month: Text("\(n)个月", "\(n) months")
        case nil: Text("\(n)", "\(n)")
        }
    }

    private static func law(_ visit: Visit) throws -> Answer {
        guard let law = visit.desk.law.register[try Form.decode(ArraySlice(visit.exchange.parameter("id").utf8))] else { throw Refusal.notFound }
        return visit.page(law.name) { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/law", nil, Text("期限与法律依据", "Periods and their law")) }
                h.h1(law.name)
                h.p("text-muted mb-0", "\(law.issuer ?? "") \(law.number ?? "") · \(law.from?.description ?? "")–\(law.to?.description ?? "")")
            }
            if law.verified == false { h.p(nil, Text("本条目尚待法规科对照原文核对。", "This entry is still to be checked against the text.")) }
            h.definitions {
                for (number, gist) in law.articles.sorted(by: { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }) {
                    h.definition(Text(Numerals.article(number), "art. \(number)"), Text(gist.gist, gist.gistEn)[visit.language])
                }
            }
        }
    }
}
