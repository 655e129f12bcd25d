import Formats
import Foundation
import Kernel
import Store

/// What a kind of import reads (导入格式): its columns and the titles under which offices write them.
package struct ImportFormat: Sendable {
    package struct Column: Sendable {
        let name: String
        let titles: [String]
        let required: Bool
        package init(_ name: String, _ titles: [String], required: Bool = false) {
            self.name = name
            self.titles = titles
            self.required = required
        }
    }
    package let kind: String
    package let columns: [Column]
    package init(kind: String, columns: [Column]) {
        self.kind = kind
        self.columns = columns
    }

    /// What a column is called: as the file at hand has it, else as offices do.
    func title(of column: String, in header: [String], _ map: [String: Int]) -> String {
        map[column].map { header[$0].trimmed } ?? columns.first { $0.name == column }?.titles.first ?? column
    }

    /// Which cell of a row is which column.
    /// - Errors: names every required column that no title matches, and the titles found.
    package func map(header: [String]) throws(Refusal) -> [String: Int] {
        var found: [String: Int] = [:]
        for (i, raw) in header.enumerated() {
            let title = raw.filter { !$0.isWhitespace && $0 != "\u{FEFF}" && $0 != "*" }.lowercased()
            // A title that two columns know goes to the one that has none yet: `name` is the shop's where `goods` stands too.
            if let column = columns.first(where: { column in found[column.name] == nil && ([column.name] + column.titles).contains { $0.lowercased() == title } }) {
                found[column.name] = i
            }
        }
        let missing = columns.filter { $0.required && found[$0.name] == nil }
        guard missing.isEmpty else {
            let names = missing.map { "\($0.titles.first ?? $0.name)（\($0.name)）" }.joined(separator: "、")
            throw Refusal.invalid(
                "/file", Text("缺少必需的列：\(names)；文件中的列为：\(header.joined(separator: "、"))", "Required columns are missing: \(names); the file has: \(header.joined(separator: ", "))"))
        }
        return found
    }
}

/// A row on its way in.
package struct ImportRecord: Sendable {
    package let line: Int
    package let cells: [String]
    let map: [String: Int]
    package init(line: Int, cells: [String], map: [String: Int]) {
        self.line = line
        self.cells = cells
        self.map = map
    }
    package subscript(_ name: String) -> String {
        guard let i = map[name], i < cells.count else { return "" }
        return cells[i].trimmed
    }
    package func has(_ name: String) -> Bool { map[name] != nil }
    package func reject(_ column: String, _ reason: Text) -> ImportReject { ImportReject(line: line, column: column, reason: reason, cells: cells) }
}

/// A row that stays outside, and why.
package struct ImportReject: Error, Sendable {
    package let line: Int
    package let column: String
    package let reason: Text
    package let cells: [String]
    package init(line: Int, column: String, reason: Text, cells: [String]) {
        self.line = line
        self.column = column
        self.reason = reason
        self.cells = cells
    }
}

package struct ImportBatch: Sendable {
    package var added = 0
    package var changed = 0
    package var same = 0
    package var rejects: [ImportReject] = []
    /// Where the rows that stayed outside were written.
    package var rejectedFile: String?
    package init() {}
    package mutating func add(_ other: ImportBatch) {
        added += other.added
        changed += other.changed
        same += other.same
        rejects += other.rejects
    }
}

