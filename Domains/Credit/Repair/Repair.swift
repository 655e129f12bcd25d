import Enforcement
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Who asks for a repair (申请人): of our register, or a party that is not on it, registered in another province, known by the code on its penalty.
package struct Applicant: Sendable {
    package let name: String
    package let code: String
    package let `operator`: Operator?
    package init(_ op: Operator) { (name, code, self.operator) = (op.name, op.uscc, op) }
    private init(name: String, code: String) { (self.name, self.code, self.operator) = (name, code, nil) }

    package static func find(_ code: String, _ tx: Transaction) throws -> Applicant? {
        if let op = try Operators.find(uscc: code, tx) { return Applicant(op) }
        return try tx.one(
            """
            SELECT e.party_name AS name FROM enforcement_cases e JOIN casework_matters m ON m.id = e.matter JOIN enforcement_publications p ON p.matter = e.matter
            WHERE e.party_code = \(code) AND e.party_kind <> 'person' AND m.operator IS NULL AND (p.published_on IS NOT NULL OR p.pushed_on IS NOT NULL) ORDER BY e.matter DESC LIMIT 1
            """
        ).map { Applicant(name: $0.string("name"), code: code) }
    }
    /// Whose application this is.
    static func of(_ repair: Repair, _ tx: Transaction) throws -> Applicant {
        if let id = repair.matter.operator { return try Applicant(Operators.find(id, tx)) }
        guard let item = repair.ofMatter else { throw Fault("a repair of nobody") }
        let party = try tx.penaltyCase(item).party
        return Applicant(name: party.name, code: party.code ?? "")
    }
    /// Its cases, where cases and their matters are `e` and `m`.
    fileprivate var cases: SQL { self.operator.map { "m.operator = \($0.id)" } ?? "m.operator IS NULL AND e.party_code = \(code)" }
}

