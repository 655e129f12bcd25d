import Kernel
import Platform
import Store

/// A consumer's complaint (投诉): a dispute with a business that the authority is asked to settle.
///
/// Law: 《市场监督管理投诉举报处理办法》 art. 3, 10. Who complains is not in here: see `Complainant`.
package struct Complaint: Sendable {
    package let matter: Matter
    package let source: String
    package let externalNumber: String?
    package let respondentName: String
    package let respondentAddress: String
    package let respondentPhone: String?
    package let respondentUSCC: String?
    package let platform: String?
    package let shopURL: String?
    package let facts: String
    package let purchase: String?
    package let occurredOn: Day?
    package let occurredPlace: String?
    package let amount: Money?
    package let publication: Bool?
    package let delegation: Bool?
    package let tracking: String
    package let refusalGround: String?
    package let endingGround: String?
    package let reason: String?
    package let agreement: String?
    package let agreementForm: String?
    package let mediationMode: String?
    package let mediationAt: String?
    package let mediationPlace: String?
    package let mediators: String?
    package let claims: [Claim]

    init(_ matter: Matter, _ row: Row, _ claims: [Claim]) {
        self.matter = matter
        self.claims = claims
        source = row.string("source")
        externalNumber = row.optionalString("external_number")
        respondentName = row.string("respondent_name")
        respondentAddress = row.string("respondent_address")
        respondentPhone = row.optionalString("respondent_phone")
        respondentUSCC = row.optionalString("respondent_uscc")
        platform = row.optionalString("platform")
        shopURL = row.optionalString("shop_url")
        facts = row.string("facts")
        purchase = row.optionalString("purchase")
        occurredOn = row.optionalDay("occurred_on")
        occurredPlace = row.optionalString("occurred_place")
        amount = row.optionalMoney("amount")
        publication = row.optionalInt("publication").map { $0 == 1 }
        delegation = row.optionalInt("delegation").map { $0 == 1 }
        tracking = row.string("tracking")
        refusalGround = row.optionalString("refusal_ground")
        endingGround = row.optionalString("ending_ground")
        reason = row.optionalString("reason")
        agreement = row.optionalString("agreement")
        agreementForm = row.optionalString("agreement_form")
        mediationMode = row.optionalString("mediation_mode")
        mediationAt = row.optionalString("mediation_at")
        mediationPlace = row.optionalString("mediation_place")
        mediators = row.optionalString("mediators")
    }

    package var law: String { matter.regime }
    package var claimsText: Text {
        Text(claims.map(\.text.zh).joined(separator: "；"), claims.map(\.text.en).joined(separator: "; "))
    }
}

/// Who complains (投诉人): class L3, masked for whoever does not need it.
package struct Complainant: Sendable {
    package let name: Protected
    package let phone: Protected
    package let address: Protected
    package let idType: String?
    package let idNumber: Protected?
    package let agent: String?

    init(_ row: Row) {
        name = .name(row.string("name"))
        phone = .phone(row.string("phone"))
        address = .address(row.string("address"))
        idType = row.optionalString("id_type")
        idNumber = row.optionalString("id_number").map { .number($0) }
        agent = row.optionalString("agent")
    }
}

extension Transaction {
    package func complaint(_ matter: Matter) throws -> Complaint {
        guard matter.kind == ComplaintMoves.kind, let row = try one("SELECT * FROM disputes_complaints WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        let claims = try all("SELECT kind, amount FROM disputes_claims WHERE matter = \(matter.id) ORDER BY id").compactMap { row in
            ClaimKind(rawValue: row.string("kind")).map { Claim(kind: $0, amount: row.optionalMoney("amount")) }
        }
        return Complaint(matter, row, claims)
    }
    package func complaint(_ id: ID<Matter>) throws -> Complaint { try complaint(matter(id)) }
    package func complaint(number: String) throws -> Complaint { try complaint(matter(number: number)) }

    package func complainant(of matter: ID<Matter>) throws -> Complainant {
        guard let row = try one("SELECT * FROM disputes_complainants WHERE matter = \(matter)") else { throw Refusal.notFound }
        return Complainant(row)
    }
}
