import Detect
import Foundation
import Kernel
import Statute

/// A model's own cases (模型用例): listings that must hit and listings that must not, written as real ones read.
///
/// Shape: NDJSON; a case is a listing with `expect`: true, or the texts that must be among the matches; false or absent: no hit.
package struct ModelCases: Sendable {
    package struct Report: Sendable {
        package let model: String
        package var positive = 0
        package var negative = 0
        package var failures: [String] = []
    }

    /// Runs each model's cases against that model alone.
    package static func run(_ library: ModelLibrary, law: LawRegister, cache: URL?) throws -> [Report] {
        let (program, modelOf) = try library.program(cache: cache)
        let matcher = Matcher(program)
        return library.models.enumerated().map { index, model in
            var report = Report(model: model.id)
            let file = model.folder.appendingPathComponent("cases.ndjson")
            guard let text = try? String(contentsOf: file, encoding: .utf8) else {
                report.failures.append("cases.ndjson is missing")
                return report
            }
            var number = 0
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                number += 1
                guard !line.allSatisfy(\.isWhitespace) else { continue }
                let bytes = Array(line.utf8)
                let expect = (try? JSON(parsing: bytes))?["expect"]
                do throws(Matcher.Bad) {
                    let result = try bytes.withUnsafeBufferPointer { bytes throws(Matcher.Bad) in try matcher.scan(bytes) }
                    let hit = result.hits.first { modelOf[$0.rule] == index }
                    switch expect {
                    case .array(let texts)?:
                        report.positive += 1
                        let found = Set(hit?.matches.map(\.text) ?? [])
                        let missing = texts.compactMap(\.string).filter { !found.contains($0) }
                        if hit == nil {
                            report.failures.append("line \(number) (\(result.id)): no hit")
                        } else if !missing.isEmpty {
                            report.failures.append(
                                "line \(number) (\(result.id)): hit, but not by \(missing.joined(separator: ", ")); by \(found.sorted().joined(separator: ", "))")
                        }
                    case .bool(true)?:
                        report.positive += 1
                        if hit == nil { report.failures.append("line \(number) (\(result.id)): no hit") }
                    case .bool(false)?, .null?, nil:
                        report.negative += 1
                        if let hit { report.failures.append("line \(number) (\(result.id)): hit by \(Set(hit.matches.map(\.text)).sorted().joined(separator: ", "))") }
                    default: report.failures.append("line \(number): expect is true, false or a list of texts")
                    }
                } catch { report.failures.append("line \(number): \(error)") }
            }
            return report
        }
    }
}
