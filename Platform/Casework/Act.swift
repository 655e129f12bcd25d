import Kernel
import Store
import Web

/// One step of a matter whose own columns stand in a row of a domain's table (事项的一步): what it sets, and the move that says so, with that row sealed.
package struct Act {
    package let name: String
    package let matter: Matter
    package let input: Form
    package let actor: Actor
    package let now: Moment
    private let casework: Casework
    private let table: String
    private let tx: Transaction

    /// - Parameter table: has the matter as its key `matter`.
    /// - Errors: `conflict`, `forbidden` by the table of moves.
    package init(_ name: String, on matter: Matter, of casework: Casework, row table: String, _ input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws {
        _ = try casework.check(name, on: matter, by: actor)
        (self.name, self.matter, self.casework, self.table, self.input, self.actor, self.now, self.tx) = (name, matter, casework, table, input, actor, now, tx)
    }

    package func set(_ columns: SQL) throws { try tx.send("UPDATE \(raw: table) SET \(columns) WHERE matter = \(matter.id)") }

    /// - Parameter details: what of it the history keeps; empty ones are left out.
    @discardableResult
    package func move(_ details: [(String, String)] = [], outcome: String? = nil, since: Moment? = nil, seals: [Ledger.Seal] = []) throws -> Matter {
        try casework.perform(
            name, on: matter, by: actor, at: now, details: details.filter { !$0.1.isEmpty }.map { ($0.0, .string($0.1)) }, outcome: outcome, since: since,
            sealing: [.init(table, key: "matter", matter.id.raw)] + seals, tx)
    }

    package func day(_ field: String, from earliest: Day? = nil, mayBeAhead: Bool = false) throws -> Day { try input.day(field, from: earliest, to: mayBeAhead ? nil : now.day) }
}

extension Form {
    /// A day that was sent: needed, not before `earliest`, not after `latest`.
    package func day(_ field: String, from earliest: Day? = nil, to latest: Day?) throws(Refusal) -> Day {
        guard let text = self[field] else { throw .invalid("/\(field)", Text("请填写日期", "Give the day")) }
        guard let day = Day(text) else { throw .invalid("/\(field)", Text("“\(text)”不是日期", "“\(text)” is not a day")) }
        if let latest, day > latest { throw .invalid("/\(field)", Text("不能晚于\(latest)", "It cannot be later than \(latest)")) }
        if let earliest, day < earliest { throw .invalid("/\(field)", Text("不能早于\(earliest)", "It cannot be before \(earliest)")) }
        return day
    }
}
