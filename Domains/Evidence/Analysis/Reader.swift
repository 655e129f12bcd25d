import Browser
import Foundation
import Kernel

/// Reads the words of a picture (图片文字识别), with Tesseract and its data for simplified Chinese, line by line.
package struct Reader: Sendable {
    package struct Line: Sendable, Equatable {
        package var text: String
        package var box: PictureBench.Box
        /// Tesseract's own, 0 to 100.
        package var confidence: Int
        package init(_ text: String, _ box: PictureBench.Box, _ confidence: Int) { (self.text, self.box, self.confidence) = (text, box, confidence) }
        package var json: JSON { .object([("text", .string(text)), ("box", box.json), ("confidence", .int(confidence))]) }
        package init?(_ json: JSON) {
            guard let text = json["text"]?.string, let box = PictureBench.Box(json["box"]) else { return nil }
            self.init(text, box, json["confidence"]?.int ?? 0)
        }
    }
    package let program: String
    package init(_ program: String = "/usr/bin/tesseract") { self.program = program }
    package var isThere: Bool { FileManager.default.isExecutableFile(atPath: program) }
    /// Below this a line is noise.
    static let least = 35

    /// Its name and edition, as the record of an analysis says it.
    package func edition() async -> String { ((try? await run(["--version"], [])).flatMap { $0.split(separator: "\n").first.map(String.init) } ?? "tesseract") + ", chi_sim" }

    /// Reads a picture three times: as a page in blocks, as words strewn over it, and so once more twice as large with a threshold of each
    /// place; of two readings of one place the surer stays. Each finds what the others miss.
    /// - Errors: `Refusal` where Tesseract is missing, `Fault` where it fails.
    package func read(_ look: PictureBench.Look) async throws -> [Line] {
        guard isThere else { throw Refusal(.unavailable, Text("未安装 Tesseract（\(program)），图片文字无法识别", "Tesseract is not installed (\(program)): words in pictures are not read")) }
        var lines: [Line] = []
        let (page, strewn, oneThreshold, local) = ("3", "11", "0", "2")
        let ways = [(look.plain, 1, page, oneThreshold), (look.plain, 1, strewn, oneThreshold)] + (look.large.map { [($0, 2, strewn, local)] } ?? [(look.plain, 1, strewn, local)])
        for (png, scale, mode, method) in ways {
            // A PNG of a canvas tells no resolution, and the guess loses large letters.
            let table = try await run(["stdin", "stdout", "-l", "chi_sim", "--dpi", "300", "--psm", mode, "-c", "thresholding_method=\(method)", "tsv"], png)
            lines = Reader.merge(lines, Reader.lines(table, scale: scale))
        }
        return lines.sorted { ($0.box.y, $0.box.x) < ($1.box.y, $1.box.x) }
    }

    private func run(_ words: [String], _ input: [UInt8]) async throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-read-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // A page of 12 million pixels takes 0.5 GB and some seconds.
        let process = Launch.tool(program, words, in: folder, megabytes: 2048, seconds: 120)
        let (question, answer) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (question, answer)
        try process.run()
        let asking = question.fileHandleForWriting
        Thread.detachNewThread {
            try? asking.write(contentsOf: Data(input))
            try? asking.close()
        }
        let reading = answer.fileHandleForReading
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                let data = (try? reading.readToEnd()) ?? Data()
                process.waitUntilExit()
                if process.terminationStatus == 0 {
                    continuation.resume(returning: String(decoding: data, as: UTF8.self))
                } else {
                    continuation.resume(throwing: Fault("tesseract ended with \(process.terminationStatus)"))
                }
            }
        }
    }

    // MARK: Its table

    /// Lines of Tesseract's TSV: words of one line put together, Chinese without blanks.
    static func lines(_ table: String, scale: Int) -> [Line] {
        var found: [(key: String, words: [(text: String, confidence: Double, box: PictureBench.Box)])] = []
        for row in table.split(separator: "\n").dropFirst() {
            let cells = row.split(separator: "\t", omittingEmptySubsequences: false)
            guard cells.count >= 12, cells[0] == "5", let confidence = Double(cells[10]), confidence.isFinite, !cells[11].allSatisfy(\.isWhitespace) else { continue }
            let n = cells[6..<10].map { (Int($0) ?? 0) / max(1, scale) }
            let key = cells[1...4].joined(separator: " ")
            let word = (String(cells[11]), confidence, PictureBench.Box(x: n[0], y: n[1], width: n[2], height: n[3]))
            if found.last?.key == key { found[found.count - 1].words.append(word) } else { found.append((key, [word])) }
        }
        return found.compactMap { _, words in
            var text = ""
            for word in words {
                if let a = text.last, let b = word.text.first, a.isASCII, b.isASCII, a.isLetter || a.isNumber, b.isLetter || b.isNumber { text += " " }
                text += word.text
            }
            let weight = words.reduce(0) { $0 + $1.text.count }
            let sure = words.reduce(0.0) { $0 + $1.confidence * Double($1.text.count) } / Double(max(1, weight))
            // One stroke alone is a speck; two letters of which it is not sure are as well.
            guard Int(sure) >= (weight <= 2 ? 2 * least : least), text.contains(where: { $0.isLetter || $0.isNumber }) else { return nil }
            let (x, y) = (words.map(\.box.x).min()!, words.map(\.box.y).min()!)
            let (right, bottom) = (words.map { $0.box.x + $0.box.width }.max()!, words.map { $0.box.y + $0.box.height }.max()!)
            return Line(text, .init(x: x, y: y, width: right - x, height: bottom - y), Int(sure))
        }
    }

    /// Two readings of one picture: lines that lie on each other are one, the surer of them (by its length, where they are alike).
    static func merge(_ first: [Line], _ second: [Line]) -> [Line] {
        func covers(_ a: PictureBench.Box, _ b: PictureBench.Box) -> Bool {
            let across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x), down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
            guard across > 0, down > 0 else { return false }
            return 2 * across * down > min(a.width * a.height, b.width * b.height)
        }
        func worth(_ line: Line) -> Int { line.confidence * min(line.text.count, 60) }
        var all = first
        for line in second {
            let over = all.indices.filter { covers(all[$0].box, line.box) }
            if over.isEmpty {
                all.append(line)
            } else if worth(line) > over.reduce(0, { $0 + worth(all[$1]) }) {
                for i in over.reversed() { all.remove(at: i) }
                all.append(line)
            }
        }
        return all
    }
}
