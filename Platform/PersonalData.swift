import Kernel
import Store

/// A piece of personal data (个人信息): it prints masked wherever it goes; the whole of it comes out through `Reveal` alone.
///
/// Law: 个人信息保护法 art. 34, 51; O121 art. 37, 39.
package struct Protected: Sendable, CustomStringConvertible {
    private let value: String
    private let mask: @Sendable (String) -> String
    package init(_ value: String, _ mask: @escaping @Sendable (String) -> String) {
        self.value = value
        self.mask = mask
    }
    /// Stands where a file had nothing: there is nothing to mask.
    package static let missing = "（未提供）"
    package var description: String { value == Protected.missing ? value : mask(value) }
    /// Only with a receipt that the look was written down.
    package func whole(_ receipt: Reveal) -> String { value }

    /// 张三丰 → 张**; 欧阳 → 欧*.
    package static func name(_ s: String) -> Protected { Protected(s) { v in String(v.prefix(1)) + String(repeating: "*", count: max(1, min(2, v.count - 1))) } }
    /// 13812345678 → 138****5678.
    package static func phone(_ s: String) -> Protected { Protected(s) { v in v.count < 7 ? "****" : String(v.prefix(3)) + "****" + String(v.suffix(v.count < 9 ? 2 : 4)) } }
    /// The place down to the district or road, then stars.
    package static func address(_ s: String) -> Protected { Protected(s) { v in String(v.prefix(min(6, v.count / 2))) + "****" } }
    package static func number(_ s: String) -> Protected { Protected(s) { v in v.count < 8 ? "****" : String(v.prefix(3)) + "***********" + String(v.suffix(2)) } }
}

/// The proof that a look at protected data was written into the ledger, with who and why.
package struct Reveal: Sendable {
    private init() {}

    /// - Errors: no permission, or no purpose given.
    package static func log(_ thing: Reference, purpose: String, by account: Account, _ permissions: PermissionTable, at now: Moment, _ tx: Transaction) throws -> Reveal {
        guard permissions.allows(account.roles, "personal.reveal") else { throw Refusal.forbidden("personal.reveal") }
        guard !purpose.trimmedBlank.isEmpty else { throw Refusal.invalid("/purpose", Text("请填写查看用途", "Say for what purpose you look")) }
        try tx.audit("personal.revealed", of: thing, by: account.mark, at: now, details: [("purpose", .string(String(purpose.prefix(200))))])
        return Reveal()
    }
    /// What the purposes of a look are called, in the ledger.
    static let purposes: [String: Text] = [
        "contact": Text("联系当事人", "to contact them"), "verify": Text("核验身份或登记信息", "to verify"), "serve": Text("送达文书", "to serve a document"),
        "repeat": Text("核查重复投诉", "to check for repeats"), "attachment": Text("打开附件", "an attachment was opened"), "document": Text("打开文书", "a document was opened"),
        "registration form": Text("打印投诉登记表", "the registration form was printed"),
    ]

    /// For the filer's own view and for documents that the law addresses to both parties: no look by staff happens.
    package static let bySubject = Reveal()
}

extension String {
    fileprivate var trimmedBlank: String { filter { !$0.isWhitespace } }
}

/// What ought not to leave the office (个人信息): telephone numbers, identity numbers, bank cards.
package enum PersonalData {
    /// - Parameter line: one line of a text; spaces and hyphens between figures do not hide them.
    package static func isIn(_ line: String) -> Bool {
        let figures = line.filter { !$0.isWhitespace && $0 != "-" }
        let runs = figures.split { !$0.isASCII || !($0.isNumber || $0 == "X" || $0 == "x") }
        return runs.contains { run in
            (run.count == 11 && run.first == "1" && run.allSatisfy(\.isNumber)) || (run.count == 18 && run.dropLast().allSatisfy(\.isNumber))
                || ((16...19).contains(run.count) && run.allSatisfy(\.isNumber))
        }
    }
    /// The first line of a text that holds any, beside what may stand there.
    package static func line(of text: String, but allowed: [String] = []) -> (number: Int, text: String)? {
        for (i, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if isIn(allowed.reduce(String(line)) { $0.replacing($1, with: " ") }) { return (i + 1, String(line)) }
        }
        return nil
    }
}
