import Detect
import Formats
import Foundation
import Kernel
import ModelFiles
import Platform
import Statute

/// A monitoring model (监测模型): a Sigma rule with its card, its word lists and its own cases, in a folder of its own.
package struct Model: Sendable {
    package let id: String
    package let folder: URL
    /// The rules of its file: one, or several with a correlation over them.
    package let rules: [SigmaRule]
    package let card: Card

    /// What a person needs to judge a hit (模型卡).
    package struct Card: Sendable {
        package struct Basis: Sendable {
            package let article: Article
            package let from: Day?
            package let to: Day?
        }
        /// What follows a hit: the shop is told what to change, or an office is sent.
        package enum Lane: String, Sendable { case notice, dispatch }
        package let titleEn: String
        /// Nil where only the rule's own description is there.
        package let descriptionEn: String?
        package let law: [Basis]
        /// What of it was in force on a day: nobody is told of an article that did not bind yet.
        package func law(on day: Day) -> [Basis] { law.filter { ($0.from.map { $0 <= day } ?? true) && ($0.to.map { day <= $0 } ?? true) } }
        package let elements: [Text]
        package let exemptions: [Text]
        package let lane: Lane
        package let owner: String
        package let reviewed: Day
    }

    package var title: Text { Text(rules[0].title, card.titleEn) }
    package var description: Text { Text(rules[0].description, card.descriptionEn ?? rules[0].description) }
}

