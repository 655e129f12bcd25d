import Formats
import Kernel
import Platform
import Store
import Web

/// The consumer's side of offers (消费者协商): takes, declines, answers with another; confirms a promise or opens the complaint again.
extension TrackPages {
    static let acts = ["offer", "accept-offer", "decline-offer", "confirm", "reopen", "convert", "rate", "sign"]

    func negotiate(_ visit: Visit, _ act: String) async throws -> Answer {
        let form = try visit.exchange.form()
        let number = try visit.exchange.parameter("number")
        let code = form["code"] ?? ""
        let c = try await own(visit, number: number, code: code)
        let (negotiation, now) = (Negotiation(handling: handling), visit.desk.now)
        do {
            try await visit.desk.store.write { tx in
                let fresh = try tx.complaint(c.matter.id)
                func offer() throws -> Int64 {
                    guard let id = form["offer"].flatMap({ Int64($0) }) else { throw Refusal.notFound }
                    return id
                }
                switch act {
                case "offer": try negotiation.offer(fresh, by: "complainant", input: form, at: now, tx)
                case "accept-offer": try negotiation.accept(offer(), in: fresh, by: "complainant", at: now, tx)
                case "decline-offer": try negotiation.decline(offer(), in: fresh, by: "complainant", input: form, at: now, tx)
                case "convert": try handling.apply("convert", on: fresh, input: form, by: .filer, at: now, tx)
                case "rate": try Ratings.rate(fresh, score: form["score"].flatMap { Int($0) }, comment: form["comment"] ?? "", at: now, tx)
                case "sign": try Room.sign(fresh, by: "complainant", input: form, handling: handling, at: now, tx)
                case "confirm": try negotiation.confirm(fresh, at: now, tx)
                default: try negotiation.reopen(fresh, input: form, at: now, tx)
                }
            }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await show(visit, refusal) }
        return visit.redirect(Link.query("/track/\(number)", [("code", code)]), saying: Text("已保存", "Saved"))
    }

    func offers(_ h: HTML, _ visit: Visit, _ c: Complaint, _ offers: [Offer], _ promise: Promise?, _ code: String) {
        guard !offers.isEmpty || promise != nil || c.matter.state == ComplaintMoves.prior else { return }
        func form(_ act: String, _ body: () -> Void) {
            visit.form(h, "/track/\(c.matter.number)/\(act)", "mb-2") {
                h.hidden("code", code)
                body()
            }
        }
        let isOpen = Negotiation.isOpen(c)
        h.card(Text("与商家协商", "Settling with the business"), "asked") {
            if let promise {
                OfferList.promise(h, promise)
                // Opened again, the merchant may still keep it: the consumer confirms that too.
                let reopened = promise.state == "claimed" && [ComplaintMoves.accepted, ComplaintMoves.mediating].contains(c.matter.state)
                if reopened { form("confirm") { h.button(Text("商家已履行，确认办结", "It was done: close it"), "btn btn-primary") } }
                if promise.state != "kept", [ComplaintMoves.agreed, ComplaintMoves.firstSettled, ComplaintMoves.closed].contains(c.matter.state) {
                    form("confirm") { h.button(Text("商家已履行，确认办结", "It was done: close it"), "btn btn-primary") }
                    if promise.state == "claimed" || visit.desk.today() > promise.due {
                        form("reopen") {
                            h.area("reason", Text("没有履行的情况", "What was not done"), value: nil, rows: 2, maxLength: 1000)
                            h.button(Text("没有履行，继续调解", "It was not: go on with mediation"), "btn btn-outline-danger")
                        }
                    } else {
                        h.p("small text-muted", Text("到期仍未履行的，可以在这里要求继续调解。", "If it is not done by then, ask here for mediation to go on."))
                    }
                }
            }
            if isOpen, let open = offers.last(where: { $0.isOpen && $0.party == "respondent" }) {
                h.p("fw-semibold", Text("商家提出：\(open.text.zh)", "The business offers: \(open.text.en)"))
                form("accept-offer") {
                    h.hidden("offer", String(open.id))
                    h.button(Text("接受", "Accept"), "btn btn-primary", attributes: [h.confirming(Text("接受后双方达成协议，按约定履行。确定接受？", "Accepting makes it an agreement. Accept?"))])
                }
                form("decline-offer") {
                    h.hidden("offer", String(open.id))
                    h.button(Text("不接受", "Decline"), "btn btn-outline-secondary")
                }
                h.element("details", "mb-2") {
                    h.element("summary", text: h.say(Text("提出我的方案", "Make an offer of my own")))
                    form("offer") {
                        OfferList.fields(h, visit, HTML.Errors())
                        h.button(Text("发给商家", "Send it to the business"))
                    }
                }
            }
            OfferList.write(h, offers, mine: "complainant")
            if c.matter.state == ComplaintMoves.prior {
                h.p(
                    "small text-muted",
                    Text(
                        "商家或者服务站正在与您协商；不愿继续协商的，可以随时转为投诉，由市场监管部门处理。",
                        "The business or the station is settling it with you; at any time you may make it a complaint to the regulator."))
                form("convert") {
                    h.area("reason", Text("为什么转为投诉", "Why"), value: nil, rows: 2, maxLength: 1000)
                    h.button(Text("转为投诉", "Make it a complaint"), "btn btn-outline-danger")
                }
            }
        }
    }

    /// What the consumer says once it is over.
    func rating(_ h: HTML, _ visit: Visit, _ c: Complaint, _ rating: (score: Int, comment: String)?, _ code: String) {
        guard !ComplaintMoves.table.state(c.matter.state).open else { return }
        h.card(Text("您的评价", "Your rating")) {
            if let rating {
                h.p("mb-2", Text("已评价：\(Ratings.scores.first { $0.0 == rating.score }?.1.zh ?? "")", "You said: \(Ratings.scores.first { $0.0 == rating.score }?.1.en ?? "")"))
            }
            visit.form(h, "/track/\(c.matter.number)/rate") {
                h.hidden("code", code)
                h.radios(
                    "score", Text("对办理满意吗", "Are you satisfied?"), options: Ratings.scores.map { (String($0.0), $0.1, nil) }, value: rating.map { String($0.score) }, inline: true)
                h.field("comment", Text("想说的话", "A word"), value: rating?.comment, required: false)
                h.div { h.button(Text("提交评价", "Send"), "btn btn-outline-primary") }
            }
        }
    }
}
