import Kernel
import Statute
import Store

/// The one place where a matter changes (办理): checks the table, changes the state if it is still what it was, runs
/// the clocks, writes the move and the ledger, all in one transaction.
package struct Casework: Sendable {
    package let table: MoveTable
    package let engine: DeadlineEngine
    package let permissions: PermissionTable

    package init(table: MoveTable, desk: Desk) {
        self.table = table
        engine = desk.engine
        permissions = desk.permissions
    }

    /// What a new matter needs.
    package struct Opening: Sendable {
        package let number: String
        package let state: String
        package let title: String
        package let regime: String
        package let region: String
        package let `operator`: ID<Operator>?
        package let receivedAt: Moment
        package let competentAt: Moment
        package init(number: String, state: String, title: String, regime: String, region: String, operator: ID<Operator>?, receivedAt: Moment, competentAt: Moment) {
            self.number = number
            self.state = state
            self.title = title
            self.regime = regime
            self.region = region
            self.operator = `operator`
            self.receivedAt = receivedAt
            self.competentAt = competentAt
        }
    }

    /// Inserts the matter; its move and ledger entry follow by `record`, when the domain's own row is there.
    package func open(_ o: Opening, _ tx: Transaction) throws -> Matter {
        let row = try tx.inserted(
            """
            INSERT INTO casework_matters (kind, number, state, open, title, regime, region, operator, received_at, competent_at, changed_at)
            VALUES (\(table.kind), \(o.number), \(o.state), \(table.state(o.state).open), \(o.title), \(o.regime), \(o.region), \(o.operator), \(o.receivedAt), \(o.competentAt), \(o.receivedAt))
            RETURNING *
            """)
        return Matter(row)
    }

    /// The first line of a matter's history, its first clocks, its ledger entry.
    package func record(
        _ matter: Matter, as name: String, by actor: Actor, article: Article?, starting duties: [String], since: Moment? = nil, at now: Moment, details: [(String, JSON)],
        sealing: [Ledger.Seal], _ tx: Transaction
    ) throws {
        let move = try Casework.writeMove(matter, name, to: matter.state, actor, article, details, now, tx)
        for duty in duties { try Clocks.start(duty, of: matter, from: since ?? matter.competentAt, at: now, engine, tx) }
        try Clocks.refreshNextDue(matter.id, tx)
        try tx.audit(
            "\(table.kind).\(name)", of: matter.reference, by: actor.mark, at: now, under: article, details: [("number", .string(matter.number))],
            sealing: sealing + [.init("casework_matters", matter.id.raw), .init("casework_moves", move)] + Clocks.seals(of: matter.id))
    }

    package func check(_ name: String, on matter: Matter, by actor: Actor) throws(Refusal) -> Move { try table.check(name, on: matter, by: actor, permissions) }

    /// Makes a move.
    /// - Parameters:
    ///   - outcome: how it ended, where this move ends it.
    ///   - since: the event from which the clocks that it starts run, where that is not the move itself.
    /// - Errors: `conflict` or `forbidden` by the table; `conflict` where somebody else was first.
    @discardableResult
    package func perform(
        _ name: String, on matter: Matter, by actor: Actor, at now: Moment, details: [(String, JSON)] = [], outcome: String? = nil, since: Moment? = nil,
        sealing: [Ledger.Seal] = [], _ tx: Transaction
    ) throws -> Matter {
        let move = try table.check(name, on: matter, by: actor, permissions)
        let to = move.to ?? matter.state
        let state = table.state(to)
        try tx.change(
            """
            UPDATE casework_matters SET state = \(to), open = \(state.open), outcome = COALESCE(\(outcome), outcome),
            closed_at = \(state.open ? nil : (matter.closedAt ?? now)), changed_at = \(now)
            WHERE id = \(matter.id) AND state = \(matter.state)
            """)
        let written = try Casework.writeMove(matter, name, to: to, actor, move.article(under: matter.regime), details, now, tx)
        for duty in move.stops {
            // Time that was not counted is added before it is judged whether the period was met.
            if table.pauses(duty, in: matter.state) { try Clocks.resume(duty, of: matter, on: now.day, engine, tx) }
            try Clocks.stop(duty, of: matter.id, at: now, tx)
        }
        for duty in move.awaits { try Clocks.stop(duty, of: matter.id, late: "void", at: now, tx) }
        if !state.open {
            try Clocks.voidAll(of: matter.id, but: table.outliving, at: now, tx)
        }
        switch move.pause {
        case .begins(let duty): try Clocks.pause(duty, of: matter.id, from: now.day, reason: name, tx)
        case .ends(let duty): try Clocks.resume(duty, of: matter, on: min(now, since ?? now).day, engine, tx)
        case nil: break
        }
        for duty in move.starts { try Clocks.start(duty, of: matter, from: since ?? now, at: now, engine, tx) }
        if !state.open { try keepOpenWhileOwing(matter.id, tx) }
        try Clocks.refreshNextDue(matter.id, tx)
        try tx.audit(
            "\(table.kind).\(name)", of: matter.reference, by: actor.mark, at: now, under: move.article(under: matter.regime), details: [("number", .string(matter.number))],
            sealing: sealing + [.init("casework_matters", matter.id.raw), .init("casework_moves", written)] + Clocks.seals(of: matter.id))
        let after = try tx.matter(matter.id)
        if after.open != matter.open { Search.mark(after, open: after.open, tx) }
        return after
    }

    /// A line of the matter's history. Returns its key, to be sealed.
    static func writeMove(
        _ matter: Matter, _ name: String, to: String, _ actor: Actor, _ article: Article?, _ details: [(String, JSON)], _ now: Moment, _ tx: Transaction
    ) throws -> Int64 {
        try tx.insert(
            """
            INSERT INTO casework_moves (matter, move, from_state, to_state, actor, account, article, at, details)
            VALUES (\(matter.id), \(name), \(matter.state), \(to), \(actor.mark), \(actor.account?.id), \(article?.description), \(now), \(JSON.object(details).text)) RETURNING id
            """)
    }

    /// What outlives a matter keeps it in the queue.
    private func keepOpenWhileOwing(_ id: ID<Matter>, _ tx: Transaction) throws {
        let duties = table.outliving.isEmpty ? [""] : table.outliving.sorted()
        try tx.send(
            """
            UPDATE casework_matters SET open = CASE WHEN EXISTS (SELECT 1 FROM casework_clocks WHERE matter = \(id) AND state = 'open' AND duty IN (\(list: duties))) THEN 1 ELSE 0 END
            WHERE id = \(id)
            """)
    }
    /// After a period began or ended beside a move: when the matter is due next, and whether a closed one stays in the queue.
    private func refreshOpen(_ matter: Matter, _ tx: Transaction) throws {
        try Clocks.refreshNextDue(matter.id, tx)
        let now = try tx.matter(matter.id)
        guard !table.state(now.state).open else { return }
        try keepOpenWhileOwing(matter.id, tx)
        let after = try tx.matter(matter.id)
        if after.open != now.open { Search.mark(after, open: after.open, tx) }
    }

    /// Starts a period that an act of its own asks for, beside those of the table.
    /// - Parameter since: the event from which it runs, where that is not now.
    /// - Parameter before: the period of another matter that goes on here, with what was granted and not counted there.
    package func begin(_ duty: String, of matter: Matter, since: Moment? = nil, carrying before: RunningClock? = nil, at now: Moment, _ tx: Transaction) throws {
        try Clocks.start(duty, of: matter, from: before?.startedAt ?? since ?? now, at: now, engine, tx)
        if let before, let clock = try Clocks.of(matter.id, tx).last(where: { $0.duty == duty && $0.state == "open" }) {
            try Clocks.carry(before, to: clock, engine, today: now.day, tx)
        }
        try refreshOpen(matter, tx)
        try tx.audit(
            "casework.begun", of: matter.reference, by: "system", at: now, details: [("duty", .string(duty))],
            sealing: [.init("casework_matters", matter.id.raw)] + Clocks.seals(of: matter.id))
    }

    /// Ends a period that an act of its own fulfils, or that the law ends: `met` where that is what was to be done, else no longer counted.
    package func end(_ duty: String, of matter: Matter, met: Bool = true, at now: Moment, _ tx: Transaction) throws {
        if met {
            try Clocks.stop(duty, of: matter.id, at: now, tx)
        } else {
            try tx.send("UPDATE casework_clocks SET state = 'void', stopped_at = \(now) WHERE matter = \(matter.id) AND duty = \(duty) AND state = 'open'")
        }
        try refreshOpen(matter, tx)
        try tx.audit(
            "casework.ended", of: matter.reference, by: "system", at: now, details: [("duty", .string(duty))],
            sealing: [.init("casework_matters", matter.id.raw)] + Clocks.seals(of: matter.id))
    }

    /// A line of the history that is no move: what somebody outside said, what a job saw. The state stays.
    package static func remark(_ name: String, on matter: Matter, by actor: Actor, details: [(String, JSON)] = [], sealing: [Ledger.Seal] = [], at now: Moment, _ tx: Transaction)
        throws
    {
        let written = try writeMove(matter, name, to: matter.state, actor, nil, details, now, tx)
        try tx.audit("\(matter.kind).\(name)", of: matter.reference, by: actor.mark, at: now, sealing: sealing + [.init("casework_moves", written)])
    }

    /// Gives a matter to a person, or takes it back: the state stays; the history and the ledger have it.
    package static func assign(_ matter: Matter, to account: Account?, by officer: Account, at now: Moment, _ tx: Transaction) throws {
        guard account == nil || account!.mayTake(matter.region) else {
            throw Refusal.invalid("/assignee", Text("\(account!.name)的辖区不含该事项", "\(account!.name) does not cover this matter's region"))
        }
        try tx.change("UPDATE casework_matters SET assignee = \(account?.id), changed_at = \(now) WHERE id = \(matter.id)")
        let written = try writeMove(matter, "assign", to: matter.state, .staff(officer), nil, [("assignee", .text(account?.name))], now, tx)
        try tx.audit(
            "casework.assigned", of: matter.reference, by: officer.mark, at: now, details: [("to", .text(account?.mark))],
            sealing: [.init("casework_matters", matter.id.raw), .init("casework_moves", written)])
    }

    /// 通知: tells somebody of a matter, by a channel; the act that makes it seals it.
    package static func notify(
        _ recipient: String, of matter: ID<Matter>, by channel: String, _ title: String, document: ID<IssuedDocument>? = nil, at now: Moment, _ tx: Transaction
    ) throws {
        try tx.send(
            "INSERT INTO casework_notices (matter, recipient, channel, title, document, at) VALUES (\(matter), \(recipient), \(channel), \(title), \(document), \(now))")
    }

    package static func note(_ body: String, on matter: Matter, by officer: Account, at now: Moment, _ tx: Transaction) throws {
        guard !body.isEmpty, body.count <= 4000 else { throw Refusal.invalid("/body", Text("备注应为1至4000字", "A note has 1 to 4,000 characters")) }
        let id = try tx.insert("INSERT INTO casework_notes (matter, account, body, at) VALUES (\(matter.id), \(officer.id), \(body), \(now)) RETURNING id")
        try tx.audit("casework.noted", of: matter.reference, by: officer.mark, at: now, sealing: [.init("casework_notes", id)])
    }

    package static func link(_ matter: Matter, with other: Matter, why: String, by actor: Actor, under article: Article? = nil, at now: Moment, _ tx: Transaction) throws {
        guard matter.id != other.id else { throw Refusal.invalid("/number", Text("不能与自身关联", "A matter cannot be linked with itself")) }
        for (a, b) in [(matter.id, other.id), (other.id, matter.id)] {
            try tx.run("INSERT INTO casework_links (matter, other, why) VALUES (\(a), \(b), \(why)) ON CONFLICT (matter, other) DO UPDATE SET why = \(why)")
        }
        try tx.audit(
            "casework.linked", of: matter.reference, by: actor.mark, at: now, under: article, details: [("with", .string(other.number))],
            sealing: [.init("casework_links", of: "matter", matter.id.raw), .init("casework_links", of: "matter", other.id.raw)])
    }
}
