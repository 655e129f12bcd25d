import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// The complaint as staff work on it (投诉办理页): what it is about, what may be done now, what runs, what happened.
struct ComplaintPages: Sendable {
    let handling: Handling
    let suggestions: Suggestions

    func routes() -> [Route] {
        [
            Route(.get, "/disputes/:id", .permitted("casework.see")) { visit in try await show(visit, nil, nil) },
            Route(.post, "/disputes/:id/moves/:move", .permitted("casework.see"), cap: 4 << 20) { visit in try await move(visit) },
            Route(.post, "/disputes/:id/shown", .permitted("disputes.mediate")) { visit in try await Room.show(visit, handling) },
            Route(.post, "/disputes/:id/reveal", .permitted("personal.reveal")) { visit in try await reveal(visit) },
            Route(.post, "/disputes/:id/code", .permitted("personal.reveal")) { visit in try await renewCode(visit) },
            Route(.get, "/disputes/:id/registration", .permitted("personal.reveal")) { visit in try await registration(visit) },
        ]
    }

    private func load(_ visit: Visit, _ tx: Transaction) throws -> Complaint {
        let c = try tx.complaint(visit.exchange.id(of: Matter.self))
        guard visit.maySee(c.matter) else { throw Refusal.notFound }
        return c
    }

