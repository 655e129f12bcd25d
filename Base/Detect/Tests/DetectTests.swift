import Foundation
import Kernel
import Testing

@testable import Detect

@Suite struct DetectTests {
    static let head = "id: 00000000-0000-4000-8000-000000000001\ntitle: t\nlogsource: {product: ecommerce, category: listing}\n"

    func matcher(_ detection: String, normalises: Bool = true, lists: [String: [String]] = [:]) throws -> Matcher {
        let rules = try SigmaRule.read(Self.head + "detection:\n" + detection)
        return Matcher(try Program(rules, lists: { lists[$1] }, normaliser: Normaliser(normalises: normalises, homographs: [("苐", "第")])))
    }
    func hits(_ detection: String, _ listing: String, normalises: Bool = true, lists: [String: [String]] = [:]) throws -> [Hit.Match]? {
        let matcher = try matcher(detection, normalises: normalises, lists: lists)
        return try Array(listing.utf8).withUnsafeBufferPointer { try matcher.scan($0) }.hits.first?.matches
    }

    @Test func aPhraseIsFoundWithItsPlaceInTheTextAsItStands() throws {
        let found = try #require(try hits("  s:\n    name|contains: [全国第一, 最佳]\n  condition: s", #"{"id":"1","name":"😀ＡＢ全國第\#u{200B}一店"}"#))
        #expect(found == [.init(selection: "s", field: "name", start: 3, end: 8, text: "全國第\u{200B}一")])
    }

    /// Hidden by width, case, the other script, look-alikes, signs between, JSON escapes: the same word. Parted by a blank: two words.
    @Test(arguments: [
        ("最佳品质", true), ("最·佳品★质", true), ("最\u{200B}佳品质", true), ("ＶＩＰ", true), ("Vip", true), ("全國苐一", true), ("最 佳品质", false), ("最、佳品质", false), ("佳最品质", false),
    ])
    func whatHidesAWordDoesNotHideItFromUs(_ text: String, _ expected: Bool) throws {
        let detection = "  s:\n    name|contains: [最佳品质, vip, 全国第一]\n  condition: s"
        #expect(try (hits(detection, JSON.object([("id", .string("1")), ("name", .string(text))]).text) != nil) == expected)
        let escaped = text.utf16.map { String(format: "\\u%04x", $0) }.joined()
        #expect(try (hits(detection, "{\"id\":\"1\",\"name\":\"\(escaped)\"}") != nil) == expected)
        #expect(try hits(detection, JSON.object([("id", .string("1")), ("name", .string("全國第一"))]).text, normalises: false) == nil)
    }

