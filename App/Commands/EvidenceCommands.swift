import ArgumentParser
import Evidence
import Formats
import Foundation
import Kernel
import Outbound
import Platform

struct CaptureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture", abstract: "Loads a page in a real browser and seals what came and what was seen.",
        discussion: """
            The package is a WACZ, signed by the key in the data folder: open it in any web archive player, check it with “sinan verify” or other tools.
            Addresses inside the net are refused unless their host is named with --allow-host.
            """)
    @Argument(help: "http:// or https:// address") var url: String
    @Option(help: "Where the package goes") var out: String
    @Option(name: .customLong("case"), help: "The matter it is for") var reference = ""
    @Option(help: "Who captures, with commas between") var officers = ""
    @Option(help: "desktop or phone") var device = "desktop"
    @Option(help: "Acts on the page, a line each: scroll, click SELECTOR, wait SECONDS") var script: String?
    @Option(help: "A time-stamping authority (RFC 3161); may be repeated") var tsa: [String] = []
    @Option(name: .customLong("allow-host"), help: "A host that may be reached although its address is inside; may be repeated") var allowHost: [String] = []
    @Option(help: "Seconds to load and act") var seconds = 60
    @Option(help: "No more than so many megabytes") var megabytes = 200
    @Flag(help: "One JSON document") var json = false
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        var request = try CaptureRequest(url)
        guard let kind = CaptureRequest.Device(rawValue: device) else { throw Refusal.invalid("/device", Text("应为 desktop 或 phone", "desktop or phone")) }
        guard (1...600).contains(seconds) else { throw Refusal.invalid("/seconds", Text("应为1至600秒", "1 to 600 seconds")) }
        guard (1...1000).contains(megabytes) else { throw Refusal.invalid("/megabytes", Text("应为1至1000", "1 to 1000")) }
        request.limits.bytes = megabytes << 20
        request.limits.body = min(request.limits.body, megabytes << 20)
        let target = URL(fileURLWithPath: out)
        guard FileManager.default.fileExists(atPath: target.deletingLastPathComponent().path) else {
            throw Refusal.invalid("/out", Text("没有文件夹“\(target.deletingLastPathComponent().path)”", "There is no folder “\(target.deletingLastPathComponent().path)”"))
        }
        guard !FileManager.default.fileExists(atPath: target.path) else {
            throw Refusal.invalid("/out", Text("“\(out)”已存在，证据不覆盖", "“\(out)” is there already: evidence is not written over"))
        }
        (request.device, request.allowedHosts, request.limits.seconds) = (kind, allowHost, seconds)
        request.chromium = ProcessInfo.processInfo.environment["SINAN_CHROMIUM"] ?? "/usr/bin/chromium"
        if let script {
            request.script = try String(contentsOfFile: script, encoding: .utf8).split(whereSeparator: \.isNewline).map(String.init).filter { !$0.hasPrefix("#") && !$0.isEmpty }
                .map { line throws(Refusal) in try CaptureRequest.Step(line) }
        }
        let authorities = TimestampAuthorities(
            try tsa.map { address throws(Refusal) -> TimestampAuthority in
                let parts = URLComponents(string: address)
                let (host, port) = (parts?.host ?? "", parts?.port ?? (parts?.scheme == "https" ? 443 : 80))
                // An authority inside is named as any other host inside is.
                return try TimestampAuthority(address, outbound: Outbound(allowing: allowHost.contains(host) || allowHost.contains("\(host):\(port)") ? ["\(host):\(port)"] : []))
            })
        let keys = try Keys.open(folder: database.folder)
        var context = CaptureContext()
        context.reference = reference
        context.officers = officers.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        context.software = "sinan \(SystemRoutes.version)"
        context.clock = await authorities.clock(Opening.clock)
        let seen = try await Capture(request, clock: Opening.clock).run { Terminal.progress($0) }
        Terminal.progressEnd()
        let packaging = Packaging(key: SealingKey(keys), context: context, authorities: authorities)
        let receipt = try await packaging.seal(seen, to: target, at: Opening.clock.now)
        if json { print(receipt.json(seen).text) } else { show(receipt, seen) }
    }

    private func show(_ r: SealReceipt, _ seen: Captured) {
        func line(_ zh: String, _ en: String) { print(Terminal.say(Text(zh, en))) }
        line("已封存 \(out)（\(r.bytes)字节）", "Sealed \(out) (\(r.bytes) bytes)")
        line("  网页  \(seen.title) \(seen.finalURL)", "  page       \(seen.title) \(seen.finalURL)")
        line(
            "  响应  \(seen.exchanges.count { $0.status > 0 })个，图像\(seen.pictures.count)张", "  answers    \(seen.exchanges.count { $0.status > 0 }), pictures \(seen.pictures.count)")
        print("  SHA-256    \(Crypto.hex(r.digests.sha256))")
        print("  SM3        \(Crypto.hex(r.digests.sm3))")
        line("  清单  \(Crypto.hex(r.package.sha256))", "  package    \(Crypto.hex(r.package.sha256))")
        line("  密钥  \(r.key)", "  key        \(r.key)")
        for stamp in r.stamps.map(\.stamp) { line("  时间戳 \(stamp.at.isoText) \(stamp.authority)", "  timestamp  \(stamp.at.isoText) \(stamp.authority)") }
        for note in r.notes + seen.notes { line("  说明  \(note)", "  note       \(note)") }
    }
}

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Says whether a package is whole, unaltered, signed and timestamped, item by item.",
        discussion: "Any WACZ is read. Ends with 1 where something does not hold. Needs no database and no network.")
    @Argument(help: "The package") var file: String
    @Option(help: "The fingerprint of the key that must have signed it") var key: String?
    @Option(name: .customLong("tsa-ca"), help: "PEM of the authorities that are trusted; the machine's own if not given") var roots: String?
    @Flag(help: "One JSON document") var json = false

    func run() throws {
        let roots = try roots.map { try String(contentsOfFile: $0, encoding: .utf8) }
        let verification = try Verification(URL(fileURLWithPath: file), key: key, roots: roots)
        if json {
            print(verification.json.text)
        } else {
            for item in verification.items {
                let mark = item.verdict == .ok ? "✓" : item.verdict == .failed ? "✗" : "–"
                print("\(mark) \(item.name)  \(Terminal.say(item.text))")
            }
            print(
                Terminal.say(
                    verification.holds
                        ? verification.isSigned
                            ? Text("完整，未改动", "Whole and unaltered")
                            : Text("各部分与清单一致，但没有签名", "The parts fit the list, but nothing is signed")
                        : Text("不成立：见上列 ✗ 各项", "Does not hold: see the items marked ✗")))
        }
        guard verification.holds else { throw ExitCode(1) }
    }
}
