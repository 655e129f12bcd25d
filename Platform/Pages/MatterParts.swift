import Formats
import Kernel
import Statute
import Store
import Web

/// What the page of every matter shares (事项页面): clocks with their reasons, history, documents, files, notes, links.
package struct MatterFile: Sendable {
    package let clocks: [(RunningClock, Deadline?)]
    package let moves: [(move: String, actor: String, account: Int64?, article: String?, at: Moment, details: String, from: String, to: String)]
    package let notes: [(account: Int64, body: String, at: Moment)]
    package let documents: [IssuedDocument]
    package let attachments: [Attachment]
    package let links: [(Matter, String)]
    package let notices: [(recipient: String, channel: String, title: String, at: Moment)]
    package let names: [Int64: String]

    package static func load(_ matter: Matter, desk: Desk, _ tx: Transaction) throws -> MatterFile {
        let engine = desk.engine
        let today = desk.today()
        let clocks = try Clocks.of(matter.id, tx).map { clock in (clock, try? Clocks.compute(clock, engine, today: clock.stoppedAt?.day ?? today, explain: true, tx)) }
        let moves = try tx.all("SELECT * FROM casework_moves WHERE matter = \(matter.id) ORDER BY id").map { row in
            (
                row.string("move"), row.string("actor"), row.optionalInt("account"), row.optionalString("article"), row.moment("at"), row.string("details"),
                row.string("from_state"), row.string("to_state")
            )
        }
        let notes = try tx.all("SELECT account, body, at FROM casework_notes WHERE matter = \(matter.id) ORDER BY id").map {
            ($0.int("account"), $0.string("body"), $0.moment("at"))
        }
        let links = try tx.all("SELECT m.*, l.why AS why FROM casework_links l JOIN casework_matters m ON m.id = l.other WHERE l.matter = \(matter.id) ORDER BY m.id").map {
            (Matter($0), $0.string("why"))
        }
        let notices = try tx.all("SELECT recipient, channel, title, at FROM casework_notices WHERE matter = \(matter.id) ORDER BY id").map {
            ($0.string("recipient"), $0.string("channel"), $0.string("title"), $0.moment("at"))
        }
        let names = try Accounts.names(moves.compactMap(\.2) + notes.map(\.0) + [matter.assignee?.raw].compactMap { $0 }, tx)
        return MatterFile(
            clocks: clocks, moves: moves, notes: notes, documents: try Documents.of(matter.id, tx), attachments: try Attachments.of(matter.id, tx), links: links,
            notices: notices, names: names)
    }
}

extension Visit {
    package func clocks(_ h: HTML, _ file: MatterFile, matter: Matter) {
        h.card(Text("期限", "Periods"), "clocks") {
            if file.clocks.isEmpty { h.p("text-muted mb-0", Text("没有正在计算的期限", "No period is running")) }
            for (clock, deadline) in file.clocks.reversed() {
                h.div("clock state-\(clock.state)") {
                    h.div("clock-head") {
                        h.span("clock-duty", desk.law.catalogue[clock.duty]?.title ?? Text(verbatim: clock.duty))
                        switch clock.state {
                        case "open" where isPaused(clock, matter):
                            h.badge(Text("暂停计算", "paused"), "violet")
                        case "open": left(h, deadline?.due ?? clock.due)
                        case "met": h.badge(Text("按时", "on time"), "green")
                        case "missed": h.badge(Text("逾期", "late"), "red")
                        default: h.badge(Text("已终止计算", "no longer counted"), "grey")
                        }
                    }
                    if let deadline { date(h, deadline, stricter: true) }
                    if clock.state == "open", let more = deadline?.rule.extension, more.length != nil, !clock.extended, may("casework.extend"),
                        house.kinds[matter.kind]?.extending != nil
                    {
                        form(h, "/matters/\(matter.id)/clocks/\(clock.id)/extend", "mt-2") {
                            h.p("small mb-1", Text("批准人：\(more.by.zh)", "Granted by \(more.by.en)"))
                            h.void(
                                "input", "form-control form-control-sm mb-1",
                                [
                                    .name("reason"), .required, .init("maxlength", "500"), .label(h.say(Text("延长的理由", "Reason"))),
                                    .init("placeholder", h.say(Text("延长的理由", "Reason"))),
                                ])
                            h.button(
                                Text("批准延长\(more.length!)\(more.unit == .workday ? "个工作日" : "日")", "Grant \(more.length!) more \(more.unit == .workday ? "working days" : "days")"),
                                "btn btn-sm btn-outline-secondary")
                        }
                    }
                }
            }
        }
    }

