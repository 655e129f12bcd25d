import Kernel
import Statute
import Store
import Web

/// Matters by API (事项接口): what is open, what may be done, and doing it; the same rules behind another door.
///
/// For the kinds that say how they act (`MatterKind.act`); complaints and leads have doors of their own.
package enum MatterAPI {
    package static func routes() -> [Route] {
        [
            Route(.get, "/api/v1/matters/:number", .permitted("casework.see"), style: .api) { visit in
                .json(try await visit.desk.store.read { tx in try json(find(visit, tx).matter, tx) })
            },
            Route(.get, "/api/v1/matters/:number/moves", .permitted("casework.see"), style: .api) { visit in
                let account = try visit.signedIn()
                let (matter, kind) = try await visit.desk.store.read { try find(visit, $0) }
                let desk = visit.desk
                let moves = try await desk.store.read { tx in
                    try kind.offers.map { try $0(matter, .staff(account), desk, tx) }
                        ?? (kind.act == nil ? [] : kind.table.available(matter, to: .staff(account), desk.permissions))
                }
                return .json(
                    .object([
                        ("state", .string(matter.state)),
                        (
                            "moves",
                            .array(
                                moves.map {
                                    .object([
                                        ("move", .string($0.name)), ("title", .string($0.title[visit.language])),
                                        ("article", .text($0.article(under: matter.regime)?.description)),
                                    ])
                                })
                        ),
                    ]))
            },
            Route(.post, "/api/v1/matters/:number/moves", .permitted("casework.see"), style: .api) { visit in
                let account = try visit.signedIn()
                let form = try Form(json: visit.exchange.body), name = try form.needed("move", 60)
                let (now, desk, once) = (visit.desk.now, visit.desk, try Idempotency(visit))
                let (status, answer) = try await desk.store.write { tx in
                    // What is said once, such as the party's code, is not kept with the answer.
                    var said: [(String, JSON)] = []
                    let (status, body) = try once.answer(at: now, tx) {
                        let (matter, kind) = try find(visit, tx)
                        guard let act = kind.act else {
                            throw Refusal(.conflict, Text("\(kind.table.title.zh)不在这里办理", "This is not where this kind is handled: \(kind.table.title.en)"))
                        }
                        said = try act(name, matter, form, .staff(account), now, desk, tx)
                        return (200, try json(tx.matter(matter.id), tx))
                    }
                    guard case .object(let pairs) = body, !said.isEmpty else { return (status, body) }
                    return (status, .object(pairs + said))
                }
                return .json(answer, status: status)
            },
        ]
    }

    private static func find(_ visit: Visit, _ tx: Transaction) throws -> (matter: Matter, kind: MatterKind) {
        let matter = try tx.matter(number: visit.exchange.parameter("number"))
        guard visit.maySee(matter), let kind = visit.house.kinds[matter.kind] else { throw Refusal.notFound }
        return (matter, kind)
    }
    private static func json(_ m: Matter, _ tx: Transaction) throws -> JSON {
        let clocks = try Clocks.of(m.id, tx).map { clock -> JSON in
            .object([("id", .string(clock.duty)), ("due", .string(clock.due.description)), ("state", .string(clock.state))])
        }
        return .object(
            [
                ("number", .string(m.number)), ("kind", .string(m.kind)), ("state", .string(m.state)), ("title", .string(m.title)), ("region", .string(m.region)),
                ("regime", .string(m.regime)), ("open", .bool(m.open)), ("outcome", .text(m.outcome)), ("nextDue", .text(m.nextDue?.description)), ("deadlines", .array(clocks)),
            ])
    }
}

extension Form {
    /// A JSON object as the form that a page would send: `true` is `yes`, an array is the field several times.
    /// - Errors: `invalid` where it is no object.
    package init(json body: [UInt8]) throws {
        guard case .object(let pairs) = try JSON(parsing: body) else { throw Refusal(.invalid, Text("应为JSON对象", "A JSON object is needed")) }
        self.init()
        for (key, value) in pairs {
            switch value {
            case .array(let all): for one in all { add(key, one.string ?? one.text) }
            case .bool(let yes): add(key, yes ? "yes" : "no")
            case .null: break
            default: add(key, value.string ?? value.text)
            }
        }
    }
}
