import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Claims on a fund by page (先行赔付申请页): the form on a complaint, the claim with its steps.
extension FundPages {
    private func complaint(_ visit: Visit, _ tx: Transaction) throws -> Complaint {
        let c = try tx.complaint(visit.exchange.id(of: Matter.self))
        guard visit.maySee(c.matter) else { throw Refusal.notFound }
        return c
    }

    func form(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let (c, funds, files) = try await visit.desk.store.read { tx in
            let c = try complaint(visit, tx)
            return (
                c, try tx.all("SELECT * FROM disputes_funds WHERE closed_at IS NULL ORDER BY name").map(Fund.init).filter { c.matter.region.hasPrefix($0.region) },
                try Attachments.of(c.matter.id, tx).map(\.name)
            )
        }
        let e = HTML.Errors(refusal)
        return visit.page(Text("申请先行赔付", "Apply to a fund"), status: refusal?.kind.status ?? 200, active: "/funds") { h in
            h.div("narrow") {
                h.p("crumbs") { h.a("/disputes/\(c.matter.id)", nil, "\(c.matter.number) \(c.matter.title)") }
                h.h1(Text("申请先行赔付", "Apply to a fund"))
                h.errorSummary(refusal)
                if funds.isEmpty { return h.empty(Text("没有覆盖该辖区的资金", "No fund covers this region"), Text("请由负责人先设立资金。", "The head sets one up first.")) }
                visit.form(h, "/disputes/\(c.matter.id)/fund-claim", "card card-body") {
                    h.select(
                        "fund", Text("资金", "Fund"),
                        options: funds.map {
                            (
                                $0.id.description,
                                Text("\($0.name)（余额¥\($0.balance.grouped)，每件上限¥\($0.caseCap.grouped)）", "\($0.name) (¥\($0.balance.grouped), ¥\($0.caseCap.grouped) a claim)")
                            )
                        },
                        value: sent?["fund"], errors: e, empty: Text("请选择", "Choose"))
                    h.field(
                        "amount", Text("金额（元）", "Sum (yuan)"), value: sent?["amount"] ?? c.amount?.plain,
                        hint: Text("只赔付实际损失，不含惩罚性赔偿", "The actual loss alone, nothing that punishes"), errors: e,
                        inputmode: "decimal")
                    h.radios(
                        "liable", Text("商家责任的依据", "What shows the merchant's liability"), options: FundClaimMoves.liabilities.map { ($0.0, $0.1, nil) }, value: sent?["liable"],
                        errors: e)
                    h.radios("cause", Text("商家未赔付的原因", "Why the merchant does not pay"), options: FundClaimMoves.causes.map { ($0.0, $0.1, nil) }, value: sent?["cause"], errors: e)
                    h.area(
                        "basis", Text("依据的材料", "Papers that show it"), value: sent?["basis"], rows: 2,
                        hint: Text("名称和编号，如购物小票、检测报告、调解笔录；失联的写明联系经过", "By name and number, such as a receipt, a test report; for one who is gone, how it was tried"), errors: e,
                        maxLength: 500)
                    h.p(
                        "small text-muted",
                        files.isEmpty
                            ? Text("投诉没有附件。", "The complaint has no files.")
                            : Text("投诉附件：\(files.joined(separator: "、"))", "Files of the complaint: \(files.joined(separator: ", "))"))
                    h.checkbox("evidence", Text("证据齐全（凭证、损失、责任依据均已附于投诉）", "The evidence is complete and on the complaint's file"), checked: sent?["evidence"] == "yes")
                    if let error = e["evidence"] { h.p("text-danger small", error) }
                    h.div { h.button(Text("提出申请", "Apply")) }
                }
            }
        }
    }

