import Kernel
import Platform
import Store

/// A licence that stands in a picture against the register (营业执照核对): is the code one, is it registered, does the name fit.
///
/// Law: GB 32100-2015 (the code and its check character).
package struct LicenceReading: Sendable {
    package enum Finding: Sendable, Equatable {
        /// As it was read, and what is wrong with it.
        case wrong(String)
        case unknown(String)
        case registered(Int64)
    }
    package let code: String
    package let finding: Finding

    /// Codes in lines that were read: eighteen letters and figures together; letters that codes never have are taken for the figures they look like.
    package static func codes(_ lines: [String]) -> [String] {
        var found: [String] = []
        for line in lines {
            var run = ""
            for c in line.uppercased() + "。" {
                if c.isWhitespace, !run.isEmpty { continue }
                if c.isASCII, c.isLetter || c.isNumber {
                    run.append(c)
                } else {
                    if let code = code(in: run), !found.contains(code) { found.append(code) }
                    run = ""
                }
            }
        }
        return found
    }
    private static func code(in run: String) -> String? {
        let figures: [Character: Character] = ["O": "0", "I": "1", "S": "5", "Z": "2", "V": "Y"]
        let all = run.map { figures[$0] ?? $0 }
        guard all.count >= 18, all.count <= 24 else { return nil }
        var last: String?
        // What stands before or behind it without a gap is left out where that makes a code of it.
        for start in 0...(all.count - 18) {
            let candidate = String(all[start..<(start + 18)])
            do { return try USCC(candidate).description } catch {
                if case .check = error, all.count == 18 { last = candidate }
            }
        }
        return last
    }

    package static func check(_ code: String, _ tx: Transaction) throws -> LicenceReading {
        do { _ = try USCC(code) } catch { return LicenceReading(code: code, finding: .wrong(error.text.zh + "\n" + error.text.en)) }
        guard let found = try Operators.find(uscc: code, tx) else { return LicenceReading(code: code, finding: .unknown(code)) }
        return LicenceReading(code: code, finding: .registered(found.id.raw))
    }
}
