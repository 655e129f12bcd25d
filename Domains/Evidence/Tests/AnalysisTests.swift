import Browser
import DataFiles
import Foundation
import Kernel
import Platform
import Statute
import Testing

@testable import Evidence

@Suite struct AnalysisTests {
    @Test func linesOfTesseractArePutTogetherWithoutBlanksBetweenHan() {
        let head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
        let rows = [
            "4\t1\t1\t1\t1\t0\t10\t20\t300\t40\t-1\t", "5\t1\t1\t1\t1\t1\t10\t20\t100\t40\t96.1\t联系", "5\t1\t1\t1\t1\t2\t120\t22\t80\t38\t94\t电话",
            "5\t1\t1\t1\t1\t3\t220\t24\t90\t30\t91\tVIP",
            "5\t1\t1\t1\t1\t4\t320\t24\t90\t30\t91\tCARD", "5\t1\t2\t1\t1\t1\t10\t90\t20\t20\t12\t乱码", "5\t1\t3\t1\t1\t1\t10\t190\t20\t20\t95\t|", "broken\trow",
        ]
        let found = Reader.lines(head + rows.joined(separator: "\n"), scale: 2)
        #expect(found.map(\.text) == ["联系电话VIP CARD"])
        #expect(found.first?.box == .init(x: 5, y: 10, width: 200, height: 20))
    }

    @Test func ofTwoReadingsOfOnePlaceTheSurerStays() {
        func line(_ text: String, _ y: Int, _ sure: Int) -> Reader.Line { .init(text, .init(x: 0, y: y, width: 100, height: 20), sure) }
        let merged = Reader.merge([line("全网第一", 0, 60), line("包邮", 50, 90)], [line("全网第一名", 2, 90), line("包由", 50, 40), line("新的", 100, 80)])
        #expect(Set(merged.map(\.text)) == ["全网第一名", "包邮", "新的"])
    }

