import Kernel

/// What makes a capture fit for a case, as a list with its sources (取证要件核对): known before it is sealed, checked after.
///
/// Articles of 市场监督管理行政处罚程序规定 (PCD), looked up in its text. The rules on forensics of 2024 were seen in excerpts only
/// (fact sheet §7.1): what rests on them carries no article.
enum Checklist {
    struct Line: Sendable {
        let title: Text
        let article: Article?
        /// Nil: not known before it is sealed.
        let holds: Bool?
        /// What to do where it does not.
        let mend: Text
    }

    static func of(_ item: EvidenceItem, record: JSON, stamped: Bool) -> [Line] {
        let isSealed = item.state == .sealed
        let page = item.kind == "capture"
        let checks = record["environment"]?.array ?? []
        return [
            Line(
                title: Text("执法人员不少于两人", "Two officers at least"), article: Article(law: "PCD", article: "22"), holds: item.second != nil,
                mend: Text("重新取证时选择另一名执法人员", "Capture again with a second officer")),
            Line(
                title: Text("已关联事项或案件", "Belongs to a matter"), article: nil, holds: item.matter != nil, mend: Text("重新取证时填写事项编号", "Capture again with the matter's number")),
            Line(
                title: Text("注明制作方法、制作时间、制作人", "Method, time and maker are noted"), article: Article(law: "PCD", article: "26"),
                holds: isSealed ? page ? !record.isNull : !item.purpose.isEmpty : nil,
                mend: Text("封存记录无法读取，请核验", "The record cannot be read: verify the package")),
            Line(
                title: Text("设备保证真实、完整：环境核对全部符合", "Means that keep it true and whole: the surroundings were clean"), article: Article(law: "PCD", article: "26"),
                holds: !page ? nil : isSealed ? !checks.isEmpty && checks.allSatisfy { $0["holds"]?.bool == true } : nil,
                mend: Text("见“取证环境”中未符合的项目", "See what does not hold under “Surroundings”")),
            Line(
                title: Text("记录完整性校验值", "Hashes are recorded"), article: nil, holds: isSealed ? item.file != nil && item.sm3 != nil : nil, mend: Text("尚未封存", "Not sealed yet")),
            Line(
                title: Text("有可信时间戳", "A trusted time"), article: nil, holds: isSealed ? stamped : nil,
                mend: Text("未配置或未连上时间戳服务；连上后自动补加", "No authority answered: it is added once one does")),
        ]
    }

}
