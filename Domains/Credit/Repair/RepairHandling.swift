import Enforcement
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Deciding on repair (信用修复办理).
package struct RepairHandling: Sendable {
    package let desk: Desk
    let casework: Casework
    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: RepairMoves.table, desk: desk)
    }

    /// An application, for one item; the conditions that the record can answer must hold.
    package func apply(for item: Repairable, of applicant: Applicant, input: Form, files: [Attachments.Kept] = [], by actor: Actor, code: String, at now: Moment, _ tx: Transaction)
        throws
        -> Matter
    {
        if let missing = item.conditions.first(where: { $0.met == false }) {
            throw Refusal(
                .invalid, Text("条件尚不具备：\(missing.text.zh)", "A condition is missing: \(missing.text.en)"), fields: [.init("/item", missing.detail)],
                article: Article(law: "O107", article: item.target == .abnormal ? "12" : item.target == .serious ? "13" : "11"))
        }
        // Law: O107 art. 14(2)(2).
        if actor == .filer, files.isEmpty { throw Refusal.invalid("/files", Text("请附申请人主体资格文件（营业执照）", "The licence of the applicant must be attached")) }
        guard try tx.one("SELECT r.matter FROM credit_repairs r JOIN casework_matters m ON m.id = r.matter WHERE r.of_matter = \(item.matter.id) AND m.open = 1 LIMIT 1") == nil
        else {
            throw Refusal(.conflict, Text("该信息的修复申请正在办理", "An application for it is being handled"))
        }
        return try write(
            item.target, item.matter, of: applicant, titled: item.title, region: item.matter.region, starting: "CR1", ruling: nil, input: input, files: files, by: actor,
            code: code,
            at: now, tx)
    }

    private func write(
        _ target: Repairable.Target, _ item: Matter?, of applicant: Applicant, titled title: String, region: String, starting duty: String, ruling: String?, input: Form,
        files: [Attachments.Kept], by actor: Actor, code: String, at now: Moment, _ tx: Transaction
    ) throws -> Matter {
        let contact = try input.needed("contact", 60), phone = try input.needed("phone", 30)
        guard phone.isPhone else { throw Refusal.invalid("/phone", Text("电话号码格式不正确", "This is not a phone number")) }
        let statement = try input.needed("statement", 4000)
        guard input["promise"] == "yes" else { throw Refusal.invalid("/promise", Text("请签署守信承诺书", "The promise must be given")) }
        let number = try tx.number("XF", "repair", in: now.day.year)
        let matter = try casework.open(
            .init(
                number: number, state: "received", title: "\(applicant.name) · \(title)", regime: "O107", region: region, operator: applicant.operator?.id, receivedAt: now,
                competentAt: now), tx)
        try tx.send(
            """
            INSERT INTO credit_repairs (matter, target, of_matter, contact, phone, salt, promise, statement, electronic, code, ruling) VALUES (\(matter.id), \(target.rawValue), \(item?.id), \(contact),
            \(phone), \(Crypto.hex(Crypto.random(8))), 1, \(statement), \(input["electronic"] == "yes"), \(AccessCode.hash(code, number)), \(ruling))
            """)
        try Attachments.attach(files, to: matter, source: "filer", by: actor.mark, at: now, tx)
        Search.index(RepairMoves.kind, matter.id.raw, texts: [number, applicant.name, applicant.code], marks: ["o:"], tx)
        try casework.record(
            matter, as: "receive", by: actor, article: Article(law: "O107", article: target == .reorganisation ? "22(1)" : "14"), starting: [duty], at: now,
            details: [("note", .string(title))], sealing: [.init("credit_repairs", key: "matter", matter.id.raw)], tx)
        if let item { try Casework.link(matter, with: item, why: "申请修复", by: actor, at: now, tx) }
        return try tx.matter(matter.id)
    }

    @discardableResult
    package func apply(_ name: String, on r: Repair, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        let act = try Act(name, on: r.matter, of: casework, row: "credit_repairs", input, by: actor, at: now, tx)
        let id = r.matter.id
        let applicant = try Applicant.of(r, tx), op = applicant.operator
        func paper(_ form: String, _ article: String, _ reason: String?) throws {
            try CreditPapers.issue(
                form, for: r.matter, to: (applicant.name, applicant.code), what: r.matter.title, under: Article(law: "O107", article: article), reason: reason, desk: desk,
                by: actor, at: now, tx
            )
        }
        if r.target == .reorganisation {
            guard let op else { throw Fault("a plan without an operator") }
            return try temporary(r, op, act, tx)
        }
        guard let item = r.ofMatter else { throw Fault("a repair of nothing") }
        switch name {
        case "accept":
            let after = try act.move([("note", input["note"] ?? "")])
            // Law: O107 art. 16: abnormal list two working days from acceptance, where nobody could be reached from verification; others seven.
            switch r.target {
            case .abnormal: if try tx.abnormal(tx.matter(item)).ground != .unreachable { try casework.begin("CR2", of: after, at: now, tx) }
            case .penalty, .serious, .reorganisation: try casework.begin("CR3", of: after, at: now, tx)
            }
            return try tx.matter(id)
        case "supplement", "not-accept":
            // Law: O107 art. 14(4): what is missing is told once.
            if name == "supplement", try tx.one("SELECT id FROM casework_moves WHERE matter = \(id) AND move = 'supplement' LIMIT 1") != nil {
                throw Refusal(.conflict, Text("补正只告知一次，请决定是否受理", "What is missing is asked for once: take it up or not"), article: Article(law: "O107", article: "14(4)"))
            }
            let reason = try input.needed("reason", 2000)
            try act.set("reason = \(reason)")
            try paper(name == "supplement" ? "repair-supplement" : "repair-not-accepted", "14(4)", reason)
            return try act.move([("reason", reason)])
        case "complete":
            let statement = try input.needed("statement", 4000)
            try act.set("statement = \(r.statement + "\n" + statement)")
            return try act.move([("note", statement)])
        case "verify":
            let found = try input.needed("found", 2000)
            try act.set("verified_on = \(now.day), verification = \(found)")
            let after = try act.move([("found", found)])
            if r.target == .abnormal, try tx.abnormal(tx.matter(item)).ground == .unreachable { try casework.begin("CR2", of: after, at: now, tx) }
            return try tx.matter(id)
        case "grant":
            if r.target == .abnormal, try tx.abnormal(tx.matter(item)).ground == .unreachable, r.verifiedOn == nil {
                throw Refusal(.conflict, Text("无法联系情形须先核实", "First verify that it can be reached"), article: Article(law: "O107", article: "15"))
            }
            // What the record says may have changed since the application.
            guard let found = try Repairable.of(applicant, on: now.day, tx).first(where: { $0.matter.id == item }) else {
                throw Refusal(.conflict, Text("该信息已停止公示或者移出", "It is no longer shown or listed"))
            }
            if let missing = found.conditions.first(where: { $0.met == false }) {
                throw Refusal(.conflict, Text("条件不具备：\(missing.text.zh)（\(missing.detail.zh)）", "A condition is missing: \(missing.text.en) (\(missing.detail.en))"))
            }
            try act.set("decided_on = \(now.day)")
            try paper("repair-granted", "17", input["note"])
            return try act.move([("note", input["note"] ?? "")], outcome: "granted")
        case "refuse":
            let reason = try input.needed("reason", 2000)
            let fraud = input["fraud"] == "yes"
            let kept = fraud ? "弄虚作假：\(reason)" : reason
            try act.set("decided_on = \(now.day), reason = \(kept)")
            try paper("repair-refused", "17", reason)
            if let op { try CreditEvent.add(.repairRefused, of: op.id, on: now.day, matter: id, kept, by: actor.mark, at: now, tx) }
            return try act.move([("reason", reason)], outcome: "refused")
        case "execute":
            // Where it is shown by another office, that one is told (O107 art. 4(2), 17).
            let told = op == nil ? try input.needed("told", 200) : ""
            try act.set("executed_on = \(now.day)")
            try end(r.target, item, of: op?.id, of: r.matter, by: actor, at: now, tx)
            return try act.move([("note", told)])
        case "revoke":
            let reason = try input.needed("reason", 2000)
            try act.set("revoked_on = \(now.day), reason = \("弄虚作假：\(reason)")")
            try paper("repair-revoked", "23", reason)
            if let op { try CreditEvent.add(.repairRevoked, of: op.id, on: now.day, matter: id, "弄虚作假：\(reason)", by: actor.mark, at: now, tx) }
            try restore(r.target, item, op, by: actor, at: now, tx)
            return try act.move([("reason", reason)])
        default: throw Fault("no handler for \(name)")
        }
    }

    /// What is repaired stops being shown, or is taken off its list.
    private func end(_ target: Repairable.Target, _ item: ID<Matter>, of op: ID<Operator>?, of repair: Matter, by actor: Actor, at now: Moment, _ tx: Transaction) throws {
        switch target {
        case .penalty: try Penalty.stop(item, why: "repaired", at: now, tx)
        case .abnormal: try AbnormalHandling(desk: desk).apply("remove", on: tx.abnormal(tx.matter(item)), input: Form([("reason", "信用修复")]), by: .system, at: now, tx)
        case .serious:
            let s = try tx.serious(tx.matter(item))
            try SeriousHandling(desk: desk).apply("remove", on: s, input: Form([("reason", "信用修复")]), by: .system, at: now, tx)
        case .reorganisation: throw Fault("no item by itself")
        }
        guard let op else { return }
        let event = try tx.one("SELECT id FROM credit_events WHERE matter = \(item) AND kind = 'published' ORDER BY id DESC LIMIT 1")?.int("id")
        try CreditEvent.add(.repaired, of: op, on: now.day, matter: repair.id, cancels: event, repair.title, by: actor.mark, at: now, tx)
    }

    // MARK: Reorganisation

    /// An enterprise that carries out a reorganisation plan or a settlement asks for a temporary repair of all that is shown of it.
    ///
    /// Law: O107 art. 22(1).
    package func applyForPlan(of op: Operator, input: Form, files: [Attachments.Kept], by actor: Actor, code: String, at now: Moment, _ tx: Transaction) throws -> Matter {
        guard op.kind != .individual else { throw Refusal.invalid("/code", Text("临时信用修复适用于企业", "Temporary repair is for enterprises")) }
        guard try !Repairable.of(op, on: now.day, tx).isEmpty else { throw Refusal.invalid("/code", Text("没有公示中的失信信息", "There is nothing to repair")) }
        guard
            try tx.one(
                "SELECT r.matter FROM credit_repairs r JOIN casework_matters m ON m.id = r.matter WHERE m.operator = \(op.id) AND r.target = 'reorganisation' AND m.open = 1 LIMIT 1"
            ) == nil
        else { throw Refusal(.conflict, Text("临时信用修复正在办理或者执行中", "A temporary repair is being handled or runs")) }
        guard !files.isEmpty else { throw Refusal.invalid("/files", Text("请附人民法院批准重整计划或者认可和解协议的裁定书", "The court's ruling must be attached")) }
        let ruling = try input.needed("ruling", 120)
        return try write(
            .reorganisation, nil, of: Applicant(op), titled: "重整、和解期间临时信用修复", region: op.region, starting: "CR5", ruling: ruling, input: input, files: files, by: actor, code: code,
            at: now,
            tx)
    }

    private func temporary(_ r: Repair, _ op: Operator, _ act: Act, _ tx: Transaction) throws -> Matter {
        let (input, actor, now) = (act.input, act.actor, act.now)
        func lift(_ why: String) throws {
            try Penalty.shield(op.id, since: nil, at: now, tx)
            let event = try tx.one("SELECT id FROM credit_events WHERE matter = \(r.matter.id) AND kind = 'shielded' ORDER BY id DESC LIMIT 1")?.int("id")
            try CreditEvent.add(.unshielded, of: op.id, on: now.day, matter: r.matter.id, cancels: event, why, by: actor.mark, at: now, tx)
        }
        switch act.name {
        case "shield":
            try act.set("decided_on = \(now.day)")
            try Penalty.shield(op.id, since: now.day, at: now, tx)
            try CreditEvent.add(.shielded, of: op.id, on: now.day, matter: r.matter.id, r.ruling ?? "", by: actor.mark, at: now, tx)
            // The measures of other agencies are lifted for the time.
            for item in try Repairable.of(op, on: now.day, tx) where item.target != .penalty { try JointNotice.recall(of: item.matter.id, by: actor, at: now, desk: desk, tx) }
            return try act.move([("note", input["note"] ?? "")], outcome: "granted")
        case "deny-shield":
            let reason = try input.needed("reason", 2000)
            try act.set("decided_on = \(now.day), reason = \(reason)")
            return try act.move([("reason", reason)], outcome: "refused")
        case "plan-done":
            let ruling = try input.needed("ruling", 120), chosen = Set(input.all("item"))
            for item in try Repairable.of(op, on: now.day, tx) where chosen.contains("\(item.matter.id)") {
                try end(item.target, item.matter.id, of: op.id, of: r.matter, by: actor, at: now, tx)
            }
            try act.set("executed_on = \(now.day)")
            try lift(ruling)
            return try act.move([("note", ruling)])
        case "plan-failed":
            let reason = try input.needed("reason", 2000)
            try act.set("revoked_on = \(now.day), reason = \(reason)")
            try lift(reason)
            return try act.move([("reason", reason)])
        default: throw Refusal(.conflict, Text("临时信用修复不经这一步", "Not a step of a temporary repair"))
        }
    }

    /// Law: O107 art. 23: back to where it was; the time of display begins anew and does not end early.
    private func restore(_ target: Repairable.Target, _ item: ID<Matter>, _ op: Operator?, by actor: Actor, at now: Moment, _ tx: Transaction) throws {
        switch target {
        case .penalty:
            // What was annulled meanwhile does not come back.
            guard try tx.penaltyCase(item).annulled == nil else { return }
            try Penalty.restore(item, at: now, tx)
            guard let op else { return }
            let until = try tx.one("SELECT until FROM enforcement_publications WHERE matter = \(item)")?.optionalDay("until")
            try CreditEvent.add(.published, of: op.id, on: now.day, until: until, matter: item, "恢复公示", by: actor.mark, at: now, tx)
        case .abnormal:
            guard let op else { throw Fault("an entry without an operator") }
            let a = try tx.abnormal(tx.matter(item)), shown = a.ground.shownUntil(op.kind, listed: now.day)
            try tx.send("UPDATE casework_matters SET state = \(AbnormalMoves.listed) WHERE id = \(a.matter.id)")
            try tx.send("UPDATE credit_abnormal SET removed_on = NULL, removal = NULL, listed_on = \(now.day), shown_until = \(shown) WHERE matter = \(a.matter.id)")
            try Casework.remark(
                "restored", on: a.matter, by: actor, sealing: [.init("casework_matters", a.matter.id.raw), .init("credit_abnormal", key: "matter", a.matter.id.raw)], at: now, tx)
            try CreditEvent.add(.abnormal, of: op.id, on: now.day, until: shown, matter: a.matter.id, a.ground.title.zh, by: actor.mark, at: now, tx)
        case .serious:
            guard let op else { throw Fault("an entry without an operator") }
            let s = try tx.serious(tx.matter(item))
            if let c = s.ofCase, try tx.penaltyCase(c).annulled != nil { return }
            let until = now.day.adding(months: 36)
            try tx.send("UPDATE casework_matters SET state = \(SeriousMoves.published) WHERE id = \(s.matter.id)")
            try tx.send(
                "UPDATE credit_serious SET removed_on = NULL, removal = NULL, listed_on = \(now.day), published_on = \(now.day), until = \(until) WHERE matter = \(s.matter.id)")
            try Casework.remark(
                "restored", on: s.matter, by: actor, sealing: [.init("casework_matters", s.matter.id.raw), .init("credit_serious", key: "matter", s.matter.id.raw)], at: now, tx)
            try CreditEvent.add(.serious, of: op.id, on: now.day, until: until, matter: s.matter.id, "恢复列入", by: actor.mark, at: now, tx)
            // The penalty that stopped being shown with the list is shown anew too.
            if let c = s.ofCase, try PublishedPenalty.of(c, tx)?.ending == "repaired" {
                try Penalty.restore(c, at: now, tx)
                let shown = try tx.one("SELECT until FROM enforcement_publications WHERE matter = \(c)")?.optionalDay("until")
                try CreditEvent.add(.published, of: op.id, on: now.day, until: shown, matter: c, "恢复公示", by: actor.mark, at: now, tx)
            }
        case .reorganisation: throw Fault("no item by itself")
        }
    }
}
