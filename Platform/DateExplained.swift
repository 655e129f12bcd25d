import Kernel
import Statute
import Web

/// "Why this day" (为什么是这一天): a date that opens into its count, day by day, with the article.
extension Visit {
    package func date(_ h: HTML, _ deadline: Deadline, stricter: Bool = false) {
        h.element("details", "why") {
            h.element("summary", nil, [.title(h.say(Text("为什么是这一天", "Why this day")))]) {
                h.element("time", nil, [.init("datetime", deadline.due.description)], text: deadline.dueMoment?.minuteText ?? deadline.due.description)
                if deadline.calendarIncomplete { h.badge(Text("按周一至周五估算", "estimated"), "amber") }
                h.span("why-mark", Text("为什么是这一天", "Why this day"))
            }
            explanation(h, deadline, stricter: stricter)
        }
    }

    package func explanation(_ h: HTML, _ deadline: Deadline, stricter: Bool) {
        let register = desk.law.register
        let rule = deadline.rule
        let unit: Text =
            switch rule.unit {
            case .workday: Text("个工作日", " working days")
            case .day: Text("日（自然日）", " calendar days")
            case .hour: Text("小时", " hours")
            case .month: Text("个月", " months")
            case nil: Text("", "")
            }
        h.div("why-body") {
            h.p("mb-1") {
                for (i, article) in deadline.basis.enumerated() {
                    if i > 0 { h.text(Text("；", "; ")) }
                    h.text(register.cite(article))
                }
            }
            h.p("mb-1", counting(deadline, unit))
            if deadline.extended, let more = rule.extension {
                h.p("mb-1") {
                    h.text(Text("已延长，批准人：\(more.by.zh)。", "Extended, granted by \(more.by.en). "))
                    for article in more.basis ?? [] { h.text(register.cite(article)) }
                }
            }
            if deadline.decided { h.p("mb-1", Text("届满日由负责人决定为\(deadline.due)。", "The last day was set by decision: \(deadline.due).")) }
            if let day = deadline.beside, let beside = rule.beside {
                h.p("mb-1 text-warning-emphasis") {
                    for article in beside.basis { h.text(register.cite(article)) }
                    h.text(
                        Text(
                            "另定期限\(beside.length)\(beside.unit == .day ? "日" : "")，至\(day)；以先届满者为准。",
                            " sets a limit of \(beside.length) days beside it, until \(day): heed what lapses first."))
                }
            }
            if deadline.calendarIncomplete {
                h.p(
                    "mb-1 text-warning-emphasis",
                    Text(
                        "该期间涉及尚未载入放假通知的年度，暂按周一至周五计算；载入后自动重算。",
                        "The period reaches into a year whose holiday notice is not loaded: counted Monday to Friday for now, and again when it is."))
            }
            if stricter, deadline.strict != deadline.due, deadline.strict != deadline.beside {
                h.p(
                    "mb-1 text-warning-emphasis",
                    Text(
                        "从严理解应不晚于\(deadline.strict)（法条只写“法定节假日”，是否含周末未明）。",
                        "Read strictly it is \(deadline.strict): the article speaks of public holidays and leaves weekends open."))
            }
            // Remarks on how the rule was read are for who applies it.
            if stricter, let note = rule.note { h.p("mb-1 text-muted", Text(note, rule.noteEn ?? note)) }
            if rule.verified == false { h.p("mb-1 text-warning-emphasis", Text("该规则尚未与官方文本核对。", "This rule was not yet compared with the official text.")) }
            if deadline.days.isEmpty { return }
            if deadline.days.count <= 130 {
                h.element("ol", "day-strip", [.label(h.say(Text("逐日计算", "Day by day")))]) {
                    for step in deadline.days {
                        h.element(
                            "li",
                            "day \(step.counted ? "counted" : "skipped") why-\(step.why == .makeUp ? "makeup" : step.why.rawValue.split(separator: " ").joined(separator: "-"))"
                        ) {
                            h.span("d", "\(step.day.month)/\(step.day.dayOfMonth)")
                            h.span("w", weekdays[step.day.weekday - 1])
                            h.span("n", step.ordinal.map { Text("第\($0)日", "day \($0)") } ?? step.title ?? step.why.text)
                        }
                    }
                }
            } else {
                months(h, deadline)
            }
        }
    }

