import Kernel
import Platform
import Store
import Web

/// What Disputes knows of an operator (经营主体页·投诉).
enum OperatorComplaints {
    static let panel = OperatorPanel { id, visit, tx in
        let rows = try tx.all("SELECT * FROM casework_matters WHERE operator = \(id) AND kind = \(ComplaintMoves.kind) ORDER BY id DESC LIMIT 30").map(Matter.init).filter {
            visit.maySee($0)
        }.prefix(10)
        let sums = try tx.one(
            """
            SELECT count(*) AS total, COALESCE(sum(open), 0) AS open, COALESCE(sum(CASE WHEN outcome = 'agreed' THEN 1 ELSE 0 END), 0) AS agreed,
            COALESCE(sum(CASE WHEN outcome = 'ended' THEN 1 ELSE 0 END), 0) AS ended FROM casework_matters WHERE operator = \(id) AND kind = \(ComplaintMoves.kind)
            """)
        let (total, open, agreed, ended) = (sums?.count("total") ?? 0, sums?.count("open") ?? 0, sums?.count("agreed") ?? 0, sums?.count("ended") ?? 0)
        return { h in
            h.card(Text("消费投诉", "Complaints")) {
                h.div("figures") {
                    for (name, n) in [
                        (Text("累计", "In all"), "\(total)"), (Text("在办", "Open"), "\(open)"), (Text("调解成功", "Agreed"), "\(agreed)"),
                        (Text("成功率", "Success"), agreed + ended == 0 ? "—" : "\(agreed * 100 / (agreed + ended))%"),
                    ] {
                        h.div("figure") {
                            h.span("figure-n", n)
                            h.span("figure-t", name)
                        }
                    }
                }
                if rows.isEmpty { h.p("text-muted mb-0", Text("没有投诉记录", "No complaints")) }
                h.ul("plain") {
                    for m in rows {
                        h.li {
                            if visit.maySee(m) { h.a("/disputes/\(m.id)", nil, m.number) } else { h.text(m.number) }
                            h.text(" \(m.title) ")
                            let state = ComplaintMoves.table.state(m.state)
                            h.badge(state.title, state.tone)
                        }
                    }
                }
            }
        }
    }
}
