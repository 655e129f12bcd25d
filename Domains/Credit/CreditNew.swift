import Enforcement
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// New entries of the lists (登记情形、提出列入).
extension CreditPages {
    // MARK: New entries

    func new(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        visit.formPage(Text("发现经营异常情形", "A ground for the abnormal list"), at: "/credit/new", active: "/credit", Text("登记", "Enter"), refusal, sent) { h, e in
            h.field("code", Text("统一社会信用代码", "Credit code"), value: visit.exchange.query["code"], errors: e)
            h.radios("ground", Text("情形", "Ground"), options: Abnormal.Ground.allCases.map { ($0.rawValue, $0.title, nil) }, value: nil, errors: e)
            h.field("years", Text("未年报的年度", "Years not reported"), value: nil, hint: Text("如 2025，多个用逗号分开", "As 2025, several by commas"), errors: e, required: false)
            h.area("found", Text("发现情况", "What was found"), value: nil, rows: 3, errors: e, maxLength: 2000)
        }
    }
    func open(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (now, desk) = (visit.desk.now, visit.desk)
        do {
            let matter = try await desk.store.write { tx in
                guard let op = try Operators.find(uscc: form.needed("code", 18).uppercased(), tx) else {
                    throw Refusal.invalid("/code", Text("登记库中没有这个代码", "This code is not on the register"))
                }
                guard account.covers(op.region) else { throw Refusal.invalid("/code", Text("该主体不在您的辖区", "This operator is not in your region")) }
                let ground = Abnormal.Ground(rawValue: try form.chosen("ground", Abnormal.Ground.allCases.map(\.rawValue)))!
                var years: [Int] = []
                for part in (form["years"] ?? "").split(whereSeparator: { ",，、 ".contains($0) }) {
                    guard let year = Int(part), (2013..<now.day.year).contains(year) else { throw Refusal.invalid("/years", Text("“\(part)”不是应报年度", "“\(part)” is no such year")) }
                    years.append(year)
                }
                if ground == .report {
                    guard !years.isEmpty else { throw Refusal.invalid("/years", Text("请填写未年报的年度", "Which years?")) }
                    guard now.day >= Day(years.max()! + 1, 7, 1)! else { throw Refusal.invalid("/years", Text("年报公示尚未结束（六月三十日）", "The time to report is not over (30 June)")) }
                }
                return try AbnormalHandling(desk: desk).open(ground, of: op, years: years, found: form.needed("found", 2000), by: .staff(account), at: now, tx)
            }
            return .redirect("/credit/\(matter.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await new(visit, refusal, form) }
    }

    func newSerious(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        visit.formPage(Text("提出列入严重违法失信名单", "Propose for the serious list"), at: "/credit/serious/new", active: "/credit", Text("提出", "Propose"), refusal, sent) { h, e in
            h.field("case", Text("处罚案件编号", "Number of the case"), value: visit.exchange.query["case"], errors: e)
            h.select("ground", Text("情形", "Ground"), options: Serious.grounds, value: nil, errors: e, empty: Text("请选择", "Choose"))
            h.select("heavier", Text("较重行政处罚（第二条）", "Heavier penalty (art. 2)"), options: Serious.heavier, value: nil, errors: e, empty: Text("请选择", "Choose"))
            h.field("basis", Text("其他较重行政处罚的依据", "The rule that makes it a heavier penalty"), value: nil, errors: e, required: false)
            h.element("fieldset", "mb-3", [.id(h.id("f", "factor"))]) {
                h.element("legend", "form-label", text: h.say(Text("考量因素（第十二条）", "Factors (art. 12)")))
                if let error = e["factor"] { h.element("div", "text-danger small", text: h.say(error)) }
                for (key, title) in Serious.factors { h.checkbox("factor", title, value: key, checked: false) }
            }
            h.checkbox("intent", Text("没有足以证明无主观故意的证据", "There is no proof that intent was lacking"), checked: false)
            if let error = e["intent"] { h.p("text-danger small", error) }
            h.area("reasons", Text("性质恶劣、情节严重、社会危害较大的理由", "Why it is vile, serious and harmful"), value: nil, rows: 4, errors: e, maxLength: 4000)
        }
    }
    func openSerious(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (now, desk) = (visit.desk.now, visit.desk)
        do {
            let matter = try await desk.store.write { tx in
                guard let row = try tx.one("SELECT * FROM casework_matters WHERE number = \(form.needed("case", 20).uppercased()) AND kind = 'case'"), visit.maySee(Matter(row))
                else {
                    throw Refusal.invalid("/case", Text("没有这个案件", "There is no such case"))
                }
                return try SeriousHandling(desk: desk).open(form, of: tx.penaltyCase(Matter(row)), by: account, at: now, tx)
            }
            return .redirect("/credit/\(matter.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await newSerious(visit, refusal, form) }
    }

    /// A listing that an office of another province pushed (协助公示).
    func newPushed(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        visit.formPage(
            Text("登记外省推送的严重违法失信名单列入信息", "A serious listing pushed from another province"), at: "/credit/serious/pushed", active: "/credit", Text("登记", "Enter"), refusal, sent
        ) { h, e in
            h.field("code", Text("统一社会信用代码", "Credit code"), value: visit.exchange.query["code"], errors: e)
            h.field("from", Text("作出列入决定的机关", "Listed by"), value: nil, errors: e)
            h.select("ground", Text("情形", "Ground"), options: Serious.grounds, value: nil, errors: e, empty: Text("请选择", "Choose"))
            h.field("decided", Text("列入日期", "Listed on"), value: nil, type: "date", errors: e)
            h.field("received", Text("收到日期", "Received on"), value: visit.desk.today().description, type: "date", errors: e)
            h.area("reasons", Text("列入事由", "Why"), value: nil, rows: 4, errors: e, maxLength: 4000)
        }
    }
    func receivePushed(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn(), form = try visit.exchange.form()
        let (now, desk) = (visit.desk.now, visit.desk)
        do {
            let matter = try await desk.store.write { try SeriousHandling(desk: desk).receive(form, by: account, at: now, $0) }
            return .redirect("/credit/\(matter.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await newPushed(visit, refusal, form) }
    }
}
