import Formats
import Kernel
import Store

/// Somebody at an operator whom one may call (联系人): class L2, masked until a purpose is given.
package struct Contact: Sendable {
    package let id: Int64
    package let name: Protected
    package let duty: String
    package let phone: Protected
    package let note: String

    init(_ row: Row) {
        id = row.int("id")
        name = .name(row.string("name"))
        duty = row.string("duty")
        phone = .phone(row.string("phone"))
        note = row.string("note")
    }
}

extension Operators {
    package static func contacts(_ id: ID<Operator>, _ tx: Transaction) throws -> [Contact] {
        try tx.all("SELECT * FROM operators_contacts WHERE operator = \(id) AND removed = 0 ORDER BY id").map(Contact.init)
    }

    /// - Errors: a name or a phone that is missing or too long, by its field.
    static func addContact(_ name: String, _ duty: String, _ phone: String, _ note: String, to id: ID<Operator>, by actor: String, at now: Moment, _ tx: Transaction) throws {
        var wrong: [Refusal.Field] = []
        if name.isEmpty || name.count > 60 { wrong.append(.init("/name", Text("请填写姓名（60字以内）", "Give a name of at most 60 characters"))) }
        if !(5...30).contains(phone.count) || phone.contains(where: { !($0.isASCII && $0.isNumber) && !"+-() ".contains($0) }) {
            wrong.append(.init("/phone", Text("电话号码格式不正确", "This is not a phone number")))
        }
        if duty.count > 30 { wrong.append(.init("/duty", Text("不能超过30字", "At most 30 characters"))) }
        if note.count > 200 { wrong.append(.init("/note", Text("不能超过200字", "At most 200 characters"))) }
        guard wrong.isEmpty else { throw Refusal.invalid(wrong) }
        _ = try find(id, tx)
        let key = try tx.insert(
            """
            INSERT INTO operators_contacts (operator, name, duty, phone, note, salt, at) VALUES (\(id), \(name), \(duty), \(phone), \(note), \(Crypto.hex(Crypto.random(16))), \(now))
            RETURNING id
            """)
        try tx.audit("operators.contact-added", of: Reference(kind: "operator", id: id.raw), by: actor, at: now, sealing: [.init("operators_contacts", key)])
    }

    static func removeContact(_ key: Int64, of id: ID<Operator>, by actor: String, at now: Moment, _ tx: Transaction) throws {
        try tx.change("UPDATE operators_contacts SET removed = 1, name = '', phone = '', note = '' WHERE id = \(key) AND operator = \(id) AND removed = 0")
        try tx.audit("operators.contact-removed", of: Reference(kind: "operator", id: id.raw), by: actor, at: now, sealing: [.init("operators_contacts", key)])
    }
}