/// What an operator has that may be repaired (可修复的失信信息), with each condition met or missing.
///
/// Law: O107 art. 7–13.
package struct Repairable: Sendable {
    package enum Target: String, Sendable {
        case penalty, abnormal, serious
        /// All of an enterprise while it carries out a reorganisation plan or a settlement (临时信用修复).
        case reorganisation
    }
    package struct Condition: Sendable {
        package let id: String
        package let text: Text
        /// nil: to be shown by the applicant.
        package let met: Bool?
        package let detail: Text
        /// What is on record beyond what is public: shown to the office, and to who applied.
        package var isPrivate: Bool { ["performed", "again", "bar"].contains(id) }
    }
    package let target: Target
    package let matter: Matter
    package let title: String
    package let tier: Text
    /// From when one may apply; nil: never before it stops by itself.
    package let early: Day?
    package let until: Day?
    package let conditions: [Condition]
    /// Whether anybody may see it today.
    package fileprivate(set) var isPublic: Bool
    package var mayApply: Bool { conditions.allSatisfy { $0.met != false } && pending == nil }
    /// The application for it that is being handled, or is granted and not carried out yet.
    package fileprivate(set) var pending: String?

    package static func of(_ op: Operator, on day: Day, _ tx: Transaction) throws -> [Repairable] { try of(Applicant(op), on: day, tx) }
    /// All of an applicant on a day; who is not on our register has penalties alone.
    package static func of(_ applicant: Applicant, on day: Day, _ tx: Transaction) throws -> [Repairable] {
        var all = try penalties(applicant, on: day, tx)
        if let op = applicant.operator { all += try abnormal(op, on: day, tx) + serious(op, on: day, tx) }
        let isShielded = try applicant.operator.map { try Repair.isShielded($0.id, tx) } ?? false
        return try all.map { item in
            var item = item
            // Law: O107 art. 22(1): all of it is hidden while the plan is carried out.
            item.isPublic = item.isPublic && !isShielded
            item.pending = try tx.one(
                "SELECT m.number AS number FROM credit_repairs r JOIN casework_matters m ON m.id = r.matter WHERE r.of_matter = \(item.matter.id) AND m.open = 1 LIMIT 1")?.string(
                    "number")
            return item
        }
    }

    private static func bar(_ applicant: Applicant, on day: Day, _ tx: Transaction) throws -> Condition? {
        let last =
            if let op = applicant.operator {
                try tx.one("SELECT max(on_day) AS d FROM credit_events WHERE operator = \(op.id) AND kind IN ('repair-revoked', 'repair-refused') AND detail LIKE '弄虚作假%'")
            } else {
                try tx.one(
                    """
                    SELECT max(COALESCE(r.revoked_on, r.decided_on)) AS d FROM credit_repairs r JOIN enforcement_cases e ON e.matter = r.of_matter JOIN casework_matters m ON m.id = r.matter
                    WHERE e.party_code = \(applicant.code) AND m.state IN ('revoked', 'refused') AND r.reason LIKE '弄虚作假%'
                    """)
            }
        guard let until = last?.optionalDay("d")?.adding(months: 36), until >= day else { return nil }
        return Condition(
            id: "bar", text: Text("三年内没有因弄虚作假被拒绝或者撤销修复", "No refusal or revocation for fraud in three years"), met: false,
            detail: Text("至\(until)不得申请（第二十三条）", "None before \(until) (art. 23)"))
    }

    private static func penalties(_ applicant: Applicant, on day: Day, _ tx: Transaction) throws -> [Repairable] {
        // What was pushed to the office where the party is registered is shown there from the day that this one told.
        let rows = try tx.all(
            """
            SELECT m.*, p.shielded_on AS shielded_on, p.tier AS tier, p.published_on AS published_on, p.early_from AS early_from, p.until AS until FROM enforcement_publications p JOIN casework_matters m ON m.id = p.matter
            JOIN enforcement_cases e ON e.matter = m.id WHERE \(applicant.cases) AND m.kind = 'case' AND (p.published_on IS NOT NULL OR p.pushed_on IS NOT NULL) AND p.ended_on IS NULL ORDER BY m.id
            """)
        return try rows.map { row in
            let matter = Matter(row)
            let c = try tx.penaltyCase(matter)
            let tier = Display.Tier(rawValue: row.string("tier")) ?? .general
            let early = row.optionalDay("early_from"), until = row.optionalDay("until")
            var conditions: [Condition] = []
            if let early {
                conditions.append(
                    Condition(
                        id: "time", text: Text("最短公示期届满", "The least time of display is over"), met: day > early,
                        detail: Text("自\(early.adding(days: 1))起可以申请", "From \(early.adding(days: 1)) on")))
            } else if row.optionalDay("published_on") == nil {
                conditions.append(
                    Condition(
                        id: "time", text: Text("最短公示期届满", "The least time of display is over"), met: false,
                        detail: Text("登记地部门尚未告知公示日期", "The office where you are registered has not said since when it is shown")))
            } else {
                conditions.append(
                    Condition(
                        id: "time", text: Text("可以提前停止公示", "May end early"), met: false,
                        detail: Text("该类信息公示至\(until?.description ?? "")自动停止，不能提前", "Shown until \(until?.description ?? ""), not less")))
            }
            let state = try Performance.of(c, on: day, tx)
            conditions.append(
                Condition(
                    id: "performed", text: Text("已经自觉履行处罚决定规定的义务", "The decision is performed"), met: state.isWhole,
                    detail: state.isWhole
                        ? Text("罚没款已缴清", "All is paid")
                        : Text("尚欠¥\((state.unpaid + state.unpaidSurcharge).grouped)", "¥\((state.unpaid + state.unpaidSurcharge).grouped) is unpaid")))
            let again =
                try c.violation.map { violation in
                    try tx.count(
                        "SELECT count(*) AS n FROM enforcement_cases e JOIN casework_matters m ON m.id = e.matter WHERE \(applicant.cases) AND e.violation = \(violation) AND e.matter <> \(matter.id) AND e.decided_on > \(c.decidedOn ?? day) AND m.outcome = 'punish' AND e.annulled IS NULL"
                    )
                } ?? 0
            conditions.append(
                Condition(
                    id: "again", text: Text("未因同一类违法行为再次受到处罚", "No further penalty for the same kind"), met: again == 0,
                    detail: again == 0 ? Text("没有查到", "None on record") : Text("此后又有\(again)次", "\(again) since")))
            conditions.append(
                Condition(
                    id: "rectified", text: Text("已经主动整改，消除危害后果和不良影响", "Rectified, its effects removed"), met: nil,
                    detail: Text("申请时说明并提供材料", "Say so with the application, with papers")))
            if let bar = try bar(applicant, on: day, tx) { conditions.append(bar) }
            return Repairable(
                target: .penalty, matter: matter, title: "\(c.cause) \(c.decisionNumber ?? "")", tier: tier.title, early: early, until: until, conditions: conditions,
                isPublic: row.optionalDay("shielded_on") == nil)
        }
    }

    private static func abnormal(_ op: Operator, on day: Day, _ tx: Transaction) throws -> [Repairable] {
        let rows = try tx.all(
            "SELECT m.* FROM credit_abnormal a JOIN casework_matters m ON m.id = a.matter WHERE m.operator = \(op.id) AND a.listed_on IS NOT NULL AND a.removed_on IS NULL ORDER BY m.id"
        )
        return try rows.map { row in
            let a = try tx.abnormal(Matter(row))
            var conditions: [Condition] = []
            if a.ground == .report {
                let reported = Set(try tx.all("SELECT year FROM credit_reports WHERE operator = \(op.id)").map { $0.count("year") })
                let missing = a.years.filter { !reported.contains($0) }
                conditions.append(
                    Condition(
                        id: "reported", text: Text("已经补报未报年份的年度报告并公示", "All missing years are reported"), met: missing.isEmpty,
                        detail: missing.isEmpty
                            ? Text("已补报", "Done")
                            : Text("尚未补报：\(missing.map(String.init).joined(separator: "、"))年度", "Missing: \(missing.map(String.init).joined(separator: ", "))")))
            } else {
                let text: Text =
                    switch a.ground {
                    case .order: Text("已经履行信息公示义务", "What was to be published is")
                    case .name: Text("已经依法办理名称变更登记", "The name is changed")
                    case .unreachable: Text("已经变更登记，或者提出可以重新取得联系（将核实）", "The address is changed, or you can be reached again (to be verified)")
                    case .falseReport: Text("已经改正", "Corrected")
                    case .report: Text("", "")
                    }
                conditions.append(Condition(id: "done", text: text, met: nil, detail: Text("申请时说明并提供材料", "Say so with the application, with papers")))
            }
            if let bar = try bar(Applicant(op), on: day, tx) { conditions.append(bar) }
            return Repairable(
                target: .abnormal, matter: a.matter, title: a.ground.title.zh, tier: Text("经营异常名录", "Abnormal list"), early: a.listedOn, until: a.shownUntil,
                conditions: conditions,
                isPublic: a.shownUntil.map { day <= $0 } ?? true)
        }
    }

    private static func serious(_ op: Operator, on day: Day, _ tx: Transaction) throws -> [Repairable] {
        let rows = try tx.all(
            "SELECT m.* FROM credit_serious s JOIN casework_matters m ON m.id = s.matter WHERE m.operator = \(op.id) AND s.listed_on IS NOT NULL AND s.removed_on IS NULL AND s.pushed_from IS NULL ORDER BY m.id"
        )
        return try rows.map { row in
            let s = try tx.serious(Matter(row))
            let from = (s.publishedOn ?? s.listedOn!).adding(months: 12)
            var conditions = [
                Condition(
                    id: "time", text: Text("公示期满一年", "Published for a year"), met: day > from, detail: Text("自\(from.adding(days: 1))起可以申请", "From \(from.adding(days: 1)) on"))
            ]
            if let id = s.ofCase {
                let c = try tx.penaltyCase(id)
                let state = try Performance.of(c, on: day, tx)
                conditions.append(
                    Condition(
                        id: "performed", text: Text("已经自觉履行行政决定规定的义务", "The decision is performed"), met: state.isWhole,
                        detail: state.isWhole
                            ? Text("已履行", "Done") : Text("尚欠¥\((state.unpaid + state.unpaidSurcharge).grouped)", "¥\((state.unpaid + state.unpaidSurcharge).grouped) is unpaid")))
                if let until = c.decided?.restrictedUntil {
                    conditions.append(
                        Condition(
                            id: "restriction", text: Text("法定的限制措施期限届满", "The restriction is over"), met: day > until, detail: Text("限制至\(until)", "Restricted until \(until)")))
                }
            }
            let again = try tx.all(
                "SELECT e.decided AS decided FROM enforcement_cases e JOIN casework_matters m ON m.id = e.matter WHERE m.operator = \(op.id) AND e.decided_on > \(s.listedOn!) AND m.outcome = 'punish' AND e.annulled IS NULL"
            ).compactMap { (try? JSON(parsing: Array($0.string("decided").utf8))).flatMap(Outcome.init) }.filter { $0.tier == .heavier || $0.restriction != .none }.count
            conditions.append(
                Condition(
                    id: "again", text: Text("未再受到较重行政处罚", "No further heavier penalty"), met: again == 0,
                    detail: again == 0 ? Text("没有查到", "None on record") : Text("此后又有\(again)次", "\(again) since")))
            conditions.append(
                Condition(
                    id: "rectified", text: Text("已经主动整改，消除危害后果和不良影响", "Rectified, its effects removed"), met: nil,
                    detail: Text("申请时说明并提供材料", "Say so with the application, with papers")))
            if let bar = try bar(Applicant(op), on: day, tx) { conditions.append(bar) }
            return Repairable(
                target: .serious, matter: s.matter, title: Serious.grounds.first { $0.0 == s.ground }?.1.zh ?? "", tier: Text("严重违法失信名单", "Serious list"), early: from,
                until: s.until, conditions: conditions, isPublic: s.publishedOn != nil)
        }
    }
}