    @Test(arguments: [
        (["统一社会信用代码 91330106MA2CFLDG4R"], ["91330106MA2CFLDG4R"]), (["代码：91330106MA2CFLDG4R。"], ["91330106MA2CFLDG4R"]), (["9133O1O6MA2CFLDG4R"], ["91330106MA2CFLDG4R"]),
        (["91330106 MA2CFL DG4R"], ["91330106MA2CFLDG4R"]), (["注册号91330106MA2CFLDG4R91"], ["91330106MA2CFLDG4R"]), (["91330106MA2CFLDG40"], ["91330106MA2CFLDG40"]),
        (["13812345678", "全网第一"], []),
    ])
    func codesAreFoundAsTheyStandInPictures(_ lines: [String], _ codes: [String]) { #expect(LicenceReading.codes(lines) == codes) }

    @Test(arguments: [
        ("联系电话13812345678", true), ("身份证 11010519491231002X", true), ("卡号 6222 0212 3456 7890 123", true), ("91330106MA2CFLDG4R", false), ("价格 1299 元", false),
        ("2026-11-25", false), ("12345678901", true),
    ])
    func whatOughtNotToLeaveTheOfficeIsSuggested(_ line: String, _ personal: Bool) { #expect(PersonalData.isIn(line) == personal) }

    @Test func fingerprintsMoveLittleWithNoiseAndMuchWithAnotherPicture() throws {
        func grey(_ shade: (Int, Int) -> Int) -> [UInt8] { (0..<1024).map { UInt8(max(0, min(255, shade($0 % 32, $0 / 32)))) } }
        let circle = grey { x, y in (x - 12) * (x - 12) + (y - 18) * (y - 18) < 90 ? 30 : 220 }
        let noisy = grey { x, y in ((x - 12) * (x - 12) + (y - 18) * (y - 18) < 90 ? 30 : 220) + (x * 7 + y * 13) % 11 - 5 }
        let stripes = grey { x, _ in x / 4 % 2 == 0 ? 40 : 200 }
        let (a, b, c) = (try #require(Fingerprint(grey: circle)), try #require(Fingerprint(grey: noisy)), try #require(Fingerprint(grey: stripes)))
        #expect(a.distance(b) <= Fingerprint.near && a.distance(c) > 16)
        #expect(Fingerprint(grey: grey { _, _ in 128 }) == nil && Fingerprint(grey: [1, 2]) == nil)
        #expect(Fingerprint(a.description) == a && Fingerprint("xyz") == nil)
        // Whatever seven bits differ, a band is shared.
        for seed in 0..<500 {
            var bits = a.bits
            for n in 0..<Fingerprint.near { bits ^= 1 << UInt64((seed * 31 + n * n * 17 + n * 7) % 64) }
            let other = Fingerprint(bits: bits)
            #expect(a.distance(other) > Fingerprint.near || !Set(a.bands).isDisjoint(with: other.bands))
        }
    }

    @Test func elementsOfEachModelCiteLawsThatAreInTheRegister() throws {
        let elements = try Elements.load()
        let register = try LawRegister(json: DataFiles.data("law/laws.json"))
        #expect(elements.violations.map(\.id) == (1...23).map { "M\($0 < 10 ? "0" : "")\($0)" })
        for violation in elements.violations {
            #expect(Set(elements.all(violation).map(\.key)).count == elements.all(violation).count, "\(violation.id) has one key twice")
            for (key, element) in elements.all(violation) {
                #expect(!element.title.zh.isEmpty && !element.title.en.isEmpty && element.auto.map { ["capture", "licence", "times"].contains($0) } ?? true, "\(key)")
                if let article = element.article { #expect(register[article.law] != nil, "\(key) cites \(article.law)") }
            }
        }
    }

    // MARK: Replay

    @Test(arguments: [
        ("<img src=\"/a.png\">", "<img src=\"R/http://shop.example/a.png\">"), ("<IMG SRC=a.png ALT='x'>", "<img src=\"R/http://shop.example/x/a.png\" alt=\"x\">"),
        ("<img src=http://elsewhere.example/b.png>", "<img src=\"data:,\">"), ("<img src=\"data:image/png;base64,AA==\">", "<img src=\"data:image/png;base64,AA==\">"),
        ("<script>alert('</p>')</script>后", "后"), ("<p onclick=\"x()\" class=a>字</p>", "<p class=\"a\">字</p>"), ("<a href=\"http://shop.example/\">去</a>", "<a>去</a>"),
        ("<a href=\"#top\">顶</a>", "<a href=\"#top\">顶</a>"),
        ("<meta http-equiv=refresh content='0;url=/x'>", ""), ("<base href='http://shop.example/y/'><img src=c.png>", "<img src=\"R/http://shop.example/y/c.png\">"),
        ("<style>a{background:url( 'a.png' )}</style>", "<style>a{background:url(\"R/http://shop.example/x/a.png\")}</style>"),
        ("<div style=\"background:url(&quot;/a.png&quot;)\"></div>", "<div style=\"background:url(&quot;R/http://shop.example/a.png&quot;)\"></div>"),
        ("<link rel=stylesheet href=/s.css><link rel=preload href=/s.css>", "<link rel=\"stylesheet\" href=\"R/http://shop.example/s.css\">"),
        ("<img srcset=\"/a.png 1x, /no.png 2x\">", "<img srcset=\"R/http://shop.example/a.png 1x\">"),
        ("<iframe src=/f srcdoc=\"<script>1</script>\">x</iframe>", "<iframe src=\"R/http://shop.example/f&amp;frame=1\"></iframe>"),
        ("<!-- <img src=/a.png> -->a<b>", "a<b>"), ("1 < 2", "1 &lt; 2"), ("<noscript><img src=/a.png></noscript>x", "x"),
        ("<form action=/buy><button formaction=/x>买</button></form>", "<form><button>买</button></form>"),
        ("<script src=/x.js>", ""), ("<object data=/a></object>后", "后"),
    ])
    func aCapturedPageLeadsIntoItsPackageAlone(_ page: String, _ expected: String) {
        var rewriter = PageRewriter(base: "http://shop.example/x/") { url in url.hasPrefix("http://shop.example/") && !url.hasSuffix("no.png") ? "R/\(url)" : nil }
        #expect(rewriter.html(page) == expected)
    }

    @Test func whateverStrangersWriteTheRewriterEndsAndLetsNoScriptThrough() throws {
        let pieces = [
            "<", ">", "<script", "</script>", "<img src=", "'", "\"", "=", "<!--", "-->", "<style>", "url(", "@import '", "&", "<iframe", "字", " ", "\n", "<a href=javascript:",
            "onload=x", "/", "\0",
        ]
        let script = try Regex("<script[\\s>/]")
        let sheets = try Regex("(?s)<style[^>]*>.*?(</style|$)")
        var state: UInt64 = 42
        for _ in 0..<3000 {
            var page = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                page += pieces[Int(state >> 33) % pieces.count]
            }
            var rewriter = PageRewriter(base: "http://shop.example/") { "R/\($0)" }
            // What stands in style sheets is no markup.
            let out = rewriter.html(page).lowercased().replacing(sheets, with: "")
            #expect(!out.contains(script) && !out.contains("href=\"javascript:"), "\(page)")
        }
    }

    @Test func aStyleSheetOfAMegabyteIsRewrittenAtOnce() {
        let rewriter = PageRewriter(base: "http://shop.example/") { _ in nil }
        let began = ContinuousClock.now
        #expect(rewriter.css(String(repeating: "a{b:url(x)}@import 'y';", count: 50_000)).hasPrefix("a{b:url(\"data:,\")}@import \"data:,\";"))
        #expect(rewriter.css(String(repeating: "@import", count: 150_000)).count == 1_050_000 && rewriter.css("url(url(url(").hasPrefix("url("))
        #expect(ContinuousClock.now - began < .seconds(20))
    }

    // MARK: Hand-over

    @Test(arguments: [("../../etc/passwd", ".._.._etc_passwd"), ("a:b?.jpg", "a_b_.jpg"), ("", "file-"), (".hidden", "file-hidden"), ("现场 1.jpg", "现场 1.jpg")])
    func namesInABagAreNamesEverywhere(_ name: String, _ safe: String) { #expect(Bag.safe(name) == (safe.hasPrefix(".") ? "file-" + safe.dropFirst() : safe)) }

    @Test func keysOfTheCustodyGraphAreTheSameForTheSameAndOfVersionFive() throws {
        let key = CustodyGraph.key("file", "DZ20260000001")
        #expect(key == CustodyGraph.key("file", "DZ20260000001") && key != CustodyGraph.key("file", "DZ20260000002"))
        #expect(key.wholeMatch(of: try Regex("kb:file-[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")) != nil)
    }

    // MARK: Reading

    /// Where the examples are: each with at least so much of its text, in this order; a black picture has none.
    @Test func examplesAreReadAsWellAsTesseractCan() async throws {
        let folder = URL(fileURLWithPath: "../shared/data/ocr")
        let reader = Reader()
        guard FileManager.default.fileExists(atPath: folder.path), reader.isThere else {
            return print("skipped: examplesAreReadAsWellAsTesseractCan, no examples or no Tesseract here")
        }
        let bench = try await PictureBench.open("/usr/bin/chromium")
        defer { bench.close() }
        for (name, words) in [
            ("img_exif_orientation.jpg", ["我是中国人"]), ("black_font_color_transparent.png", ["我是中国人"]), ("white_font_color_transparent.png", ["我是中国人"]),
            ("ch_en_num.jpg", ["假一赔十", "极速发货"]),
            ("test_letterbox_like.jpg", ["性能速度的下降"]), ("empty_black.jpg", []),
        ] {
            let look = try #require(try await bench.look([UInt8](Data(contentsOf: folder.appendingPathComponent(name)))), "\(name)")
            let text = try await reader.read(look).map(\.text).joined()
            if words.isEmpty { #expect(text.isEmpty, "\(name): \(text)") }
            for word in words { #expect(text.filter { !$0.isWhitespace }.contains(word), "\(name): \(text)") }
        }
        #expect(try await bench.look(Array("no picture".utf8)) == nil)
    }
}