    func apply(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (handling, now) = (handling, visit.desk.now)
        do {
            let matter = try await visit.desk.store.write { tx in try handling.apply(for: complaint(visit, tx), input: form, by: .staff(account), at: now, tx) }
            return visit.redirect("/fund-claims/\(matter.id)", saying: Text("已提出，等待审核", "Applied: it is examined next"))
        } catch let clash as Clash where clash.isUnique {
            // Somebody else applied for the same complaint at the same moment.
            return try await self.form(visit, Refusal(.conflict, Text("该投诉已有先行赔付申请", "This complaint has a claim already")), form)
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict {
            return try await self.form(visit, refusal, form)
        }
    }

    func claim(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let desk = visit.desk
        let (claim, fund, file, complaint) = try await desk.store.read { tx in
            let matter = try tx.matter(visit.exchange.id(of: Matter.self))
            guard visit.maySee(matter) else { throw Refusal.notFound }
            let claim = try tx.fundClaim(matter)
            return (claim, try tx.fund(claim.fund), try MatterFile.load(matter, desk: desk, tx), try tx.matter(claim.complaint))
        }
        let moves = handling.available(claim, to: .staff(account))
        let state = FundClaimMoves.table.state(claim.matter.state)
        let errors = HTML.Errors(refusal)
        return visit.page(Text("先行赔付 \(claim.matter.number)", "Claim \(claim.matter.number)"), status: refusal?.kind.status ?? 200, active: "/funds") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/funds/\(fund.id)", nil, fund.name) }
                h.h1(claim.matter.title)
                h.p("mb-0") { h.badge(state.title, state.tone) }
            }
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    if !moves.isEmpty {
                        h.card(Text("可以办理", "What can be done now"), "actions") {
                            for move in moves {
                                h.element("details", "action", [.init("open", if: failed == move.name || (failed == nil && moves.count == 1))]) {
                                    h.element("summary") { h.span("action-name", move.title) }
                                    visit.form(h, "/fund-claims/\(claim.matter.id)/moves/\(move.name)", "action-form") {
                                        h.part(move.name, keeping: failed == move.name ? sent : nil) {
                                            let e = failed == move.name ? errors : HTML.Errors()
                                            switch move.name {
                                            case "recover":
                                                h.field(
                                                    "amount", Text("收回金额（元）", "Recovered (yuan)"), value: Money(fen: claim.amount.fen - claim.recovered.fen).plain, errors: e,
                                                    inputmode: "decimal")
                                                h.field("reference", Text("凭证号", "Voucher"), value: nil, errors: e)
                                            case "pay":
                                                h.field(
                                                    "reference", Text("支付凭证号", "Voucher of the payment"), value: nil, hint: Text("审核人不能同时支付", "Who granted it does not pay it"),
                                                    errors: e)
                                                h.select(
                                                    "channel", Text("怎样告知消费者", "How the consumer is told"), options: Notice.channels, value: nil, errors: e,
                                                    empty: Text("请选择", "Choose"))
                                            case "told":
                                                h.p(nil) { h.a("/fund-claims/\(claim.matter.id)/letter", nil, Text("打印追偿通知", "Print the notice of recovery")) }
                                                h.select(
                                                    "channel", Text("怎样送达商家", "How it reached the merchant"), options: Notice.channels.filter { $0.0 != "portal" }, value: nil,
                                                    errors: e,
                                                    empty: Text("请选择", "Choose"))
                                            default: h.area("reason", Text("理由", "Reason"), value: nil, rows: 3, errors: e, maxLength: 1000)
                                            }
                                        }
                                        h.button(
                                            move.title, move.name == "approve" || move.name == "recover" ? "btn btn-primary" : "btn btn-danger",
                                            attributes: [h.confirming(Text("确定“\(move.title.zh)”？", "\(move.title.en)?"))])
                                    }
                                }
                            }
                        }
                    }
                    h.card(Text("申请", "The claim")) {
                        h.definitions {
                            h.definition(Text("金额", "Sum"), "¥\(claim.amount.grouped)")
                            h.definition(Text("已追回", "Recovered"), "¥\(claim.recovered.grouped)")
                            h.definition(Text("责任依据", "Liability"), FundClaimMoves.liabilities.first { $0.0 == claim.liable }.map { h.say($0.1) })
                            h.definition(Text("商家未赔付的原因", "Why the merchant does not pay"), FundClaimMoves.causes.first { $0.0 == claim.cause }.map { h.say($0.1) })
                            h.definition(Text("投诉", "Complaint")) { h.a("/disputes/\(complaint.id)", nil, "\(complaint.number) \(complaint.title)") }
                            h.definition(Text("资金", "Fund")) { h.a("/funds/\(fund.id)", nil, "\(fund.name)（¥\(fund.balance.grouped)）") }
                        }
                    }
                    visit.notices(h, file, channel: Notice.channel)
                    visit.notes(h, file, matter: claim.matter)
                }
                h.element("aside", "matter-side") { visit.history(h, file, table: FundClaimMoves.table, regime: claim.matter.regime) }
            }
        }
    }

    /// 先行赔付追偿通知: for the merchant, on paper.
    func letter(_ visit: Visit) async throws -> Answer {
        let (claim, fund, complaint, paidAt) = try await visit.desk.store.read { tx in
            let matter = try tx.matter(visit.exchange.id(of: Matter.self))
            guard visit.maySee(matter) else { throw Refusal.notFound }
            let claim = try tx.fundClaim(matter)
            guard claim.isPaid else { throw Refusal(.conflict, Text("尚未支付，没有追偿", "Nothing was paid yet")) }
            let paidAt = try tx.one("SELECT max(at) AS at FROM casework_moves WHERE matter = \(matter.id) AND move = 'pay'")?.optionalMoment("at")
            return (claim, try tx.fund(claim.fund), try tx.complaint(tx.matter(claim.complaint)), paidAt)
        }
        return visit.page(FundClaim.recoveryNotice, active: "/funds") { h in
            h.div("page-head d-print-none") {
                h.p("crumbs") { h.a("/fund-claims/\(claim.matter.id)", nil, claim.matter.number) }
                h.h1(FundClaim.recoveryNotice)
                h.p("text-muted mb-0", Text("打印后邮寄或者当面送达，再登记送达。", "Print it, post or hand it over, then record that."))
            }
            h.element("article", "letter card card-body") {
                h.element("h2", "text-center", text: FundClaim.recoveryNotice.zh)
                h.p(nil, Text(verbatim: "\(complaint.respondentName)："))
                h.p(
                    nil,
                    Text(
                        verbatim:
                            "消费者投诉你单位一案（编号\(complaint.matter.number)），因\(FundClaimMoves.causes.first { $0.0 == claim.cause }?.1.zh ?? "")，“\(fund.name)”（\(fund.holder)）已于\(Documents.chinese((paidAt ?? claim.matter.receivedAt).day))向消费者先行赔付人民币\(claim.amount.plain)元（事项编号\(claim.matter.number)）。"
                    ))
                h.p(nil, Text(verbatim: "现向你单位追偿人民币\(claim.owed.plain)元。请向该资金持有单位偿还，并注明事项编号；对责任或者金额有异议的，请书面说明理由并附证据。"))
                h.p("text-end mb-0", Text(verbatim: fund.holder))
                h.p("text-end mb-0", Text(verbatim: Documents.chinese(visit.desk.today())))
            }
        }
    }

    func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let (handling, now) = (handling, visit.desk.now)
        do {
            try await visit.desk.store.write { tx in
                let matter = try tx.matter(visit.exchange.id(of: Matter.self))
                guard visit.maySee(matter) else { throw Refusal.notFound }
                try handling.make(name, on: tx.fundClaim(matter), input: form, by: .staff(account), at: now, tx)
            }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict || refusal.kind == .forbidden {
            return try await claim(visit, name, refusal, form)
        }
        return .redirect("/fund-claims/\(try visit.exchange.parameter("id"))")
    }
}