    /// How it is counted, in a sentence.
    private func counting(_ d: Deadline, _ unit: Text) -> Text {
        let rule = d.rule
        let (length, zh, en) = (rule.length ?? 0, rule.start.zh, rule.start.en)
        switch rule.kind {
        case .before: return Text("自\(d.from)（\(zh)）的前一日起向前倒数\(length)\(unit.zh)。", "\(length)\(unit.en) counted backwards from the day before \(d.from) (\(en)).")
        case .months:
            return Text(
                "每年\((rule.months ?? []).map { "\($0)月" }.joined(separator: "、"))内完成；\(d.from)之后的下一次至\(d.due)。",
                "Due within \((rule.months ?? []).map(String.init).joined(separator: ", ")) (months) of each year: the next after \(d.from) ends on \(d.due).")
        case .anchored:
            return rule.startRule == "anchorDay"
                ? Text("自\(d.from)（\(zh)）当日起算\(length)\(unit.zh)。", "\(length)\(unit.en), \(d.from) (\(en)) being the first day.")
                : Text("自\(d.from)（\(zh)）的次日起算\(length)\(unit.zh)。", "\(length)\(unit.en) counted from the day after \(d.from) (\(en)).")
        case .after where rule.unit == .hour, .window where rule.unit == .hour:
            let due = d.dueMoment?.minuteText ?? d.due.description
            return rule.startRule == "fromMoment"
                ? Text("自\(zh)之时起算\(length)小时，至\(due)。", "\(length) hours from the moment of \(en), until \(due).")
                : Text("自\(zh)的下一个整点起算\(length)小时，至\(due)。", "\(length) hours from the next full hour after \(en), until \(due).")
        case .window:
            return Text(
                "自\(d.from)（\(zh)）起，不早于\(d.earliest?.description ?? "—")，不晚于第\(length)\(unit.zh)。",
                "From \(d.from) (\(en)): not before \(d.earliest?.description ?? "—"), not after \(length)\(unit.en).")
        case .after:
            return Text("自\(d.from)（\(zh)）的次日起算\(length)\(unit.zh)。", "\(length)\(unit.en) counted from the day after \(d.from) (\(en)).")
        }
    }

    /// A long period month by month: how many days count, and which days are left out for another reason than a weekend.
    private func months(_ h: HTML, _ deadline: Deadline) {
        var order: [String] = []
        var byMonth: [String: [Deadline.Step]] = [:]
        for step in deadline.days {
            let month = String(step.day.description.prefix(7))
            if byMonth[month] == nil { order.append(month) }
            byMonth[month, default: []].append(step)
        }
        h.div("table-wrap") {
            h.element("table", "table table-sm queue", [.label(h.say(Text("逐月计算", "Month by month")))]) {
                h.element("thead") {
                    h.tr { for t in [Text("月份", "Month"), Text("计入", "Counted"), Text("累计", "So far"), Text("不计入的节假日与停计日", "Left out: holidays and suspensions")] { h.th(t) } }
                }
                h.element("tbody") {
                    for month in order {
                        let steps = byMonth[month] ?? []
                        let special = steps.filter { !$0.counted && $0.why != .weekend }
                        h.tr {
                            h.td(nil, month)
                            h.td("number", "\(steps.count { $0.counted })")
                            h.td("number", steps.last { $0.ordinal != nil }?.ordinal.map { "\($0)" } ?? "—")
                            h.td(nil, special.map { "\($0.day.month)/\($0.day.dayOfMonth) \(($0.title ?? $0.why.text)[language])" }.joined(separator: language == .zh ? "、" : ", "))
                        }
                    }
                }
            }
        }
    }

    private var weekdays: [Text] {
        [Text("一", "Mon"), Text("二", "Tue"), Text("三", "Wed"), Text("四", "Thu"), Text("五", "Fri"), Text("六", "Sat"), Text("日", "Sun")]
    }

    /// How near a day is: overdue, today, soon, later.
    /// - Parameter why: where its explanation opens.
    package func urgency(_ h: HTML, _ due: Day?, why: String? = nil) {
        guard let due else { return h.span("text-muted", "—") }
        if let why {
            h.a(why, "due", [.title(h.say(Text("为什么是这一天", "Why this day")))]) { h.element("time", nil, [.init("datetime", due.description)], text: due.description) }
        } else {
            h.element("time", "due", [.init("datetime", due.description)], text: due.description)
        }
        left(h, due)
        // A day in a year without a calendar is an estimate wherever it shows.
        if !desk.calendar.value.isKnown(due) { h.badge(Text("估算", "estimate"), "amber") }
    }

    /// How many days are left, as a badge.
    package func left(_ h: HTML, _ due: Day) {
        let left = due - desk.today()
        let (text, tone): (Text, String) =
            switch left {
            case ..<0: (Text("逾期\(-left)天", "\(-left) d overdue"), "red")
            case 0: (Text("今天到期", "due today"), "red")
            case 1...2: (Text("剩\(left)天", "\(left) d left"), "amber")
            default: (Text("剩\(left)天", "\(left) d left"), "green")
            }
        h.badge(text, tone)
    }
}
