import Detect
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// The models by page (模型库): `ModelBoard` shows all, `ModelPage` one; here is what is decided about them.
struct ModelPages: Sendable {
    let room: ModelRoom

    static let backtest = "monitoring.backtest"

    func routes() -> [Route] {
        let editor = ModelEditor(room: room)
        return [
            Route(.get, "/monitoring/models", .permitted("monitoring.see")) { visit in try await board(visit) },
            Route(.get, "/monitoring/models/:id", .permitted("monitoring.see")) { visit in try await show(visit, nil, nil) },
            Route(.post, "/monitoring/models/:id/decide", .permitted("monitoring.approve")) { visit in try await decide(visit) },
            Route(.post, "/monitoring/models/:id/trigger", .permitted("monitoring.approve")) { visit in try await trigger(visit) },
            Route(.post, "/monitoring/models/:id/exceptions", .permitted("monitoring.screen")) { visit in try await except(visit) },
            Route(.post, "/monitoring/models/:id/backtest", .permitted("monitoring.see")) { visit in try await ask(visit) },
            Route(.get, "/monitoring/models/:id/what-if", .permitted("monitoring.see")) { visit in try await whatIf(visit) },
        ] + editor.routes()
    }

    // MARK: Decisions

    private func decide(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("monitoring.approve")
        let form = try visit.exchange.form()
        let id = try visit.exchange.parameter("id")
        let (now, law) = (visit.desk.now, visit.desk.law.register)
        do {
            guard let key = form["edition"].flatMap({ Int64($0) }), let state = form["to"].flatMap({ Edition.State(rawValue: $0) }) else {
                throw Refusal.invalid("/to", Text("请选择决定", "Choose a decision"))
            }
            let edition = try await visit.desk.store.read { try $0.one("SELECT * FROM monitoring_editions WHERE id = \(key) AND model = \(id)").map(Edition.init) }
            guard let edition else { throw Refusal.notFound }
            // What runs passes its own cases, and there are enough of them.
            if state == .shadow || state == .active {
                let report = try ModelLife.cases(edition.files, folder: edition.folder, law: law)
                guard report.failures.isEmpty else {
                    throw Refusal(
                        .conflict,
                        Text("自带用例有\(report.failures.count)个不符，不能运行：\(report.failures[0])", "\(report.failures.count) of its cases fail, it cannot run: \(report.failures[0])"))
                }
                guard state != .active || report.positive >= 20 && report.negative >= 20 else {
                    throw Refusal(.conflict, Text("启用前应各有20个以上应命中和不应命中的用例", "Before it is active it has 20 cases of either kind"))
                }
                let isTested = try await visit.desk.store.read { try $0.one("SELECT id FROM monitoring_backtests WHERE edition = \(key) AND state = 'done' LIMIT 1") != nil }
                guard state != .active || isTested else {
                    throw Refusal(.conflict, Text("启用前请先对这个版本作回溯测试，看它会生成和丢失哪些线索", "Run a back-test of this edition first: it shows the leads it would open and lose"))
                }
            }
            let note = String((form["note"] ?? "").prefix(300))
            try await visit.desk.store.write { try ModelLife.decide(key, to: state, note: note, by: officer.mark, at: now, $0) }
            return visit.redirect("/monitoring/models/\(id)", saying: Text("已\(state.title.zh)", "It is \(state.title.en) now"))
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict {
            return try await show(visit, refusal, nil)
        }
    }

    private func trigger(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("monitoring.approve")
        let form = try visit.exchange.form()
        let id = try visit.exchange.parameter("id")
        let now = visit.desk.now
        do {
            guard let minimum = form["minimum"].flatMap({ Int($0) }), (1...1000).contains(minimum) else {
                throw Refusal.invalid("/minimum", Text("应为1至1000的整数", "A whole number from 1 to 1000"))
            }
            guard let floor = form["floor"].flatMap({ Int($0) }), (0...100).contains(floor) else {
                throw Refusal.invalid("/floor", Text("应为0至100的整数", "A whole number from 0 to 100"))
            }
            guard let level = form["level"], LeadDesk.levels.contains(level) else { throw Refusal.invalid("/level", Text("请选择等级", "Choose a level")) }
            let account = form["account"].flatMap { ID<Account>($0) }
            let opens = form["opens"] == "yes"
            try await visit.desk.store.write { tx in
                guard try tx.one("SELECT id FROM monitoring_editions WHERE model = \(id)") != nil else { throw Refusal.notFound }
                if let account { guard try Accounts.find(account, tx)?.active == true else { throw Refusal.invalid("/account", Text("没有这个账号", "There is no such account")) } }
                try tx.run(
                    """
                    INSERT INTO monitoring_triggers (model, opens, minimum, level, account, floor) VALUES (\(id), \(opens), \(minimum), \(level), \(account), \(floor))
                    ON CONFLICT (model) DO UPDATE SET opens = \(opens), minimum = \(minimum), level = \(level), account = \(account), floor = \(floor)
                    """)
                try tx.audit(
                    "monitoring.trigger", of: Reference(kind: "model", id: 0), by: officer.mark, at: now,
                    details: [("number", .string(id)), ("opens", .bool(opens)), ("minimum", .int(minimum)), ("level", .string(level)), ("floor", .int(floor))])
            }
            return visit.redirect("/monitoring/models/\(id)", saying: Text("触发条件已保存", "The trigger is saved"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await show(visit, refusal, "trigger") }
    }

    private func except(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("monitoring.screen")
        let form = try visit.exchange.form()
        let id = try visit.exchange.parameter("id")
        let now = visit.desk.now
        do {
            try await visit.desk.store.write { tx in
                if let key = form["end"].flatMap({ Int64($0) }) {
                    try tx.change("UPDATE monitoring_exceptions SET ended_at = \(now) WHERE id = \(key) AND model = \(id) AND ended_at IS NULL")
                    return try tx.audit(
                        "monitoring.exception-ended", of: Reference(kind: "model", id: key), by: officer.mark, at: now, details: [("number", .string(id))],
                        sealing: [.init("monitoring_exceptions", key)])
                }
                var seller: Int64?
                if let shop = form["shop"] {
                    let rows = try tx.all("SELECT id FROM monitoring_sellers WHERE name = \(shop) LIMIT 2")
                    guard rows.count == 1 else {
                        throw Refusal.invalid(
                            "/shop", rows.isEmpty ? Text("没有采集过名为“\(shop)”的店铺", "No shop “\(shop)” was seen") : Text("有多家店铺叫“\(shop)”", "Several shops are called “\(shop)”"))
                    }
                    seller = rows[0].int("id")
                }
                try LeadDesk.except(
                    model: id, seller: seller, listing: nil, phrase: form["phrase"], reason: form["reason"], until: form["until"].flatMap { Day($0) }, by: officer, at: now, tx)
            }
            return visit.redirect("/monitoring/models/\(id)", saying: Text("已保存", "Saved"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await show(visit, refusal, "exceptions") }
    }

    // MARK: Back-test in the background

    private func ask(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let id = try visit.exchange.parameter("id")
        let now = visit.desk.now
        guard let key = form["edition"].flatMap({ Int64($0) }), let since = form["since"].flatMap({ Day($0) }), since <= now.day else {
            return visit.redirect("/monitoring/models/\(id)", saying: Text("请选择版本和不晚于今天的日期", "Choose an edition and a day that is not in the future"), refused: true)
        }
        try await visit.desk.store.write { tx in
            guard try tx.one("SELECT id FROM monitoring_editions WHERE id = \(key) AND model = \(id)") != nil else { throw Refusal.notFound }
            let test = try tx.insert(
                "INSERT INTO monitoring_backtests (edition, since, state, asked_by, asked_at) VALUES (\(key), \(since), 'waiting', \(account.id), \(now)) RETURNING id")
            try Jobs.add(ModelPages.backtest, [("id", .int(test))], at: now, tx)
        }
        return visit.redirect("/monitoring/models/\(id)", saying: Text("回溯测试已开始", "The back-test has begun"))
    }

    static func runBacktest(_ id: Int64, desk: Desk, room: ModelRoom) async throws {
        let row = try await desk.store.read { tx -> (Edition, Day)? in
            guard let test = try tx.one("SELECT edition, since FROM monitoring_backtests WHERE id = \(id)"),
                let edition = try tx.one("SELECT * FROM monitoring_editions WHERE id = \(test.int("edition"))")
            else { return nil }
            return (try Edition(edition), test.day("since"))
        }
        guard let (edition, since) = row else { return }
        do {
            let alone = try ModelLife.alone(edition.files, folder: edition.folder, law: desk.law.register)
            let kinds = try await room.current(desk.store).permitKinds
            let report = try await ModelLife.backtest(alone, model: edition.model, since: since, desk: desk, permitKinds: kinds)
            try await desk.store.write { try $0.run("UPDATE monitoring_backtests SET state = 'done', result = \(report.json.text) WHERE id = \(id)") }
        } catch let refusal as Refusal {
            let why = JSON.object([("error", .string(refusal.fields.first?.text.zh ?? refusal.text.zh))]).text
            try await desk.store.write { try $0.run("UPDATE monitoring_backtests SET state = 'failed', result = \(why) WHERE id = \(id)") }
        }
    }
}