    @Test func anArrayFitsIfAnyOfItsElementsDoesAndNamesIt() throws {
        let found = try #require(
            try hits(
                "  s:\n    transcript.text|contains: 最低价\n  p:\n    imageText|endswith: 包邮\n  condition: all of them",
                #"{"id":"1","imageText":["甲","乙包邮"],"transcript":[{"t":1,"text":"好"},{"t":2.5,"text":"全网最低价"}]}"#))
        #expect(found.map(\.field) == ["imageText[1]", "transcript[1].text"] && found.map(\.start) == [1, 2])
    }

    @Test func moneyIsComparedExactly() throws {
        let detection = "  s:\n    offers.price|gt: 0.3\n  condition: s"
        #expect(try hits(detection, #"{"id":"1","offers":{"price":0.30000000000000004}}"#) != nil)
        #expect(try hits(detection, #"{"id":"1","offers":{"price":0.30}}"#) == nil)
        #expect(try hits(detection, #"{"id":"1","offers":{"price":3e-1}}"#) == nil)
        #expect(try hits(detection, #"{"id":"1","offers":{"price":"12.5"}}"#) != nil)
    }

    @Test(arguments: [
        #"{"id":"1""#, #"{"name":"x"}"#, #"{"id":true}"#, "[]", "", "{\"id\":\"\u{1}\"}", #"{"id":"1","name":"\x"}"#, #"{"id":"1","a":01}"#, #"{"id":"1"} x"#,
        #"{"id":"1","a":tru}"#,
        #"{"id":"1","name":"\ud800"}"#, "{\"id\":\"1\",\"a\":" + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + "}",
    ])
    func aLineThatIsNoListingIsRefused(_ line: String) throws {
        let matcher = try matcher("  s:\n    name|contains: x\n  condition: s")
        #expect(throws: Matcher.Bad.self) { try Array(line.utf8).withUnsafeBufferPointer { try matcher.scan($0) } }
    }

    @Test(arguments: [
        ("s:\n    name|base64: x\n  condition: s", "base64"), ("s:\n    name|contains: x\n  condition: s and", "too early"),
        ("s:\n    name|contains: x\n  condition: t", "“t”"),
        ("s:\n    name|contains|startswith: x\n  condition: s", "exclude"), ("s:\n    name|gt: x\n  condition: s", "number"),
        ("s:\n    name|re: '('\n  condition: s", "cannot be run"),
        ("s:\n    name|contains|expand: '%absent%'\n  condition: s", "absent"), ("s:\n    name: x\n  s:\n    name: y\n  condition: s", "uplicate"),
    ])
    func whatTheEngineCannotDoIsRefusedByName(_ detection: String, _ word: String) {
        #expect { _ = try matcher("  " + detection) } throws: { ($0 as? SigmaRule.Flaw)?.description.contains(word) == true }
    }

    // MARK: Over several listings

    /// `correlation`: what stands under it. Events: seconds, shop, price, whether 甲 or 乙 stands in the name.
    func correlated(_ correlation: String, _ events: [(Int64, String, String, String)]) throws -> [Int] {
        func rule(_ n: Int, _ word: String) -> String {
            "title: r\(n)\nname: r\(n)\nid: 00000000-0000-4000-8000-00000000000\(n)\nlogsource: {product: ecommerce, category: listing}\ndetection:\n  s:\n    name|contains: \(word)\n  condition: s\n---\n"
        }
        let rules = try SigmaRule.read(
            rule(1, "甲") + rule(2, "乙") + "title: c\nid: 00000000-0000-4000-8000-000000000009\ncorrelation:\n" + correlation.split(separator: "\n").map { "  \($0)\n" }.joined())
        let program = try Program(rules)
        let matcher = Matcher(program)
        var correlator = program.correlator
        var fired: [Int] = []
        for (i, (seconds, shop, price, name)) in events.enumerated() {
            let line = "{\"id\":\"\(i)\",\"name\":\"\(name)\",\"seller\":{\"id\":\"\(shop)\"},\"offers\":{\"price\":\(price)}}"
            let result = try Array(line.utf8).withUnsafeBufferPointer { try matcher.scan($0) }
            let hits = correlator.take(.init(seconds: seconds, hits: result.hits, values: result.values)) { [rules[$0].name ?? ""] }
            if !hits.isEmpty { fired.append(i) }
        }
        return fired
    }

    @Test func aCorrelationHitsWhenItsConditionBeginsToHoldInItsGroupAndTime() throws {
        let head = "rules: [r1]\ngroup-by: [seller.id]\ntimespan: 1h\n"
        let events: [(Int64, String, String, String)] = [
            (0, "a", "1.10", "甲"), (10, "b", "2", "甲"), (20, "a", "2.20", "甲"), (30, "a", "1.10", "乙"), (40, "a", "3.30", "甲"), (50, "a", "9", "甲"), (8000, "a", "1", "甲"),
            (8001, "b", "1", "甲"),
        ]
        #expect(try correlated("type: event_count\n\(head)condition: {gte: 3}", events) == [4])
        #expect(try correlated("type: value_count\n\(head)condition: {gte: 4, field: offers.price}", events) == [5])
        #expect(try correlated("type: value_sum\n\(head)condition: {gte: 6.60, field: offers.price}", events) == [4])
        #expect(try correlated("type: value_avg\n\(head)condition: {gt: 3, field: offers.price}", events) == [5])
        #expect(try correlated("type: event_count\n\(head)condition: {gte: 6}", events).isEmpty)
        // When all that held it has left the window it begins anew, and what comes too late belongs to no window.
        #expect(try correlated("type: event_count\n\(head)condition: {gte: 1}", [(0, "a", "1", "甲"), (10, "a", "1", "甲"), (8000, "a", "1", "甲"), (20, "a", "1", "甲")]) == [0, 2])
        // Ten thousand shops one after another: the first ones are dropped on the way, and nothing else changes.
        let many = (0..<10_000).map { (Int64($0), "s\($0)", "1", "甲") } + [(10_000, "s9999", "1", "甲"), (10_001, "s9999", "1", "甲")]
        #expect(try correlated("type: event_count\n\(head)condition: {gte: 3}", many) == [10_001])
    }

    @Test func severalRulesTogetherOrInOrder() throws {
        let head = "rules: [r1, r2]\ngroup-by: [seller.id]\ntimespan: 10m\n"
        #expect(try correlated("type: temporal\n\(head)", [(0, "a", "1", "乙"), (5, "b", "1", "甲"), (9, "a", "1", "甲")]) == [2])
        #expect(try correlated("type: temporal_ordered\n\(head)", [(0, "a", "1", "乙"), (9, "a", "1", "甲"), (20, "a", "1", "乙")]) == [2])
        #expect(try correlated("type: temporal\n\(head)", [(0, "a", "1", "乙"), (601, "a", "1", "甲")]).isEmpty)
        #expect(throws: SigmaRule.Flaw.self) { try correlated("type: event_count\nrules: [absent]\ngroup-by: [seller.id]\ntimespan: 1h\ncondition: {gte: 1}", []) }
        #expect(throws: SigmaRule.Flaw.self) { try correlated("type: value_percentile\nrules: [r1]\ntimespan: 1h\ncondition: {gte: 1}", []) }
    }

    // MARK: Against a plain reading of the same

    struct Chance: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }

