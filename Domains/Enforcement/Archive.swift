import Kernel
import Platform
import Statute
import Store
import Web

/// The file of a case in two volumes (正卷、副卷): its index in the law's order, and all papers as one print.
///
/// Law: PCD art. 78.
struct ArchivePages: Sendable {
    let style: @Sendable () -> String
    let printer: Printer

    func routes() -> [Route] {
        [
            Route(.get, "/cases/:id/archive", .permitted("enforcement.see")) { visit in try await index(visit) },
            Route(.get, "/cases/:id/archive/:volume", .permitted("enforcement.see")) { visit in try await print(visit) },
        ]
    }

    /// The main volume: filing, decision with its receipt, other papers, evidence, hearing, property. The second: source, report, review, hearing's report, closing.
    private static let order: [String: [String]] = [
        "main": ["filing-approval", "penalty-decision", "no-penalty-decision", "spot-decision", "service-receipt", "penalty-notice"],
        "sub": ["source-registration", "investigation-report", "review-form", "hearing-report", "discussion-record", "decision-approval", "closing-approval"],
    ]
    private static func volume(_ document: IssuedDocument) -> String { CaseForms.shared[document.form]?.volume ?? "main" }
    private static let last: Set<String> = ["hearing-record", "hearing-notice", "goods-disposal", "deferral-notice", "demand-letter", "court-application"]

    private struct Content: Sendable {
        let c: Case
        let documents: [IssuedDocument]
        let evidence: [CaseEvidence]
        let attachments: [Attachment]
    }
    private func load(_ visit: Visit, _ tx: Transaction) throws -> Content {
        let c = try tx.penaltyCase(tx.matter(visit.exchange.id(of: Matter.self)))
        guard visit.maySee(c.matter) else { throw Refusal.notFound }
        let measures = try tx.measures(of: c.matter.id).map(\.matter.id)
        return Content(
            c: c, documents: try Documents.of(c.matter.id, tx) + measures.flatMap { try Documents.of($0, tx) }, evidence: try CaseEvidence.of(c.matter.id, tx),
            attachments: try Attachments.of(c.matter.id, tx))
    }
    private static func papers(_ all: [IssuedDocument], _ volume: String) -> [IssuedDocument] {
        let order = order[volume] ?? []
        func rank(_ d: IssuedDocument) -> Int { order.firstIndex(of: d.form) ?? (last.contains(d.form) ? 900 : 500) }
        return all.filter { Self.volume($0) == volume }.sorted { (rank($0), $0.id) < (rank($1), $1.id) }
    }

    private func index(_ visit: Visit) async throws -> Answer {
        let content = try await visit.desk.store.read { try load(visit, $0) }
        let c = content.c
        return visit.page(Text("卷宗 \(c.matter.number)", "File \(c.matter.number)"), active: "/cases") { h in
            h.div("page-head") {
                h.div {
                    h.p("crumbs") { h.a("/cases/\(c.matter.id)", nil, "\(c.matter.number) \(c.matter.title)") }
                    h.h1(Text("卷内文件目录", "Index of the file"))
                    h.p(
                        "text-muted mb-0",
                        c.archiveNumber.map { "\($0) · \(CaseAct.archiveClasses.first { $0.0 == c.archiveClass }?.1[visit.language] ?? "")" }
                            ?? h.say(Text("尚未归档", "Not archived yet")))
                }
            }
            for (volume, title) in [("main", Text("正卷", "Main volume")), ("sub", Text("副卷（不对外）", "Second volume, internal"))] {
                h.card(title) {
                    let papers = Self.papers(content.documents, volume)
                    if !papers.isEmpty {
                        h.p("mb-2") {
                            h.a("/cases/\(c.matter.id)/archive/\(volume)", "btn btn-sm btn-outline-secondary", Text("打印全卷", "Print all"))
                            h.a("/cases/\(c.matter.id)/archive/\(volume).pdf", "btn btn-sm btn-outline-secondary ms-2", Text(verbatim: "PDF"))
                        }
                    }
                    if papers.isEmpty { h.p("text-muted mb-0", Text("还没有文件", "No papers yet")) }
                    h.element("ol") {
                        for d in papers {
                            h.li {
                                h.a("/documents/\(d.id)", nil, visit.house.title(d.title))
                                h.span("text-muted small ms-2", "\(d.number) · \(d.at.day)")
                            }
                        }
                        if volume == "main" {
                            for item in content.evidence where item.excluded == nil {
                                h.li {
                                    h.text(Text("证据：\(item.title)", "Evidence: \(item.title)"))
                                    h.span("text-muted small ms-2", item.takenOn.description)
                                }
                            }
                        }
                    }
                }
            }
            if !content.attachments.isEmpty {
                h.card(Text("附件", "Files")) { h.ul("plain mb-0") { for a in content.attachments { h.li { h.a("/attachments/\(a.id)", nil, a.name) } } } }
            }
        }
    }

