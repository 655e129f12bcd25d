import Formats
import Kernel
import Logging
import Store
import Web

/// Who may come through a door (入口): checked before the handler runs, and again by the rule itself.
package enum Door: Sendable, Equatable {
    case anyone
    case signedIn
    case permitted(Permission)
}

/// One address of the program: method, path, door, handler. Each domain lists its own.
package struct Route: Sendable {
    package enum Style: Sendable { case page, api }
    package let method: Method
    package let path: String
    package let door: Door
    package let style: Style
    /// Bytes that the body may have.
    package let cap: Int
    package let handle: @Sendable (Visit) async throws -> Answer

    package init(_ method: Method, _ path: String, _ door: Door, style: Style = .page, cap: Int = 1 << 20, _ handle: @escaping @Sendable (Visit) async throws -> Answer) {
        self.method = method
        self.path = path
        self.door = door
        self.style = style
        self.cap = cap
        self.handle = handle
    }
}

/// A domain as App composes it (业务模块).
package struct Domain: Sendable {
    package let name: String
    package let migrations: [Migration]
    package let grants: [Grant]
    package let routes: @Sendable (Desk) -> [Route]
    package let jobs: [JobKind]
    /// Menu entries of the staff desk: path, title, permission.
    package let menu: [(path: String, title: Text, permission: Permission)]
    /// What the domain knows of an operator, for the operator's page.
    package let operatorPanels: [OperatorPanel]
    package let overviewPanels: [OverviewPanel]
    /// Shows a matter of a kind: its path.
    package let matterKinds: [MatterKind]
    /// Forms of documents whose templates the office may edit.
    package let forms: [DocumentForm]
    /// Titles of what is told without a document.
    let notices: [Text]
    /// What the domain's acts are called in the ledger, where they are no moves.
    let acts: [String: Text]
    /// Tables of the domain of which every row is sealed in the ledger.
    let sealed: [SealedTable]
    /// Hashes of the files that the domain's own rows refer to, beside attachments.
    package let files: @Sendable (Transaction) throws -> Set<String>
    /// Kinds of files that the domain takes in.
    package let imports: [ImportKind]
    /// What a worker does now and then, about every half minute: looking into a folder.
    let tick: (@Sendable (Desk) async throws -> Void)?
    /// What stands beside a matter's files: where the domain keeps what belongs to it.
    let matterLinks: [MatterLink]
    /// Numbers that the office sets for itself.
    let settings: [NumberSetting]
    /// What an officer has in the calendar beside what lapses.
    let appointments: (@Sendable (Account, Desk, Transaction) throws -> [ICalendar.Event])?

    package init(
        name: String, migrations: [Migration], grants: [Grant], routes: @escaping @Sendable (Desk) -> [Route], jobs: [JobKind] = [],
        menu: [(path: String, title: Text, permission: Permission)] = [], operatorPanels: [OperatorPanel] = [], overviewPanels: [OverviewPanel] = [],
        matterKinds: [MatterKind] = [],
        forms: [DocumentForm] = [], notices: [Text] = [], acts: [String: Text] = [:],
        sealed: [SealedTable] = [], files: @escaping @Sendable (Transaction) throws -> Set<String> = { _ in [] }, imports: [ImportKind] = [],
        tick: (@Sendable (Desk) async throws -> Void)? = nil, matterLinks: [MatterLink] = [], settings: [NumberSetting] = [],
        appointments: (@Sendable (Account, Desk, Transaction) throws -> [ICalendar.Event])? = nil
    ) {
        self.appointments = appointments
        self.settings = settings
        self.matterLinks = matterLinks
        self.name = name
        self.migrations = migrations
        self.grants = grants
        self.routes = routes
        self.jobs = jobs
        self.menu = menu
        self.operatorPanels = operatorPanels
        self.overviewPanels = overviewPanels
        self.matterKinds = matterKinds
        self.forms = forms
        self.notices = notices
        self.acts = acts
        self.sealed = sealed
        self.files = files
        self.imports = imports
        self.tick = tick
    }
}

