import DataFiles
import Foundation
import Kernel

/// The compass (指南针，企业信用风险分类): a transparent, versioned sum as data; a class A–D with each line of it.
///
/// Law: CRO. Weights, caps and cuts are the office's. Results plan supervision: they are not published and no condition of a permit.
package struct CompassModel: Sendable, Codable {
    package enum Class: String, Sendable, CaseIterable, Codable, Comparable {
        case A, B, C, D
        package static func < (a: Class, b: Class) -> Bool { a.rawValue < b.rawValue }
        package var title: Text {
            switch self {
            case .A: Text("A 低风险", "A low")
            case .B: Text("B 一般风险", "B ordinary")
            case .C: Text("C 较高风险", "C higher")
            case .D: Text("D 高风险", "D high")
            }
        }
        package var tone: String { ["A": "green", "B": "blue", "C": "amber", "D": "red"][rawValue]! }
    }
    package struct Family: Sendable, Codable {
        package let id: String
        let title: String, titleEn: String
        package let cap: Int
        package var text: Text { Text(title, titleEn) }
    }
    package struct Indicator: Sendable, Codable {
        package let id: String
        package let family: String
        let title: String, titleEn: String
        package let source: String
        package let weight: Int
        package let cap: Int?
        package let fades: Bool?
        package let prefixes: [String]?
        package var text: Text { Text(title, titleEn) }
    }
    package struct Rule: Sendable, Codable {
        package let when: String
        package let atLeast: Class
        let title: String, titleEn: String
        package var text: Text { Text(title, titleEn) }
    }
    package struct Cuts: Sendable, Codable {
        package let B: Int, C: Int, D: Int
    }
    package let version: String
    let note: String, noteEn: String
    package let decay: [Double]
    package let repaired: Double
    package let cuts: Cuts
    package let families: [Family]
    package let indicators: [Indicator]
    package let rules: [Rule]
    /// An indicator as the sum takes it: what it reads, the place of its family, what fades in hundredths.
    private struct Step: Sendable {
        enum Reads: Sendable { case new, suspended, online, trade, related, counts(Int) }
        let id: String
        let reads: Reads
        let prefixes: [String]
        let weight: Int
        let cap: Int?
        let family: Int
        let fading: [Int]
    }
    private var steps: [Step] = []
    private var mending = 0
    private enum CodingKeys: String, CodingKey { case version, note, noteEn, decay, repaired, cuts, families, indicators, rules }
    package var remark: Text { Text(note, noteEn) }

    package static let shipped = (try? CompassModel(json: DataFiles.data("credit/compass.json")))

    /// What an indicator may read. What a model asks beyond it is refused by name.
    static let sources: Set<String> = [
        "new", "suspended", "trade", "online", "abnormal-report", "abnormal-unreachable", "abnormal-other", "penalty", "large-fine", "exempt", "lead", "visit-problem",
        "visit-clean", "absent",
        "related", "complaint", "ended", "report",
    ]
    static let conditions: Set<String> = ["serious", "abnormal", "revoked"]

    package init(json: Data) throws {
        do { self = try JSONDecoder().decode(CompassModel.self, from: json) } catch let DecodingError.keyNotFound(key, context) {
            throw Refusal.invalid(
                "/body",
                Text(
                    "缺少“\(key.stringValue)”（\(context.codingPath.map(\.stringValue).joined(separator: "."))）",
                    "“\(key.stringValue)” is missing at \(context.codingPath.map(\.stringValue).joined(separator: "."))"))
        } catch { throw Refusal.invalid("/body", Text("不是有效的模型文件：\(error.localizedDescription)", "This is no model: \(error.localizedDescription)")) }
        try check()
        let fading = decay.map { Int(($0 * 100).rounded()) }
        steps = indicators.map { i in
            let reads: Step.Reads =
                switch i.source {
                case "new": .new
                case "suspended": .suspended
                case "online": .online
                case "trade": .trade
                case "related": .related
                default: .counts(CompassFacts.index[i.source]! * 8)
                }
            return Step(
                id: i.id, reads: reads, prefixes: i.prefixes ?? [], weight: i.weight, cap: i.cap, family: families.firstIndex { $0.id == i.family }!,
                fading: i.fades == true ? fading : [100, 100, 100, 100])
        }
        mending = Int((repaired * 100).rounded())
    }

    /// - Errors: each thing that cannot be run, by name.
    func check() throws {
        var wrong: [Refusal.Field] = []
        func say(_ zh: String, _ en: String) { wrong.append(.init("/body", Text(zh, en))) }
        if decay.count != 4 || decay.contains(where: { !(0...1).contains($0) }) { say("decay 应为四个0到1的数", "decay has four numbers between 0 and 1") }
        for d in decay + [repaired] where abs(d * 100 - (d * 100).rounded()) > 1e-9 { say("“\(d)”应至多两位小数", "“\(d)” has more than two decimals") }
        if !(0...1).contains(repaired) { say("repaired 应在0到1之间", "repaired lies between 0 and 1") }
        if !(0 < cuts.B && cuts.B < cuts.C && cuts.C < cuts.D) { say("分档应为 0<B<C<D", "cuts read 0 < B < C < D") }
        let known = Set(families.map(\.id))
        if known.count != families.count { say("信息类别重复", "a family stands twice") }
        if Set(indicators.map(\.id)).count != indicators.count { say("指标重复", "an indicator stands twice") }
        for i in indicators {
            if !known.contains(i.family) { say("指标“\(i.id)”的类别“\(i.family)”不存在", "“\(i.id)” is of no family “\(i.family)”") }
            if !CompassModel.sources.contains(i.source) { say("指标“\(i.id)”的来源“\(i.source)”不存在", "“\(i.id)” reads “\(i.source)”, which does not exist") }
            if i.id.contains(where: { ":,".contains($0) }) { say("指标名“\(i.id)”不能含冒号、逗号", "“\(i.id)” may not hold a colon or comma") }
        }
        for f in families where !(0...100_000).contains(f.cap) { say("类别“\(f.id)”的上限应在0到100000之间", "the cap of “\(f.id)” lies between 0 and 100,000") }
        for i in indicators where !(-10_000...10_000).contains(i.weight) || !(0...100_000).contains(i.cap ?? 0) {
            say("指标“\(i.id)”的权重应在±10000、上限应在0到100000之间", "“\(i.id)”: its weight lies between ±10,000, its cap between 0 and 100,000")
        }
        for r in rules where !CompassModel.conditions.contains(r.when) { say("硬规则“\(r.when)”不存在", "there is no hard rule “\(r.when)”") }
        if !wrong.isEmpty { throw Refusal.invalid(wrong) }
    }

    package func indicator(_ id: String) -> Indicator? { indicators.first { $0.id == id } }
}

