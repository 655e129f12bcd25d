import Formats
import Kernel
import Platform
import Store
import Web

/// The invitation itself (邀请函): as mail, and as a letter with a code to scan.
enum Invitation {
    static func mail(_ number: String, to business: String, link: String, _ office: String) -> MailMessage {
        .init(
            subject: "请在线答复消费者投诉 \(number)",
            text: """
                \(business)：

                我局受理了一件涉及你单位的消费者投诉（编号\(number)）。请通过下面的链接查看诉求并在线答复，可以提出解决方案、说明理由或提交证据：

                \(link)

                链接仅供你单位使用，请勿转发。本邮件由系统发出，请勿直接回复。

                \(office)

                A consumer's complaint (\(number)) concerns you. Read the claim and answer at the link above; it is for you alone.
                """)
    }

    /// The letter of one who was just invited: printed once, since only a hash of the code is kept.
    static func letter(_ visit: Visit, _ c: Complaint, _ code: String) -> Answer {
        let link = visit.exchange.origin + Link.query("/respond/\(c.matter.number)", [("code", code)])
        return visit.page(Text("在线答复邀请函", "Letter of invitation"), active: "/desk") { h in
            h.div("page-head d-print-none") {
                h.p("crumbs") { h.a("/disputes/\(c.matter.id)", nil, c.matter.number) }
                h.h1(Text("在线答复邀请函", "Letter of invitation"))
                h.p("text-muted", Text("请现在打印：答复码不保存，离开后须重新生成。", "Print it now: the code is not kept; later a new one must be made."))
                h.element("button", "btn btn-primary", [.type("button"), .init("data-print", if: true)], text: h.say(Text("打印", "Print")))
            }
            h.element("article", "card card-body narrow letter") {
                h.h2(Text(verbatim: "在线答复邀请函"), "h4 text-center")
                h.p("mb-3", Text(verbatim: "\(c.respondentName)："))
                h.p(nil, Text(verbatim: "我局受理了一件涉及你单位的消费者投诉（编号\(c.matter.number)）。请扫描下面的二维码，或者在浏览器中打开下面的地址，查看诉求并在线答复：可以提出解决方案、说明理由或者提交证据。"))
                h.div("text-center") { h.qrCode(link, label: Text("答复页面二维码", "Code of the page to answer")) }
                h.p("text-break", Text(verbatim: "地址：\(visit.exchange.origin)/respond/\(c.matter.number)"))
                h.p("fw-semibold", Text(verbatim: "答复码：\(code)"))
                h.p(nil, Text(verbatim: "答复码仅供你单位使用，请妥善保管。联系电话：\(visit.desk.configuration.hotline)"))
                h.p("text-end mb-0", Text(verbatim: "\(visit.desk.office(for: c.matter.region).name)"))
                h.p("text-end mb-0", Text(verbatim: visit.desk.today().description))
            }
        }
    }
}