    /// Whether the count stands still in the state that the matter is in.
    private func isPaused(_ clock: RunningClock, _ matter: Matter) -> Bool { house.kinds[matter.kind]?.table.pauses(clock.duty, in: matter.state) == true }

    /// What lapses first, at the head of a matter's page.
    package func headDue(_ h: HTML, _ file: MatterFile, matter: Matter) {
        if matter.nextDue == nil, file.clocks.contains(where: { $0.0.state == "open" && isPaused($0.0, matter) }) {
            h.badge(Text("期限暂停计算", "the period is paused"), "violet")
        } else {
            urgency(h, matter.nextDue)
        }
    }

    package func history(_ h: HTML, _ file: MatterFile, table: MoveTable, regime: String) {
        h.card(Text("办理过程", "History")) {
            h.element("ol", "timeline") {
                for entry in file.moves.reversed() {
                    h.li {
                        h.div("t-head") {
                            h.span("t-what", table.title(of: entry.move))
                            h.element("time", "t-when", [.init("datetime", entry.at.isoText)], text: entry.at.minuteText)
                        }
                        h.div("t-who") {
                            h.text(
                                entry.account.flatMap { file.names[$0] }
                                    ?? (entry.actor == "filer" ? h.say(table.filer) : entry.actor == "respondent" ? h.say(Text("商家", "The business")) : h.say(Text("系统", "System")))
                            )
                            if entry.from != entry.to { h.span("t-state", Text("→ \(table.state(entry.to).title.zh)", "→ \(table.state(entry.to).title.en)")) }
                            if let article = entry.article.flatMap({ Article($0) }) { h.span("t-law", desk.law.register.cite(article)) }
                        }
                        details(h, entry.details, table, regime)
                    }
                }
            }
        }
    }

    private func details(_ h: HTML, _ text: String, _ table: MoveTable, _ regime: String) {
        guard case .object(let pairs)? = try? JSON(parsing: Array(text.utf8)) else { return }
        for (key, value) in pairs {
            guard let body = value.string, !body.isEmpty else { continue }
            if key == "region" {
                h.p("t-note", Text("→ \(desk.regions.path(body, in: .zh))", "→ \(desk.regions.path(body, in: .en))"))
            } else if key == "assignee" {
                h.p("t-note", "→ \(body)")
            } else if key == "duty" {
                h.p("t-note", desk.law.catalogue[body]?.title ?? Text(verbatim: body))
            } else if key == "until" {
                h.p("t-note", Text("延长至\(body)", "until \(body)"))
            } else if let (title, words) = table.detail(key, body, regime) {
                h.p("t-note", Text("\(title.zh)：\(words.zh)", "\(title.en): \(words.en)"))
            }
        }
    }

    /// Who was told what, when and how: each notice of the matter.
    package func notices(_ h: HTML, _ file: MatterFile, channel: (String) -> Text) {
        guard !file.notices.isEmpty else { return }
        h.card(Text("告知记录", "Notices")) {
            h.ul("plain") {
                for notice in file.notices.reversed() {
                    h.li {
                        h.text(house.title(notice.title))
                        h.span("text-muted small ms-2", "\(h.say(recipient(notice.recipient))) · \(h.say(channel(notice.channel))) · \(notice.at.minuteText)")
                    }
                }
            }
        }
    }

    private func recipient(_ name: String) -> Text {
        if name.hasPrefix("office:") {
            let code = String(name.dropFirst("office:".count))
            return Text(desk.regions.name(code, in: .zh), desk.regions.name(code, in: .en))
        }
        switch name {
        case "complainant": return Text("投诉人", "complainant")
        case "respondent": return Text("被投诉人", "business")
        case "reporter": return Text("举报人", "reporter")
        default: return Text(verbatim: name)
        }
    }

