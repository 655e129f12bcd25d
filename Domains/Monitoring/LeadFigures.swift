import Kernel
import Platform
import Store
import Web

/// What monitoring comes to, on the director's page (全局页·网络交易监测): a year's leads and what became of them, models in force.
///
/// Cost: four statements, one of them a pass over the year's leads.
enum LeadFigures {
    static let panel = OverviewPanel { visit, tx in
        guard visit.may("insights.see"), let account = visit.account else { return { _ in } }
        let (now, city) = (visit.desk.now, visit.desk.configuration.cityRegion)
        let scope: SQL = account.region.isEmpty || account.region == city ? "1 = 1" : "m.region >= \(account.region) AND m.region < \(account.region + "~")"
        let rows = try tx.all(
            """
            SELECT COALESCE(m.outcome, '') AS outcome, COALESCE(l.verdict, '') AS verdict, count(*) AS n FROM monitoring_leads l JOIN casework_matters m ON m.id = l.matter
            WHERE m.received_at > \(now.adding(seconds: -365 * 86_400)) AND \(scope) GROUP BY 1, 2
            """)
        func count(_ column: String, _ values: Set<String>) -> Int { rows.filter { values.contains($0.string(column)) }.reduce(0) { $0 + $1.count("n") } }
        let all = rows.reduce(0) { $0 + $1.count("n") }
        let proposed = count("outcome", ["proposed"])
        let (right, wrong) = (count("verdict", ["right"]), count("verdict", ["wrong"]))
        let put = count("outcome", ["rectified", "guided"])
        let settled = put + count("outcome", ["proposed", "not-found", "transferred"])
        let waiting = try tx.count("SELECT count(*) AS n FROM casework_matters m WHERE m.kind = \(LeadMoves.kind) AND m.state = \(LeadMoves.detected) AND \(scope)")
        let hits = try tx.count("SELECT count(*) AS n FROM monitoring_hits WHERE at > \(now.adding(seconds: -30 * 86_400)) AND shadow = 0")
        let models = try tx.all("SELECT DISTINCT model FROM monitoring_editions").count
        let active = try tx.all("SELECT DISTINCT model FROM monitoring_editions WHERE state = 'active'").count
        guard models > 0 else { return { _ in } }
        return { h in
            h.card(Text("网络交易监测", "Monitoring of online trade")) {
                h.div("tiles mb-0") {
                    h.figure(Text("待初筛", "To be screened"), "\(waiting)", "blue", "/monitoring", Text("尚未初筛的线索", "Leads that nobody has screened"))
                    h.figure(Text("近一年线索", "Leads in a year"), "\(all)", "grey", "/desk?kind=lead&received=year", Text("近365天发现的线索", "Found in the last 365 days"))
                    h.figure(
                        Text("确认率", "Confirmed"), HTML.percent(right, right + wrong), "teal", "/desk?kind=lead&outcome=dismissed",
                        Text("近一年：确认÷（确认＋排除）；点开为被排除的", "In a year: confirmed ÷ (confirmed + dismissed); opens those dismissed"))
                    h.figure(
                        Text("整改率", "Corrected"), HTML.percent(put, settled), "green", "/desk?kind=lead&outcome=rectified,guided",
                        Text("近一年：已整改和已指导÷有结果的线索", "In a year: corrected or guided ÷ leads with a result"))
                    h.figure(
                        Text("建议立案", "Cases proposed"), "\(proposed)", "red", "/desk?kind=lead&outcome=proposed",
                        Text("近一年核查后建议立案的线索", "Leads of a year for which a case was proposed"))
                    h.figure(
                        Text("在用模型", "Models in force"), "\(active)/\(models)", "violet", "/monitoring/models",
                        Text("近30天命中\(hits)次；点开为各模型的命中、精度和趋势", "\(hits) hits in 30 days; opens hits, precision and trend of each"))
                }
            }
        }
    }
}
