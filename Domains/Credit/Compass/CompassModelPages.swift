import Enforcement
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// Models of classes and their trials (分类模型页面).
extension CompassPages {
    // MARK: Models

    func models(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let rows = try await visit.desk.store.read { try $0.all("SELECT * FROM credit_models ORDER BY id DESC") }
        let body = rows.first { $0.string("state") == "active" }?.string("body")
        return visit.page(Text("分类模型", "Models"), status: refusal?.kind.status ?? 200, active: "/credit") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/compass", nil, Text("风险分类", "Risk classes")) }
                h.h1(Text("分类模型", "Models of classes"))
            }
            h.errorSummary(refusal)
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") {
                        h.tr { for t in [Text("版本", "Version"), Text("状态", "State"), Text("编制", "Made"), Text("启用", "Active since"), Text("说明", "Remark")] { h.th(t) } }
                    }
                    h.element("tbody") {
                        for row in rows {
                            let state = row.string("state")
                            h.tr {
                                h.td { h.a("/compass/models/\(row.int("id"))", nil, row.string("version")) }
                                h.td {
                                    h.badge(
                                        state == "active" ? Text("启用", "active") : state == "draft" ? Text("草稿", "draft") : Text("停用", "retired"),
                                        state == "active" ? "green" : state == "draft" ? "amber" : "grey")
                                }
                                h.td(nil, "\(row.moment("made_at").day)")
                                h.td(nil, row.optionalMoment("activated_at")?.day.description ?? "")
                                h.td(nil, row.string("note"))
                            }
                        }
                    }
                }
            }
            guard visit.may("compass.model") else { return }
            h.card(Text("新的草稿", "A new draft")) {
                h.p(
                    "small text-muted",
                    Text("修改版本号、权重、上限和分档后保存为草稿；试运行后由另一人启用。", "Change version, weights, caps and cuts, keep it as a draft; after a trial somebody else activates it."))
                visit.form(h, "/compass/models") {
                    h.part("", keeping: sent) {
                        h.area("body", Text("模型（JSON）", "Model (JSON)"), value: body, rows: 16, errors: HTML.Errors(refusal), maxLength: 60_000)
                        h.field("note", Text("修改说明", "What was changed"), value: nil, errors: HTML.Errors(refusal))
                    }
                    h.button(Text("保存草稿", "Keep the draft"))
                }
            }
        }
    }
    func draft(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            let body = try form.needed("body", 60_000), note = try form.needed("note", 500)
            let model = try CompassModel(json: Data(body.utf8))
            let id = try await visit.desk.store.write { tx -> Int64 in
                guard try tx.one("SELECT id FROM credit_models WHERE version = \(model.version)") == nil else {
                    throw Refusal.invalid("/body", Text("版本“\(model.version)”已存在，请改版本号", "Version “\(model.version)” exists: give another"))
                }
                let id = try tx.insert(
                    "INSERT INTO credit_models (version, state, body, made_by, made_at, note) VALUES (\(model.version), 'draft', \(body), \(account.mark), \(now), \(note)) RETURNING id"
                )
                try tx.audit(
                    "credit.model-drafted", of: Reference(kind: "credit-model", id: id), by: account.mark, at: now, details: [("version", .string(model.version))],
                    sealing: [.init("credit_models", id)])
                return id
            }
            return .redirect("/compass/models/\(id)")
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await models(visit, refusal, form) }
    }

    func model(_ visit: Visit) async throws -> Answer {
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let (row, trial) = try await visit.desk.store.read { tx -> (Row, JSON?) in
            guard let row = try tx.one("SELECT * FROM credit_models WHERE id = \(id)") else { throw Refusal.notFound }
            return (row, try tx.one("SELECT body FROM credit_trials WHERE model = \(id) ORDER BY id DESC LIMIT 1").map { try JSON(parsing: Array($0.string("body").utf8)) })
        }
        let model = try CompassModel(json: Data(row.string("body").utf8))
        return visit.page(Text("模型 \(model.version)", "Model \(model.version)"), active: "/credit") { h in
            h.div("page-head") {
                h.div {
                    h.p("crumbs") { h.a("/compass/models", nil, Text("分类模型", "Models")) }
                    h.h1(Text("模型 \(model.version)", "Model \(model.version)"))
                    h.p("text-muted mb-0", model.remark)
                }
                h.div("d-flex gap-2") {
                    if visit.may("compass.model") {
                        visit.form(h, "/compass/models/\(id)/trial") { h.button(Text("试运行和回测", "Try it on the past"), "btn btn-sm btn-outline-primary") }
                    }
                    if row.string("state") == "draft", visit.may("credit.decide") {
                        visit.form(h, "/compass/models/\(id)/activate") {
                            h.button(
                                Text("启用", "Activate"), "btn btn-sm btn-danger", attributes: [h.confirming(Text("启用后按此模型计算全部主体，确定？", "All operators are counted by it. Activate?"))]
                            )
                        }
                    }
                }
            }
            if let trial { CompassTrialView.write(h, visit, trial) }
            h.card(Text("指标和权重", "Indicators and weights")) {
                h.p(
                    "small text-muted",
                    Text(
                        "衰减：一年内\(model.decay[0])、两年\(model.decay[1])、三年\(model.decay[2])、更早\(model.decay[3])；已修复的按\(model.repaired)计。分档：B≥\(model.cuts.B)，C≥\(model.cuts.C)，D≥\(model.cuts.D)。",
                        "Fading: \(model.decay.map { "\($0)" }.joined(separator: ", ")) by years; repaired count \(model.repaired). Cuts: B from \(model.cuts.B), C \(model.cuts.C), D \(model.cuts.D)."
                    ))
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") {
                            h.tr {
                                for t in [Text("类别（上限）", "Family (cap)"), Text("指标", "Indicator"), Text("每次分值", "Points each"), Text("上限", "Cap"), Text("衰减", "Fades")] { h.th(t) }
                            }
                        }
                        h.element("tbody") {
                            for i in model.indicators {
                                let f = model.families.first { $0.id == i.family }
                                h.tr {
                                    h.td { h.text("\(f?.text[visit.language] ?? "")（\(f?.cap ?? 0)）") }
                                    h.td { h.text(i.text) }
                                    h.td("number", "\(i.weight)")
                                    h.td("number", i.cap.map { "\($0)" } ?? "")
                                    h.td { h.text(i.fades == true ? Text("是", "yes") : Text("否", "no")) }
                                }
                            }
                            for r in model.rules {
                                h.tr {
                                    h.td { h.text(Text("硬规则", "Hard rule")) }
                                    h.td { h.text(r.text) }
                                    h.td(nil, "≥ \(r.atLeast.rawValue)")
                                    h.td(nil, "")
                                    h.td(nil, "")
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    func trial(_ visit: Visit) async throws -> Answer {
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let now = visit.desk.now
        let trial = try await visit.desk.store.read { tx -> CompassTrial in
            guard let row = try tx.one("SELECT body FROM credit_models WHERE id = \(id)"), let active = try CompassRun.active(tx) else { throw Refusal.notFound }
            return try CompassTrial.run(active, CompassModel(json: Data(row.string("body").utf8)), asOf: now.day.adding(days: -182), until: now.day, tx)
        }
        try await visit.desk.store.write { try $0.run("INSERT INTO credit_trials (model, counted_at, body) VALUES (\(id), \(now), \(trial.json.text))") }
        return .redirect("/compass/models/\(id)")
    }

    func activate(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let now = visit.desk.now
        do {
            try await visit.desk.store.write { tx in
                guard let row = try tx.one("SELECT * FROM credit_models WHERE id = \(id)") else { throw Refusal.notFound }
                guard row.string("state") == "draft" else { throw Refusal(.conflict, Text("只有草稿可以启用", "Only a draft is activated")) }
                guard row.string("made_by") != account.mark else { throw Refusal(.forbidden, Text("编制人不能启用自己的模型", "Who made it cannot activate it")) }
                guard try tx.one("SELECT id FROM credit_trials WHERE model = \(id)") != nil else { throw Refusal(.conflict, Text("请先试运行", "First try it")) }
                let old = try tx.all("SELECT id FROM credit_models WHERE state = 'active'").map { $0.int("id") }
                try tx.send("UPDATE credit_models SET state = 'retired' WHERE state = 'active'")
                try tx.send("UPDATE credit_models SET state = 'active', activated_by = \(account.mark), activated_at = \(now) WHERE id = \(id)")
                try tx.audit(
                    "credit.model-active", of: Reference(kind: "credit-model", id: id), by: account.mark, at: now, sealing: ([id] + old).map { .init("credit_models", $0) })
                try Jobs.add(CompassRun.all, at: now, tx)
            }
        } catch let refusal as Refusal where [.conflict, .forbidden].contains(refusal.kind) { return visit.redirect("/compass/models/\(id)", saying: refusal.text, refused: true) }
        return visit.redirect("/compass/models/\(id)", saying: Text("已启用，正在重新计算", "Active: everything is being counted anew"))
    }
}
