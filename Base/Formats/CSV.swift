import Kernel

/// Comma-separated values (RFC 4180): quotes, doubled quotes, line ends inside quotes; commas, tabs or semicolons between.
package enum CSV {
    package struct Record: Sendable {
        /// The line on which it begins, counted from 1.
        package let line: Int
        package let cells: [String]
        package init(line: Int, cells: [String]) {
            self.line = line
            self.cells = cells
        }
    }

    /// - Errors: a quote that never closes, with its line.
    package static func read(_ text: String, separator: Character? = nil) throws(Refusal) -> [Record] {
        var records: [Record] = []
        try forEach(text, separator: separator) { records.append($0) }
        return records
    }

    package static func forEach(_ text: String, separator: Character? = nil, _ body: (Record) -> Void) throws(Refusal) {
        var text = text
        let comma = separator.map { $0.asciiValue ?? 44 } ?? guess(text)
        let unclosed: Int? = text.withUTF8 { bytes in
            var cells: [String] = []
            var cell: [UInt8] = []
            var (line, begun, quoted, touched) = (1, 1, false, false)
            func endCell() {
                cells.append(String(decoding: cell, as: UTF8.self))
                cell.removeAll(keepingCapacity: true)
                touched = false
            }
            func endRecord() {
                endCell()
                if cells != [""] { body(Record(line: begun, cells: cells)) }
                cells = []
            }
            var i = 0
            while i < bytes.count {
                let c = bytes[i]
                if quoted {
                    if c == 34 {
                        if i + 1 < bytes.count, bytes[i + 1] == 34 {
                            cell.append(34)
                            i += 1
                        } else {
                            quoted = false
                        }
                    } else {
                        if c == 10 { line += 1 }
                        cell.append(c)
                    }
                } else if c == 34, !touched, cell.isEmpty {
                    quoted = true
                    touched = true
                } else if c == comma {
                    endCell()
                } else if c == 10 || c == 13 {
                    endRecord()
                    if c == 13, i + 1 < bytes.count, bytes[i + 1] == 10 { i += 1 }
                    line += 1
                    begun = line
                } else {
                    cell.append(c)
                }
                i += 1
            }
            if quoted { return begun }
            if !cell.isEmpty || !cells.isEmpty { endRecord() }
            return nil
        }
        if let unclosed {
            throw Refusal.invalid("/file", Text("第\(unclosed)行的引号没有结束", "The quote on line \(unclosed) is never closed"))
        }
    }

    private static func guess(_ text: String) -> UInt8 {
        let head = text.utf8.prefix { $0 != 10 && $0 != 13 }
        let counts = [UInt8(44), 9, 59].map { mark in (mark, head.count { $0 == mark }) }
        return counts.max { $0.1 < $1.1 }.map { $0.1 > 0 ? $0.0 : 44 } ?? 44
    }

    /// One record. A cell that a spreadsheet would run as a formula is preceded by an apostrophe.
    package static func line(_ cells: [String], guardFormulas: Bool = true) -> String {
        cells.map { cell in
            var cell = cell
            if guardFormulas, let first = cell.first, "=+-@\t\r".contains(first), Double(cell) == nil { cell = "'" + cell }
            guard cell.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return cell }
            return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }.joined(separator: ",") + "\r\n"
    }
}
