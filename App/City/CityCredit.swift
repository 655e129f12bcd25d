import Credit
import Enforcement
import Foundation
import Kernel
import Platform
import Statute
import Store
import Supervision
import Web

/// What the city's credit supervision has (信用监管的一年): lists, repairs, classes, a draw that anybody can verify, visits; by the domains' own steps.
extension CityBuilder {
    func credit(staff: Staff, domains: [Domain]) async throws {
        let end = end
        try await desk.store.write { tx in
            try CompassRun.takeInShipped(at: end.adding(seconds: -300 * 86_400), tx)
            try InspectionItem.takeInShipped(at: end.adding(seconds: -300 * 86_400), tx)
        }
        // What Enforcement told is kept in the files first, each on the day on which it was decided.
        let jobs = Jobs(desk: desk, domains: domains)
        while try await jobs.runOne() {}
        try await lists(staff)
        try await visits(staff)
        let counted = try await desk.store.write { tx in try CompassRun.run(CompassRun.active(tx)!, at: end.adding(seconds: -31 * 86_400), tx) }
        _ = counted
        while try await jobs.runOne() {}
        _ = try await desk.store.write { tx in try CompassRun.run(CompassRun.active(tx)!, at: end, tx) }
        try await draws(staff, jobs)
    }

    private func chosen(_ count: Int, _ condition: SQL) async throws -> [Operator] {
        try await desk.store.read { tx in try tx.all("SELECT * FROM operators WHERE status = 'active' AND \(condition) ORDER BY uscc LIMIT \(count)").map(Operator.init) }
    }

    private func lists(_ staff: Staff) async throws {
        let region = data.districts[0].code, desk = desk, end = end
        let head = Staff.of(region, among: staff.leaders)
        guard let officer = staff.officers(of: region).first else { return }
        let scaleCount = max(6, Int(1860 * scale))
        let reports = try await chosen(scaleCount, "region >= \(region) AND region < \(region + "~")")
        let handling = AbnormalHandling(desk: desk), repairs = RepairHandling(desk: desk)
        let july = Day(end.day.month >= 7 ? end.day.year : end.day.year - 1, 7, 6)!
        let codes = reports.map { _ in AccessCode.make() }, jointCode = AccessCode.make()
        let others = try await chosen(12, "region >= \(region) AND region < \(region + "~") AND kind = 'enterprise'")
        try await desk.store.write { tx in
            for (i, op) in reports.enumerated() {
                let at = Moment(desk.calendar.value.workday(from: july), hour: 10)
                let m = try handling.open(.report, of: op, years: [july.year - 1], found: "\(july.year - 1)年度报告未在六月三十日前公示", by: .staff(officer), at: at, tx)
                try handling.apply("list", on: tx.abnormal(m), input: Form([]), by: .staff(head), at: at.adding(hours: 2), tx)
                // One in three reports afterwards and asks to be taken off; they stand at every stage.
                guard i % 3 == 0 else { continue }
                let later = Moment(desk.calendar.value.workday(from: july.adding(days: 60 + i % 20)), hour: 9)
                guard later <= end else { continue }
                try tx.run("INSERT INTO credit_reports (operator, year, reported_on) VALUES (\(op.id), \(july.year - 1), \(later.day)) ON CONFLICT (operator, year) DO NOTHING")
                // Repair by application has its rules since late 2025.
                guard (try? desk.law.catalogue["CR1"]?.rule(receivedOn: later.day)) != nil else { continue }
                guard let item = try Repairable.of(op, on: later.day, tx).first(where: { $0.matter.id == m.id }) else { continue }
                let r = try repairs.apply(
                    for: item, of: Applicant(op), input: Form([("contact", op.representative), ("phone", op.phone), ("statement", "已补报并公示年度报告"), ("promise", "yes")]),
                    // At the counter, with the licence shown to the officer.
                    by: .staff(officer),
                    code: codes[i], at: later, tx)
                if i % 9 == 3 { continue }
                try repairs.apply("accept", on: tx.repair(r), input: Form([]), by: .staff(officer), at: later.adding(hours: 3), tx)
                if i % 9 == 6 { continue }
                try repairs.apply("grant", on: tx.repair(tx.matter(r.id)), input: Form([]), by: .staff(head), at: later.adding(hours: 26), tx)
                try repairs.apply("execute", on: tx.repair(tx.matter(r.id)), input: Form([]), by: .staff(officer), at: later.adding(hours: 28), tx)
            }
            // A listing that another province pushed, and what other agencies are asked to do about one of ours.
            let pushed = Moment(desk.calendar.value.workday(from: end.day.adding(days: -9)), hour: 9)
            if let op = others.last {
                let serious = SeriousHandling(desk: desk)
                let m = try serious.receive(
                    Form([
                        ("code", op.uscc), ("from", "外省市场监督管理局"), ("ground", "9"), ("reasons", "组织虚假交易，情节严重"), ("decided", pushed.day.adding(days: -20).description),
                        ("received", pushed.day.description),
                    ]), by: officer, at: pushed, tx)
                try serious.apply("publish", on: tx.serious(m), input: Form([]), by: .staff(officer), at: pushed.adding(hours: 30), tx)
                _ = try JointNotice.send(
                    Form([("agency", "市公共资源交易中心"), ("measure", "procurement"), ("measure", "supervision"), ("body", "该企业已列入严重违法失信名单，请依法实施管理措施。")]), of: tx.matter(m.id),
                    by: head, code: jointCode, at: pushed.adding(hours: 50), desk: desk, tx)
            }
            if let op = others.dropLast().last {
                _ = try Contest.open(
                    Form([("line", "complaint"), ("said", "其中三件投诉属于同名的另一家店铺，请核对。")]), of: op, by: officer, at: pushed.adding(hours: 26), desk: desk, tx)
            }
            for (i, op) in others.enumerated() where i % 4 == 0 {
                let at = Moment(desk.calendar.value.workday(from: end.day.adding(days: -40 - i)), hour: 9)
                guard let m = try? handling.open(i == 0 ? .unreachable : i == 4 ? .order : .name, of: op, found: "电话停机，登记住所无人办公", by: .staff(officer), at: at, tx) else { continue }
                if i == 0 {
                    for (what, days) in [("first", 0), ("first-back", 4), ("second", 16), ("second-back", 21)] {
                        try handling.apply(
                            "letter", on: tx.abnormal(tx.matter(m.id)), input: Form([("what", what), ("on", at.day.adding(days: days).description)]), by: .staff(officer),
                            at: at.adding(hours: 24 * days), tx)
                    }
                } else if i == 4 {
                    try handling.apply("order", on: tx.abnormal(tx.matter(m.id)), input: Form([("on", at.day.description)]), by: .staff(officer), at: at, tx)
                }
            }
        }
    }

