import Kernel

/// Rules over the hits of others (关联检测): how many, of how many kinds, which sum, which kinds together or in order, within a
/// time and for each group. Fed in input order, so its hits are the same for any number of threads.
///
/// A correlation hits when its condition begins to hold, not at every event while it does. Events without a time take no part.
/// Cost: the events of a window are kept for each group.
package struct Correlator: Sendable {
    /// A listing that one of the referenced rules hit.
    package struct Event: Sendable {
        package let seconds: Int64
        /// Rules that hit, by their place in the program, and what each matched.
        package let hits: [Hit]
        /// Values of the fields that correlations ask for.
        package let values: [String: String]
        package init(seconds: Int64, hits: [Hit], values: [String: String]) { (self.seconds, self.hits, self.values) = (seconds, hits, values) }
    }

    private struct Kept {
        let seconds: Int64
        let rule: Int
        let value: String?
    }
    private struct Watched {
        let rule: Int
        let correlation: Correlation
        /// Places of the referenced rules, in the order in which they are named.
        let of: [Int]
        var groups: [[String]: (events: [Kept], holds: Bool)] = [:]
        var latest = Int64.min
        private var untilSweep = 4096

        /// Groups in which nothing is within the window any more are dropped now and then: memory grows with the window, not with the input.
        mutating func sweep(before oldest: Int64) {
            untilSweep -= 1
            guard untilSweep == 0 else { return }
            untilSweep = max(4096, groups.count)
            groups = groups.filter { $0.value.events.last.map { $0.seconds >= oldest } ?? false }
        }

        init(rule: Int, correlation: Correlation, of: [Int]) { (self.rule, self.correlation, self.of) = (rule, correlation, of) }
    }
    private var watched: [Watched]
    /// Rules that only feed a correlation, and do not hit by themselves.
    package let silent: Set<Int>
    /// Fields that must be told with an event.
    package let fields: [String]
    package var isEmpty: Bool { watched.isEmpty }

    /// - Errors: a reference to a rule that is not there, or to another correlation.
    package init(_ rules: [SigmaRule]) throws(SigmaRule.Flaw) {
        var watched: [Watched] = []
        var silent: Set<Int> = []
        var fields: [String] = []
        for (i, rule) in rules.enumerated() {
            guard case .correlation(let correlation) = rule.body else { continue }
            var of: [Int] = []
            for reference in correlation.rules {
                guard let place = rules.firstIndex(where: { $0.id == reference.lowercased() || $0.name == reference || $0.title == reference }) else {
                    throw .init(line: nil, what: "\(rule.title): there is no rule “\(reference)”")
                }
                guard !rules[place].isCorrelation else { throw .init(line: nil, what: "\(rule.title): a correlation over the correlation “\(reference)” is not supported") }
                of.append(place)
                if !correlation.generates { silent.insert(place) }
            }
            for group in correlation.groupBy { fields += correlation.aliases[group].map { Array($0.values) } ?? [group] }
            if let field = correlation.field { fields.append(field) }
            watched.append(Watched(rule: i, correlation: correlation, of: of))
        }
        (self.watched, self.silent, self.fields) = (watched, silent, Array(Set(fields)).sorted())
    }

    /// Takes the next event. Returns the correlations that hold from now on.
    package mutating func take(_ event: Event, named: (Int) -> [String]) -> [Hit] {
        var out: [Hit] = []
        for w in watched.indices {
            for hit in event.hits where watched[w].of.contains(hit.rule) {
                let correlation = watched[w].correlation
                let names = named(hit.rule)
                let key = correlation.groupBy.map { group -> String in
                    guard let alias = correlation.aliases[group] else { return event.values[group] ?? "" }
                    return names.compactMap { alias[$0] }.first.flatMap { event.values[$0] } ?? ""
                }
                // Who has no value for the group belongs to none.
                guard !key.contains("") else { continue }
                watched[w].latest = max(watched[w].latest, event.seconds)
                let oldest = watched[w].latest - correlation.seconds
                watched[w].sweep(before: oldest)
                guard event.seconds >= oldest else { continue }
                var group = watched[w].groups[key] ?? ([], false)
                // What has left the window may have ended it: then it begins anew.
                let stale = group.events.prefix { $0.seconds < oldest }.count
                if stale > 0 {
                    group.events.removeFirst(stale)
                    group.holds = !group.events.isEmpty && Correlator.holds(correlation, watched[w].of, group.events)
                }
                let at = group.events.lastIndex { $0.seconds <= event.seconds }.map { $0 + 1 } ?? 0
                group.events.insert(Kept(seconds: event.seconds, rule: hit.rule, value: correlation.field.flatMap { event.values[$0] }), at: at)
                let holds = Correlator.holds(correlation, watched[w].of, group.events)
                if holds, !group.holds { out.append(Hit(rule: watched[w].rule, matches: hit.matches)) }
                group.holds = holds
                watched[w].groups[key] = group
            }
        }
        return out
    }

    private static func holds(_ c: Correlation, _ of: [Int], _ events: [Kept]) -> Bool {
        func compare(_ value: Exact) -> Bool {
            c.comparisons.allSatisfy { op, limit in
                let sign = Exact.compare(value, limit)
                switch op {
                case "gt": return sign > 0
                case "gte": return sign >= 0
                case "lt": return sign < 0
                case "lte": return sign <= 0
                case "neq": return sign != 0
                default: return sign == 0
                }
            }
        }
        switch c.kind {
        case .count: return compare(Exact(events.count))
        case .values: return compare(Exact(Set(events.compactMap(\.value)).count))
        case .sum, .average:
            let numbers = events.compactMap { $0.value.flatMap { Exact(Array($0.utf8)) } }
            guard let sum = Exact.sum(numbers), !numbers.isEmpty else { return false }
            // An average is compared as a sum: with the limit times the number of events.
            guard c.kind == .average else { return compare(sum) }
            return c.comparisons.allSatisfy { op, limit in
                guard let scaled = Exact.sum(Array(repeating: limit, count: numbers.count)) else { return false }
                let sign = Exact.compare(sum, scaled)
                return ["gt": sign > 0, "gte": sign >= 0, "lt": sign < 0, "lte": sign <= 0, "neq": sign != 0, "eq": sign == 0][op] ?? false
            }
        case .temporal: return Set(of).isSubset(of: Set(events.map(\.rule)))
        case .ordered:
            var next = 0
            for event in events where next < of.count && event.rule == of[next] { next += 1 }
            return next == of.count
        }
    }
}
