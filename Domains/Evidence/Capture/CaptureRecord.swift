import Browser
import Formats
import Foundation
import Kernel

/// How a capture was made (电子数据提取情况): by whom, with what, in what surroundings, step by step; part of the package.
enum CaptureRecord {
    static func json(_ seen: Captured, _ context: CaptureContext) -> JSON {
        let answered = seen.exchanges.filter(\.isAnswered)
        return .object([
            ("format", .string("sinan-capture")), ("version", .int(1)), ("reference", .string(context.reference)), ("officers", .array(context.officers.map(JSON.string))),
            ("url", .string(seen.url)), ("finalURL", .string(seen.finalURL)), ("title", .string(seen.title)), ("startedAt", .string(seen.startedAt.isoText)),
            ("endedAt", .string(seen.endedAt.isoText)), ("software", .string(context.software)), ("browser", seen.browser),
            (
                "device",
                .object([("kind", .string(seen.device.rawValue)), ("width", .int(seen.viewport.width)), ("height", .int(seen.viewport.height))])
            ), ("system", .string(ProcessInfo.processInfo.operatingSystemVersionString)),
            (
                "clock",
                context.clock.map { .object([("reference", .string($0.source)), ("offsetMilliseconds", .int($0.offset))]) }
                    ?? .object([("reference", .null), ("note", .string("no reference clock was asked"))])
            ), ("environment", .array(environment(seen, context).map { .object([("check", .string($0.0)), ("holds", .bool($0.1)), ("detail", .string($0.2))]) })),
            ("acts", .array(seen.steps.map { .object([("act", .string($0.line)), ("result", .string($0.result))]) })), ("notes", .array(seen.notes.map(JSON.string))),
            (
                "connections",
                .array(
                    seen.passages.map {
                        .object([
                            ("at", .string($0.at.isoText)), ("host", .string($0.host)), ("port", .int($0.port)), ("resolved", .array($0.addresses.map(JSON.string))),
                            ("connected", .text($0.address)), ("refused", .bool($0.refused)), ("errand", .bool($0.isErrand)),
                        ])
                    })
            ),
            (
                "certificates",
                .array(
                    seen.certificates.enumerated().map { i, one in
                        .object([
                            ("origin", .string(one.origin)), ("file", .string("certificates/\(i + 1).pem")),
                            ("sha256", .array(one.chain.map { .string(Crypto.hex(Crypto.sha256($0))) })),
                        ])
                    })
            ),
            (
                "requests",
                .object([
                    ("answered", .int(answered.count)), ("kept", .int(answered.count { $0.body != nil })),
                    (
                        "missing",
                        .array(
                            seen.exchanges.filter { !$0.isAnswered || $0.body == nil }.prefix(500).map {
                                .object([("url", .string($0.url)), ("status", .int($0.status)), ("why", .string($0.failure ?? "no body"))])
                            })
                    ),
                ])
            ),
        ])
    }

    /// The clean-environment checklist (清洁性检查): each found out, none asserted.
    private static func environment(_ seen: Captured, _ context: CaptureContext) -> [(String, Bool, String)] {
        let first = seen.exchanges.first
        let cookies = first?.requestHeaders.contains { $0.0.lowercased() == "cookie" } ?? false
        let hosts = (try? String(contentsOfFile: "/etc/hosts", encoding: .utf8)) ?? ""
        let named = Set(seen.passages.map(\.host)).filter { host in
            hosts.split(separator: "\n").contains { line in !line.hasPrefix("#") && line.split(whereSeparator: \.isWhitespace).dropFirst().contains { $0 == host } }
        }
        let outside = seen.exchanges.filter { $0.isAnswered }.allSatisfy { e in
            URLComponents(string: e.url).map { parts in
                seen.passages.contains { $0.host == parts.host || $0.host == parts.host?.trimmingCharacters(in: CharacterSet(charactersIn: "[]")) }
            } ?? false
        }
        return [
            ("a profile made for this capture, without cookies", !cookies, cookies ? "the first request carried a cookie" : "the first request carried none"),
            (
                "names not set on this machine by hand", named.isEmpty,
                named.isEmpty ? "none of the hosts stands in /etc/hosts" : "in /etc/hosts: \(named.sorted().joined(separator: ", "))"
            ),
            ("every answer came through the watched way out", outside, "\(seen.passages.count { !$0.isErrand }) connections"),
            (
                "the clock agrees with a reference to two seconds", context.clock.map { abs($0.offset) <= 2000 } ?? false,
                context.clock.map { "\($0.offset) ms, \($0.source)" } ?? "no reference clock was asked"
            ),
            ("nothing leads to an address inside", !seen.passages.contains(where: \.refused), "\(seen.passages.count(where: \.refused)) refused"),
        ]
    }
}

extension CaptureRecord {
    /// The checklist's lines in both languages; the record itself is written in one.
    static func title(_ check: String) -> Text {
        switch check {
        case "a profile made for this capture, without cookies": Text("专用的新建浏览器环境，无缓存和 Cookie", check)
        case "names not set on this machine by hand": Text("域名未在本机被改写", check)
        case "every answer came through the watched way out": Text("全部响应经受控出口取得", check)
        case "the clock agrees with a reference to two seconds": Text("时钟与标准时间相差不超过两秒", check)
        case "nothing leads to an address inside": Text("没有指向内网的地址", check)
        default: Text(verbatim: check)
        }
    }

    /// What was found, in both languages.
    static func detail(_ found: String) -> Text {
        let number = found.prefix { $0.isNumber || $0 == "-" }
        let rest = found.dropFirst(number.count)
        let zh: String? =
            switch true {
            case found == "the first request carried none": "首个请求未带 Cookie"
            case found == "the first request carried a cookie": "首个请求带有 Cookie"
            case found == "none of the hosts stands in /etc/hosts": "本机 hosts 文件中没有这些域名"
            case found.hasPrefix("in /etc/hosts: "): "本机 hosts 文件中有：" + found.dropFirst("in /etc/hosts: ".count)
            case found == "no reference clock was asked": "未与标准时间核对"
            case found == "waited": "已等待"
            case found == "nothing found": "没有找到对应内容"
            case rest == " connections": "\(number)个连接"
            case rest == " refused": "拒绝\(number)个"
            case rest == " screens": "滚动\(number)屏"
            case rest == " clicked": "点击\(number)处"
            case rest.hasPrefix(" ms, "): "相差\(number)毫秒，\(rest.dropFirst(5))"
            default: nil
            }
        return Text(zh ?? found, found)
    }
    /// An act on the page, in both languages.
    static func act(_ line: String) -> Text {
        let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
        switch parts.first {
        case "scroll": return Text("滚动到底", line)
        case "click": return Text("点击 \(parts.last ?? "")", line)
        case "wait": return Text("等待\(parts.last ?? "")秒", line)
        default: return Text(verbatim: line)
        }
    }
}
