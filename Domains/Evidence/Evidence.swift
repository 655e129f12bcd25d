import Kernel
import Platform
import Store
import Web

/// Evidence (电子证据): what was seen online is captured in a browser, sealed, and can be checked by anyone.
package enum Evidence {
    static let grants: [Grant] = [
        Grant("evidence.see", Text("查看电子证据", "See evidence"), [.clerk, .mediator, .analyst, .examiner, .officer, .reviewer, .inspector, .leader, .director, .auditor]),
        Grant("evidence.capture", Text("网页取证", "Capture pages"), [.clerk, .mediator, .analyst, .examiner, .officer, .inspector, .leader]),
        Grant("evidence.dispose", Text("暂停和到期销毁电子证据", "Hold evidence, destroy it when its time is over"), [.leader, .director]),
        Grant("evidence.export", Text("导出和移交电子证据", "Export evidence and hand it over"), [.examiner, .officer, .analyst, .clerk, .mediator, .leader]),
    ]

    package static func domain(_ settings: CaptureSettings, printer: Printer) -> Domain {
        let workbench = Workbench(chromium: settings.chromium, cache: printer.cache)
        let (queue, analysis) = (CaptureQueue(settings), Analysis(settings))
        @Sendable func look(_ desk: Desk) async throws {
            try await queue.look(desk)
            try await LateStamps(authorities: settings.authorities).look(desk)
            try await CaptureQueue.locate(desk)
            try await analysis.look(desk)
        }
        return Domain(
            name: "evidence", migrations: EvidenceSchema.migrations, grants: grants,
            routes: { _ in
                EvidencePages(queue: queue).routes() + FileIntake().routes() + ItemPages(printer: printer).routes() + ComparisonPages(workbench: workbench).routes()
                    + ReceiptPages(printer: printer).routes() + PicturePages(workbench: workbench).routes()
                    + HandOver(printer: printer).routes() + Keeping.routes() + ElementPages(elements: .shipped).routes() + Replay().routes()
            },
            jobs: [
                JobKind(CaptureQueue.job) { desk, _ in try await look(desk) },
                JobKind(AutomaticCapture.job) { desk, payload in try await AutomaticCapture.ask(payload, queue, desk) },
            ],
            menu: [("/evidence", Text("证据", "Evidence"), "evidence.see")],
            acts: Dictionary(Custody.acts.map { ("evidence.\($0.0)", $0.1) } + [("evidence.begun", Text("开始取证", "Capture begun"))]) { a, _ in a },
            sealed: [
                SealedTable("evidence_items"), SealedTable("evidence_custody"), SealedTable("evidence_derivatives", key: "item"), SealedTable("evidence_holds", key: "item"),
                SealedTable("evidence_disposals", key: "item"), SealedTable("evidence_elements"),
            ],
            files: { tx in
                Set(
                    try tx.all("SELECT DISTINCT file FROM evidence_items i WHERE file IS NOT NULL AND NOT EXISTS (SELECT 1 FROM evidence_disposals d WHERE d.item = i.id)").map {
                        $0.string("file")
                    })
            },
            tick: look,
            matterLinks: [MatterLink(Text("网页取证和电子证据", "Captured pages"), "evidence.see") { "/evidence?of=\($0.number)" }],
            settings: [Keeping.ofMatters, Keeping.loose])
    }
}
