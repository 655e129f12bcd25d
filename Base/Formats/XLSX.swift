import CExpat
import CXLSXWriter
import CZip
import Foundation
import Kernel

/// Excel workbooks (XLSX): read with libzip and expat, written with libxlsxwriter.
///
/// Reading takes the first sheet as text: shared and inline strings, numbers as written, dates by their format as
/// `2026-11-23`. Merged cells give their value to the first cell alone, as Excel stores them.
package enum XLSX {
    /// Limits against bombs: what a part may unpack to, and how many times its packed size.
    package struct Limits: Sendable {
        package var unpacked: UInt64 = 1 << 30
        package var ratio: UInt64 = 200
        package var rows = 1_100_000
        package init() {}
    }

    package static func looksLike(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x50, 0x4B, 3, 4]) }

    /// Rows of the first sheet, in order, with their row numbers.
    /// - Errors: not a workbook, encrypted, or larger than the limits.
    package static func forEachRow(of bytes: [UInt8], limits: Limits = Limits(), _ body: @escaping (_ number: Int, _ cells: [String]) throws -> Void) throws {
        let archive = try Archive(bytes, limits)
        defer { archive.close() }
        let strings = Strings()
        if let part = try archive.part("xl/sharedStrings.xml") { try strings.parse(part) }
        let styles = Styles()
        if let part = try archive.part("xl/styles.xml") { try styles.parse(part) }
        guard let sheet = try archive.part(archive.firstSheet()) else {
            throw Refusal.invalid("/file", Text("工作簿中没有工作表", "The workbook has no sheet"))
        }
        let rows = Rows(strings: strings.all, dateStyles: styles.dates, limits: limits, body: body)
        try rows.parse(sheet)
    }

    package static func rows(of bytes: [UInt8]) throws -> [[String]] {
        var rows: [[String]] = []
        let box = Box<[[String]]>([])
        try forEachRow(of: bytes) { _, cells in box.value.append(cells) }
        rows = box.value
        return rows
    }
    private final class Box<T> {
        var value: T
        init(_ value: T) { self.value = value }
    }

    /// One sheet: a bold first row, columns as wide as given, every cell text but those that are plain numbers.
    package static func write(sheet name: String, header: [String], widths: [Double] = [], rows: [[String]], to path: String) throws {
        guard let book = workbook_new(path) else { throw Fault("cannot write \(path)") }
        let sheet = workbook_add_worksheet(book, String(name.prefix(31)))
        let bold = workbook_add_format(book)
        format_set_bold(bold)
        format_set_bg_color(bold, 0xE8EEF5)
        for (i, title) in header.enumerated() {
            worksheet_write_string(sheet, 0, UInt16(i), title, bold)
            worksheet_set_column(sheet, UInt16(i), UInt16(i), i < widths.count ? widths[i] : 18, nil)
        }
        worksheet_freeze_panes(sheet, 1, 0)
        for (r, row) in rows.enumerated() {
            for (c, cell) in row.enumerated() where !cell.isEmpty {
                worksheet_write_string(sheet, UInt32(r + 1), UInt16(c), String(cell.prefix(32_000)), nil)
            }
        }
        let code = workbook_close(book)
        guard code == LXW_NO_ERROR else { throw Fault("cannot write \(path): \(String(cString: lxw_strerror(code)))") }
    }
}

/// The zip around a workbook. Parts are read by name only: nothing is ever unpacked to a path.
private final class Archive {
    private let zip: OpaquePointer
    private let bytes: UnsafeMutableRawPointer
    private let limits: XLSX.Limits

    init(_ content: [UInt8], _ limits: XLSX.Limits) throws {
        self.limits = limits
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, content.count), alignment: 1)
        content.withUnsafeBytes { if let base = $0.baseAddress { memory.copyMemory(from: base, byteCount: content.count) } }
        bytes = memory
        var error = zip_error_t()
        guard let source = zip_source_buffer_create(memory, UInt64(content.count), 0, &error), let zip = zip_open_from_source(source, ZIP_RDONLY, &error) else {
            memory.deallocate()
            throw Refusal.invalid("/file", Text("不是有效的 Excel（.xlsx）文件；旧版 .xls 请另存为 .xlsx", "Not a valid Excel file (.xlsx); save an old .xls as .xlsx"))
        }
        self.zip = zip
    }

    func close() {
        zip_discard(zip)
        bytes.deallocate()
    }

    func part(_ name: String) throws -> [UInt8]? {
        var status = zip_stat_t()
        guard zip_stat(zip, name, 0, &status) == 0 else { return nil }
        guard status.encryption_method == 0 else { throw Refusal.invalid("/file", Text("工作簿已加密，请先去除密码", "The workbook is encrypted: remove the password first")) }
        guard status.size <= limits.unpacked, status.size < 1 << 20 || status.size <= status.comp_size * limits.ratio else {
            throw Refusal(.tooLarge, Text("工作簿解压后过大，可能是压缩炸弹：\(name)", "The workbook unpacks to too much, perhaps a zip bomb: \(name)"))
        }
        guard let file = zip_fopen(zip, name, 0) else { return nil }
        defer { zip_fclose(file) }
        var out = [UInt8](repeating: 0, count: Int(status.size))
        var got = 0
        while got < out.count {
            let n = out.withUnsafeMutableBytes { zip_fread(file, $0.baseAddress! + got, UInt64($0.count - got)) }
            guard n > 0 else { throw Refusal.invalid("/file", Text("工作簿已损坏：\(name)", "The workbook is damaged: \(name)")) }
            got += Int(n)
        }
        return out
    }

    /// The first sheet in the workbook's own order.
    func firstSheet() throws -> String {
        let book = First("sheet", ["r:id", "id"])
        if let part = try part("xl/workbook.xml") { try book.parse(part) }
        let relations = Relations()
        if let part = try part("xl/_rels/workbook.xml.rels") { try relations.parse(part) }
        guard let id = book.found, let target = relations.targets[id] else { return "xl/worksheets/sheet1.xml" }
        return target.hasPrefix("/") ? String(target.dropFirst()) : "xl/" + target
    }
}

