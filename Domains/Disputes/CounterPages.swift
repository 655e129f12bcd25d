import Formats
import Kernel
import Platform
import Store
import Web

/// Counter and phone entry (窗口和电话登记): one page, keyboard first, everything at once.
struct CounterPages: Sendable {
    let handling: Handling

    func routes() -> [Route] {
        [
            Route(.get, "/disputes/new", .permitted("disputes.register")) { visit in try await page(visit, Form(), nil, []) },
            Route(.post, "/disputes/new", .permitted("disputes.register"), cap: 64 << 20) { visit in
                let form = try visit.exchange.form()
                let (kept, wrong) = Attachments.take(form, visit)
                do { return try await take(visit, form, kept, wrong) } catch let refusal as Refusal where refusal.kind == .invalid {
                    return try await page(visit, form, Filing.forForm(refusal), kept)
                }
            },
        ]
    }

    private func take(_ visit: Visit, _ form: Form, _ kept: [Attachments.Kept], _ wrongFiles: [Refusal.Field]) async throws -> Answer {
        let account = try visit.require("disputes.register")
        guard let source = form["source"], ["counter", "phone", "mail", "12315"].contains(source) else {
            throw Refusal.invalid("/source", Text("请选择来源", "Choose where it came from"))
        }
        var filing = try Filing(form: form, source: source)
        if let text = form["receivedOn"] {
            guard let day = Day(text), day <= visit.desk.today() else { throw Refusal.invalid("/receivedOn", Text("收到日期不能晚于今天", "The day of receipt cannot be in the future")) }
            if day < visit.desk.today() { filing.receivedAt = Moment(day, hour: 9) }
        }
        let received = filing
        let now = visit.desk.now
        let code = AccessCode.make()
        let handling = handling
        let wrong = received.flaws(today: visit.desk.today()) + wrongFiles
        guard wrong.isEmpty else { throw Refusal.invalid(wrong) }
        // The same page sent twice, by a second click or a reload, registers once.
        let once = form["once"].map { Crypto.hex(Crypto.sha256(Array("counter|\(account.mark)|\($0)".utf8)).prefix(16)) }
        let said = try await visit.desk.store.write { tx -> String in
            if let once, let row = try tx.one("SELECT body FROM platform_idempotency WHERE token = \(once)") { return row.string("body") }
            let receipt = try Registration.register(received, files: kept, by: .staff(account), desk: handling.desk, casework: handling.casework, at: now, code: code, tx)
            let region = receipt.matter.region
            let office = region.count >= 6 ? handling.desk.office(for: region).name : ""
            let body = JSON.array([.string(receipt.matter.number), .string(receipt.trackingCode), .string(office)]).text
            if let once { try tx.run("INSERT INTO platform_idempotency (token, request, status, body, at) VALUES (\(once), '', 200, \(body), \(now))") }
            return body
        }
        let parts = (try JSON(parsing: Array(said.utf8)).array ?? []).compactMap(\.string)
        guard parts.count == 3 else { throw Fault("a receipt has three parts") }
        let (number, tracking, office) = (parts[0], parts[1], parts[2])
        return visit.redirect(
            "/disputes/new",
            saying: Text(
                "已登记 \(number)，查询码 \(tracking)：请将编号和查询码告知投诉人。\(office.isEmpty ? "" : "按商家地址已分送\(office)。")",
                "Registered \(number), code \(tracking): tell the complainant both.\(office.isEmpty ? "" : " By the address of the business it is with \(office).")"))
    }

