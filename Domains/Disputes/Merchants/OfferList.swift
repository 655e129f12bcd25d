import Formats
import Kernel
import Platform
import Store
import Web

/// Offers as both sides and the desk read them.
enum OfferList {
    static func write(_ h: HTML, _ offers: [Offer], mine: String) {
        for offer in offers.reversed() {
            h.div("position") {
                h.p("mb-1") {
                    h.span("small fw-semibold me-2", title(offer.party, mine))
                    h.text(offer.text)
                    switch offer.state {
                    case "open": h.badge(Text("待答复", "open"), "amber")
                    case "accepted": h.badge(Text("已接受", "accepted"), "green")
                    case "broken": h.badge(Text("未履行", "not kept"), "red")
                    case "declined": h.badge(Text("未接受", "declined"), "grey")
                    default: h.badge(Text("已有新方案", "passed over"), "grey")
                    }
                }
                h.p("text-muted small mb-0", offer.at.minuteText)
            }
        }
    }
    private static func title(_ party: String, _ mine: String) -> Text {
        if party == mine { return Text("您", "You") }
        return party == "respondent" ? Text("商家", "The business") : Text("消费者", "The consumer")
    }

    static func promise(_ h: HTML, _ promise: Promise) {
        h.p("mb-1") {
            h.text(Text("履行日期 \(promise.due) ", "To be done by \(promise.due) "))
            switch promise.state {
            case "due": h.badge(Text("等待履行", "waiting"), "amber")
            case "claimed": h.badge(Text("商家称已履行，待确认", "said to be done, to be confirmed"), "blue")
            case "kept": h.badge(Text("已履行", "kept"), "green")
            default: h.badge(Text("未按期履行", "not kept"), "red")
            }
        }
    }

    static func fields(_ h: HTML, _ visit: Visit, _ e: HTML.Errors) {
        h.select("remedy", Text("解决方式", "Remedy"), options: Offer.Remedy.allCases.map { ($0.rawValue, $0.title) }, value: nil, errors: e, empty: Text("请选择", "Choose"))
        h.field("amount", Text("金额（元）", "Sum (yuan)"), value: nil, hint: Text("退款、补偿必填", "Needed for a refund or compensation"), errors: e, required: false, inputmode: "decimal")
        h.field(
            "by", Text("何时以前完成", "To be done by"), value: visit.desk.today().adding(days: 7).description, type: "date", errors: e,
            attributes: [.init("min", visit.desk.today().description)])
        h.field("note", Text("说明", "Remark"), value: nil, errors: e, required: false)
    }
}

/// What of a text a stranger does not read (去标识): numbers of phones and papers that a consumer wrote into it.
enum Redaction {
    /// What hides a complaint's consumer from a text, for pages and papers that the business reads.
    static func of(_ c: Complaint, _ tx: Transaction) throws -> @Sendable (String) -> String {
        let person = try tx.complainant(of: c.matter.id)
        let (name, phone, address) = (person.name.whole(.bySubject), person.phone.whole(.bySubject), person.address.whole(.bySubject))
        let keeping = c.respondentName + c.respondentAddress
        return { text($0, name: name, phone: phone, address: address, keeping: keeping) }
    }

    /// Besides, the consumer's own name, phone and address as far as they stand in the text.
    /// - Parameter keeping: what stays readable, as the business's own address in the same street.
    static func text(_ text: String, name: String, phone: String, address: String, keeping: String) -> String {
        var out = Self.text(text)
        if name.count >= 2 { out = out.replacing(name, with: "***") }
        // However it is grouped: 0571-8888 6666 is 057188886666.
        let digits = phone.filter { $0.isASCII && $0.isNumber }
        if digits.count >= 5, let grouped = try? Regex(digits.map(String.init).joined(separator: "[- ]?")) { out = out.replacing(grouped, with: "***") }
        // Any run of five characters or more that the text shares with the address, the longest first.
        let street = Array(address)
        var length = street.count
        while length >= 5 {
            for start in 0...(street.count - length) {
                let part = String(street[start..<(start + length)])
                if out.contains(part), !keeping.contains(part) { out = out.replacing(part, with: "***") }
            }
            length -= 1
        }
        return out
    }
    static func text(_ text: String) -> String {
        // Full-width digits are digits.
        String(String.UnicodeScalarView(text.unicodeScalars.map { (0xFF10...0xFF19).contains($0.value) ? Unicode.Scalar($0.value - 0xFEE0)! : $0 }))
            .replacing(/1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}/) { String($0.output.prefix(3)) + "********" }
            .replacing(/[1-9][0-9]{16}[0-9Xx]/) { _ in "******************" }
            .replacing(/[0-9]{16,19}/) { String($0.output.prefix(4)) + "************" }
            .replacing(/[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}/) { _ in "***@***" }
    }
}
