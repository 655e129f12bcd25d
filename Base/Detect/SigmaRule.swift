import Kernel
import Yams

/// A rule of the Sigma specification 2.x (检测规则), as its YAML says it. What this engine cannot run is refused by name and line.
package struct SigmaRule: Sendable {
    package let id: String
    package let title: String
    /// What correlations may call it.
    package let name: String?
    package let status: String
    package let level: String
    package let description: String
    package let product: String
    package let category: String
    package let tags: [String]
    package let falsePositives: [String]
    /// The rule's own additions, under the one key that is ours.
    package let custom: JSON
    /// Expressions for passages in which nothing counts as found (除外语境): `sinan.excused`.
    let excused: [String]
    let body: Body

    enum Body: Sendable {
        case detection([(name: String, selection: Selection)], Condition)
        case correlation(Correlation)
    }

    /// One of several maps must hold, each with all its tests; or one of several keywords stands anywhere.
    enum Selection: Sendable {
        case maps([[Test]])
        case keywords([Value])
    }

    enum Value: Sendable, Equatable {
        case text(String)
        case number(String)
        case bool(Bool)
        case null
    }

    /// A field with its modifiers and values.
    struct Test: Sendable {
        let field: String
        let modifiers: [String]
        let values: [Value]
        let line: Int
        func has(_ modifier: String) -> Bool { modifiers.contains(modifier) }
    }

    /// What is wrong with a rule, and where.
    package struct Flaw: Error, Sendable, CustomStringConvertible {
        package let line: Int?
        package let what: String
        package var description: String { line.map { "line \($0): \(what)" } ?? what }
    }

    /// The word lists that it draws on, by name.
    package var lists: [String] {
        guard case .detection(let selections, _) = body else { return [] }
        return selections.flatMap { selection -> [Test] in if case .maps(let maps) = selection.selection { maps.flatMap { $0 } } else { [] } }
            .filter { $0.has("expand") }.flatMap(\.values).compactMap { value in
                guard case .text(let text) = value, text.count > 2, text.hasPrefix("%"), text.hasSuffix("%") else { return nil }
                return String(text.dropFirst().dropLast())
            }
    }

    package var isCorrelation: Bool { if case .correlation = body { true } else { false } }

    static let known: Set<String> = [
        "contains", "startswith", "endswith", "all", "cased", "re", "i", "m", "s", "exists", "gt", "gte", "lt", "lte", "expand", "fieldref", "neq",
    ]

    /// Reads all rules of a file: one document each.
    /// - Errors: YAML that is none, a part that is missing or that this engine cannot run.
    package static func read(_ text: String) throws(Flaw) -> [SigmaRule] {
        guard text.utf8.count <= 1 << 20 else { throw Flaw(line: nil, what: "a rule file has at most 1 MB") }
        var nodes: [Node] = []
        do {
            var documents = try Yams.compose_all(yaml: text)
            while let node = documents.next() { nodes.append(node) }
            if let error = documents.error { throw error }
        } catch { throw Flaw(line: nil, what: "no YAML: \(error)") }
        guard !nodes.isEmpty else { throw Flaw(line: nil, what: "the file holds no rule") }
        var rules: [SigmaRule] = []
        for node in nodes { rules.append(try SigmaRule(node)) }
        return rules
    }

    private init(_ node: Node) throws(Flaw) {
        let map = try SigmaRule.mapping(node, "the rule")
        func line(_ node: Node) -> Int? { node.mark?.line }
        func text(_ key: String) -> String? { map[key]?.scalar?.string }
        func list(_ key: String) -> [String] { map[key]?.sequence?.compactMap { $0.scalar?.string } ?? text(key).map { [$0] } ?? [] }
        guard let title = text("title"), !title.isEmpty else { throw Flaw(line: line(node), what: "title is missing") }
        guard let id = text("id"), SigmaRule.isUUID(id) else { throw Flaw(line: line(node), what: "id must be a UUID") }
        let level = text("level") ?? "medium"
        guard ["informational", "low", "medium", "high", "critical"].contains(level) else { throw Flaw(line: map["level"].flatMap(line), what: "“\(level)” is no level") }
        (self.id, self.title, self.level) = (id.lowercased(), title, level)
        name = text("name")
        status = text("status") ?? "experimental"
        description = text("description") ?? ""
        tags = list("tags")
        falsePositives = list("falsepositives")
        custom = try map["sinan"].map { node throws(Flaw) in try SigmaRule.json(node, 0) } ?? .null
        var excused: [String] = []
        for item in custom["excused"]?.array ?? [] {
            guard let text = item.string, !text.isEmpty else { throw Flaw(line: map["sinan"].flatMap(line), what: "sinan.excused is a list of expressions") }
            excused.append(text)
        }
        self.excused = excused
        let source = map["logsource"]?.mapping
        product = source?["product"]?.scalar?.string ?? ""
        category = source?["category"]?.scalar?.string ?? ""
        if let correlation = map["correlation"] {
            body = .correlation(try Correlation(correlation))
            return
        }
        guard source != nil else { throw Flaw(line: line(node), what: "logsource is missing") }
        guard let detection = map["detection"] else { throw Flaw(line: line(node), what: "detection is missing") }
        let parts = try SigmaRule.mapping(detection, "detection")
        var selections: [(name: String, selection: Selection)] = []
        var conditions: [Condition] = []
        for (key, value) in parts {
            let name = key.scalar?.string ?? ""
            if name == "condition" {
                let texts = value.sequence.map { $0.compactMap { $0.scalar?.string } } ?? value.scalar.map { [$0.string] } ?? []
                for text in texts { do { conditions.append(try Condition(parsing: text)) } catch { throw Flaw(line: line(value), what: error.what) } }
            } else if name == "timeframe" {
                throw Flaw(line: line(value), what: "timeframe belongs to correlation rules")
            } else {
                selections.append((name, try SigmaRule.selection(value, name)))
            }
        }
        guard !conditions.isEmpty else { throw Flaw(line: line(detection), what: "the condition is missing") }
        guard !selections.isEmpty else { throw Flaw(line: line(detection), what: "there is no selection") }
        let names = selections.map(\.name)
        let condition = conditions.count == 1 ? conditions[0] : .or(conditions)
        do { _ = try condition.names(names) } catch { throw Flaw(line: line(detection), what: error.what) }
        body = .detection(selections, condition)
    }

    private static func isUUID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
    }

    static func mapping(_ node: Node, _ what: String) throws(Flaw) -> Node.Mapping {
        guard let map = node.mapping else { throw Flaw(line: node.mark?.line, what: "\(what) must be a map") }
        var seen: Set<String> = []
        for (key, _) in map {
            guard let name = key.scalar?.string else { throw Flaw(line: key.mark?.line, what: "a name in \(what) must be a text") }
            guard seen.insert(name).inserted else { throw Flaw(line: key.mark?.line, what: "“\(name)” stands twice in \(what)") }
        }
        return map
    }

    private static func selection(_ node: Node, _ name: String) throws(Flaw) -> Selection {
        if let items = node.sequence {
            guard !items.isEmpty else { throw Flaw(line: node.mark?.line, what: "\(name) is empty") }
            if items.allSatisfy({ $0.mapping != nil }) {
                var maps: [[Test]] = []
                for item in items { maps.append(try tests(item, name)) }
                return .maps(maps)
            }
            var values: [Value] = []
            for item in items {
                guard item.scalar != nil else { throw Flaw(line: item.mark?.line, what: "\(name) mixes maps and keywords") }
                values.append(try value(item))
            }
            return .keywords(values)
        }
        if node.scalar != nil { return .keywords([try value(node)]) }
        return .maps([try tests(node, name)])
    }

    private static func tests(_ node: Node, _ name: String) throws(Flaw) -> [Test] {
        var tests: [Test] = []
        for (key, value) in try mapping(node, name) {
            let line = key.mark?.line ?? 0
            let parts = (key.scalar?.string ?? "").split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard let field = parts.first, !field.isEmpty || parts.count > 1 else { throw Flaw(line: line, what: "a field of \(name) has no name") }
            for modifier in parts.dropFirst() where !known.contains(modifier) { throw Flaw(line: line, what: "the modifier “\(modifier)” is not supported") }
            var values: [Value] = []
            if let items = value.sequence {
                for item in items { values.append(try self.value(item)) }
                guard !values.isEmpty else { throw Flaw(line: line, what: "\(field) has no value") }
            } else {
                values = [try self.value(value)]
            }
            let test = Test(field: field, modifiers: Array(parts.dropFirst()), values: values, line: line)
            try check(test)
            tests.append(test)
        }
        guard !tests.isEmpty else { throw Flaw(line: node.mark?.line, what: "\(name) is empty") }
        return tests
    }

    /// Modifiers that belong together, and the values that they take.
    private static func check(_ test: Test) throws(Flaw) {
        func fail(_ what: String) -> Flaw { Flaw(line: test.line, what: "\(test.field): \(what)") }
        let m = Set(test.modifiers)
        let shapes = m.intersection(["contains", "startswith", "endswith", "re", "exists", "gt", "gte", "lt", "lte"])
        if shapes.count > 1 { throw fail("“\(shapes.sorted().joined(separator: "” and “"))” exclude each other") }
        if !m.isDisjoint(with: ["i", "m", "s"]), !m.contains("re") { throw fail("i, m and s belong to re") }
        if m.contains("re"), m.contains("cased") { throw fail("re is cased by itself; use i for the other") }
        if m.contains("exists") {
            guard test.values.count == 1, case .bool = test.values[0] else { throw fail("exists takes true or false") }
            if !m.subtracting(["exists"]).isEmpty { throw fail("exists stands alone") }
        }
        if !m.isDisjoint(with: ["gt", "gte", "lt", "lte"]) {
            for value in test.values { guard case .number = value else { throw fail("a number is expected") } }
        }
        if !m.isDisjoint(with: ["contains", "startswith", "endswith", "re", "fieldref", "expand"]) {
            for value in test.values {
                switch value {
                case .text, .number: continue
                default: throw fail("a text is expected")
                }
            }
        }
        if m.contains("fieldref"), !m.subtracting(["fieldref", "all", "neq", "cased", "contains", "startswith", "endswith"]).isEmpty {
            throw fail("fieldref does not go with that")
        }
        if test.field.split(separator: ".", omittingEmptySubsequences: false).contains("") { throw fail("a part of the name is empty") }
    }

    private static func value(_ node: Node) throws(Flaw) -> Value {
        guard let scalar = node.scalar else { throw Flaw(line: node.mark?.line, what: "a value must be a text, a number, true, false or null") }
        guard scalar.style == .plain || scalar.style == .any else { return .text(scalar.string) }
        let text = scalar.string
        if text.isEmpty || text == "null" || text == "~" || text == "Null" || text == "NULL" { return .null }
        if ["true", "True", "TRUE"].contains(text) { return .bool(true) }
        if ["false", "False", "FALSE"].contains(text) { return .bool(false) }
        if let first = text.utf8.first, (48...57).contains(first) || first == 45 || first == 46, Exact(Array(text.utf8)) != nil { return .number(text) }
        return .text(text)
    }

    private static func json(_ node: Node, _ depth: Int) throws(Flaw) -> JSON {
        guard depth < 20 else { throw Flaw(line: node.mark?.line, what: "nested too deeply") }
        if let map = node.mapping {
            var pairs: [(String, JSON)] = []
            for (key, value) in map { pairs.append((key.scalar?.string ?? "", try json(value, depth + 1))) }
            return .object(pairs)
        }
        if let items = node.sequence {
            var list: [JSON] = []
            for item in items { list.append(try json(item, depth + 1)) }
            return .array(list)
        }
        switch try value(node) {
        case .text(let text): return .string(text)
        case .number(let text): return .number(text)
        case .bool(let flag): return .bool(flag)
        case .null: return .null
        }
    }
}