    /// Visits that were made in the year, and some that are waiting.
    private func visits(_ staff: Staff) async throws {
        let region = data.districts[0].code, desk = desk, end = end
        let head = Staff.of(region, among: staff.leaders)
        let officers = staff.officers(of: region)
        guard officers.count >= 2 else { return }
        let count = max(14, Int(3000 * scale))
        let ops = try await chosen(count * 3, "region >= \(region) AND region < \(region + "~") AND industry >= '5'")
        guard !ops.isEmpty else { return }
        let handling = InspectionHandling(desk: desk)
        let picks = (0..<count).map { _ in draw.int(0...(ops.count - 1)) }, ages = (0..<count).map { _ in draw.int(8...330) }
        let marks = (0..<count).map { "city\($0)-" + String(draw.int(100_000_000...999_999_999)) + "abc" }
        try await desk.store.write { tx in
            for (i, k) in picks.enumerated() {
                let op = ops[k]
                let on = desk.calendar.value.workday(from: end.day.adding(days: i < 4 ? 3 : -ages[i]))
                let at = Moment(i < 4 ? desk.calendar.value.workday(from: end.day.adding(days: -3)) : on, hour: 9)
                var plan = InspectionHandling.Plan(cause: .statutory, op: op, items: ["C1"], inspectors: officers.prefix(2).map(\.id.raw), on: on)
                plan.law = "FSL-110"
                guard let m = try? handling.plan(plan, by: .staff(officers[0]), at: at, tx) else { continue }
                if i == 0 { continue }
                try handling.apply("approve", on: tx.inspection(m), input: Form([]), by: .staff(head), at: at, tx)
                if i < 4 { continue }
                let bad = i % 4 == 0
                let form = Form([
                    ("client", marks[i]), ("taken", "\(on)T10:30"), ("result", bad ? "corrected" : "clean"), ("summary", bad ? "货架有超过保质期的食品，已当场下架" : "现场检查未发现问题"),
                    ("signed", "yes"), ("a-C11", "yes"),
                    ("a-C12", bad ? "no" : "yes"), ("n-C12", bad ? "两件糕点过期" : ""), ("a-C13", "yes"), ("a-C14", "yes"), ("a-C15", "yes"),
                ])
                let checks = try InspectionItem.all(tx).filter { $0.code == "C1" }.flatMap(\.checks)
                let when = Moment(on, hour: 11)
                _ = try handling.take(.init(form, checks: checks, at: when), for: tx.inspection(tx.matter(m.id)), files: [], by: officers[0], at: when, tx)
                if i % 5 != 0 {
                    try handling.apply(
                        "publish", on: tx.inspection(tx.matter(m.id)), input: Form([]), by: .staff(head), at: when.adding(hours: 48) < end ? when.adding(hours: 48) : end, tx)
                }
            }
        }
    }

