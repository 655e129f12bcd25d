import Credit
import Enforcement
import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// The sheet of a visit on a phone, with and without signal (手机检查记录).
extension InspectionPages {
    func mine(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let list = try await visit.desk.store.read { tx in
            try tx.all(
                "SELECT m.*, i.planned_on AS planned, i.place AS place FROM supervision_inspections i JOIN casework_matters m ON m.id = i.matter WHERE m.state = 'approved' AND (',' || i.inspectors || ',') LIKE \("%,\(account.id),%") ORDER BY i.planned_on, m.id LIMIT 200"
            ).map { (Matter($0), $0.day("planned"), $0.string("place")) }
        }
        return visit.page(Text("我的检查", "My visits"), active: "/supervision", scripts: ["visits.js"]) { h in
            h.div("narrow", .init("data-account", account.mark), .init("data-visits", list.map { "/supervision/inspections/\($0.0.id)/sheet" }.joined(separator: " "))) {
                h.h1(Text("我的检查", "My visits"))
                h.div("alert alert-info", .init("data-offline-state", h.say(Text("已下载到手机，没有信号也可以填写；联网后自动上传。", "Kept on the phone: works without signal, sent when there is one."))))
                {
                    h.text(Text("正在下载，供没有信号时使用……", "Being kept for when there is no signal …"))
                }
                h.div(
                    "", .id("waiting"), .init("data-waiting", h.say(Text("等待上传：", "Waiting to be sent: "))), .init("data-sent", h.say(Text("已上传", "sent"))),
                    .init("data-signin", h.say(Text("请重新登录后上传", "Sign in to send"))),
                    .init("data-other", h.say(Text("由另一账号填写，请其登录后上传", "Filled by another account, who must sign in to send it")))
                ) {}
                if list.isEmpty { h.empty(Text("没有待做的检查", "No visits to make"), Text("批准后的检查出现在这里。", "Approved visits appear here.")) }
                for (m, planned, place) in list {
                    h.a("/supervision/inspections/\(m.id)/sheet", "card card-body mb-2 text-decoration-none") {
                        h.span("fw-semibold d-block", m.title)
                        h.span("small text-muted d-block", "\(m.number) · \(planned) · \(place)")
                    }
                }
            }
        }
    }

