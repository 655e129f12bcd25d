import Detect
import Kernel
import Testing

@Suite struct DetectTests {
    static let head = "id: 00000000-0000-4000-8000-000000000001\ntitle: t\nlogsource: {product: ecommerce, category: listing}\n"

    func hits(_ detection: String, _ listing: String, normalises: Bool = true, lists: [String: [String]] = [:]) throws -> [Hit.Match]? {
        let rules = try SigmaRule.read(Self.head + "detection:\n" + detection)
        let matcher = Matcher(try Program(rules, lists: { lists[$1] }, normaliser: Normaliser(normalises: normalises)))
        let result = try Array(listing.utf8).withUnsafeBufferPointer { try matcher.scan($0) }
        return result.hits.first?.matches
    }

    @Test func aPhraseIsFoundWithItsPlaceInTheTextAsItStands() throws {
        let found = try #require(try hits("  s:\n    name|contains: [全国第一, 最佳]\n  condition: s", #"{"id":"1","name":"😀ＡＢ全國第\#u{200B}一店"}"#))
        #expect(found == [.init(selection: "s", field: "name", start: 3, end: 8, text: "全國第\u{200B}一")])
    }
}