    /// - Parameter replacing: a later document of the same form takes the earlier one's place.
    package func documents(_ h: HTML, _ file: MatterFile, replacing: Bool = true) {
        h.card(Text("文书", "Documents")) {
            if file.documents.isEmpty { h.p("text-muted mb-0", Text("尚未制作文书", "No document has been issued yet")) }
            h.ul("plain") {
                for document in file.documents.reversed() {
                    let isReplaced = replacing && file.documents.last { $0.form == document.form }?.id != document.id
                    h.li {
                        h.a("/documents/\(document.id)", nil, house.title(document.title))
                        h.span("text-muted small ms-2", document.number)
                        h.a("/documents/\(document.id).pdf", "ms-2 small", Text(verbatim: "PDF"))
                        if isReplaced { h.badge(Text("已被后一份代替", "replaced by a later one"), "grey") }
                    }
                }
            }
        }
    }

    /// The files that a refused form brought: ticked they come along when it is sent again.
    package func keptFiles(_ h: HTML, _ kept: [Attachments.Kept]) {
        for (i, file) in kept.enumerated() {
            let text = file.json.text
            h.div("form-check mb-2") {
                h.void(
                    "input", "form-check-input",
                    [.type("checkbox"), .id("f-kept-\(i)"), .name("kept"), .value("\(seal("kept-file", text))|\(text)"), .init("checked", if: true)])
                h.element("label", "form-check-label", [.for_("f-kept-\(i)")]) {
                    h.text(Text("已收到：\(file.name)（\(max(1, file.size / 1024)) KB）", "Received: \(file.name) (\(max(1, file.size / 1024)) KB)"))
                }
            }
        }
    }

    package func files(_ h: HTML, _ file: MatterFile, matter: Matter) {
        h.card(Text("附件", "Files")) {
            for link in house.matterLinks where may(link.permission) && link.path(matter) != house.path(matter) { h.p("mb-2") { h.a(link.path(matter), nil, link.title) } }
            if file.attachments.isEmpty { h.p("text-muted", Text("没有附件", "No files")) }
            h.ul("plain") {
                for a in file.attachments {
                    h.li {
                        h.a("/attachments/\(a.id)", nil, a.name)
                        h.span("text-muted small ms-2", "\(a.kind.uppercased()) · \(max(1, a.size / 1024)) KB · \(a.at.minuteText)")
                    }
                }
            }
            if may("casework.note"), matter.open {
                form(h, "/matters/\(matter.id)/files", "d-flex gap-2 mt-2", multipart: true) {
                    h.void(
                        "input", "form-control form-control-sm",
                        [
                            .type("file"), .name("files"), .init("multiple", if: true), .init("accept", "image/jpeg,image/png,image/webp,application/pdf,video/mp4"),
                            .label(h.say(Text("选择附件", "Choose files"))),
                        ])
                    h.button(Text("上传", "Upload"), "btn btn-sm btn-outline-secondary")
                }
            }
        }
    }

    package func notes(_ h: HTML, _ file: MatterFile, matter: Matter) {
        h.card(Text("内部备注与关联", "Notes and links")) {
            for note in file.notes {
                h.div("note") {
                    h.p("mb-0", note.body)
                    h.p("text-muted small", "\(file.names[note.account] ?? "") · \(note.at.minuteText)")
                }
            }
            for (other, why) in file.links {
                h.p("mb-1") {
                    if maySee(other) {
                        h.a(house.path(other), nil, other.number)
                        h.text(" \(other.title) · \(why)")
                    } else {
                        // What one may not see has no number here either: a report shows that somebody reported.
                        h.span("text-muted", Text("另有关联事项，不在您的查看范围", "Another matter, not yours to see"))
                    }
                }
            }
            if may("casework.note") {
                form(h, "/matters/\(matter.id)/notes", "mt-2") {
                    h.area("body", Text("添加备注（仅工作人员可见）", "Add a note (staff only)"), value: nil, rows: 2, maxLength: 4000)
                    h.button(Text("保存备注", "Save the note"), "btn btn-sm btn-outline-secondary")
                }
                form(h, "/matters/\(matter.id)/links", "d-flex gap-2 mt-3") {
                    h.void(
                        "input", "form-control form-control-sm",
                        [.name("number"), .required, .label(h.say(Text("关联事项编号", "Number of the related matter"))), .init("placeholder", h.say(Text("关联事项编号", "Related number")))])
                    h.void(
                        "input", "form-control form-control-sm",
                        [.name("why"), .required, .init("maxlength", "100"), .label(h.say(Text("关联原因", "Why"))), .init("placeholder", h.say(Text("原因", "Why")))])
                    h.button(Text("关联", "Link"), "btn btn-sm btn-outline-secondary")
                }
            }
        }
    }
}