    func sheet(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let (i, items) = try await visit.desk.store.read { tx in
            let i = try find(visit, tx)
            return (i, try InspectionItem.all(tx).filter { i.items.contains($0.code) })
        }
        let e = HTML.Errors(refusal)
        return visit.page(Text("检查记录 \(i.matter.number)", "Sheet \(i.matter.number)"), status: refusal?.kind.status ?? 200, active: "/supervision", scripts: ["visits.js"]) { h in
            h.div("narrow sheet") {
                h.p("crumbs") { h.a("/supervision/mine", nil, Text("我的检查", "My visits")) }
                h.h1(i.matter.title, "h4")
                h.p("text-muted", "\(i.matter.number) · \(i.place)")
                h.errorSummary(refusal)
                visit.form(
                    h, "/supervision/inspections/\(i.matter.id)/sheet", multipart: true,
                    attributes: [
                        .init("data-sheet", i.matter.number), .init("data-account", visit.account?.mark ?? ""),
                        .init("data-kept", h.say(Text("没有信号：已存在手机上，联网后自动上传。", "No signal: kept on the phone, sent when there is one."))),
                        .init("data-done", h.say(Text("已上传", "Sent"))),
                        .init("data-unsigned", h.say(Text("还没有签名：请当事人在签名框中签字，或者选择其他情形", "Nothing is signed yet: let the party sign in the box, or choose another"))),
                    ]
                ) {
                    h.hidden("client", sent?["client"] ?? Crypto.hex(Crypto.random(12)))
                    h.hidden("taken", sent?["taken"] ?? visit.desk.now.isoText)
                    h.part("", keeping: sent) {
                        for item in items {
                            h.h2(item.title, "h6 mt-3")
                            for check in item.checks {
                                h.div("check") {
                                    h.radios(
                                        "a-\(check.id)", check.key ? Text("★ \(check.title.zh)", "★ \(check.title.en)") : check.title,
                                        options: [("yes", Text("符合", "Yes"), nil), ("no", Text("不符合", "No"), nil), ("na", Text("不适用", "N/A"), nil)], value: nil, errors: e,
                                        inline: true)
                                    h.field("n-\(check.id)", Text("说明", "Remark"), value: nil, errors: e, required: false)
                                }
                            }
                        }
                        h.select("result", Text("检查结果", "Result"), options: Inspection.results, value: nil, errors: e, empty: Text("请选择", "Choose"))
                        h.area("summary", Text("检查情况", "What was found"), value: nil, rows: 4, errors: e, maxLength: 4000)
                        h.field(
                            "files", Text("照片", "Pictures"), value: nil, type: "file", errors: e, required: false,
                            attributes: [.init("multiple", if: true), .init("accept", "image/*"), .init("capture", "environment")])
                        h.radios(
                            "signed", Text("当事人签字", "Signature"),
                            options: [("yes", Text("签字", "Signs"), nil), ("refused", Text("拒绝签字（注明）", "Refuses"), nil), ("absent", Text("无法取得（注明）", "Cannot be had"), nil)],
                            value: nil, errors: e, inline: true)
                        h.element("div", "signature", [.init("data-signature", if: true)]) {
                            h.element("canvas", nil, [.init("width", "640"), .init("height", "220"), .label(h.say(Text("在此签字", "Sign here")))]) {}
                            h.element("button", "btn btn-sm btn-outline-secondary", [.type("button"), .init("data-clear", if: true)], text: h.say(Text("重签", "Again")))
                        }
                    }
                    h.button(Text("提交记录", "Send"), "btn btn-primary w-100")
                    h.element("p", "mt-2 mb-0", [.role("status"), .init("data-said", if: true)], text: "")
                }
            }
        }
    }

    /// One door for the form and for what a phone kept: the same sheet twice is one.
    func take(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (handling, now) = (handling, visit.desk.now)
        let wantsJSON = form["wants"] == "json"
        do {
            let (kept, wrong) = Attachments.take(form, visit)
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            let became = try await visit.desk.store.write { tx -> Bool in
                let i = try find(visit, tx)
                let checks = try InspectionItem.all(tx).filter { i.items.contains($0.code) }.flatMap(\.checks)
                let became = try handling.take(.init(form, checks: checks, at: now), for: i, files: kept, by: account, at: now, tx)
                // What is recorded as signed has a signature.
                guard form["signed"] != "yes" || form.files.contains(where: { $0.name == "signature.png" && $0.bytes.count > 200 }) else {
                    throw Refusal.invalid(
                        "/signed", Text("选择了“签字”而没有签名：请当事人在签名框中签字，或者选择其他情形", "“Signs” was chosen and nothing is signed: let the party sign in the box, or choose another"))
                }
                return became
            }
            if wantsJSON { return .json(.object([("state", .string(became ? "taken" : "beside"))])) }
            return visit.redirect(
                "/supervision/inspections/\(try visit.exchange.parameter("id"))",
                saying: became ? Text("检查记录已登记", "The sheet is recorded") : Text("已有检查记录，本份另存备查", "There is a record: this one is kept beside it"))
        } catch let refusal as Refusal where [.invalid, .conflict].contains(refusal.kind) && !wantsJSON { return try await sheet(visit, refusal, form) } catch let refusal
            as Refusal where wantsJSON
        {
            return .json(
                .object([
                    ("state", .string("refused")), ("why", .string(refusal.text[visit.language])),
                    (
                        "fields",
                        .array(
                            refusal.fields.map { .object([("name", .string(String($0.pointer.dropFirst()))), ("text", .string($0.text[visit.language]))]) })
                    ),
                ]), status: refusal.kind.status)
        }
    }
}