/// An application for credit repair (信用修复申请).
package struct Repair: Sendable {
    package let matter: Matter
    package let target: Repairable.Target
    package let ofMatter: ID<Matter>?
    package let ruling: String?
    package let contact: Protected
    package let phone: Protected
    package let statement: String
    package let verifiedOn: Day?
    package let verification: String?
    package let reason: String?
    package let decidedOn: Day?
    let code: String
    /// Whether a reorganisation plan of the operator is being carried out under a temporary repair.
    static func isShielded(_ op: ID<Operator>, _ tx: Transaction) throws -> Bool {
        try tx.one("SELECT id FROM casework_matters WHERE operator = \(op) AND kind = 'repair' AND state = 'shielded' LIMIT 1") != nil
    }
    init(_ matter: Matter, _ row: Row) {
        self.matter = matter
        target = Repairable.Target(rawValue: row.string("target")) ?? .penalty
        ofMatter = row.optionalID("of_matter")
        ruling = row.optionalString("ruling")
        contact = .name(row.string("contact"))
        phone = .phone(row.string("phone"))
        statement = row.string("statement")
        verifiedOn = row.optionalDay("verified_on")
        verification = row.optionalString("verification")
        reason = row.optionalString("reason")
        decidedOn = row.optionalDay("decided_on")
        code = row.string("code")
    }
}

