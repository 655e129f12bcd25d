import DataFiles
import Foundation
import Kernel
import Statute
import Testing

/// Checks of the architecture itself: what a document would only ask for.
@Suite struct HouseTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func sources(_ folders: [String]) -> [(path: String, text: String)] {
        folders.flatMap { folder -> [(String, String)] in
            guard let files = FileManager.default.enumerator(at: root.appendingPathComponent(folder), includingPropertiesForKeys: nil) else { return [] }
            return files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" && !$0.path.contains("/Tests/") }.compactMap { url in
                (try? String(contentsOf: url, encoding: .utf8)).map { (url.path.replacingOccurrences(of: root.path + "/", with: ""), $0) }
            }
        }
    }
    static let all = sources(["Base", "Platform", "Domains", "App", "Data", "Public"])

    /// A storey may import only what lies below it.
    @Test func storeysImportOnlyWhatLiesBelow() {
        let allowed: [(String, Set<String>)] = [
            ("Base/Kernel", []), ("Base/Statute", ["Kernel"]), ("Base/Store", ["Kernel"]), ("Base/Web", ["Kernel"]), ("Base/Formats", ["Kernel"]), ("Base/Detect", ["Kernel"]),
            ("Base/Outbound", ["Kernel"]), ("Base/Browser", ["Kernel", "Outbound"]),
            ("Platform", ["Kernel", "Statute", "Store", "Web", "Formats", "Outbound", "Browser", "DataFiles", "PublicFiles"]),
            ("Domains/Disputes", ["Kernel", "Statute", "Store", "Web", "Formats", "Platform"]), ("Domains/Insights", ["Kernel", "Statute", "Store", "Web", "Platform"]),
            ("Domains/Monitoring", ["Kernel", "Statute", "Store", "Web", "Formats", "Platform", "Detect", "ModelFiles"]),
            ("Domains/Supervision", ["Kernel", "Statute", "Store", "Web", "Formats", "Platform", "DataFiles", "PublicFiles", "Enforcement", "Credit"]),
            ("Domains/Credit", ["Kernel", "Statute", "Store", "Web", "Formats", "Platform", "DataFiles", "Enforcement"]),
            ("Domains/Enforcement", ["Kernel", "Statute", "Store", "Web", "Formats", "Platform", "DataFiles"]),
            ("Domains/Evidence", ["Kernel", "Statute", "Store", "Web", "Formats", "Platform", "Browser", "Outbound", "DataFiles"]),
        ]
        let ours: Set<String> = [
            "Kernel", "Statute", "Store", "Web", "Formats", "Platform", "Disputes", "Insights", "Monitoring", "Detect", "ModelFiles", "DataFiles", "PublicFiles", "TestSupport",
            "Outbound",
            "Browser", "Evidence", "Enforcement", "Credit", "Supervision",
        ]
        for (folder, may) in allowed {
            for (path, text) in Self.all where path.hasPrefix(folder + "/") {
                for line in text.split(separator: "\n") where line.hasPrefix("import ") {
                    let module = String(line.dropFirst(7))
                    if ours.contains(module) { #expect(may.contains(module), "\(path) imports \(module)") }
                }
            }
        }
    }

    /// Only App reads the real clock; randomness comes from the crypto source, in one place.
    @Test func theClockAndChanceAreReadInOnePlace() {
        for (path, text) in Self.all where !path.hasPrefix("App/") {
            #expect(!text.contains("Date()") && !text.contains("UUID()"), "\(path)")
        }
    }

    /// Nothing from the law sheet stops the program on input.
    @Test func nothingCrashesOnInput() {
        for (path, text) in Self.all { #expect(!text.contains("fatalError(") && !text.contains("try!") && !text.contains("as! "), "\(path)") }
    }

    /// No city's name in code: names are rows of data.
    @Test func noCitysNameStandsInCode() {
        for (path, text) in Self.all { for name in ["临沂", "Linyi", "云州"] { #expect(!text.contains(name), "\(path) names \(name)") } }
    }

    /// The catalogue of strings: every `Text` has both languages, Chinese in Chinese, English without.
    @Test func everyStringHasBothLanguages() throws {
        let pattern = try Regex(#"Text\("((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\)"#, as: (Substring, Substring, Substring).self)
        var count = 0
        for (path, text) in Self.all {
            for match in text.matches(of: pattern) {
                let (zh, en) = (String(match.output.1), String(match.output.2))
                count += 1
                #expect(zh.isEmpty == en.isEmpty, "\(path): “\(zh)” / “\(en)”")
                let plain = en.replacing(try Regex(#"\\\([^)]*\)"#), with: "").replacing(try Regex(#"“[^”]*”"#), with: "")
                #expect(!plain.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) } || path.hasSuffix("RateLimit.swift"), "\(path): Chinese in the English of “\(zh)”")
            }
        }
        #expect(count > 300, "the pattern no longer finds the strings")
    }

    /// Every article that a period or a move cites exists in the register and its law is in force when the rule is.
    @Test func articlesCitedExistAndAreInForce() throws {
        let register = try LawRegister(json: DataFiles.data("law/laws.json"))
        let catalogue = try DutyCatalogue(json: DataFiles.data("law/periods.json"))
        for duty in catalogue.duties {
            for rule in duty.rules {
                for cited in rule.basis {
                    // An article of another law says itself from when it is cited, where that law is younger than the rule.
                    if let start = register[cited.law]?.from, let from = cited.from ?? rule.from { #expect(start <= from, "\(duty.id): \(cited.law) is not in force on \(from)") }
                }
                for article in rule.basis.map(\.place) + (rule.extension?.basis ?? []) + (rule.suspension?.basis ?? []) + (rule.beside?.basis ?? []) {
                    let law = try #require(register[article.law], "\(duty.id) cites \(article.law)")
                    #expect(law.articles[article.number] != nil, "\(duty.id) cites \(article)")
                    if let start = law.from, let from = rule.from, article.law == rule.regime { #expect(start <= from, "\(duty.id): \(article.law) is not in force on \(from)") }
                }
            }
        }
    }

    /// Files that ask for something to be moved out.
    @Test func filesStayShort() {
        for (path, text) in Self.all { #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count < 420, "\(path)") }
    }
}