    /// Every phrase at every place, as a search letter by letter finds them.
    @Test func phrasesAreFoundWhereverAPlainSearchFindsThem() {
        var chance = Chance(state: 7)
        let letters: [UInt16] = Array("全国第一最佳aB1 ".utf16)
        func text(_ range: ClosedRange<Int>) -> [UInt16] { (0..<Int.random(in: range, using: &chance)).map { _ in letters.randomElement(using: &chance)! } }
        for _ in 0..<300 {
            let words = Array(Set((0..<20).map { _ in text(1...5) }))
            let phrases = Phrases(words)
            let units = text(0...60)
            let buffer = UnsafeMutablePointer<UInt16>.allocate(capacity: units.count + 4)
            buffer.initialize(repeating: 0, count: units.count + 4)
            for (i, unit) in units.enumerated() { buffer[i] = unit }
            defer { buffer.deallocate() }
            var found: Set<[Int]> = []
            phrases.scan(buffer, units.count) { found.insert([$0, $1, $2]) }
            var expected: Set<[Int]> = []
            for (id, word) in words.enumerated() where word.count <= units.count {
                for i in 0...(units.count - word.count) where Array(units[i..<i + word.count]) == word { expected.insert([id, i, i + word.count]) }
            }
            #expect(found == expected)
        }
    }

    /// What touches an excused passage does not count, what stands elsewhere in the same text does; read plainly, all of it counts.
    @Test(
        arguments: [
            ("最好吃的饼", ["最好吃"]), ("不敢说最好吃", []), ("不敢说最好吃，但真的最好吃", ["最好吃"]), ("本店最好吃的一款，全国第一", ["全国第一"]), ("不是全国第一", []),
            ("不是全国第一；全国第一", ["全国第一"]),
        ] as [(String, [String])])
    func anExcusedPassageExcusesOnlyItself(_ text: String, _ expected: [String]) throws {
        let rule = Self.head + "sinan: {excused: ['(?:不敢说|不是|本店)(?:最好|全国第一)']}\ndetection:\n  s:\n    name|contains: 最好吃\n  r:\n    name|re: '全国第[一1]'\n  condition: s or r"
        let line = Array(JSON.object([("id", .string("1")), ("name", .string(text))]).text.utf8)
        func found(_ excuses: Bool) throws -> [String] {
            let matcher = Matcher(try Program(SigmaRule.read(rule), excuses: excuses))
            return try line.withUnsafeBufferPointer { try matcher.scan($0) }.hits.flatMap(\.matches).map(\.text)
        }
        #expect(try found(true) == expected)
        #expect(try !found(false).isEmpty)
        // What nothing but an excuse keeps from hitting is told beside.
        let matcher = Matcher(try Program(SigmaRule.read(rule)))
        #expect(try line.withUnsafeBufferPointer { try matcher.scan($0) }.excused.isEmpty != expected.isEmpty)
    }

