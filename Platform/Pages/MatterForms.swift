import Kernel
import Statute
import Store
import Web

/// What the pages of matters have in common (事项页面的骨架): the head, the moves that can be made now, a page that enters a new one.
extension Visit {
    /// - Parameters:
    ///   - home: the list that it stands in.
    ///   - more: beside the state.
    package func matterHead(_ h: HTML, _ file: MatterFile, _ matter: Matter, of table: MoveTable, home: String, _ homeTitle: Text? = nil, more: () -> Void = {}) {
        let state = table.state(matter.state)
        h.div("page-head matter-head") {
            h.div {
                h.p("crumbs") {
                    h.a(home, nil, homeTitle ?? table.title)
                    h.text(" / \(matter.number)")
                }
                h.h1(matter.title)
                h.p("mb-0") {
                    h.badge(state.title, state.tone)
                    more()
                }
            }
            h.div("head-due") { headDue(h, file, matter: matter) }
        }
    }

    /// What can be done now (可以办理): each move with its article and its own fields.
    /// - Parameters:
    ///   - path: of the matter; a move is sent to `path/moves/NAME`.
    ///   - final: moves that are asked about once more.
    ///   - leading: moves that lead on; where they are few the first of them is open. nil: any.
    ///   - failed: the move that was refused, with what was sent.
    package func actions(
        _ h: HTML, _ moves: [Move], at path: String, under regime: String, final: Set<String> = [], leading: [String]? = nil, multipart: Bool = false, failed: String?,
        _ refusal: Refusal?, _ sent: Form?, fields: (Move, HTML.Errors) -> Void
    ) {
        guard !moves.isEmpty else { return }
        h.card(Text("可以办理", "What can be done now"), "actions") {
            for (i, move) in moves.enumerated() {
                let isThis = failed == move.name, isFinal = final.contains(move.name)
                h.element(
                    "details", "action action-\(move.name)", [.init("open", if: isThis || (failed == nil && i == 0 && moves.count < 4 && leading?.contains(move.name) != false))]
                ) {
                    h.element("summary") {
                        h.span("action-name", move.title)
                        if let article = move.article(under: regime) { h.span("action-law", desk.law.register.cite(article)) }
                    }
                    form(h, "\(path)/moves/\(move.name)", "action-form", multipart: multipart) {
                        h.part(move.name, keeping: isThis ? sent : nil) { fields(move, isThis ? HTML.Errors(refusal) : HTML.Errors()) }
                        h.button(
                            move.title, isFinal ? "btn btn-danger" : "btn btn-primary",
                            attributes: isFinal ? [h.confirming(Text("确定“\(move.title.zh)”？办理后不能撤销。", "\(move.title.en)? This cannot be undone."))] : [])
                    }
                }
            }
        }
    }

    /// A page with one form: what is wrong on top, what was sent kept, one button.
    package func formPage(
        _ title: Text, at path: String, active: String, _ button: Text, multipart: Bool = false, _ refusal: Refusal?, _ sent: Form?, above: (HTML) -> Void = { _ in },
        _ fields: (HTML, HTML.Errors) -> Void
    ) -> Answer {
        page(title, status: refusal?.kind.status ?? 200, active: active) { h in
            h.div("narrow") {
                h.h1(title)
                above(h)
                h.errorSummary(refusal)
                form(h, path, "card card-body", multipart: multipart) {
                    h.part("", keeping: sent) { fields(h, HTML.Errors(refusal)) }
                    h.button(button)
                }
            }
        }
    }
}