/// A rule over the hits of others (关联规则): how many, of how many kinds, in which order, within a time.
package struct Correlation: Sendable {
    enum Kind: String, Sendable { case count = "event_count", values = "value_count", sum = "value_sum", average = "value_avg", temporal, ordered = "temporal_ordered" }
    let kind: Kind
    /// Rules by id, name or title.
    let rules: [String]
    let groupBy: [String]
    let seconds: Int64
    /// Comparisons that must all hold: `gte`, number.
    let comparisons: [(op: String, value: Exact)]
    let field: String?
    /// Alias → rule → field.
    let aliases: [String: [String: String]]
    /// The rules it is over hit by themselves as well.
    let generates: Bool

    init(_ node: Node) throws(SigmaRule.Flaw) {
        let map = try SigmaRule.mapping(node, "correlation")
        func fail(_ what: String) -> SigmaRule.Flaw { .init(line: node.mark?.line, what: "correlation: \(what)") }
        let name = map["type"]?.scalar?.string ?? ""
        guard let kind = Kind(rawValue: name) else { throw fail("the type “\(name)” is not supported") }
        self.kind = kind
        rules = map["rules"]?.sequence?.compactMap { $0.scalar?.string } ?? map["rules"]?.scalar.map { [$0.string] } ?? []
        guard !rules.isEmpty else { throw fail("rules are missing") }
        groupBy = map["group-by"]?.sequence?.compactMap { $0.scalar?.string } ?? map["group-by"]?.scalar.map { [$0.string] } ?? []
        guard let span = map["timespan"]?.scalar?.string, let seconds = Correlation.seconds(span) else { throw fail("timespan reads 15m, 24h, 7d") }
        self.seconds = seconds
        var comparisons: [(String, Exact)] = []
        var field: String?
        if let condition = map["condition"] {
            for (key, value) in try SigmaRule.mapping(condition, "the correlation's condition") {
                let op = key.scalar?.string ?? ""
                if op == "field" {
                    field = value.scalar?.string
                    continue
                }
                guard ["gt", "gte", "lt", "lte", "eq", "neq"].contains(op), let text = value.scalar?.string, let number = Exact(Array(text.utf8)) else {
                    throw fail("“\(op)” with a number is expected in the condition")
                }
                comparisons.append((op, number))
            }
        }
        (self.comparisons, self.field) = (comparisons, field)
        if kind == .temporal || kind == .ordered {
            guard rules.count > 1 else { throw fail("\(name) needs two rules or more") }
        } else {
            guard !comparisons.isEmpty else { throw fail("the condition is missing") }
        }
        if [.values, .sum, .average].contains(kind), field == nil { throw fail("\(name) needs a field in its condition") }
        var aliases: [String: [String: String]] = [:]
        if let given = map["aliases"] {
            for (key, value) in try SigmaRule.mapping(given, "aliases") {
                var fields: [String: String] = [:]
                for (rule, field) in try SigmaRule.mapping(value, "an alias") { fields[rule.scalar?.string ?? ""] = field.scalar?.string }
                aliases[key.scalar?.string ?? ""] = fields
            }
        }
        self.aliases = aliases
        generates = map["generate"]?.scalar?.string == "true"
    }

    private static func seconds(_ text: String) -> Int64? {
        guard let unit = text.last, let n = Int64(text.dropLast()), n > 0, let factor = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000][String(unit)] else {
            return nil
        }
        let (seconds, over) = n.multipliedReportingOverflow(by: Int64(factor))
        return over ? nil : seconds
    }
}