    private func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, sent: Form? = nil, revealed: (String, String, String, String?)? = nil) async throws -> Answer {
        let account = try visit.signedIn()
        let desk = visit.desk
        let (c, file, person, positions, op, similar, ways, people, likeCases, route, station, room) = try await desk.store.read { tx in
            let c = try load(visit, tx)
            let positions = try tx.all("SELECT party, body, offer, at FROM disputes_positions WHERE matter = \(c.matter.id) ORDER BY id").map {
                ($0.string("party"), $0.string("body"), $0.optionalMoney("offer"), $0.moment("at"))
            }
            return (
                c, try MatterFile.load(c.matter, desk: desk, tx), try tx.complainant(of: c.matter.id), positions, try c.matter.operator.map { try Operators.find($0, tx) },
                try Similar.of(c, tx), try OtherWays.load(c, tx), try PeoplesMediation.of(c.matter.id, tx), try c.matter.open ? LikeCases.of(c, tx) : nil,
                try RouteChoice.load(c, c.matter.operator.map { try Operators.find($0, tx) }, tx), try Prior.station(of: c.matter, desk, tx),
                try Room.load(c.matter.id, tx)
            )
        }
        let suggested = [ComplaintMoves.received, ComplaintMoves.supplement].contains(c.matter.state) ? try await suggestions.suggest(c, desk) : nil
        let moves = handling.available(c, to: .staff(account), clocks: file.clocks.map(\.0), people: people, hasReport: file.links.contains { $0.0.kind == ReportMoves.kind })
        let state = ComplaintMoves.table.state(c.matter.state)
        return visit.page(Text("投诉 \(c.matter.number)", "Complaint \(c.matter.number)"), status: refusal?.kind.status ?? 200, active: "/desk") { h in
            h.div("page-head matter-head") {
                h.div {
                    h.p("crumbs") {
                        h.a("/desk", nil, Text("待办", "Queue"))
                        h.text(" / \(c.matter.number)")
                    }
                    h.h1(c.matter.title)
                    h.p("mb-0") {
                        h.badge(state.title, state.tone)
                        h.span(
                            "text-muted ms-2",
                            "\(desk.regions.path(c.matter.region, in: visit.language)) · \(h.say(Notice.source(c.source))) · \(c.matter.receivedAt.minuteText) · \(desk.law.register[c.law].map { h.say($0.name) } ?? c.law)"
                        )
                    }
                }
                h.div("head-due") { visit.headDue(h, file, matter: c.matter) }
            }
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    if !moves.isEmpty { actions(h, visit, c, ways.promise, moves, failed: failed, sent, HTML.Errors(refusal)) }
                    dispute(h, visit, c, op)
                    if !positions.isEmpty || c.matter.state == ComplaintMoves.mediating { sides(h, visit, c, positions) }
                    outcome(h, c)
                    people?.write(h, visit, c)
                    room.write(h, visit, c, file.attachments)
                    visit.files(h, file, matter: c.matter)
                    visit.documents(h, file)
                    visit.notices(h, file, channel: Notice.channel)
                    visit.notes(h, file, matter: c.matter)
                }
                h.element("aside", "matter-side") {
                    visit.clocks(h, file, matter: c.matter)
                    complainant(h, visit, c, person, revealed)
                    if let suggested { Suggestions.write(h, visit, suggested) }
                    if let station { station.0.write(h, c.matter.receivedAt.day, workdays: station.workdays, station.until) }
                    if c.matter.open { route.write(h, visit, c) }
                    ways.write(h, visit, c)
                    if [ComplaintMoves.accepted, ComplaintMoves.mediating].contains(c.matter.state) { likeCases?.write(h) }
                    pattern(h, visit, similar)
                    visit.history(h, file, table: ComplaintMoves.table, regime: c.law)
                }
            }
        }
    }

    /// What was arranged and what was decided, in one place.
    private func outcome(_ h: HTML, _ c: Complaint) {
        let ground =
            c.refusalGround.flatMap { id in Grounds.shared.refusal(c.law).first { $0.id == id } }
            ?? c.endingGround.flatMap { id in Grounds.shared.ending(c.law).first { $0.id == id } }
        guard c.mediators != nil || ground != nil || c.agreement != nil else { return }
        h.card(Text("调解安排与结果", "Mediation and outcome")) {
            h.definitions {
                if let mode = c.mediationMode, let (title, words) = ComplaintMoves.detail("mode", mode, c.law) { h.definition(title, h.say(words)) }
                for (title, value) in [(Text("时间", "When"), c.mediationAt), (Text("地点", "Where"), c.mediationPlace), (Text("调解人员", "Mediators"), c.mediators)] {
                    if let value { h.definition(title, value) }
                }
                if c.mediationAt != nil { h.definition(Text("日程", "Calendar")) { h.a("/disputes/\(c.matter.id)/session.ics", nil, Text("加入日历（iCalendar）", "Add to a calendar")) } }
                if let ground { h.definition(c.refusalGround == nil ? Text("终止情形", "Ground of ending") : Text("不予受理情形", "Ground of refusal"), h.say(ground.text)) }
                if let reason = c.reason { h.definition(Text("理由", "Reason"), reason) }
                if let form = c.agreementForm, let (title, words) = ComplaintMoves.detail("form", form, c.law) { h.definition(title, h.say(words)) }
                if let agreement = c.agreement { h.definition(Text("协议内容", "Agreement")) { h.element("p", "pre mb-0", text: agreement) } }
            }
        }
    }

    private func dispute(_ h: HTML, _ visit: Visit, _ c: Complaint, _ op: Operator?) {
        h.card(Text("争议内容", "The dispute")) {
            h.definitions {
                h.definition(Text("被投诉人", "Business")) {
                    if let op { h.a("/operators/\(op.id)", nil, op.name) } else { h.text(c.respondentName) }
                    h.span("d-block text-muted small", c.respondentAddress)
                    if let phone = c.respondentPhone { h.a("tel:\(phone.filter { $0.isASCII && ($0.isNumber || $0 == "+") })", "d-block small", phone) }
                    if let url = c.shopURL { h.a(url, "d-block small", [.init("rel", "noreferrer noopener nofollow")]) { h.text(url) } }
                    if op == nil { h.span("d-block small text-warning-emphasis", Text("未与登记库匹配", "Not matched with the register")) }
                }
                h.definition(Text("商品或服务", "Goods or service"), c.purchase)
                h.definition(Text("发生日期", "Day"), c.occurredOn?.description)
                h.definition(Text("金额", "Amount"), c.amount.map { "¥\($0.grouped)" })
                h.definition(Text("诉求", "Claims"), c.claimsText[visit.language])
                h.definition(Text("经过", "Facts")) { h.element("p", "pre mb-0", text: c.facts) }
                if let number = c.externalNumber { h.definition(Text("全国平台编号", "National number"), number) }
            }
        }
    }

    private func sides(_ h: HTML, _ visit: Visit, _ c: Complaint, _ positions: [(String, String, Money?, Moment)]) {
        h.card(Text("双方意见", "Both sides")) {
            h.div("sides") {
                for (party, title) in [("complainant", Text("投诉人", "Complainant")), ("respondent", Text("被投诉人", "Business"))] {
                    h.div("side") {
                        h.h3(title, "h6")
                        for (who, body, offer, at) in positions where who == party {
                            h.div("position") {
                                h.p("pre mb-1", body)
                                if let offer { h.p("mb-1 fw-semibold", Text("提出 ¥\(offer.grouped)", "Offers ¥\(offer.grouped)")) }
                                h.p("text-muted small mb-0", at.minuteText)
                            }
                        }
                    }
                }
            }
            for (who, body, offer, at) in positions where who == "mediator" {
                h.div("position mediator") {
                    h.p("mb-1", Text("调解员方案", "The mediator proposes"))
                    h.p("pre mb-1", body)
                    if let offer { h.p("mb-1 fw-semibold", "¥\(offer.grouped)") }
                    h.p("text-muted small mb-0", at.minuteText)
                }
            }
        }
    }

    private func complainant(_ h: HTML, _ visit: Visit, _ c: Complaint, _ person: Complainant, _ revealed: (String, String, String, String?)?) {
        h.card(Text("投诉人", "Complainant")) {
            h.definitions {
                h.definition(Text("姓名", "Name"), revealed?.0 ?? person.name.description)
                h.definition(Text("电话", "Phone"), revealed?.1 ?? person.phone.description)
                h.definition(Text("地址", "Address"), revealed?.2 ?? person.address.description)
                if let number = person.idNumber { h.definition(Text("证件", "Identity"), revealed?.3 ?? number.description) }
                h.definition(Text("同意公示", "Publication"), consent(h, c.publication))
                h.definition(Text("同意委托调解", "Delegation"), consent(h, c.delegation))
            }
            if revealed == nil, visit.may("personal.reveal") {
                visit.form(h, "/disputes/\(c.matter.id)/reveal", "mt-2") {
                    h.select(
                        "purpose", Text("查看完整信息的用途", "For what purpose"),
                        options: [
                            ("contact", Text("联系当事人", "To contact them")), ("verify", Text("核验身份", "To verify identity")), ("serve", Text("送达文书", "To serve a document")),
                            ("repeat", Text("核查重复投诉", "To check for repeats")),
                        ], value: nil, empty: Text("请选择", "Choose"))
                    h.button(Text("查看（将记入日志）", "Show (this is logged)"), "btn btn-sm btn-outline-secondary")
                }
                visit.form(h, "/disputes/\(c.matter.id)/code", "mt-2") {
                    h.button(
                        Text("重发查询码", "Give a new tracking code"), "btn btn-sm btn-outline-secondary",
                        attributes: [h.confirming(Text("旧查询码将立即失效，确定重发？", "The old code ends at once. Give a new one?"))])
                }
                h.a("/disputes/\(c.matter.id)/registration", "small d-block mt-2", Text("打印投诉登记表", "Print the registration form"))
            }
        }
    }

    private func consent(_ h: HTML, _ value: Bool?) -> String? { value.map { $0 ? h.say(Text("是", "Yes")) : h.say(Text("否", "No")) } }

    /// Facts for a person to weigh under art. 17, never a judgement.
    private func pattern(_ h: HTML, _ visit: Visit, _ similar: Similar) {
        let (mine, others) = (similar.likes.filter { visit.maySee($0.matter) }, similar.likes.filter { !visit.maySee($0.matter) })
        guard similar.samePhone > 0 || (similar.sameRespondent ?? 0) > 0 || !similar.likes.isEmpty else { return }
        h.card(Text("相关情况（供人工判断）", "Related facts (for a person to weigh)")) {
            h.p("mb-1", Text("同一电话近一年其他投诉：\(similar.samePhone)件", "Other complaints by this phone in a year: \(similar.samePhone)"))
            h.p(
                "mb-1",
                similar.sameRespondent.map { Text("同一商家在办投诉：\($0)件", "Open complaints about this business: \($0)") }
                    ?? Text("商家未与登记库匹配，未统计其在办投诉", "The business is not matched with the register: its open complaints are not counted"))
            if !similar.likes.isEmpty {
                h.h3(Text("内容相近的投诉", "Complaints that read alike"), "h6 mt-3")
                h.element("ul", "plain-list") {
                    for like in mine {
                        h.element("li") {
                            h.a("/disputes/\(like.matter.id)", nil, like.matter.number)
                            h.text(" \(like.percent)% ")
                            let state = ComplaintMoves.table.state(like.matter.state)
                            h.badge(state.title, state.tone)
                            if like.sameBusiness { h.badge(Text("同一商家", "same business"), "amber") }
                            if like.samePhone { h.badge(Text("同一电话", "same phone"), "red") }
                        }
                    }
                }
                if !others.isEmpty { h.p("small mb-1", Text("另有\(others.count)件在其他辖区", "\(others.count) more in other districts")) }
            }
            h.p(
                "text-muted small mb-0", Text("数量本身不是不予受理的理由；《投诉举报处理办法》第十七条所列因素须由人逐项判断。", "Numbers are no ground by themselves: the factors of article 17 are weighed by a person.")
            )
        }
    }

    private func reveal(_ visit: Visit) async throws -> Answer {
        let form = try visit.exchange.form()
        let account = try visit.require("personal.reveal")
        guard let purpose = form["purpose"], ["contact", "verify", "serve", "repeat"].contains(purpose) else {
            return visit.redirect(
                "/disputes/\(try visit.exchange.parameter("id"))", saying: Text("请先选择查看个人信息的用途", "Choose first for what purpose you look"), refused: true)
        }
        let now = visit.desk.now
        let permissions = visit.desk.permissions
        let whole = try await visit.desk.store.write { tx in
            let c = try load(visit, tx)
            let person = try tx.complainant(of: c.matter.id)
            let receipt = try Reveal.log(c.matter.reference, purpose: purpose, by: account, permissions, at: now, tx)
            return (person.name.whole(receipt), person.phone.whole(receipt), person.address.whole(receipt), person.idNumber?.whole(receipt))
        }
        return try await show(visit, nil, nil, revealed: whole)
    }

    /// A new tracking code for a complainant who lost it, or whose complaint was imported: shown once, the old one ends.
    private func renewCode(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("personal.reveal")
        let now = visit.desk.now
        let code = AccessCode.make()
        let c = try await visit.desk.store.write { tx in
            let c = try load(visit, tx)
            try tx.change("UPDATE disputes_complaints SET tracking = \(AccessCode.hash(code, c.matter.number)) WHERE matter = \(c.matter.id)")
            try tx.audit("complaint.code-renewed", of: c.matter.reference, by: account.mark, at: now, sealing: [.init("disputes_complaints", key: "matter", c.matter.id.raw)])
            return c
        }
        return visit.page(Text("新的查询码", "A new code")) { h in
            h.div("narrow") {
                h.div("alert alert-success") {
                    h.h1(Text("\(c.matter.number) 的新查询码", "A new code for \(c.matter.number)"), "h4")
                    h.p("receipt-number mb-0", code)
                }
                h.p(nil, Text("请当面或按登记的电话告知投诉人；此码只显示一次，旧码已失效。", "Tell the complainant in person or by the phone on file; it is shown once, the old one has ended."))
                h.a("/disputes/\(c.matter.id)", "btn btn-primary", Text("返回投诉", "Back to the complaint"))
            }
        }
    }

    private func registration(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("personal.reveal")
        let desk = visit.desk
        let now = desk.now
        let body = try await desk.store.write { tx in
            let c = try load(visit, tx)
            _ = try Reveal.log(c.matter.reference, purpose: "registration form", by: account, desk.permissions, at: now, tx)
            var values = try ComplaintDocuments.values(c, tx, desk: desk)
            values["date"] = Documents.chinese(now.day)
            values["registrar"] = account.name
            return try Documents.render(Documents.template(ComplaintDocuments.form("registration"), office: String(c.matter.region.prefix(6)), tx), values)
        }
        return .sheet(Documents.sheet(body, title: "投诉登记表", style: Grounds.shared.style))
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let now = visit.desk.now
        let handling = handling
        do {
            let after = try await visit.desk.store.write { tx in
                try handling.apply(name, on: load(visit, tx), input: form, by: .staff(account), at: now, tx)
            }
            // What was given back or handed on is no longer this officer's to see.
            guard visit.maySee(after) else { return .redirect("/desk") }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict {
            return try await show(visit, name, refusal, sent: form)
        }
        return .redirect("/disputes/\(try visit.exchange.parameter("id"))")
    }
}
