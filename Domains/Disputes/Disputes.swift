import Kernel
import Platform
import Web

/// The front door of Disputes (投诉): what it brings to the house.
package enum Disputes {
    package static let grants: [Grant] = [
        Grant("disputes.register", Text("登记投诉", "Register complaints"), [.intake, .clerk]),
        Grant("disputes.dispatch", Text("分送投诉", "Dispatch complaints"), [.intake, .leader]),
        Grant("disputes.decide", Text("决定是否受理", "Decide on taking up"), [.clerk, .leader]),
        Grant("disputes.mediate", Text("主持调解", "Mediate"), [.mediator, .leader]),
        Grant("reports.see", Text("查看举报", "See reports"), [.intake, .clerk, .officer, .leader]),
        Grant("reports.register", Text("登记举报", "Register reports"), [.intake, .clerk, .officer]),
        Grant("reports.dispatch", Text("分送举报", "Dispatch reports"), [.intake, .leader]),
        Grant("reports.verify", Text("核查举报", "Verify reports"), [.clerk, .officer, .leader]),
        Grant("reports.reward", Text("决定举报奖励", "Decide on rewards"), [.leader]),
        Grant("funds.see", Text("查看先行赔付资金", "See funds"), [.clerk, .mediator, .leader, .director, .auditor]),
        Grant("funds.apply", Text("申请先行赔付", "Apply to a fund"), [.clerk, .mediator]),
        Grant("funds.approve", Text("审核先行赔付", "Examine claims on a fund"), [.leader]),
        Grant("funds.pay", Text("支付和登记追偿", "Pay and record recoveries"), [.clerk]),
        Grant("funds.manage", Text("设立资金和入账", "Set up funds and post to them"), [.leader, .director]),
        Grant("publication.manage", Text("投诉信息公示", "Publish complaints"), [.clerk, .leader]),
        Grant("stations.manage", Text("管理服务站", "Manage stations"), [.clerk, .leader, .admin]),
        Grant("odr.admit", Text("审核ODR企业", "Admit ODR enterprises"), [.leader]),
        Grant("signals.see", Text("查看异常信号", "See signals"), [.intake, .clerk, .mediator, .leader, .director]),
        Grant("signals.issue", Text("发布消费警示", "Issue warnings"), [.leader]),
        Grant("efficacy.see", Text("查看效能评估", "See the efficacy"), [.director, .leader, .auditor]),
        Grant("efficacy.freeze", Text("固定月度数据", "Freeze a month"), [.director, .leader]),
        Grant("quality.check", Text("回访与抽查", "Call back and check"), [.intake, .clerk, .mediator, .leader, .director]),
        Grant("quality.draw", Text("抽取回访与抽查", "Draw what is checked"), [.leader, .director]),
        Grant("disputes.import", Text("导入投诉", "Import complaints"), [.intake, .admin]),
    ]

    package static func domain(printer: Printer) -> Domain {
        // Public intake: ten at once, then six a minute from one address. Tracking may be asked for more often.
        let filing = RateLimit(burst: 10, perMinute: 6)
        let tracking = RateLimit(burst: 60, perMinute: 60)
        return Domain(
            name: "disputes", migrations: DisputesSchema.migrations, grants: grants,
            routes: { desk in
                let handling = Handling(desk: desk)
                return IntakePages(handling: handling, limit: filing).routes() + TrackPages(handling: handling, limit: tracking, printer: printer).routes()
                    + CounterPages(handling: handling).routes() + ComplaintPages(handling: handling, suggestions: Suggestions()).routes()
                    + ComplaintAPI(handling: handling, limit: filing).routes()
                    + ReportIntake(desk: desk, filing: filing, tracking: tracking, printer: printer).routes() + ReportPages(handling: ReportHandling(desk: desk)).routes()
                    + FundPages(handling: FundHandling(desk: desk)).routes()
                    + RespondPages(negotiation: Negotiation(handling: handling), limit: tracking, printer: printer).routes() + MerchantPages(limit: tracking).routes()
                    + PublicationPages(publishing: Publishing(desk: desk), limit: tracking).routes() + PublicPages().routes()
                    + RoutePages(limit: filing, handling: handling).routes()
                    + SessionPages(limit: tracking).routes() + SignalPages().routes() + EfficacyPages().routes()
                    + QualityPages().routes() + ReconciliationPages().routes()
            },
            jobs: [
                JobKind(Negotiation.reminder) { desk, payload in
                    guard let key = payload["matter"]?.int else { return }
                    try await Negotiation.remind(Int64(key), desk: desk)
                },
                JobKind(Prior.timeout) { desk, payload in
                    guard let key = payload["matter"]?.int else { return }
                    try await Prior.lapse(Int64(key), handling: Handling(desk: desk))
                },
                JobKind(PeoplesMediation.reminder) { desk, payload in
                    guard let key = payload["matter"]?.int else { return }
                    try await PeoplesMediation.remind(Int64(key), desk: desk)
                },
                JobKind(Publishing.daily) { desk, _ in try await Publishing(desk: desk).run(at: desk.now) },
            ],
            menu: [
                ("/disputes/new", Text("登记投诉", "Register"), "disputes.register"), ("/reports/register", Text("登记举报", "Register a report"), "reports.register"),
                ("/funds", Text("先行赔付", "Funds"), "funds.see"), ("/publication", Text("公示", "Publication"), "publication.manage"),
                ("/signals", Text("信号", "Signals"), "signals.see"), ("/efficacy", Text("效能", "Efficacy"), "efficacy.see"),
                ("/quality", Text("回访抽查", "Checks"), "quality.check"), ("/national", Text("平台对账", "Reconcile"), "disputes.import"),
                ("/import/complaints", Text("导入投诉", "Import"), "disputes.import"),
            ],
            operatorPanels: [OperatorComplaints.panel, StandingCard.panel],
            matterKinds: [
                MatterKind(table: ComplaintMoves.table, contact: Notice.phone) { "/disputes/\($0.id)" },
                MatterKind(table: ReportMoves.table, permission: "reports.see") { "/reports/\($0.id)" },
                MatterKind(table: FundClaimMoves.table, permission: "funds.see") { "/fund-claims/\($0.id)" },
            ],
            forms: ComplaintDocuments.forms + ReportDocuments.forms,
            notices: [
                Notice.supplement, Notice.mediation, Notice.recusal, Notice.invitation, Notice.overdue, Notice.publication, Notice.people, Notice.confirmation,
                ReportDocuments.elsewhere, FundClaim.paidNotice,
                FundClaim.recoveryNotice,
            ],
            acts: [
                "complaint.code-renewed": Text("更换查询码", "Tracking code renewed"), "fund.opened": Text("设立资金", "Fund set up"), "fund.closed": Text("停用资金", "Fund closed"),
                "fund.asked": Text("申请动用资金", "Money of a fund asked for"), "fund.granted": Text("复核同意", "Granted by a second person"),
                "fund.dropped": Text("不办理资金申请", "Not carried out"),
                "quality.draw": Text("随机抽取", "Drawn at random"), "quality.drawn": Text("抽中回访或抽查", "Drawn for a check"),
                "national.reconciled": Text("全国平台对账", "Reconciled with the national platform"),
                "efficacy.frozen": Text("固定月度效能数据", "A month's efficacy frozen"),
                "warning.drafted": Text("起草消费警示", "Warning drafted"), "warning.issued": Text("发布消费警示", "Warning issued"), "warning.dropped": Text("撤下消费警示", "Warning dropped"),
                "station.saved": Text("登记服务站", "Station saved"), "odr.applied": Text("企业申请ODR", "ODR applied for"), "odr.admit": Text("发展ODR企业", "ODR enterprise admitted"),
                "odr.refuse": Text("不同意ODR申请", "ODR refused"), "odr.suspend": Text("暂停ODR企业", "ODR suspended"), "odr.leave": Text("ODR企业退出", "ODR enterprise left"),
                "merchant.code": Text("生成商家查询码", "Merchant's code made"), "merchant.chain": Text("变更连锁门店", "Chain changed"),
            ].merging(FundLedger.Kind.allCases.map { ("fund.\($0.rawValue)", $0.title) }) { a, _ in a }.merging(Publishing.acts) { a, _ in a },
            sealed: [
                SealedTable("disputes_complaints", key: "matter"), SealedTable("disputes_complainants", key: "matter"), SealedTable("disputes_claims"),
                SealedTable("disputes_positions"), SealedTable("disputes_reports", key: "matter"), SealedTable("disputes_reporters", key: "matter"),
                SealedTable("disputes_messages"), SealedTable("disputes_funds"), SealedTable("disputes_postings"), SealedTable("disputes_entries"),
                SealedTable("disputes_fund_orders"),
                SealedTable("disputes_agreements", key: "matter"), SealedTable("disputes_signatures"), SealedTable("disputes_checks"),
                SealedTable("disputes_fund_claims", key: "matter"), SealedTable("disputes_invitations", key: "matter"), SealedTable("disputes_offers"),
                SealedTable("disputes_stations"), SealedTable("disputes_places", key: "station"), SealedTable("disputes_warnings"), SealedTable("disputes_routes", key: "matter"),
                SealedTable("disputes_ratings", key: "matter"),
                SealedTable("disputes_efficacy"),
                SealedTable("disputes_people", key: "matter"), SealedTable("disputes_priors", key: "matter"),
                SealedTable("disputes_odr", key: "operator"),
                SealedTable("disputes_publications", key: "matter"), SealedTable("disputes_promises", key: "matter"), SealedTable("disputes_merchants", key: "operator"),
            ],
            files: Draft.files, imports: [ComplaintImport.kind, Reconciliation.kind, Stations.kind],
            settings: [Prior.stationDays] + PublicationRules.settings + Signal.Bounds.settings + Efficacy.weights,
            appointments: { account, desk, tx in try SessionPages.appointments(of: account, desk, tx) })
    }
}
