import Formats
import Kernel
import Platform
import Web

/// 电子数据证据提取笔录 (form 12 of the penalty documents of 2021), filled from the capture; what only people know stays blank for the pen.
enum ExtractionRecord {
    static func sheet(
        _ item: EvidenceItem, record: JSON, parts: [(name: String, hash: String)], officers: [String], matter: String?, stamps: [(authority: String, at: Moment)], office: String
    ) -> String {
        let h = HTML(.zh)
        func line(_ title: String, _ value: String) {
            h.div("line") {
                h.element("strong", text: title + "：")
                h.text(value)
            }
        }
        func block(_ title: String, _ lines: [String]) {
            h.div("block") {
                h.element("strong", text: title + "：")
                for line in lines { h.p(nil, line) }
            }
        }
        h.p("office", office)
        h.h1("电子数据证据提取笔录")
        let start = record["startedAt"]?.string.flatMap { Moment($0) } ?? item.askedAt
        let end = record["endedAt"]?.string.flatMap { Moment($0) } ?? item.sealedAt ?? item.askedAt
        line("时间", "\(start.minuteText)至\(end.minuteText)")
        line("地点", "________________________")
        line("被检查人", "________________________")
        line("提取人", officers.first ?? "________")
        line("执法人员", officers.joined(separator: "、") + (officers.count < 2 ? "、________" : "") + "　　执法证号：________、________")
        if let matter { line("事项编号", matter) }
        let addresses = (record["connections"]?.array ?? []).compactMap { c in c["connected"]?.string.map { "\(c["host"]?.string ?? "") \($0)" } }
        let hosts = addresses.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.prefix(8)
        if item.kind == "capture" {
            block(
                "提取的电子数据原始存储介质名称及状态",
                ["网络服务器，经互联网访问；访问时解析和连接的地址：" + (hosts.isEmpty ? "见封存包内记录" : hosts.joined(separator: "；")) + "。原始存储介质由网络服务提供者控制，无法扣押封存，采用网络在线提取方式。"])
            let acts = (record["acts"]?.array ?? []).map { "\(CaptureRecord.act($0["act"]?.string ?? "").zh)（\(CaptureRecord.detail($0["result"]?.string ?? "").zh)）" }
            let clock = record["clock"]?["offsetMilliseconds"]?.int.map { "与标准时间相差\($0)毫秒（\(record["clock"]?["reference"]?.string ?? "")）" } ?? "未与标准时间核对"
            block(
                "提取方法和过程",
                [
                    "使用\(record["software"]?.string ?? "本系统")，在专用、新建、不带缓存的浏览器环境（\(record["browser"]?["product"]?.string ?? "")，\(item.device.title.zh)）中打开 \(item.url)"
                        + (item.finalURL.map { $0 == item.url ? "" : "，跳转至 \($0)" } ?? "") + "。",
                    acts.isEmpty ? "未做其他操作。" : "依次：" + acts.joined(separator: "；") + "。", "取证设备时钟\(clock)。",
                    (record["environment"]?.array ?? []).map { "\(CaptureRecord.title($0["check"]?.string ?? "").zh)：\($0["holds"]?.bool == true ? "符合" : "未符合")" }.joined(
                        separator: "；") + "。",
                ])
            block(
                "提取的电子数据内容",
                ["网页“\(item.title)”的全部响应\(record["requests"]?["kept"]?.int ?? 0)个、长图、PDF、文字和源码，封存为 \(item.name ?? "")（WACZ 1.1.1，\(item.size)字节）。"]
                    + (record["requests"]?["missing"]?.array ?? []).prefix(10).map { "未取得：\($0["url"]?.string ?? "")（\($0["why"]?.string ?? "")）" })
        } else {
            block("提取的电子数据原始存储介质名称及状态", ["________________________"])
            block("提取方法和过程", [item.purpose])
            block("提取的电子数据内容", ["文件 \(item.name ?? "")，\(item.size)字节。"])
        }
        h.div("block") {
            h.element("strong", text: "电子数据的完整性校验值：")
            h.p("hash", "封存包 SHA-256 \(item.file ?? "")")
            h.p("hash", "封存包 SM3 \(item.sm3 ?? "")")
            if let digest = item.digest { h.p("hash", "清单 SHA-256 \(digest)") }
            for part in parts { h.p("hash", "\(part.name) \(part.hash)") }
            for stamp in stamps { h.p("hash", "时间戳 \(stamp.at.isoText) \(stamp.authority)") }
        }
        h.p(nil, "执法人员：以上是本次电子数据提取情况的记录，请核对/已向你宣读。如果属实请签名。")
        h.p("sign", "被检查人：________________　　　　年　月　日")
        h.p("sign", "提取人：________________　　　　年　月　日")
        h.p("sign", "执法人员：________________、________________　　　　年　月　日")
        let style = """
            @page{size:A4;margin:2.2cm 2cm}body{font:15px/1.8 "Noto Serif CJK SC",serif;color:#111;margin:1.5cm auto;max-width:17cm}.office{text-align:center;font-size:20px;margin:0}
            h1{text-align:center;font-size:24px;margin:.2em 0 1em}.line{border-bottom:1px solid #999;padding:3px 0}.block{border-bottom:1px solid #999;padding:6px 0}.block p{margin:2px 0;text-indent:2em;overflow-wrap:anywhere}
            .block p.hash{font:11px/1.5 monospace;text-indent:0}.sign{margin:14px 0}@media print{body{margin:0}.back{display:none}}
            """
        return Documents.sheet(
            String(decoding: h.bytes, as: UTF8.self), title: "电子数据证据提取笔录 \(item.number)", style: style, back: ("/evidence/\(item.id)", "返回证据"))
    }
}