/// The acts that every matter shares, whatever its kind.
package enum MatterRoutes {
    package static func routes(printer: Printer, style: @escaping @Sendable () -> String) -> [Route] {
        [
            Route(.post, "/matters/:id/notes", .permitted("casework.note")) { visit in
                let form = try visit.exchange.form()
                return try await act(visit) { matter, now, tx in try Casework.note(form["body"] ?? "", on: matter, by: visit.signedIn(), at: now, tx) }
            },
            Route(.post, "/matters/:id/links", .permitted("casework.note")) { visit in
                let form = try visit.exchange.form()
                return try await act(visit) { matter, now, tx in
                    guard let number = form["number"], let why = form["why"], why.count <= 100 else {
                        throw Refusal.invalid("/number", Text("请填写编号和原因", "Give the number and why"))
                    }
                    guard try tx.one("SELECT id FROM casework_matters WHERE number = \(number)") != nil else {
                        throw Refusal.invalid("/number", Text("没有编号为“\(number)”的事项", "There is no matter “\(number)”"))
                    }
                    let other = try tx.matter(number: number)
                    guard visit.maySee(other) else { throw Refusal.notFound }
                    try Casework.link(matter, with: other, why: why, by: .staff(visit.signedIn()), at: now, tx)
                }
            },
            Route(.post, "/matters/:id/files", .permitted("casework.note"), cap: 64 << 20) { visit in
                let form = try visit.exchange.form()
                let files = visit.desk.files
                return try await answer(visit) {
                    let kept = try form.files.filter { $0.field == "files" }.map { try Attachments.keep($0.name, $0.bytes, files) }
                    guard !kept.isEmpty else { throw Refusal.invalid("/files", Text("请选择文件", "Choose a file")) }
                    try await write(visit) { matter, now, tx in try Attachments.attach(kept, to: matter, source: "staff", by: visit.signedIn().mark, at: now, tx) }
                }
            },
            Route(.post, "/matters/:id/clocks/:clock/extend", .permitted("casework.extend")) { visit in
                guard let key = Int64(try visit.exchange.parameter("clock")) else { throw Refusal.notFound }
                let engine = visit.desk.engine
                let reason = try visit.exchange.form()["reason"]
                let kinds = visit.house.kinds
                return try await act(visit) { matter, now, tx in
                    guard let extending = kinds[matter.kind]?.extending else {
                        throw Refusal(.conflict, Text("该期限须在事项页面上以专门的步骤延长", "This period is extended by a step of its own, on the matter's page"))
                    }
                    try extending(matter, visit.signedIn(), tx)
                    let clock = try Clocks.find(key, tx)
                    guard clock.matter == matter.id else { throw Refusal.notFound }
                    try Clocks.extend(clock, because: reason, by: visit.signedIn(), engine: engine, at: now, tx)
                }
            },
            Route(.get, "/matters/:id/why", .permitted("casework.see")) { visit in
                let id = try visit.exchange.id(of: Matter.self)
                let (desk, today) = (visit.desk, visit.desk.today())
                let (matter, open) = try await desk.store.read { tx in
                    let matter = try tx.matter(id)
                    guard visit.maySee(matter) else { throw Refusal.notFound }
                    let open = try Clocks.of(id, tx).filter { $0.state == "open" }.sorted { $0.due < $1.due }
                    return (matter, try open.map { ($0, try Clocks.compute($0, desk.engine, today: today, explain: true, tx)) })
                }
                return visit.page(Text("为什么是这一天", "Why this day"), active: "/desk") { h in
                    h.div("narrow") {
                        h.p("crumbs") { h.a(visit.house.path(matter), nil, "\(matter.number) \(matter.title)") }
                        h.h1(Text("为什么是这一天", "Why this day"))
                        if open.isEmpty { h.empty(Text("没有正在计算的期限", "No period is running"), Text("事项办结后期限不再计算。", "Nothing is counted once a matter is closed.")) }
                        for (clock, deadline) in open {
                            h.card(desk.law.catalogue[clock.duty]?.title ?? Text(verbatim: clock.duty)) {
                                h.p { visit.left(h, deadline.due) }
                                visit.explanation(h, deadline, stricter: true)
                            }
                        }
                    }
                }
            },
            // Who may look at personal data gets the file as it came, and the look is written down; others get photos
            // without where they were taken, and nothing that has no such copy.
            Route(.get, "/attachments/:id", .permitted("casework.see")) { visit in
                let id = try visit.exchange.id(of: Attachment.self)
                let whole = visit.may("personal.reveal")
                let attachment = try await look(visit, "attachment", whole: whole) { tx in
                    let found = try Attachments.find(id, tx)
                    return (found, found.matter)
                }
                guard let hash = whole ? attachment.hash : attachment.outsideHash else { throw Refusal.forbidden("personal.reveal") }
                let kind = FileKind(rawValue: attachment.kind)
                return .file(try visit.desk.files.read(hash), type: kind?.mediaType ?? "application/octet-stream", name: attachment.name, inline: kind?.isImage ?? false)
            },
            Route(.get, "/documents/:id", .permitted("casework.see")) { visit in
                let raw = try visit.exchange.parameter("id")
                let isPDF = raw.hasSuffix(".pdf")
                guard let id = ID<IssuedDocument>(isPDF ? String(raw.dropLast(4)) : raw) else { throw Refusal.notFound }
                let matter = try await visit.desk.store.read { try $0.matter(Documents.find(id, $0).matter) }
                let papers = visit.house.kinds[matter.kind]?.papers ?? "personal.reveal"
                let account = try visit.require(papers)
                let document = try await look(visit, "document", whole: papers == "personal.reveal") { tx in
                    let found = try Documents.find(id, tx)
                    return (found, found.matter)
                }
                if papers != "personal.reveal" {
                    let now = visit.desk.now
                    try await visit.desk.store.write {
                        try $0.audit("casework.opened", of: matter.reference, by: account.mark, at: now, details: [("document", .string(document.number))])
                    }
                }
                let back = (visit.house.path(matter), Text("← \(matter.number)", "← \(matter.number)")[visit.language])
                return try await show(document, asPDF: isPDF, printer: printer, style: style(), back: back)
            },
        ]
    }

    /// A document as a sheet or as PDF.
    package static func show(_ document: IssuedDocument, asPDF: Bool, printer: Printer, style: String, back: (path: String, title: String)? = nil) async throws -> Answer {
        let sheet = Documents.sheet(document.body, title: "\(document.title) \(document.number)", style: style, back: asPDF ? nil : back)
        if asPDF { return .file(try await printer.pdf(sheet), type: "application/pdf", name: "\(document.title)-\(document.number).pdf", inline: true) }
        return .sheet(sheet)
    }

    /// Finds a thing of a matter that the visitor may see, and writes the look down where it shows personal data.
    private static func look<T: Sendable>(_ visit: Visit, _ purpose: String, whole: Bool, _ find: @escaping @Sendable (Transaction) throws -> (T, ID<Matter>)) async throws -> T {
        let account = try visit.signedIn()
        let (permissions, now) = (visit.desk.permissions, visit.desk.now)
        let (thing, matter) = try await visit.desk.store.read { tx in
            let (thing, id) = try find(tx)
            let matter = try tx.matter(id)
            guard visit.maySee(matter) else { throw Refusal.notFound }
            return (thing, matter)
        }
        if whole { _ = try await visit.desk.store.write { try Reveal.log(matter.reference, purpose: purpose, by: account, permissions, at: now, $0) } }
        return thing
    }

    private static func act(_ visit: Visit, _ body: @escaping @Sendable (Matter, Moment, Transaction) throws -> Void) async throws -> Answer {
        try await answer(visit) { try await write(visit, body) }
    }

    /// Back to the matter's page, which says how it went: an act that was refused must not end on a page of its own.
    private static func answer(_ visit: Visit, _ work: () async throws -> Void) async throws -> Answer {
        let id = try visit.exchange.id(of: Matter.self)
        let matter = try await visit.desk.store.read { tx in
            let matter = try tx.matter(id)
            guard visit.maySee(matter) else { throw Refusal.notFound }
            return matter
        }
        do { try await work() } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict {
            return visit.redirect(visit.house.path(matter), saying: refusal.whole, refused: true)
        }
        return visit.redirect(visit.house.path(matter), saying: Text("已保存", "Saved"))
    }

    private static func write(_ visit: Visit, _ body: @escaping @Sendable (Matter, Moment, Transaction) throws -> Void) async throws {
        let id = try visit.exchange.id(of: Matter.self)
        let now = visit.desk.now
        try await visit.desk.store.write { tx in
            let matter = try tx.matter(id)
            guard visit.maySee(matter) else { throw Refusal.notFound }
            try body(matter, now, tx)
        }
    }
}
