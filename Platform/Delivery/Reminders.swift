import Formats
import Foundation
import Kernel
import Statute
import Store
import Web

/// What lapses, told before it does (临期提醒): by mail on the morning of each working day, and in the officer's own calendar.
enum Reminders {
    static let days = NumberSetting("reminders.workdays", Text("临期提醒：提前的工作日", "Reminders: working days before a period ends"), 3, 1...20)
    private static let mark = "reminders.last"

    /// Once a working day, from eight o'clock, whichever process comes first.
    static func look(_ desk: Desk) async throws {
        let now = desk.now
        let today = now.day
        guard desk.mailServer != nil, now >= Moment(today, hour: 8), desk.calendar.value.isWorking(today) else { return }
        try await desk.store.write { tx in
            guard try Upkeep.isFirst(mark, on: today, tx) else { return }
            let until = try desk.calendar.value.adding(workdays: days.value(tx), to: today)
            let rows = try tx.all(
                """
                SELECT a.email, m.assignee, m.number, m.title, m.next_due FROM platform_addresses a JOIN platform_accounts p ON p.id = a.account AND p.active = 1
                JOIN casework_matters m ON m.assignee = a.account WHERE a.email IS NOT NULL AND m.open = 1 AND m.next_due <= \(until) ORDER BY m.assignee, m.next_due, m.id
                """)
            for (account, matters) in Dictionary(grouping: rows, by: { $0.int("assignee") }).sorted(by: { $0.key < $1.key }) {
                let late = matters.count { $0.day("next_due") < today }
                let lines = matters.prefix(60).map { row in
                    let due = row.day("next_due")
                    return "\(due)\(due < today ? "（已逾期）" : due == today ? "（今天）" : "")  \(row.string("number"))  \(row.string("title"))"
                }
                let more = matters.count > 60 ? "\n另有\(matters.count - 60)件，请登录查看。" : ""
                let subject = "\(matters.count)件事项临期\(late > 0 ? "，其中\(late)件已逾期" : "")（\(today)）"
                try Outbox.mail(
                    matters[0].string("email"),
                    .init(
                        subject: subject,
                        text:
                            "以下事项的期限在\(until)前届满：\n\n\(lines.joined(separator: "\n"))\(more)\n\n请登录系统办理。本邮件由系统发出，请勿回复。\n\n\(matters.count) matters lapse by \(until); \(late) of them are late."
                    ),
                    event: "reminder-\(today)-\(account)", subject: "", desk: desk, at: now, tx)
            }
        }
    }

    // MARK: The officer's calendar

    /// Makes the link of an account's calendar; the one before ends (日历订阅).
    static func makeFeed(_ account: Account, at now: Moment, _ tx: Transaction) throws -> String {
        let token = Crypto.hex(Crypto.random(20))
        let hash = Accounts.hash(token)
        try tx.run("INSERT INTO platform_addresses (account, feed) VALUES (\(account.id), \(hash)) ON CONFLICT (account) DO UPDATE SET feed = \(hash)")
        try tx.audit("accounts.feed-made", of: Reference(kind: "account", id: account.id.raw), by: account.mark, at: now)
        return token
    }

    /// Open periods of what the account handles, and its appointments. Titles alone: a calendar lies open on a phone.
    static func feed(_ token: String, _ visit: Visit) async throws -> Answer {
        let (desk, house) = (visit.desk, visit.house)
        let now = desk.now
        let events = try await desk.store.read { tx -> [ICalendar.Event] in
            guard
                let row = try tx.one(
                    "SELECT p.* FROM platform_addresses a JOIN platform_accounts p ON p.id = a.account WHERE a.feed = \(Accounts.hash(token)) AND p.active = 1")
            else { throw Refusal.notFound }
            let account = Account(row)
            let due = try tx.all(
                """
                SELECT c.id, c.duty, c.due, m.number, m.kind FROM casework_clocks c JOIN casework_matters m ON m.id = c.matter
                WHERE c.state = 'open' AND m.open = 1 AND m.assignee = \(account.id) ORDER BY c.due, c.id LIMIT 500
                """
            ).map { row in
                let title = desk.law.catalogue[row.string("duty")]?.title.zh ?? row.string("duty")
                var event = ICalendar.Event(uid: "clock-\(row.int("id"))@\(desk.keys.origin.replacing("/", with: "."))", title: "\(title)截止：\(row.string("number"))", start: now)
                event.day = row.day("due")
                return event
            }
            return try due + house.appointments.flatMap { try $0(account, desk, tx) }
        }
        return .file(ICalendar.file(events, at: now, name: "期限与日程"), type: "text/calendar; charset=utf-8", name: "sinan.ics", inline: true)
    }
}