/// How matters of a kind are shown in the shared queue.
package struct MatterKind: Sendable {
    package let table: MoveTable
    /// Who may see matters of this kind at all, in lists and alone.
    package let permission: Permission
    /// Who may open its documents: those who may look at personal data, unless the papers of the kind are working papers of others too.
    package let papers: Permission
    package let path: @Sendable (Matter) -> String
    /// The phone of one whom a notice of such a matter names (`complainant`, `respondent`), for a gateway that an administrator trusted with it.
    package let contact: @Sendable (ID<Matter>, String, Transaction) throws -> String?
    /// What the matter is suspected to be, by the key of a violation (`M05`), where its domain knows.
    package let violation: @Sendable (ID<Matter>, Transaction) throws -> String?
    /// Throws why this person may not extend a period of the matter by the general door. nil: nobody does, a move of its own is needed.
    package let extending: (@Sendable (Matter, Account, Transaction) throws -> Void)?
    /// Makes a move of the kind by API, under its own rules, and says what else the caller must be told. nil: it has a door of its own.
    package let act: Acting?
    /// What may be done now, where that is narrower than the table says.
    package let offers: (@Sendable (Matter, Actor, Desk, Transaction) throws -> [Move])?
    package typealias Acting = @Sendable (String, Matter, Form, Actor, Moment, Desk, Transaction) throws -> [(String, JSON)]
    package init(
        table: MoveTable, permission: Permission = "casework.see", papers: Permission = "personal.reveal",
        contact: @escaping @Sendable (ID<Matter>, String, Transaction) throws -> String? = { _, _, _ in nil },
        violation: @escaping @Sendable (ID<Matter>, Transaction) throws -> String? = { _, _ in nil },
        extending: (@Sendable (Matter, Account, Transaction) throws -> Void)? = { _, _, _ in }, act: Acting? = nil,
        offers: (@Sendable (Matter, Actor, Desk, Transaction) throws -> [Move])? = nil,
        path: @escaping @Sendable (Matter) -> String
    ) {
        self.contact = contact
        self.violation = violation
        self.extending = extending
        self.act = act
        self.offers = offers
        self.table = table
        self.permission = permission
        self.papers = papers
        self.path = path
    }
}

/// Where a domain keeps what belongs to a matter.
package struct MatterLink: Sendable {
    package let title: Text
    package let permission: Permission
    package let path: @Sendable (Matter) -> String
    package init(_ title: Text, _ permission: Permission, _ path: @escaping @Sendable (Matter) -> String) { (self.title, self.permission, self.path) = (title, permission, path) }
}

/// A part of the operator's page that a domain adds.
package struct OperatorPanel: Sendable {
    package let write: @Sendable (ID<Operator>, Visit, Transaction) throws -> @Sendable (HTML) -> Void
    package init(_ write: @escaping @Sendable (ID<Operator>, Visit, Transaction) throws -> @Sendable (HTML) -> Void) { self.write = write }
}

/// A part of the director's first page that a domain adds (全局页·业务板块); each figure opens its list.
package struct OverviewPanel: Sendable {
    package let write: @Sendable (Visit, Transaction) throws -> @Sendable (HTML) -> Void
    package init(_ write: @escaping @Sendable (Visit, Transaction) throws -> @Sendable (HTML) -> Void) { self.write = write }
}

/// One request at the desk (来访): the exchange, who it is, what the page around it needs.
package struct Visit: Sendable {
    package let desk: Desk
    package var exchange: Exchange
    package let account: Account?
    package let sessionToken: String?
    /// A random mark of this browser, for form tokens before anybody signs in.
    package let visitor: String
    package let house: House

    package init(desk: Desk, exchange: Exchange, account: Account?, sessionToken: String?, visitor: String, house: House) {
        self.desk = desk
        self.exchange = exchange
        self.account = account
        self.sessionToken = sessionToken
        self.visitor = visitor
        self.house = house
    }

    package var language: Language { exchange.language }
    package func may(_ permission: Permission) -> Bool { account.map { desk.permissions.allows($0.roles, permission) } ?? false }

    @discardableResult
    package func require(_ permission: Permission) throws(Refusal) -> Account {
        guard let account else { throw .unauthenticated }
        guard desk.permissions.allows(account.roles, permission) else { throw .forbidden(permission) }
        return account
    }
    /// Where an account begins its day: the queue, or what else it may see.
    package static func home(_ account: Account, _ permissions: PermissionTable) -> String {
        permissions.allows(account.roles, "casework.see") ? "/desk" : permissions.allows(account.roles, "accounts.change") ? "/admin" : "/operators"
    }
    package func signedIn() throws(Refusal) -> Account {
        guard let account else { throw .unauthenticated }
        return account
    }
    /// Staff see the matters of their region and below, and those given to them, of the kinds that their roles may see.
    package func maySee(_ matter: Matter) -> Bool {
        guard let account, desk.permissions.allows(account.roles, "casework.see") else { return false }
        guard house.kinds[matter.kind].map({ desk.permissions.allows(account.roles, $0.permission) }) ?? true else { return false }
        return account.covers(matter.region) || matter.assignee == account.id
    }

    /// A division's name in the visitor's language.
    package func region(_ code: String) -> String {
        code == desk.configuration.cityRegion ? desk.configuration.cityName[language] : desk.regions.name(code, in: language)
    }
    /// The token that every form of this visitor carries: bound to the browser and to the session.
    package var formToken: String {
        Crypto.hex(Crypto.hmacSHA256(key: desk.keys.secret, Array("form|\(visitor)|\(sessionToken ?? "")".utf8)).prefix(16))
    }
    package func checkForm(_ form: Form) throws(Refusal) {
        guard let sent = form["form_token"], Crypto.equal(Array(sent.utf8), Array(formToken.utf8)) else {
            throw Refusal(.forbidden, Text("页面已过期，请刷新后重新提交（您填写的内容未丢失，可用浏览器返回）", "This page has expired: reload it and send again (go back to find what you typed)"))
        }
    }
    /// A value that only we can have made: `purpose|value` with its mark.
    package func seal(_ purpose: String, _ value: String) -> String { Crypto.hex(Crypto.hmacSHA256(key: desk.keys.secret, Array("\(purpose)|\(value)".utf8)).prefix(16)) }
}