/// What is known of an operator, as the sum asks for it: counts by how old they are (≤1, ≤2, ≤3, >3 years).
package struct CompassFacts: Sendable {
    package static let order = [
        "abnormal-report", "abnormal-unreachable", "abnormal-other", "penalty", "large-fine", "exempt", "lead", "visit-problem", "visit-clean", "absent", "complaint", "ended",
        "report",
    ]
    static let index = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    /// Four ages for each source; repaired ones in the four after them. Empty where nothing is known.
    package var counts: [Int32] = []
    package var isNew = false
    package var isSuspended = false
    package var isRevoked = false
    package var isOnline = false
    package var industry = ""
    package var related: Int32 = 0
    /// How often it stands on a list itself.
    var own: Int32 = 0
    package var onSerious = false
    package var onAbnormal = false
    package init() {}

    package mutating func add(_ source: Int, age: Int, repaired: Bool = false, _ n: Int32 = 1) {
        if counts.isEmpty { counts = [Int32](repeating: 0, count: CompassFacts.order.count * 8) }
        counts[source * 8 + (repaired ? 4 : 0) + age] += n
    }
    /// What is known of an operator of whom no file says anything. nil where one does.
    struct Marks: Hashable {
        let industry: String
        let bits: UInt8
    }
    var marks: Marks? {
        guard counts.isEmpty, related == 0, !onSerious, !onAbnormal else { return nil }
        return Marks(industry: industry, bits: (isNew ? 1 : 0) | (isSuspended ? 2 : 0) | (isRevoked ? 4 : 0) | (isOnline ? 8 : 0))
    }
    package static func age(_ day: Day, on now: Day) -> Int { min(3, max(0, (now - day) / 365)) }
}

