import Foundation
import Kernel

/// A message as mail carries it (RFC 5322, MIME): plain text in UTF-8, with a file or none.
package struct MailMessage: Sendable {
    package let subject: String
    package let text: String
    package let file: (name: String, type: String, bytes: [UInt8])?
    package init(subject: String, text: String, file: (name: String, type: String, bytes: [UInt8])? = nil) { (self.subject, self.text, self.file) = (subject, text, file) }

    /// Whether a text can be an address: one `@`, nothing that a header or a command could break at.
    package static func isAddress(_ text: String) -> Bool {
        text.count <= 120 && text.wholeMatch(of: /[A-Za-z0-9._%+\-]+@[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?\.[A-Za-z]{2,}/) != nil
    }

    /// - Parameter id: makes the message's own id, so that one that is sent twice is known.
    package func bytes(from: String, called name: String, to: String, id: String, at: Moment) -> [UInt8] {
        let domain = from.split(separator: "@").last.map(String.init) ?? "localhost"
        var lines = [
            "From: \(MailMessage.word(name)) <\(from)>", "To: <\(to)>", "Subject: \(MailMessage.word(subject))", "Date: \(MailMessage.date(at))", "Message-ID: <\(id)@\(domain)>",
            "MIME-Version: 1.0", "Auto-Submitted: auto-generated",
        ]
        let part = ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "", MailMessage.base64(Array(text.utf8))]
        if let file {
            let edge = "part-\(id)"
            lines += ["Content-Type: multipart/mixed; boundary=\"\(edge)\"", "", "--\(edge)"] + part
            lines += [
                "--\(edge)", "Content-Type: \(file.type); name=\"\(file.name)\"", "Content-Transfer-Encoding: base64", "Content-Disposition: attachment; filename=\"\(file.name)\"",
                "",
                MailMessage.base64(file.bytes), "--\(edge)--", "",
            ]
        } else {
            lines += part + [""]
        }
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    /// Encoded words (RFC 2047), each of whole characters and at most 75 letters; a line break never gets through.
    private static func word(_ text: String) -> String {
        let plain = text.filter { !$0.isNewline && $0 != "\0" }
        if plain.utf8.allSatisfy({ (32...126).contains($0) && !"\"<>@,;:\\()[]=?".utf8.contains($0) }) { return plain }
        var words: [String] = []
        var piece: [UInt8] = []
        func flush() {
            if !piece.isEmpty { words.append("=?UTF-8?B?\(Data(piece).base64EncodedString())?=") }
            piece = []
        }
        for character in plain {
            if piece.count + character.utf8.count > 45 { flush() }
            piece += Array(character.utf8)
        }
        flush()
        return words.joined(separator: "\r\n ")
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString(options: [.lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed])
    }

    /// `Wed, 25 Nov 2026 10:00:00 +0800`.
    private static func date(_ moment: Moment) -> String {
        let day = moment.day
        let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(weekdays[day.weekday % 7]), \(day.dayOfMonth) \(months[day.month - 1]) \(day.year) \(moment.isoText.dropFirst(11).prefix(8)) +0800"
    }
}
