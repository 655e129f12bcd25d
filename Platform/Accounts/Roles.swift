import Kernel

/// The roles of the office (岗位). What each may do is declared by the domains, permission by permission.
package enum Role: String, Sendable, CaseIterable {
    case intake, clerk, mediator, analyst, examiner, officer, reviewer, leader, inspector, director, auditor, admin

    package var title: Text {
        switch self {
        case .intake: Text("接收登记员", "Intake officer")
        case .clerk: Text("受理员", "Clerk")
        case .mediator: Text("调解员", "Mediator")
        case .analyst: Text("监测员", "Monitoring analyst")
        case .examiner: Text("取证员", "Forensic examiner")
        case .officer: Text("办案人员", "Case officer")
        case .reviewer: Text("审核人员", "Reviewer")
        case .leader: Text("负责人", "Head of office")
        case .inspector: Text("检查员", "Inspector")
        case .director: Text("局长", "Director")
        case .auditor: Text("审计员", "Auditor")
        case .admin: Text("系统管理员", "Administrator")
        }
    }
}

/// One permission, what it lets one do, and who has it.
package struct Grant: Sendable {
    package let permission: Permission
    package let title: Text
    package let roles: Set<Role>
    package init(_ permission: Permission, _ title: Text, _ roles: Set<Role>) {
        self.permission = permission
        self.title = title
        self.roles = roles
    }
}

/// Who may do what (权限表), gathered from the platform and all domains.
package struct PermissionTable: Sendable {
    package let grants: [Grant]
    private let roles: [Permission: Set<Role>]
    package init(_ grants: [Grant]) {
        self.grants = grants
        roles = Dictionary(grants.map { ($0.permission, $0.roles) }) { $0.union($1) }
    }
    package func allows(_ held: Set<Role>, _ permission: Permission) -> Bool { !(roles[permission] ?? []).isDisjoint(with: held) }
    package func isKnown(_ permission: Permission) -> Bool { roles[permission] != nil }
}

package enum PlatformGrants {
    package static let all: [Grant] = [
        Grant("casework.see", Text("查看事项", "See matters"), Set(Role.allCases).subtracting([.admin])),
        Grant("casework.note", Text("添加备注和附件", "Add notes and files"), [.intake, .clerk, .mediator, .analyst, .officer, .reviewer, .leader, .inspector]),
        Grant("casework.assign", Text("分派事项", "Assign matters"), [.clerk, .leader, .director]),
        Grant("casework.extend", Text("批准延长期限", "Approve extensions"), [.leader]),
        Grant("operators.see", Text("查看经营主体", "See operators"), Set(Role.allCases)),
        Grant("operators.contact", Text("登记联系人", "Keep contacts"), [.intake, .clerk, .mediator, .officer, .inspector, .leader]),
        Grant("operators.import", Text("导入经营主体", "Import operators"), [.admin]),
        Grant("personal.reveal", Text("查看个人信息", "Look at personal data"), [.intake, .clerk, .mediator, .officer, .leader]),
        Grant("ledger.see", Text("查看操作日志", "See the ledger of acts"), [.auditor, .director, .admin]),
        Grant("office.change", Text("变更机构设置", "Change the office's settings"), [.admin]),
        Grant("calendar.change", Text("更新工作日历", "Change the calendar"), [.admin]),
        Grant("templates.change", Text("修改文书模板", "Change document templates"), [.admin, .leader]),
        Grant("accounts.change", Text("管理账号", "Manage accounts"), [.admin]),
    ]
}