/// expat with closures. Entities are not expanded: a workbook has none, an attack has many.
private class Parser {
    private var failure: (any Error)?
    private var handle: XML_Parser?

    func start(_ name: String, _ attributes: [String: String]) throws {}
    func end(_ name: String) throws {}
    func text(_ bytes: UnsafeBufferPointer<UInt8>) {}

    func parse(_ bytes: [UInt8]) throws {
        let parser = XML_ParserCreate("UTF-8")
        handle = parser
        defer {
            XML_ParserFree(parser)
            handle = nil
        }
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            parser,
            { data, name, attributes in
                let me = Unmanaged<Parser>.fromOpaque(data!).takeUnretainedValue()
                var found: [String: String] = [:]
                var i = 0
                while let key = attributes?[i], let value = attributes?[i + 1] {
                    found[String(cString: key)] = String(cString: value)
                    i += 2
                }
                me.attempt { try me.start(Parser.local(name!), found) }
            },
            { data, name in
                let me = Unmanaged<Parser>.fromOpaque(data!).takeUnretainedValue()
                me.attempt { try me.end(Parser.local(name!)) }
            })
        XML_SetCharacterDataHandler(parser) { data, chars, length in
            let me = Unmanaged<Parser>.fromOpaque(data!).takeUnretainedValue()
            chars!.withMemoryRebound(to: UInt8.self, capacity: Int(length)) { me.text(UnsafeBufferPointer(start: $0, count: Int(length))) }
        }
        XML_SetStartDoctypeDeclHandler(parser) { data, _, _, _, _ in
            let me = Unmanaged<Parser>.fromOpaque(data!).takeUnretainedValue()
            me.attempt { throw Refusal.invalid("/file", Text("工作簿中有文档类型声明，已拒绝", "The workbook declares a document type: refused")) }
        }
        var at = 0
        while at < bytes.count, failure == nil {
            let n = min(1 << 20, bytes.count - at)
            let ok = bytes.withUnsafeBytes { XML_Parse(parser, ($0.baseAddress! + at).assumingMemoryBound(to: CChar.self), Int32(n), at + n == bytes.count ? 1 : 0) }
            if ok != XML_STATUS_OK, failure == nil {
                failure = Refusal.invalid(
                    "/file", Text("工作簿内容有误（第\(XML_GetCurrentLineNumber(parser))行）", "The workbook's content is malformed (line \(XML_GetCurrentLineNumber(parser)))"))
            }
            at += n
        }
        if let failure { throw failure }
    }

    private func attempt(_ body: () throws -> Void) {
        guard failure == nil else { return }
        do { try body() } catch {
            failure = error
            if let handle { XML_StopParser(handle, 0) }
        }
    }

    private static func local(_ name: UnsafePointer<CChar>) -> String {
        let full = String(cString: name)
        return full.lastIndex(of: ":").map { String(full[full.index(after: $0)...]) } ?? full
    }
}

private final class First: Parser {
    let element: String
    let keys: [String]
    var found: String?
    init(_ element: String, _ keys: [String]) {
        self.element = element
        self.keys = keys
    }
    override func start(_ name: String, _ attributes: [String: String]) {
        if name == element, found == nil { found = keys.compactMap { attributes[$0] }.first }
    }
}

private final class Relations: Parser {
    var targets: [String: String] = [:]
    override func start(_ name: String, _ attributes: [String: String]) {
        if name == "Relationship", let id = attributes["Id"] { targets[id] = attributes["Target"] }
    }
}