/// The models of a folder (模型库).
package struct ModelLibrary: Sendable {
    package let models: [Model]
    /// What cannot be run, by folder: nothing is skipped in silence.
    package struct Flaw: Error, Sendable {
        package let model: String
        package let what: String
    }

    /// Those that ship with the program.
    package static var shipped: URL { ModelFiles.folder }

    /// - Errors: the first model that cannot be read.
    package init(_ folder: URL, law: LawRegister) throws {
        let (models, flaws) = try ModelLibrary.read(folder, law: law)
        if let flaw = flaws.first { throw Refusal.invalid("/models", Text("模型 \(flaw.model) 无法使用：\(flaw.what)", "The model \(flaw.model) cannot be used: \(flaw.what)")) }
        self.models = models
    }

    /// All models of a folder, and what is wrong with the others.
    package static func read(_ folder: URL, law: LawRegister) throws -> (models: [Model], flaws: [Flaw]) {
        let manager = FileManager.default
        guard let names = try? manager.contentsOfDirectory(atPath: folder.path) else {
            throw Refusal.invalid("/models", Text("没有文件夹 \(folder.path)", "There is no folder \(folder.path)"))
        }
        var models: [Model] = []
        var flaws: [Flaw] = []
        for name in names.sorted() {
            let place = folder.appendingPathComponent(name)
            guard manager.fileExists(atPath: place.appendingPathComponent("rule.yml").path) else { continue }
            do { models.append(try model(place, law)) } catch let flaw as Flaw { flaws.append(flaw) } catch {
                flaws.append(Flaw(model: name, what: (error as? SigmaRule.Flaw)?.description ?? "\(error)"))
            }
        }
        let ids = Dictionary(grouping: models, by: \.id).filter { $0.value.count > 1 }
        for (id, same) in ids { flaws.append(Flaw(model: id, what: "two folders hold it: \(same.map(\.folder.lastPathComponent).joined(separator: ", "))")) }
        return (models, flaws)
    }

    private static func model(_ folder: URL, _ law: LawRegister) throws -> Model {
        let name = folder.lastPathComponent
        let rules = try SigmaRule.read(String(contentsOf: folder.appendingPathComponent("rule.yml"), encoding: .utf8))
        let custom = rules[0].custom
        func fail(_ what: String) -> Flaw { Flaw(model: name, what: what) }
        guard let id = custom["id"]?.string, name.hasPrefix(id + "-") else { throw fail("sinan.id must be what the folder's name begins with") }
        for rule in rules where rule.product != "ecommerce" || !["listing", "shop", "live"].contains(rule.category) {
            if !rule.isCorrelation { throw fail("logsource must be product ecommerce, category listing, shop or live") }
        }
        var basis: [Model.Card.Basis] = []
        for item in custom["law"]?.array ?? [] {
            guard let key = item["law"]?.string, let known = law[key] else { throw fail("the register has no law “\(item["law"]?.string ?? "")”") }
            guard let article = item["article"]?.string ?? item["article"]?.int.map(String.init) else { throw fail("\(key): an article is missing") }
            basis.append(
                .init(
                    article: Article(law: known.id, article: article), from: item["from"]?.string.flatMap { Day($0) } ?? known.from,
                    to: item["to"]?.string.flatMap { Day($0) } ?? known.to))
        }
        guard !basis.isEmpty else { throw fail("sinan.law is missing: a hit names what it may break") }
        func texts(_ key: String) throws -> [Text] {
            try (custom[key]?.array ?? []).map { item in
                guard let zh = item["zh"]?.string, let en = item["en"]?.string else { throw fail("\(key): each has zh and en") }
                return Text(zh, en)
            }
        }
        guard let lane = custom["lane"]?.string.flatMap({ Model.Card.Lane(rawValue: $0) }) else { throw fail("sinan.lane is notice or dispatch") }
        guard let reviewed = custom["reviewed"]?.string.flatMap({ Day($0) }) else { throw fail("sinan.reviewed is the day on which somebody last looked through it") }
        let elements = try texts("elements")
        guard !elements.isEmpty else { throw fail("sinan.elements is missing: what must be shown") }
        return Model(
            id: id, folder: folder, rules: rules,
            card: .init(
                titleEn: custom["titleEn"]?.string ?? rules[0].title, descriptionEn: custom["descriptionEn"]?.string, law: basis, elements: elements,
                exemptions: try texts("exemptions"), lane: lane,
                owner: custom["owner"]?.string ?? "",
                reviewed: reviewed))
    }

    package init(models: [Model]) { self.models = models }

    // MARK: Running

    /// A list beside a rule: one phrase a line, or the first column of a CSV with a head `phrase`; `#` begins a remark.
    static func list(_ name: String, beside folder: URL) -> [String]? {
        guard name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }) else { return nil }
        for place in [folder, folder.deletingLastPathComponent().appendingPathComponent("lists")] {
            let file = place.appendingPathComponent(name + ".csv")
            guard let bytes = try? Data(contentsOf: file), let text = try? Encodings.decode([UInt8](bytes)).text, let records = try? CSV.read(text) else { continue }
            return records.map(\.cells[0]).filter { !$0.isEmpty && !$0.hasPrefix("#") && $0 != "phrase" }
        }
        return nil
    }

    /// All models in one matcher.
    /// - Parameter plain: the rules as any engine reads them: no normalising, no excused passages.
    /// - Errors: what a rule asks and the engine cannot do, by model.
    package func program(plain: Bool = false, cache: URL? = nil) throws -> (program: Program, modelOf: [Int]) {
        var rules: [SigmaRule] = []
        var modelOf: [Int] = []
        for (i, model) in models.enumerated() {
            rules += model.rules
            modelOf += model.rules.map { _ in i }
        }
        let (models, of) = (models, modelOf)
        do {
            let program = try Program(
                rules, lists: { rule, name in ModelLibrary.list(name, beside: models[of[rule]].folder) },
                normaliser: plain ? Normaliser(normalises: false) : try ModelLibrary.normaliser(models.first?.folder), excuses: !plain,
                cache: cache, digest: { Crypto.hex(Crypto.sha256(Array($0.utf8)).prefix(16)) })
            return (program, modelOf)
        } catch let flaw as SigmaRule.Flaw { throw Refusal.invalid("/models", Text("模型无法使用：\(flaw)", "A model cannot be used: \(flaw)")) }
    }

    /// With the look-alikes that the library's own list names.
    static func normaliser(_ folder: URL?) throws -> Normaliser {
        guard let file = folder?.deletingLastPathComponent().appendingPathComponent("lists/homographs.csv"), let data = try? Data(contentsOf: file) else { return Normaliser() }
        let pairs = try CSV.read(String(decoding: data, as: UTF8.self)).dropFirst().compactMap { record -> (Character, Character)? in
            guard record.cells.count >= 2, let from = record.cells[0].first, let to = record.cells[1].first, from != "#" else { return nil }
            return (from, to)
        }
        return Normaliser(homographs: pairs)
    }
}
