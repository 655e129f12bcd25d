import Formats
import Kernel
import Store
import Synchronization

/// Administrative divisions (行政区划): city 4 digits, district 6, township 9. A region holds all whose code begins with its own.
package struct Region: Sendable {
    package let code: String
    package let name: String
    package init(code: String, name: String) {
        self.code = code
        self.name = name
    }
}

/// The divisions that this installation knows, in memory: a few thousand, asked for on every page.
package final class LiveRegions: Sendable {
    private let byCode = Mutex<[String: String]>([:])
    /// Names in English, made when they are first asked for.
    private let english = Mutex<[String: String]>([:])
    package init() {}
    package func load(_ tx: Transaction) throws {
        let rows = try tx.all("SELECT code, name FROM platform_regions").map { ($0.string("code"), $0.string("name")) }
        byCode.withLock { $0 = Dictionary(uniqueKeysWithValues: rows) }
    }
    package func name(_ code: String) -> String { byCode.withLock { $0[code] ?? $0[String(code.prefix(6))] ?? $0[String(code.prefix(4))] ?? code } }
    /// `甲区 乙街道`: from the district down.
    package func path(_ code: String) -> String {
        byCode.withLock { names in [6, 9].compactMap { code.count >= $0 ? names[String(code.prefix($0))] : nil }.joined(separator: " ") }
    }
    package func name(_ code: String, in language: Language) -> String { said(name(code), language) }
    package func path(_ code: String, in language: Language) -> String {
        path(code).split(separator: " ").map { said(String($0), language) }.joined(separator: language == .zh ? " " : ", ")
    }
    private func said(_ name: String, _ language: Language) -> String {
        guard language == .en else { return name }
        if let known = english.withLock({ $0[name] }) { return known }
        let made = Pinyin.place(name)
        english.withLock { $0[name] = made }
        return made
    }
    package func isKnown(_ code: String) -> Bool { byCode.withLock { $0[code] != nil } }
    package func children(of code: String) -> [Region] {
        let length = code.count < 4 ? 4 : code.count < 6 ? 6 : 9
        return byCode.withLock { $0.filter { $0.key.count == length && $0.key.hasPrefix(code) } }.map { Region(code: $0.key, name: $0.value) }.sorted { $0.code < $1.code }
    }
    /// The districts of the installation's city.
    package func districts(of city: String) -> [Region] { children(of: city) }
}