/// One kind of import (导入种类): what it reads, who may, and how a file goes in, by command as by page.
package struct ImportKind: Sendable {
    package let format: ImportFormat
    package let title: Text
    package let permission: Permission
    /// Reads a file into the database; tells how many rows of how many are done.
    package let run: @Sendable (_ desk: Desk, _ file: String, _ progress: @escaping Progress) async throws -> ImportBatch
    package typealias Progress = @Sendable (_ done: Int, _ of: Int) async throws -> Void

    package init(
        format: ImportFormat, title: Text, permission: Permission,
        run: @escaping @Sendable (_ desk: Desk, _ file: String, _ progress: @escaping Progress) async throws -> ImportBatch
    ) {
        self.format = format
        self.title = title
        self.permission = permission
        self.run = run
    }

    /// The register's own.
    package static let operators = ImportKind(format: OperatorImport.format, title: Text("导入经营主体", "Import operators"), permission: "operators.import") { desk, file, progress in
        let (now, seen) = (desk.now, OperatorImport.Seen())
        let batch = try await Transfer.run(OperatorImport.format, file: file, store: desk.store, progress: progress, prepare: { OperatorImport.prepare($0, seen) }) {
            try OperatorImport.write($0, at: now, $1)
        }
        guard batch.added > 0 else { return batch }
        try await desk.store.write { tx in
            try Settings.set([("operators.count", String(tx.count("SELECT count(*) AS n FROM operators")))], by: "import", at: now, tx)
            if batch.added > 1000 { try tx.run(tx.dialect.analyze) }
        }
        return batch
    }
}