    @Test func anExcusedPassageStaysInItsFieldAndItsRule() throws {
        let other = Self.head.replacingOccurrences(of: "0001", with: "0002")
        let rules =
            Self.head + "sinan: {excused: [不是最好]}\ndetection:\n  s:\n    name|contains: 最好\n  d:\n    description|contains: 最好\n  condition: s or d\n---\n" + other
            + "detection:\n  s:\n    name|contains: 最好\n  condition: s"
        let matcher = Matcher(try Program(SigmaRule.read(rules)))
        let line = Array(#"{"id":"1","name":"不是最好","description":"最好"}"#.utf8)
        let hits = try line.withUnsafeBufferPointer { try matcher.scan($0) }.hits
        #expect(hits.map(\.rule) == [0, 1] && hits[0].matches.map(\.field) == ["description"])
    }

    /// A rule is written with the signs that its writer sees; texts are read folded.
    @Test(arguments: [
        ("退款[^，。]{0,8}手续费", "退款要收手续费", true), ("退款[^，。]{0,8}手续费", "退款,不收手续费", false), ("退款[^，。]{0,8}手续费", "退款，不收手续费", false),
        ("报价[:：]５０", "报价：50", true), ("（非卖品）", "（非卖品）", true), ("（非卖品）", "(非卖品)", true),
    ])
    func fullWidthSignsInAnExpressionMeetWhatTheyMean(_ expression: String, _ text: String, _ fits: Bool) throws {
        let matcher = Matcher(try Program(SigmaRule.read(Self.head + "detection:\n  s:\n    name|re: '\(expression)'\n  condition: s")))
        let line = Array("{\"id\":\"1\",\"name\":\"\(text)\"}".utf8)
        #expect(try line.withUnsafeBufferPointer { try matcher.scan($0) }.hits.isEmpty != fits)
    }

    /// Wildcards as a regular expression reads them.
    @Test func wildcardsFitWhatTheSameExpressionFits() throws {
        var chance = Chance(state: 11)
        let normaliser = Normaliser(normalises: false)
        for _ in 0..<2000 {
            let pattern = String((0..<Int.random(in: 1...6, using: &chance)).map { _ in Array("ab*?").randomElement(using: &chance)! })
            let text = String((0..<Int.random(in: 0...7, using: &chance)).map { _ in Array("ab").randomElement(using: &chance)! })
            let expression = try Regex("^" + pattern.map { $0 == "*" ? ".*" : $0 == "?" ? "." : String($0) }.joined() + "$")
            let buffer = TextBuffer()
            Array(text.utf8).withUnsafeBufferPointer { _ = normaliser.fill(buffer, $0, escaped: false) }
            #expect((Pattern(pattern, normaliser).fits(buffer.units, buffer.count) != nil) == (text.wholeMatch(of: expression) != nil), "\(pattern) on \(text)")
        }
    }

    /// Whatever bytes a stranger sends: a result or a refusal, and every place lies in its text.
    @Test func spoiltLinesNeverCrashTheMatcher() throws {
        let matcher = try matcher(
            "  s:\n    name|contains: [全国第一, '*']\n  r:\n    description|re: '最.{0,3}好'\n  k:\n    - 现金\n  n:\n    offers.price|lt: 10\n  condition: 1 of them")
        let line = Array(
            #"{"id":"1","name":"全\u56fd第一 \ud83d\ude00","description":"最最最好","terms":["返现金"],"offers":{"price":9.90},"x":[{"y":[null,true,1e5]}]}"#.utf8)
        var chance = Chance(state: 3)
        for _ in 0..<20_000 {
            var bytes = line
            for _ in 0..<Int.random(in: 1...4, using: &chance) {
                let i = Int.random(in: 0..<bytes.count, using: &chance)
                switch Int.random(in: 0..<3, using: &chance) {
                case 0: bytes[i] = UInt8.random(in: 0...255, using: &chance)
                case 1: bytes.remove(at: i)
                default: bytes.insert(bytes.randomElement(using: &chance)!, at: i)
                }
            }
            guard let result = try? bytes.withUnsafeBufferPointer({ try matcher.scan($0) }) else { continue }
            for match in result.hits.flatMap(\.matches) { #expect(match.start >= 0 && match.start <= match.end && match.text.unicodeScalars.count == match.end - match.start) }
        }
    }

    @Test func spoiltRulesNeverCrashTheReader() {
        let rule = Array(
            (Self.head + "detection:\n  a:\n    name|contains|all: [x, 'y*']\n  b:\n    - {p|re|i: 'a(b|c)+'}\n    - {q|gte: 5.5}\n"
                + "  condition: (a or not b) and 1 of a*\nsinan: {id: M1}\n").utf8)
        var chance = Chance(state: 5)
        for _ in 0..<3000 {
            var bytes = rule
            for _ in 0..<Int.random(in: 1...5, using: &chance) {
                let i = Int.random(in: 0..<bytes.count, using: &chance)
                if Bool.random(using: &chance) { bytes[i] = Array("{}[]:,'\"*&!|>%@ \n-()ab1".utf8).randomElement(using: &chance)! } else { bytes.remove(at: i) }
            }
            guard let rules = try? SigmaRule.read(String(decoding: bytes, as: UTF8.self)) else { continue }
            _ = try? Program(rules)
        }
    }
}
