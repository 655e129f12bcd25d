import Kernel

/// Who makes a move (行为人).
package enum Actor: Sendable, Equatable {
    case staff(Account)
    /// The person who filed it, known by number and code.
    case filer
    /// The business on the other side, by a code of its own.
    case respondent
    case system

    package static func == (a: Actor, b: Actor) -> Bool { a.mark == b.mark }
    package var mark: String {
        switch self {
        case .staff(let account): account.mark
        case .filer: "filer"
        case .respondent: "respondent"
        case .system: "system"
        }
    }
    package var account: Account? { if case .staff(let account) = self { account } else { nil } }
}

/// An edge of the table of allowed moves (流转): from where to where, by whom, under which article, which clocks it
/// starts, stops, pauses.
package struct Move: Sendable {
    package enum By: Sendable, Equatable {
        case staff(Permission)
        case filer
        case respondent
        case system
    }
    package enum Pause: Sendable { case begins(String), ends(String) }

    package let name: String
    package let title: Text
    package let from: Set<String>
    /// nil: the state stays.
    package let to: String?
    package let by: [By]
    /// The article by regime.
    package let articles: [String: String]
    package let starts: [String]
    package let stops: [String]
    /// Periods of another (the party's, a term that is waited for) which this move ends: met in time, else no longer counted, since nobody here was late.
    package let awaits: [String]
    package let pause: Pause?

    package init(
        _ name: String, _ title: Text, from: Set<String>, to: String?, by: [By], articles: [String: String], starts: [String] = [], stops: [String] = [], awaits: [String] = [],
        pause: Pause? = nil
    ) {
        self.name = name
        self.title = title
        self.from = from
        self.to = to
        self.by = by
        self.articles = articles
        self.starts = starts
        self.stops = stops
        self.awaits = awaits
        self.pause = pause
    }

    package func article(under regime: String) -> Article? { articles[regime].map { Article(law: regime, article: $0) } }
}

/// A state of a kind of matter (状态): what it is called, whether anything is still to be done, how it is coloured.
package struct State: Sendable {
    package let name: String
    package let title: Text
    /// What the person who filed it reads.
    package let outside: Text
    package let open: Bool
    package let tone: String
    package init(_ name: String, _ title: Text, outside: Text, open: Bool, tone: String) {
        self.name = name
        self.title = title
        self.outside = outside
        self.open = open
        self.tone = tone
    }
    /// Called the same inside and outside.
    package init(_ name: String, _ zh: String, _ en: String, _ open: Bool, _ tone: String) {
        self.init(name, Text(zh, en), outside: Text(zh, en), open: open, tone: tone)
    }
}

/// The table of allowed moves of one kind of matter (流转表). What it does not have cannot be done, by page, API or job.
package struct MoveTable: Sendable {
    package let kind: String
    package let title: Text
    package let states: [State]
    package let moves: [Move]
    /// Who stands outside and may act by a code: the complainant, a shop, whoever got a letter.
    package let filer: Text
    /// What the first line of a matter's history is called.
    package let opening: Text
    /// Duties that do not end with the matter: it stays in the queue until they are done.
    package let outliving: Set<String>
    /// Lines of the history that are no moves: what they are called.
    package let remarks: [String: Text]
    /// What the outcomes are called in lists and exports.
    package let outcomes: [String: Text]
    /// How a detail of a move reads in the history: its title and its value in words; nil where it is not shown.
    package let detail: @Sendable (_ key: String, _ value: String, _ regime: String) -> (title: Text, value: Text)?
    package init(
        kind: String, title: Text, states: [State], moves: [Move], filer: Text = Text("投诉人", "The complainant"),
        opening: Text = Text("收到并登记", "Received and registered"), outliving: Set<String> = [], remarks: [String: Text] = [:], outcomes: [String: Text] = [:],
        detail: @escaping @Sendable (_ key: String, _ value: String, _ regime: String) -> (title: Text, value: Text)? = { _, _, _ in nil }
    ) {
        self.kind = kind
        self.title = title
        self.states = states
        self.moves = moves
        self.filer = filer
        self.opening = opening
        self.outliving = outliving
        self.remarks = remarks
        self.outcomes = outcomes
        self.detail = detail
    }

    package func state(_ name: String) -> State { states.first { $0.name == name } ?? State(name, Text(verbatim: name), outside: Text(verbatim: name), open: true, tone: "grey") }

    /// The moves that this actor may make now.
    package func available(_ matter: Matter, to actor: Actor, _ permissions: PermissionTable) -> [Move] {
        moves.filter { $0.from.contains(matter.state) && MoveTable.allows($0, actor, permissions) }
    }

    /// Whether somebody may carry on a matter in this state: make a move that leads it on, or starts or ends a period. Others are not given it.
    package func concerns(_ account: Account, in state: String, _ permissions: PermissionTable) -> Bool {
        moves.contains { move in
            move.from.contains(state) && (move.to != nil || !move.starts.isEmpty || !move.stops.isEmpty) && MoveTable.allows(move, .staff(account), permissions)
        }
    }

    /// What is said when a move was made.
    package func done(_ move: String) -> Text { Text("已办理：\(title(of: move).zh)", "Done: \(title(of: move).en)") }

    /// What a line of the history is called: a move of the table, or what every matter has beside.
    package func title(of line: String) -> Text {
        switch line {
        case "receive": opening
        case "assign": Text("分派承办人", "Assigned")
        case "extend": Text("批准延长期限", "Period extended")
        case "answered": Text("对方答复", "Answered")
        case "joined": Text("又有命中，已并入并补充告知", "One more hit, joined: the shop is told of it")
        case "new-code": Text("重新生成查询链接", "New link made")
        default: moves.first { $0.name == line }?.title ?? remarks[line] ?? Text(verbatim: line)
        }
    }

    /// A state in which this duty's count stands still.
    func pauses(_ duty: String, in state: String) -> Bool {
        moves.contains { move in if case .begins(duty) = move.pause { move.to == state } else { false } }
    }

    static func allows(_ move: Move, _ actor: Actor, _ permissions: PermissionTable) -> Bool {
        move.by.contains { by in
            switch (by, actor) {
            case (.staff(let permission), .staff(let account)): permissions.allows(account.roles, permission)
            case (.filer, .filer), (.respondent, .respondent), (.system, .system): true
            default: false
            }
        }
    }

    /// - Errors: `notFound` for a move that the table does not have at all, `conflict` from this state, `forbidden` for this actor.
    package func check(_ name: String, on matter: Matter, by actor: Actor, _ permissions: PermissionTable) throws(Refusal) -> Move {
        guard let move = moves.first(where: { $0.name == name }) else {
            throw Refusal(.conflict, Text("没有“\(name)”这一步骤", "There is no move “\(name)”"))
        }
        guard MoveTable.allows(move, actor, permissions) else {
            throw Refusal(.forbidden, Text("您的岗位不能“\(move.title.zh)”", "Your role may not do this: \(move.title.en)"), article: move.article(under: matter.regime))
        }
        guard move.from.contains(matter.state) else {
            let now = state(matter.state).title
            throw Refusal(
                .conflict, Text("当前状态为“\(now.zh)”，不能“\(move.title.zh)”", "It is “\(now.en)” now: “\(move.title.en)” is not possible"), article: move.article(under: matter.regime))
        }
        return move
    }
}
