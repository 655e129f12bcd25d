import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// What the counter, the administration and the ledger's page keep, say and find.
@Suite struct DeskPageTests {
    static let png = [UInt8](
        Data(base64Encoded: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")!)

    private func register(_ office: TestOffice, _ fields: [(String, String)], _ files: [(String, [UInt8])]) async throws -> TestOffice.Reply {
        let boundary = "cut-here"
        var body: [UInt8] = []
        for (name, value) in fields + [("form_token", office.formToken(.li))] {
            body += Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
        }
        for (name, bytes) in files {
            body += Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\(name)\"\r\n\r\n".utf8) + bytes + Array("\r\n".utf8)
        }
        body += Array("--\(boundary)--\r\n".utf8)
        return try await office.send(.post, "/disputes/new", as: .li, headers: [("Content-Type", "multipart/form-data; boundary=\(boundary)")], body: body)
    }

    private let good = [
        ("source", "counter"), ("name", "陈小满"), ("phone", "13812345678"), ("address", "柳荫路8号"), ("respondentName", "福临超市"), ("respondentAddress", "中兴路12号"),
        ("facts", "买的电饭煲三天就坏"), ("claim", "refund"),
    ]

    @Test(arguments: TestEngine.available)
    func evidenceChosenAtTheCounterIsChosenOnce(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        // A bad amount and a file that is no photo: both are named, the good photo is kept.
        let refused = try await register(office, good + [("amount", "-3")], [("小票.png", Self.png), ("坏.png", Array("text".utf8))])
        #expect(refused.status == 422 && refused.text.contains("已收到：小票.png"))
        let sealed = try #require(refused.text.firstMatch(of: /name="kept" value="([^"]+)"/)?.1).replacingOccurrences(of: "&quot;", with: "\"").replacingOccurrences(
            of: "&amp;", with: "&")
        let done = try await register(office, good + [("kept", sealed)], [])
        #expect(done.status == 303 && done.location == "/disputes/new")
        let names = try await office.desk.store.read { try $0.all("SELECT name FROM casework_attachments").map { $0.string("name") } }
        #expect(names == ["小票.png"])
        // Sent twice, by a reload or a second click, it is registered once.
        let twice = good.map { $0.0 == "facts" ? ("facts", "买的台灯三天就坏，商家不理") : $0 } + [("once", "a1b2c3")]
        let said = (try await register(office, twice, []).cookie("sinan_said"), try await register(office, twice, []).cookie("sinan_said"))
        #expect(said.0 == said.1)
        #expect(try await office.desk.store.read { try $0.count("SELECT count(*) AS n FROM casework_matters") } == 2)
        // What we did not seal is not taken for a file of ours.
        let forged = "0000" + sealed.dropFirst(4)
        _ = try await register(office, good.map { $0.0 == "facts" ? ("facts", "另一件事情的经过") : $0 } + [("kept", forged)], [])
        #expect(try await office.desk.store.read { try $0.count("SELECT count(*) AS n FROM casework_attachments") } == 1)
    }

    @Test(arguments: TestEngine.available)
    func anAccountIsGivenAnotherRegionRoleAndPassword(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let path = "/admin/accounts/\(office.account(.wu).id)"
        #expect(try await office.get(path, as: .sun).text.contains("value=\"mediator\" checked"))
        let short = try await office.post(path, as: .sun, [("name", "吴敏"), ("role", "clerk"), ("region", "990101"), ("password", "short")])
        #expect(short.status == 422 && short.text.contains("f-password"))
        let done = try await office.post(path, as: .sun, [("name", "吴敏"), ("role", "clerk"), ("role", "mediator"), ("region", "990102"), ("password", "a-new-password")])
        #expect(done.status == 303)
        let changed = try #require(try await office.desk.store.read { try Accounts.find(office.account(.wu).id, $0) })
        #expect(changed.name == "吴敏" && changed.roles == [.clerk, .mediator] && changed.region == "990102")
        // Its sessions ended.
        #expect(try await office.get("/desk", as: .wu).status == 303)
        // Nobody shuts himself out, and others may not at all.
        #expect(try await office.post("/admin/accounts/\(office.account(.sun).id)", as: .sun, [("name", "孙"), ("role", "clerk"), ("region", "9901")]).status == 422)
        #expect(try await office.post(path, as: .lin, [("name", "吴"), ("role", "admin"), ("region", "9901")]).status == 403)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func theLedgerIsSearchedByMatterPersonAndAct(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let (one, two) = (try await office.file(), try await office.file { $0.facts = "另一件事情的经过，与前一件无关" })
        try await office.apply("accept", on: one, by: .lin)
        func page(_ query: String) async throws -> String { try await office.get("/ledger?\(query)", as: .qian).text }
        let ofOne = try await page("number=\(one.number)")
        #expect(ofOne.contains(one.number) && !ofOne.contains(two.number))
        let accepts = try await page("act=complaint.accept")
        #expect(accepts.contains(one.number) && !accepts.contains(two.number))
        let lins = try await page("login=\(office.account(.lin).login)&number=\(two.number)")
        #expect(lins.contains("没有符合条件的记录"))
        #expect(try await page("number=TS20990000001").contains("请核对"))
        #expect(try await page("act=%25").contains(two.number))
    }

    @Test func aTemplateIsPreviewedBeforeItIsSaved() async throws {
        let office = try await TestOffice(.sqlite)
        let page = try await office.get("/admin/templates/acceptance", as: .sun)
        #expect(page.text.contains("complainantName") && page.text.contains("formtarget=\"_blank\""))
        let body = "<h1>{{office}}</h1><p>{{complainantName}}：{{facts}}</p>"
        let preview = try await office.post("/admin/templates/acceptance", as: .sun, [("step", "preview"), ("body", body)])
        #expect(preview.status == 200 && preview.text.contains("张三：购买的电热水壶"))
        #expect(try await office.post("/admin/templates/acceptance", as: .sun, [("step", "preview"), ("body", body + "<script>1</script>")]).status == 422)
        #expect(try await !office.get("/admin/templates/acceptance", as: .sun).text.contains("&lt;h1&gt;{{office}}"))
    }

    @Test(arguments: TestEngine.available)
    func aListBehindAFigureSaysHowManyHowTheyEndedAndWhichPeriodWasLate(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let late = try await office.file { $0.receivedAt = Moment("2026-10-13T10:00") }
        try await office.apply("accept", on: late, by: .lin)
        try await office.apply("agree", on: late, by: .wu, [("agreement", "退款"), ("form", "performed")])
        try await office.apply("close", on: late, by: .wu)
        let page = try await office.get("/desk?late=yes", as: .zhou).text
        #expect(page.contains("共1件") && page.contains("达成协议") && page.contains(/受理[^<]*逾期\d+天/))
        #expect(try await office.get("/desk/export?late=yes", as: .zhou).text.contains("达成协议"))
        let open = try await office.file()
        #expect(try await office.get("/desk", as: .lin).text.contains(/\d+天<\/span><span class="d-block small text-muted">/))
        #expect(open.open)
    }
}
