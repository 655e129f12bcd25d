import Formats
import Kernel
import Platform
import Store
import TestSupport
import Testing

@testable import Disputes

@Suite struct LikenessTests {
    static let facts = "我于九月十二日在该超市购买了两箱牛奶，回家后发现已经过了保质期，孩子喝了以后拉肚子，要求商家退款并赔偿损失，但是店员态度恶劣拒绝处理。"

    @Test(arguments: TestEngine.available)
    func aComplaintFiledTwiceIsShownAndAnotherIsNot(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let first = try await office.file { $0.facts = Self.facts }
        let other = try await office.file { $0.facts = "美容院的预付卡里还有三千多元余额，老板已经关门跑路，电话也打不通，请帮助我追回卡里剩下的钱款和押金。" }
        let again = try await office.file { $0.facts = "补充：" + Self.facts + "请尽快处理。" }
        let likes = try await office.desk.store.read { tx in try Likeness.of(tx.complaint(again.id), tx) }
        #expect(likes.map(\.matter.id) == [first.id] && likes[0].percent >= 80 && likes[0].samePhone && likes[0].sameBusiness)
        #expect(try await office.desk.store.read { tx in try Likeness.of(tx.complaint(other.id), tx) }.isEmpty)
    }

    @Test func keysOfLikeTextsMeetAsOftenAsTheirLikenessSays() {
        var random = SeededGenerator(seed: 7)
        let alphabet = Array("投诉商家退款赔偿质量问题服务态度虚假宣传价格欺诈合同违约预付卡余额押金物流快递破损过期食品安全".unicodeScalars)
        var met = 0
        for _ in 0..<200 {
            let text = String(String.UnicodeScalarView((0..<120).map { _ in alphabet.randomElement(using: &random)! }))
            // Eight places changed: about seven eighths of the pairs are shared.
            var scalars = Array(text.unicodeScalars)
            for _ in 0..<8 { scalars[Int.random(in: 0..<120, using: &random)] = "改" }
            let changed = String(String.UnicodeScalarView(scalars))
            if !Set(Shingles.keys(Shingles.pairs(text))).isDisjoint(with: Shingles.keys(Shingles.pairs(changed))) { met += 1 }
        }
        #expect(met >= 195)
        #expect(Shingles.keys(Shingles.pairs("太短")).isEmpty)
    }

    @Test func lettersAreComparedWithoutCaseAndSigns() {
        #expect(Shingles.pairs("iPhone 15，坏了！") == Shingles.pairs("IPHONE15坏了"))
    }
}
