import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// Signals and suggestions: shown to a person, deciding nothing.
@Suite struct SignalTests {
    @Test(arguments: TestEngine.available)
    func complaintsThatComeTogetherAreShownWithTheirWords(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let now = office.clock.now
        let codes = (1...4).map { USCC.completing("9299010100000000\($0)") }
        try await office.desk.store.write {
            _ = try OperatorImport.insert(
                codes.enumerated().map { i, code in
                    .init(
                        uscc: code, name: "商家\(i)", kind: .individual, status: .active, address: "中兴路\(i)号", region: "990101", industry: "", representative: "王", phone: "",
                        registeredOn: nil, shop: nil)
                }, at: now, $0)
        }
        // Five people about one gym; one person about four merchants with one text; and some that have nothing to do with it.
        for i in 0..<5 {
            try await office.file {
                $0.respondentUSCC = codes[0]
                $0.complainantPhone = "1380000000\(i)"
                $0.facts = "第\(i)天去健身房发现已经关门，办的年卡还剩\(i + 3)个月，老板联系不上"
            }
        }
        for i in 0..<6 {
            try await office.file {
                $0.respondentName = "商家\(i % 4)"
                $0.respondentUSCC = codes[i % 4]
                $0.complainantPhone = "13911112222"
                $0.facts = "商品标签不符合规定，要求依法退一赔十，第\(i)单"
            }
        }
        for i in 0..<4 {
            try await office.file {
                $0.complainantPhone = "1370000000\(i)"
                $0.facts = "各不相同的第\(i * 31)件"
            }
        }
        let page = try await office.get("/signals", as: .lin).text
        #expect(page.contains("集中投诉") && page.contains("健身房发现已经关门"))
        #expect(page.contains("同一投诉人") && page.contains("商品标签不符合规定") && page.contains("139****2222") && !page.contains("13911112222"))
        #expect(try await !office.get("/signals", as: .far).text.contains("健身房"))
        // Drafted by a clerk, issued by the head, read by all.
        #expect(try await office.post("/signals/warnings", as: .lin, [("title", "消费警示"), ("body", "请谨慎办理预付卡")]).status == 303)
        let id = try await office.desk.store.read { try $0.one("SELECT id FROM disputes_warnings")!.int("id") }
        #expect(try await !office.get("/warnings").text.contains("请谨慎办理预付卡"))
        #expect(try await office.post("/signals/warnings/\(id)/issue", as: .lin, []).status == 403)
        #expect(try await office.post("/signals/warnings/\(id)/issue", as: .he, []).status == 303)
        #expect(try await office.get("/warnings").text.contains("请谨慎办理预付卡"))
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func wordsInCommonAreTheLongestThatMostTextsHold() {
        #expect(Signal.common(["预付卡充值后门店关门", "充值后门店关门跑路", "门店关门了怎么办"]) == ["充值后门店关门"])
        #expect(Signal.common(["完全不同", "毫无关系"]).isEmpty)
        #expect(Signal.common(["只有一件"]).isEmpty)
    }

    /// By words while little was handled; from the city's own handled complaints once there is enough.
    @Test func whatWasHandledTeachesCategoryAndOffice() async throws {
        let office = try await TestOffice(.sqlite)
        let open = try await office.file()
        #expect(try await office.get("/disputes/\(open.id)", as: .lin).text.contains("已办投诉不足，暂按关键词"))
        for i in 0..<70 {
            let c = try await office.file {
                $0.region = i % 2 == 0 ? "990101" : "990102"
                $0.purchase = i % 2 == 0 ? "电饭煲" : "烤鱼套餐"
                $0.facts = i % 2 == 0 ? "第\(i)台电饭煲用了几天就不通电" : "第\(i)次在店里吃烤鱼吃出异物"
            }
            try await office.desk.store.write { tx in _ = try tx.run("UPDATE casework_matters SET open = 0, outcome = 'agreed', state = 'closed' WHERE id = \(c.id)") }
        }
        let (desk, fresh) = (office.desk, Suggestions())
        let fish = try await office.file {
            $0.purchase = "烤鱼"
            $0.facts = "在店里吃烤鱼，吃出一只虫子"
        }
        let c = try await desk.store.read { try $0.complaint(fish.id) }
        try await fresh.learn(desk)
        let shown = try await fresh.suggest(c, desk)
        #expect(shown.learnedFrom == 70 && shown.office?.code == "990102" && shown.category.id == "catering" && !shown.nearest.isEmpty)
    }

    static let labelled = "../shared/data/complaints/messages_labeled_dev.csv"

    /// Five folds over real messages of seven classes: at least what a plain character model reaches on unseen data.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: labelled), "shared complaints are not here"))
    func theClassifierReachesAPlainCharacterModelOnRealMessages() throws {
        let records = try CSV.read(String(decoding: Data(contentsOf: URL(fileURLWithPath: Self.labelled)), as: UTF8.self).replacingOccurrences(of: "\u{FEFF}", with: ""))
        let header = records[0].cells
        let (title, text, label) = (header.firstIndex(of: "title")!, header.firstIndex(of: "text")!, header.firstIndex(of: "label")!)
        var examples = records.dropFirst().filter { $0.cells.count > label }.map { TextModel.Example(title: $0.cells[title], text: $0.cells[text], label: $0.cells[label]) }
        #expect(examples.count > 450)
        var chance = SeededGenerator(seed: 7)
        examples.shuffle(using: &chance)
        var right = 0
        for fold in 0..<5 {
            let train = examples.enumerated().filter { $0.offset % 5 != fold }.map(\.element)
            let model = try #require(TextModel(train))
            for (i, example) in examples.enumerated() where i % 5 == fold { if model.ranked(title: example.title, text: example.text).first?.label == example.label { right += 1 } }
        }
        let accuracy = Double(right) / Double(examples.count)
        print("text classifier: \(String(format: "%.3f", accuracy)) on \(examples.count) messages, five folds")
        #expect(accuracy >= 0.77)
    }
}
