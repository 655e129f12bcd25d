import Evidence
import Kernel
import Testing

@Suite struct CaptureTests {
    @Test(arguments: ["file:///etc/passwd", "javascript:alert(1)", "http://", "x", "", "http://u:p@shop.example/", "http://shop.example/a b", "ftp://shop.example/"])
    func onlyAddressesOfTheWebAreCaptured(_ url: String) { #expect(throws: Refusal.self) { try CaptureRequest(url) } }

    @Test(arguments: [
        ("scroll", true), ("click #more", true), ("wait 3", true), ("wait 0", false), ("wait 3000", false), ("wait", false), ("click", false), ("eval alert(1)", false),
    ])
    func aScriptHasThreeActs(_ line: String, _ holds: Bool) {
        let step = try? CaptureRequest.Step(line)
        #expect((step != nil) == holds && (step?.line ?? line) == line)
    }

    @Test(arguments: [
        ("甲\n乙\n丙", "甲\n丙", [("甲", "same"), ("乙", "removed"), ("丙", "same")]), ("", "新", [("新", "added")]), ("同", "同", [("同", "same")]),
        ("旧", "新", [("旧", "removed"), ("新", "added")]),
    ])
    func whatChangedIsFoundLineByLine(_ a: String, _ b: String, _ expected: [(String, String)]) {
        let found = LineChanges.between(a, b).map { ($0.line, "\($0.kind)") }
        #expect(found.map(\.0) == expected.map(\.0) && found.map(\.1) == expected.map(\.1))
    }
}