extension Transaction {
    package func repair(_ matter: Matter) throws -> Repair {
        guard matter.kind == RepairMoves.kind, let row = try one("SELECT * FROM credit_repairs WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return Repair(matter, row)
    }
}

/// The table of an application (修复流转表).
///
/// Law: O107 art. 14–18, 23.
package enum RepairMoves {
    package static let kind = "repair"
    private static let clerk: [Move.By] = [.staff("credit.manage")]
    private static let head: [Move.By] = [.staff("credit.decide")]
    package static let table = MoveTable(
        kind: kind, title: Text("信用修复", "Credit repair"),
        states: [
            State("received", "待受理", "To be taken up", true, "blue"), State("supplement", "待补正", "To be completed", true, "amber"),
            State("accepted", "已受理", "Taken up", true, "teal"),
            State("verified", "已核实，待决定", "Verified, to be decided", true, "amber"), State("granted", "准予修复，待处理", "Granted, to be carried out", true, "green"),
            State("done", "已修复", "Repaired", false, "green"), State("refused", "不予修复", "Refused", false, "red"), State("not-accepted", "不予受理", "Not taken up", false, "grey"),
            State("revoked", "已撤销修复", "Revoked", false, "red"), State("shielded", "临时修复，计划执行中", "Shielded, plan being carried out", true, "violet"),
            State("restored", "计划未成，已恢复公示", "Plan failed, shown again", false, "red"),
        ],
        moves: [
            Move("accept", Text("受理", "Take up"), from: ["received"], to: "accepted", by: clerk, articles: ["O107": "14(4)"], stops: ["CR1"]),
            Move("supplement", Text("一次性告知补正", "Ask once for what is missing"), from: ["received"], to: "supplement", by: clerk, articles: ["O107": "14(4)"], stops: ["CR1"]),
            Move("complete", Text("申请人补正", "Completed"), from: ["supplement"], to: "received", by: [.filer], articles: ["O107": "14(4)"], starts: ["CR1"]),
            Move("not-accept", Text("不予受理", "Do not take up"), from: ["received"], to: "not-accepted", by: head, articles: ["O107": "14(4)"], stops: ["CR1"]),
            Move("verify", Text("登记核实", "Verify"), from: ["accepted"], to: "verified", by: clerk, articles: ["O107": "15"]),
            Move("grant", Text("准予修复", "Grant"), from: ["accepted", "verified"], to: "granted", by: head, articles: ["O107": "17"], starts: ["CR4"], stops: ["CR2", "CR3"]),
            Move("refuse", Text("不予修复", "Refuse"), from: ["accepted", "verified"], to: "refused", by: head, articles: ["O107": "17"], stops: ["CR2", "CR3"]),
            Move("execute", Text("完成数据处理", "Carried out"), from: ["granted"], to: "done", by: clerk, articles: ["O107": "17"], stops: ["CR4"]),
            Move("shield", Text("准予临时修复", "Grant temporary repair"), from: ["received"], to: "shielded", by: head, articles: ["O107": "22(1)"], stops: ["CR5"]),
            Move("deny-shield", Text("不予临时修复", "Refuse temporary repair"), from: ["received"], to: "refused", by: head, articles: ["O107": "22(1)"], stops: ["CR5"]),
            Move("plan-done", Text("计划执行完毕", "The plan was carried out"), from: ["shielded"], to: "done", by: head, articles: ["O107": "22(2)"]),
            Move("plan-failed", Text("计划未执行成功", "The plan failed"), from: ["shielded"], to: "restored", by: head, articles: ["O107": "22(3)"]),
            Move("revoke", Text("弄虚作假，撤销修复", "Revoke for fraud"), from: ["done"], to: "revoked", by: head, articles: ["O107": "23"]),
        ],
        filer: Text("申请人", "The applicant"), opening: Text("收到申请", "Received"), outcomes: ["granted": Text("准予", "granted"), "refused": Text("不予", "refused")]
    ) { key, value, _ in
        switch key {
        case "reason", "note": (Text("说明", "Remark"), Text(verbatim: value))
        case "found": (Text("核实情况", "Verified"), Text(verbatim: value))
        default: nil
        }
    }
}