extension CompassModel {
    package struct Result: Sendable, Equatable {
        package let points: Int
        package let cls: Class
        /// What the hard rules ask for at least: nobody sets a class below it by hand.
        package let floor: Class
        /// `penalty:90`, in the model's order; a hard rule as `!serious`.
        package let lines: [(id: String, points: Int)]
        package let text: String
        init(points: Int, cls: Class, floor: Class, lines: [(id: String, points: Int)]) {
            (self.points, self.cls, self.floor, self.lines) = (points, cls, floor, lines)
            text = lines.map { "\($0.id):\($0.points)" }.joined(separator: ",")
        }
        package static func == (a: Result, b: Result) -> Bool { a.points == b.points && a.cls == b.cls && a.text == b.text }
    }

    /// The sum of an operator. Pure.
    /// In hundredths of hundredths, since weights are whole and what fades has two decimals: whoever adds it up on paper comes to the same.
    package func score(_ f: CompassFacts) -> Result {
        var lines: [(String, Int)] = []
        var room = families.map { $0.cap * 10_000 }
        for i in steps {
            let n: Int
            switch i.reads {
            case .new: n = f.isNew ? 10_000 : 0
            case .suspended: n = f.isSuspended ? 10_000 : 0
            case .online: n = f.isOnline ? 10_000 : 0
            case .trade: n = i.prefixes.contains(where: f.industry.hasPrefix) ? 10_000 : 0
            case .related: n = Int(f.related) * 10_000
            case .counts(let at):
                guard !f.counts.isEmpty else { continue }
                var sum = 0
                for age in 0..<4 { sum += i.fading[age] * (100 * Int(f.counts[at + age]) + mending * Int(f.counts[at + 4 + age])) }
                n = sum
            }
            guard n > 0 else { continue }
            var points = n * i.weight
            if let cap = i.cap { points = points < 0 ? max(points, -cap * 10_000) : min(points, cap * 10_000) }
            // What a family's cap cuts off is cut off the line, so that the lines add up.
            points = min(points, room[i.family])
            room[i.family] -= points
            let whole = (points + (points < 0 ? -5000 : 5000)) / 10_000
            if whole != 0 { lines.append((i.id, whole)) }
        }
        let points = max(0, lines.reduce(0) { $0 + $1.1 })
        var cls: Class = points >= cuts.D ? .D : points >= cuts.C ? .C : points >= cuts.B ? .B : .A
        var floor = Class.A
        for rule in rules {
            let holds = rule.when == "serious" ? f.onSerious : rule.when == "abnormal" ? f.onAbnormal : f.isRevoked
            if holds { floor = max(floor, rule.atLeast) }
            if holds, cls < rule.atLeast {
                cls = rule.atLeast
                lines.append(("!\(rule.when)", 0))
            }
        }
        return Result(points: points, cls: cls, floor: floor, lines: lines)
    }

    /// What a line is called.
    package func title(of line: String) -> Text {
        if line.hasPrefix("!") { return rules.first { $0.when == String(line.dropFirst()) }?.text ?? Text(verbatim: line) }
        return indicator(line)?.text ?? Text(verbatim: line)
    }
    package static func read(_ text: String) -> [(id: String, points: Int)] {
        text.split(separator: ",").compactMap { part in
            let parts = part.split(separator: ":")
            return parts.count == 2 ? Int(parts[1]).map { (String(parts[0]), $0) } : nil
        }
    }
}