/// Reading files of offices in and out (导入导出).
package enum Transfer {
    /// Rows of one transaction: large enough that the disk is asked seldom, small enough that others get their turn. Each commit
    /// writes most pages of the indexes once more, so a whole register goes in by larger parts.
    static func batchSize(of rows: Int) -> Int { rows > 100_000 ? 32_000 : 8000 }

    /// Reads a file of any known form, in batches of one transaction each, with progress; writes what was set aside to
    /// `FILE.rejected.csv` with line, column and reason in front.
    /// - Parameter prepare: reads a batch while the one before it is written.
    package static func run<Prepared: Sendable>(
        _ format: ImportFormat, file: String, store: Store, progress: @escaping ImportKind.Progress = { _, _ in }, prepare: @escaping @Sendable ([ImportRecord]) -> Prepared,
        write: @escaping @Sendable (Prepared, Transaction) throws -> ImportBatch
    ) async throws -> ImportBatch {
        let bytes: [UInt8]
        do { bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe)) } catch {
            throw Refusal.invalid("/file", Text("无法读取文件 \(file)", "Cannot read the file \(file)"))
        }
        let (header, records) = try rows(bytes)
        let map = try format.map(header: header)
        var total = ImportBatch()
        var done = 0
        let batchSize = batchSize(of: records.count)
        func part(from start: Int) -> Task<Prepared, Never> {
            Task { prepare(records[start..<min(start + batchSize, records.count)].map { ImportRecord(line: $0.line, cells: $0.cells, map: map) }) }
        }
        var ahead = part(from: 0)
        for start in stride(from: 0, to: records.count, by: batchSize) {
            let ready = await ahead.value
            if start + batchSize < records.count { ahead = part(from: start + batchSize) }
            total.add(try await store.write { try write(ready, $0) })
            done = min(start + batchSize, records.count)
            try await progress(done, records.count)
        }
        return try finish(total, format, header, map, file)
    }

    /// The same for what makes its own transactions: a batch is handed out whole.
    /// - Parameter key: what a row is about; of several rows about one thing the last is taken.
    package static func run(
        _ format: ImportFormat, file: String, progress: @escaping ImportKind.Progress = { _, _ in }, batchSize: Int,
        key: (ImportRecord) -> String? = { _ in nil }, outside write: @escaping @Sendable ([ImportRecord]) async throws -> ImportBatch
    ) async throws -> ImportBatch {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe) else {
            throw Refusal.invalid("/file", Text("无法读取文件 \(file)", "Cannot read the file \(file)"))
        }
        let (header, records) = try rows([UInt8](data))
        let map = try format.map(header: header)
        var total = ImportBatch()
        let all = records.map { ImportRecord(line: $0.line, cells: $0.cells, map: map) }
        // Of rows that say the same of the same thing the last counts; running the file again then changes nothing.
        var last: [String: Int] = [:]
        for (i, record) in all.enumerated() { if let key = key(record) { last[key] = i } }
        let kept = all.enumerated().filter { i, record in key(record).map { last[$0] == i } ?? true }.map(\.element)
        total.same = all.count - kept.count
        for start in stride(from: 0, to: kept.count, by: batchSize) {
            let end = min(start + batchSize, kept.count)
            total.add(try await write(Array(kept[start..<end])))
            try await progress(end, kept.count)
        }
        return try finish(total, format, header, map, file)
    }

    private static func finish(_ batch: ImportBatch, _ format: ImportFormat, _ header: [String], _ map: [String: Int], _ file: String) throws -> ImportBatch {
        var total = batch
        total.rejects = total.rejects.map { ImportReject(line: $0.line, column: format.title(of: $0.column, in: header, map), reason: $0.reason, cells: $0.cells) }
        total.rejectedFile = try rejected(total.rejects, header: header, beside: file)
        return total
    }

    package static func rows(_ bytes: [UInt8]) throws -> (header: [String], records: [CSV.Record]) {
        var records: [CSV.Record] = []
        if XLSX.looksLike(bytes) {
            let box = RecordBox()
            try XLSX.forEachRow(of: bytes) { number, cells in box.records.append(CSV.Record(line: number, cells: cells)) }
            records = box.records
        } else {
            records = try CSV.read(Encodings.decode(bytes).text)
        }
        guard let header = records.first else { throw Refusal.invalid("/file", Text("文件是空的", "The file is empty")) }
        return (header.cells, Array(records.dropFirst()))
    }
    private final class RecordBox { var records: [CSV.Record] = [] }

    package static func run(
        _ format: ImportFormat, file: String, store: Store, progress: @escaping ImportKind.Progress = { _, _ in },
        write: @escaping @Sendable ([ImportRecord], Transaction) throws -> ImportBatch
    ) async throws -> ImportBatch { try await run(format, file: file, store: store, progress: progress, prepare: { $0 }, write: write) }

    /// Beside the file, or in the current folder where that cannot be written. Returns where.
    package static func rejected(_ rejects: [ImportReject], header: [String], beside file: String) throws -> String? {
        let path = file + ".rejected.csv"
        guard !rejects.isEmpty else {
            try? FileManager.default.removeItem(atPath: path)
            return nil
        }
        var text = "\u{FEFF}" + CSV.line(["行号 line", "列 column", "原因 reason"] + header)
        for reject in rejects { text += CSV.line([String(reject.line), reject.column, "\(reject.reason.zh) / \(reject.reason.en)"] + reject.cells) }
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return path
        } catch {
            let here = URL(fileURLWithPath: path).lastPathComponent
            try text.write(toFile: here, atomically: true, encoding: .utf8)
            return here
        }
    }

    /// `2026-11-23`, `2026/11/3`, `20261103`, `2026年11月3日`, each perhaps with a time behind.
    package static func day(_ text: String) -> Day? {
        if text.utf8.count == 10, let day = Day(text) { return day }
        let head = text.split(whereSeparator: { $0 == " " || $0 == "T" }).first.map(String.init) ?? ""
        let numbers = head.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
        if numbers.count == 3 { return Day(numbers[0], numbers[1], numbers[2]) }
        if numbers.count == 1, head.count == 8 { return Day(numbers[0] / 10_000, numbers[0] / 100 % 100, numbers[0] % 100) }
        return nil
    }

    /// A table as CSV that Excel in China opens without mojibake: UTF-8 with a mark.
    package static func csv(header: [String], rows: [[String]]) -> [UInt8] {
        var text = "\u{FEFF}" + CSV.line(header)
        for row in rows { text += CSV.line(row) }
        return Array(text.utf8)
    }
    package static func xlsx(sheet: String, header: [String], rows: [[String]]) throws -> [UInt8] {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-\(Crypto.hex(Crypto.random(8))).xlsx").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try XLSX.write(sheet: sheet, header: header, rows: rows, to: path)
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }
}