private final class Strings: Parser {
    var all: [String] = []
    private var current: [UInt8] = []
    private var inText = false
    private var phonetic = false
    override func start(_ name: String, _ attributes: [String: String]) {
        if name == "si" { current = [] }
        if name == "rPh" { phonetic = true }
        inText = name == "t" && !phonetic
    }
    override func text(_ bytes: UnsafeBufferPointer<UInt8>) { if inText { current += bytes } }
    override func end(_ name: String) {
        if name == "t" { inText = false }
        if name == "rPh" { phonetic = false }
        if name == "si" { all.append(String(decoding: current, as: UTF8.self)) }
    }
}

/// Which cell styles show a date.
private final class Styles: Parser {
    var dates: Set<Int> = []
    private var custom: Set<Int> = []
    private var inCells = false
    private var index = 0
    override func start(_ name: String, _ attributes: [String: String]) {
        if name == "numFmt", let id = attributes["numFmtId"].flatMap(Int.init), let code = attributes["formatCode"]?.lowercased() {
            if code.contains("yy") || code.contains("d") && code.contains("m") { custom.insert(id) }
        }
        if name == "cellXfs" { inCells = true }
        if name == "xf", inCells {
            let id = attributes["numFmtId"].flatMap(Int.init) ?? 0
            if (14...22).contains(id) || (27...36).contains(id) || (50...58).contains(id) || custom.contains(id) { dates.insert(index) }
            index += 1
        }
    }
    override func end(_ name: String) { if name == "cellXfs" { inCells = false } }
}

private final class Rows: Parser {
    let strings: [String]
    let dateStyles: Set<Int>
    let limits: XLSX.Limits
    let body: (Int, [String]) throws -> Void
    private var cells: [String] = []
    private var number = 0
    private var column = 0
    private var type = ""
    private var style = 0
    private var value: [UInt8] = []
    private var taking = false

    init(strings: [String], dateStyles: Set<Int>, limits: XLSX.Limits, body: @escaping (Int, [String]) throws -> Void) {
        self.strings = strings
        self.dateStyles = dateStyles
        self.limits = limits
        self.body = body
    }

    override func start(_ name: String, _ attributes: [String: String]) throws {
        switch name {
        case "row":
            number = attributes["r"].flatMap(Int.init) ?? number + 1
            guard number <= limits.rows else { throw Refusal(.tooLarge, Text("工作表超过\(limits.rows)行", "The sheet has more than \(limits.rows) rows")) }
            cells = []
            column = -1
        case "c":
            column = attributes["r"].map(Rows.column) ?? column + 1
            guard (0..<512).contains(column) else { throw Refusal(.tooLarge, Text("工作表超过512列", "The sheet has more than 512 columns")) }
            type = attributes["t"] ?? "n"
            style = attributes["s"].flatMap(Int.init) ?? 0
            value = []
        case "v", "t": taking = true
        default: break
        }
    }
    override func text(_ bytes: UnsafeBufferPointer<UInt8>) { if taking { value += bytes } }
    override func end(_ name: String) throws {
        switch name {
        case "v", "t": taking = false
        case "c":
            while cells.count <= column { cells.append("") }
            cells[column] = shown(String(decoding: value, as: UTF8.self))
        case "row":
            if cells.contains(where: { !$0.isEmpty }) { try body(number, cells) }
        default: break
        }
    }

    private func shown(_ raw: String) -> String {
        switch type {
        case "s": return Int(raw).flatMap { strings.indices.contains($0) ? strings[$0] : nil } ?? ""
        case "b": return raw == "1" ? "TRUE" : "FALSE"
        case "n":
            guard dateStyles.contains(style), let serial = Double(raw), serial >= 1, serial < 2_958_466 else { return Rows.plain(raw) }
            // Excel's day 1 is 1900-01-01, and it counts a 29 February 1900 that never was.
            let day = Day(1899, 12, 30)!.adding(days: Int(serial) + (serial < 60 ? 1 : 0))
            let minutes = Int(((serial - serial.rounded(.down)) * 1440).rounded())
            return minutes == 0 ? day.description : Moment(day, hour: minutes / 60 % 24, minute: minutes % 60).minuteText
        default: return raw
        }
    }

    /// `9.137E+17` is written out where it is a whole number; a number keeps the digits that the file has.
    private static func plain(_ raw: String) -> String {
        // Excel counts in fifteen digits; what the file writes behind them is the binary rest of 99.9.
        if raw.contains("."), raw.filter(\.isNumber).count > 15, let number = Double(raw), abs(number) < 1e15, abs(number) > 1e-4 { return String(format: "%.15g", number) }
        guard raw.contains(where: { $0 == "E" || $0 == "e" }), let number = Double(raw), number == number.rounded(), abs(number) < 9e18 else { return raw }
        return String(Int64(number))
    }

    private static func column(_ reference: String) -> Int {
        reference.prefix { $0.isLetter }.utf8.reduce(0) { $0 * 26 + Int($1 & 0xDF) - 64 } - 1
    }
}