    /// One draw that is done and can be verified, one that is committed to.
    private func draws(_ staff: Staff, _ jobs: Jobs) async throws {
        let region = data.districts[0].code, end = end, draws = DrawDesk(desk: desk)
        let trading = desk.calendar.value.workday(from: end.day.adding(days: 1))
        let heads = try await desk.store.read { try Accounts.all($0).filter { $0.roles.contains(.leader) && $0.region == region } }
        guard heads.count >= 2 else { return }
        try await desk.store.write { tx in
            let before = end.adding(seconds: -3 * 86_400)
            func prepare(_ w: DrawDesk.Wanted, at now: Moment) throws -> Int64 {
                try draws.keep(draws.freeze(draws.gather(w, by: heads[0], at: now, tx), as: draws.number(at: now, tx)), by: heads[0], at: now, tx)
            }
            // The year's plan, approved and filed; the last line waits for its approval.
            let year = before.day.year
            let planned: [(String, [String], String, String, Int)] = [
                ("年度报告公示信息抽查", ["A1", "A2"], "辖区企业", "5", before.day.month), ("网络交易经营者抽查", ["B1", "B2"], "网络交易经营者", "2", end.day.month), ("食品经营单位检查", ["C1"], "食品经营者", "3", 12),
            ]
            let drafted = Moment(Day(year, 1, 8)!, hour: 10)
            var lines: [Int64] = []
            for (i, (title, items, objects, percent, month)) in planned.enumerated() {
                let form = Form(
                    [("year", "\(year)"), ("title", title), ("objects", objects), ("region", region), ("percent", percent), ("month", "\(month)")] + items.map { ("items", $0) })
                let line = try YearPlan.add(form, by: heads[0], at: drafted, tx)
                lines.append(line)
                guard i < 2 else { continue }
                try YearPlan.act("approve", line, input: Form([]), by: heads[1], at: drafted, tx)
                try YearPlan.act("file", line, input: Form([("filed", "示市监检〔\(year)〕\(i + 1)号")]), by: heads[1], at: drafted.adding(hours: 24), tx)
            }
            var alike = DrawDesk.Wanted(title: "年度报告公示信息抽查（不定向）", items: ["A1", "A2"], region: region, percent: 5)
            (alike.isWeighted, alike.limit, alike.plan) = (false, 10_000, lines[0])
            let done = try prepare(alike, at: before)
            try draws.commit(done, beacon: "上证综合指数\(before.day)收盘值", at: before.adding(hours: 6), by: heads[0], at: before, tx)
            let out = before.adding(hours: 7)
            try draws.reveal(done, value: "3382.10", draws.result(done, value: "3382.10", by: heads[1], at: out, tx), by: heads[1], at: out, tx)
            var weighted = DrawDesk.Wanted(title: "网络交易经营者抽查（按风险）", items: ["B1", "B2"], region: region, percent: 2)
            (weighted.limit, weighted.plan) = (10_000, lines[1])
            let next = try prepare(weighted, at: end)
            try draws.commit(next, beacon: "上证综合指数\(trading)收盘值", at: Moment(trading, hour: 16), by: heads[0], at: end, tx)
        }
        while try await jobs.runOne() {}
    }
}