    private func print(_ visit: Visit) async throws -> Answer {
        let raw = try visit.exchange.parameter("volume")
        let isPDF = raw.hasSuffix(".pdf")
        let volume = isPDF ? String(raw.dropLast(4)) : raw
        guard Self.order[volume] != nil else { throw Refusal.notFound }
        let account = try visit.signedIn()
        let content = try await visit.desk.store.read { try load(visit, $0) }
        let (c, now) = (content.c, visit.desk.now)
        let papers = Self.papers(content.documents, volume)
        guard !papers.isEmpty else { throw Refusal(.notFound, Text("还没有文件", "No papers yet")) }
        try await visit.desk.store.write {
            try $0.audit("casework.opened", of: c.matter.reference, by: account.mark, at: now, details: [("document", .string("archive \(volume)"))])
        }
        func plain(_ text: String) -> String { text.replacing("&", with: "&amp;").replacing("<", with: "&lt;") }
        let office = visit.desk.office(for: c.matter.region).name
        let cover = """
            <h1 class="title">\(plain(office))</h1><h1 class="title">行政处罚案件卷宗（\(volume == "main" ? "正卷" : "副卷")）</h1>\
            <p class="line">案件名称：\(plain(CaseDocuments(desk: visit.desk).name(c)))</p><p class="line">决定书文号：\(plain(c.decisionNumber ?? ""))</p>\
            <p class="line">立案日期：\(c.filedOn.map(Documents.chinese) ?? "")</p><p class="line">结案日期：\(c.matter.closedAt.map { Documents.chinese($0.day) } ?? "")</p>\
            <p class="line">保管期限：\(CaseAct.archiveClasses.first { $0.0 == c.archiveClass }?.1.zh ?? "")</p><p class="line">归档号：\(plain(c.archiveNumber ?? ""))</p>
            """
        let lines = papers.enumerated().map {
            "<tr><td>\($0.offset + 1)</td><td>\(plain($0.element.number))</td><td>\(plain($0.element.title))</td><td>\($0.element.at.day)</td></tr>"
        }.joined()
        let contents = "<h1 class=\"title\">卷内文件目录</h1><table class=\"form\"><tr><th>序号</th><th>文号</th><th>文件名称</th><th>日期</th></tr>\(lines)</table>"
        let body = ([cover, contents] + papers.map(\.body)).joined(separator: "</article><article class=\"document\" lang=\"zh-CN\">")
        let sheet = Documents.sheet(body, title: "\(c.matter.number) \(volume)", style: style(), back: isPDF ? nil : ("/cases/\(c.matter.id)/archive", "← \(c.matter.number)"))
        if isPDF { return .file(try await printer.pdf(sheet), type: "application/pdf", name: "\(c.matter.number)-\(volume).pdf", inline: true) }
        return .sheet(sheet)
    }
}
