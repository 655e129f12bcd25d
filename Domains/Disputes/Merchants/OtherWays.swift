import Kernel
import Platform
import Store
import Web

/// Beside mediation (其他途径): the merchant invited to answer, offers and promises as both sides see them, a claim on a fund.
struct OtherWays: Sendable {
    let offers: [Offer]
    let promise: Promise?
    let invitedAt: Moment?
    let claims: [Matter]

    static func load(_ c: Complaint, _ tx: Transaction) throws -> OtherWays {
        OtherWays(
            offers: try Negotiation.offers(c.matter.id, tx), promise: try Negotiation.promise(c.matter.id, tx),
            invitedAt: try tx.one("SELECT at FROM disputes_invitations WHERE matter = \(c.matter.id)")?.moment("at"),
            claims: try tx.all("SELECT m.* FROM disputes_fund_claims f JOIN casework_matters m ON m.id = f.matter WHERE f.complaint = \(c.matter.id) ORDER BY m.id").map(
                Matter.init))
    }

    func write(_ h: HTML, _ visit: Visit, _ c: Complaint) {
        let canInvite = visit.may("disputes.mediate") && Negotiation.isOpen(c)
        let canApply =
            visit.may("funds.apply")
            && ![ComplaintMoves.prior, ComplaintMoves.received, ComplaintMoves.supplement, ComplaintMoves.refused, ComplaintMoves.redirected, ComplaintMoves.withdrawn].contains(
                c.matter.state)
        guard canInvite || canApply || !offers.isEmpty || invitedAt != nil || !claims.isEmpty else { return }
        h.card(Text("协商与先行赔付", "Offers and funds")) {
            if let invitedAt { h.p("small mb-2", Text("已于\(invitedAt.minuteText)邀请商家在线答复", "The merchant was invited \(invitedAt.minuteText)")) }
            if let promise { OfferList.promise(h, promise) }
            if !offers.isEmpty { OfferList.write(h, offers, mine: "") }
            if canInvite {
                visit.form(h, "/disputes/\(c.matter.id)/invite", "mt-2") {
                    h.select("channel", Text("邀请商家在线答复", "Invite the merchant to answer"), options: Notice.invitations, value: "phone")
                    h.field("email", Text("商家邮箱（选择电子邮件时填写）", "The merchant's address, for e-mail"), value: nil, type: "email", required: false)
                    h.p("small text-muted", Text("选择邮寄或当面时，生成可打印的邀请函。", "By post or in person a letter is made to print."))
                    h.button(invitedAt == nil ? Text("生成邀请链接", "Make the link") : Text("重新生成邀请链接", "Make a new link"), "btn btn-sm btn-outline-primary")
                }
            }
            for claim in claims where visit.maySee(claim) {
                h.p("mb-1 mt-2") {
                    h.a("/fund-claims/\(claim.id)", nil, claim.number)
                    h.text(" ")
                    h.badge(FundClaimMoves.table.state(claim.state).title, FundClaimMoves.table.state(claim.state).tone)
                }
            }
            if canApply, !claims.contains(where: { $0.state != FundClaimMoves.refused }) {
                h.a("/disputes/\(c.matter.id)/fund-claim", "btn btn-sm btn-outline-secondary mt-2", Text("申请先行赔付", "Apply to a fund"))
            }
        }
    }
}