/// What all pages share: the domains' menus and kinds.
package struct House: Sendable {
    package let menu: [(path: String, title: Text, permission: Permission)]
    package let kinds: [String: MatterKind]
    package let panels: [OperatorPanel]
    package let overviews: [OverviewPanel]
    package let matterLinks: [MatterLink]
    package let assets: Assets
    package let forms: [DocumentForm]
    /// Titles of documents and notices are kept as they went out, in Chinese; this is what they are called in both languages.
    private let titles: [String: Text]
    private let acts: [String: Text]
    private let imports: [String]
    package let sealed: [SealedTable]
    package let settings: [NumberSetting]
    let appointments: [@Sendable (Account, Desk, Transaction) throws -> [ICalendar.Event]]
    private let files: [@Sendable (Transaction) throws -> Set<String>]
    /// Every file that something refers to for good.
    package func files(_ tx: Transaction) throws -> Set<String> { try files.reduce(into: Attachments.hashes(tx)) { $0.formUnion(try $1(tx)) } }
    package init(domains: [Domain], assets: Assets) {
        menu = domains.flatMap(\.menu)
        kinds = Dictionary(domains.flatMap(\.matterKinds).map { ($0.table.kind, $0) }) { a, _ in a }
        panels = domains.flatMap(\.operatorPanels)
        overviews = domains.flatMap(\.overviewPanels)
        matterLinks = domains.flatMap(\.matterLinks)
        self.assets = assets
        forms = domains.flatMap(\.forms)
        titles = Dictionary((forms.map(\.title) + domains.flatMap(\.notices)).map { ($0.zh, $0) }) { a, _ in a }
        acts = domains.reduce(Ledger.acts) { $0.merging($1.acts) { _, new in new } }
        files = domains.map(\.files)
        imports = ["operators"] + domains.flatMap(\.imports).map(\.format.kind)
        sealed = SealedTable.platform + domains.flatMap(\.sealed)
        settings = [Reminders.days] + domains.flatMap(\.settings)
        appointments = domains.compactMap(\.appointments)
    }
    /// What an act in the ledger is called: the moves of the tables, and what the house itself does.
    package func act(_ name: String) -> Text {
        if let known = acts[name] { return known }
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return Text(verbatim: name) }
        if parts[0] == "import" { return Text("导入文件（\(parts[1])）", "A file was imported (\(parts[1]))") }
        guard let table = kinds[parts[0]]?.table else { return Text(verbatim: name) }
        if parts[1] == "receive" { return Text("\(table.opening.zh)（\(table.title.zh)）", "\(table.title.en): \(table.opening.en)") }
        return table.moves.first { $0.name == parts[1] }?.title ?? Text(verbatim: name)
    }
    /// All acts that the ledger may hold, by title, for a list to choose from.
    var allActs: [(name: String, title: Text)] {
        let imports = imports.map { "import.\($0)" }
        let moves = kinds.values.flatMap { kind in (["receive"] + kind.table.moves.map(\.name)).map { "\(kind.table.kind).\($0)" } }
        return (acts.keys + imports + moves).sorted().map { ($0, act($0)) }
    }
    /// Kinds of matters that somebody may not see.
    package func hidden(from account: Account, _ permissions: PermissionTable) -> [String] {
        kinds.values.filter { !permissions.allows(account.roles, $0.permission) }.map(\.table.kind).sorted()
    }
    package func title(_ kept: String) -> Text { titles[kept] ?? Text(verbatim: kept) }
    package func path(_ matter: Matter) -> String { kinds[matter.kind]?.path(matter) ?? "/" }
}