    private func page(_ visit: Visit, _ f: Form, _ refusal: Refusal?, _ kept: [Attachments.Kept]) async throws -> Answer {
        let region = visit.account?.region ?? ""
        let stations = try await visit.desk.store.read { try Stations.all(region: region, $0) }.filter { $0.closedOn == nil }
        let e = HTML.Errors(refusal)
        let yesNo: [(String, Text, Text?)] = [("yes", Text("是", "Yes"), nil), ("no", Text("否", "No"), nil)]
        return visit.page(Text("投诉登记", "Register a complaint"), status: refusal?.kind.status ?? 200, active: "/disputes/new") { h in
            h.div("page-head") {
                h.h1(Text("投诉登记", "Register a complaint"))
                h.p("text-muted mb-0", Text("Tab 键逐项填写，Ctrl+Enter 提交", "Tab from field to field, Ctrl+Enter to send"))
            }
            h.errorSummary(refusal)
            visit.form(h, "/disputes/new", "counter-form", multipart: true, attributes: [.init("data-submit-on", "ctrl-enter")]) {
                h.hidden("once", f["once"] ?? Crypto.hex(Crypto.random(12)))
                h.div("three-columns") {
                    h.card(Text("投诉人", "Complainant")) {
                        h.radios(
                            "source", Text("来源", "From"),
                            options: [
                                ("phone", Text("电话", "Phone"), nil), ("counter", Text("窗口", "Counter"), nil), ("mail", Text("信函", "Letter"), nil),
                                ("12315", Text("全国平台", "National platform"), nil),
                            ], value: f["source"] ?? "phone", errors: e, inline: true)
                        if !stations.isEmpty {
                            h.select(
                                "station", Text("先由服务站和解", "Settled first by a station"),
                                options: [("", Text("否，直接投诉", "No: a complaint"))] + stations.map { (String($0.id), Text(verbatim: "\($0.name)（\($0.sign)）")) },
                                value: f["station"] ?? "", errors: e, required: false)
                        }
                        h.field("externalNumber", Text("全国平台编号", "National number"), value: f["externalNumber"], errors: e, required: false)
                        h.field(
                            "receivedOn", Text("收到日期", "Day of receipt"), value: f["receivedOn"] ?? visit.desk.today().description, type: "date",
                            hint: Text("受理期限自此计算", "The period to decide runs from here"), errors: e, attributes: [.init("max", visit.desk.today().description)])
                        h.field("name", Text("姓名", "Name"), value: f["name"], errors: e, attributes: refusal == nil ? [.init("autofocus", if: true)] : [])
                        h.field("phone", Text("电话", "Phone"), value: f["phone"], type: "tel", errors: e)
                        h.field("address", Text("通讯地址", "Address"), value: f["address"], errors: e)
                        h.field(
                            "agent", Text("代理人", "Agent"), value: f["agent"], hint: Text("须有授权委托书原件和身份证明", "With the original power of attorney and proof of identity"), errors: e,
                            required: false)
                        h.field("idNumber", Text("证件号码", "Identity number"), value: f["idNumber"], errors: e, required: false)
                        h.radios("publication", Text("同意公示投诉信息", "Consents to publication"), options: yesNo, value: f["publication"], errors: e, inline: true)
                        h.radios("delegation", Text("同意委托调解", "Consents to delegated mediation"), options: yesNo, value: f["delegation"], errors: e, inline: true)
                    }
                    h.card(Text("被投诉人", "Business")) {
                        h.field(
                            "respondentName", Text("名称", "Name"), value: f["respondentName"], errors: e,
                            attributes: [.init("list", "operators"), .init("data-lookup", "/operators/suggest")])
                        h.element("datalist", nil, [.id("operators")]) {}
                        h.field("respondentUSCC", Text("统一社会信用代码", "Credit code"), value: f["respondentUSCC"], errors: e, required: false)
                        h.field("respondentAddress", Text("地址", "Address"), value: f["respondentAddress"], errors: e)
                        h.field("respondentPhone", Text("电话", "Phone"), value: f["respondentPhone"], type: "tel", errors: e, required: false)
                        h.field("platform", Text("平台", "Platform"), value: f["platform"], errors: e, required: false)
                        h.field("shopURL", Text("网店链接", "Shop link"), value: f["shopURL"], type: "url", errors: e, required: false)
                    }
                    h.card(Text("争议", "Dispute")) {
                        h.field("purchase", Text("商品或服务", "Goods or service"), value: f["purchase"], errors: e, required: false)
                        h.field("occurredOn", Text("日期", "Day"), value: f["occurredOn"], type: "date", errors: e, required: false)
                        h.field("amount", Text("金额（元）", "Amount (yuan)"), value: f["amount"], errors: e, required: false, inputmode: "decimal")
                        h.element("fieldset", "mb-2", [.id("f-claim")]) {
                            h.element("legend", "form-label", text: h.say(Text("诉求", "Claims")))
                            if let error = e["claim"] { h.element("div", "text-danger small", text: h.say(error)) }
                            h.div("claim-grid") {
                                for kind in ClaimKind.allCases { h.checkbox("claim", kind.title, value: kind.rawValue, checked: f.all("claim").contains(kind.rawValue)) }
                            }
                        }
                        h.area("facts", Text("事实经过", "Facts"), value: f["facts"], rows: 8, errors: e)
                        h.element("label", "form-label", [.for_("f-files")], text: h.say(Text("证据（照片、PDF，可多选）", "Evidence (photos, PDF)")))
                        if let error = e["files"] { h.element("div", "text-danger small", text: h.say(error)) }
                        visit.keptFiles(h, kept)
                        h.void(
                            "input", "form-control mb-3",
                            [
                                .type("file"), .id("f-files"), .name("files"), .init("multiple", if: true),
                                .init("accept", "image/jpeg,image/png,image/webp,application/pdf,video/mp4"),
                            ])
                        h.button(Text("登记", "Register"), "btn btn-primary w-100")
                    }
                }
            }
        }
    }
}
