import DataFiles
import Foundation
import Kernel
import Monitoring
import Statute
import Testing

@Suite struct ModelTests {
    func law() throws -> LawRegister { try LawRegister(json: DataFiles.data("law/laws.json")) }

    /// Every model passes its own cases and has enough of both kinds.
    @Test func everyModelPassesItsOwnCases() throws {
        let reports = try ModelCases.run(ModelLibrary(ModelLibrary.shipped, law: law()), law: law(), cache: nil)
        #expect(!reports.isEmpty)
        for report in reports {
            #expect(report.failures.isEmpty, "\(report.model): \(report.failures.joined(separator: "\n"))")
            #expect(report.positive >= 20 && report.negative >= 20, "\(report.model) has \(report.positive) and \(report.negative) cases")
        }
    }

    /// Articles that a model cites stand in the register, and say from when they are in force.
    @Test func articlesThatModelsCiteStandInTheRegister() throws {
        let law = try law()
        for model in try ModelLibrary(ModelLibrary.shipped, law: law).models {
            for basis in model.card.law {
                #expect(law[basis.article.law]?.articles[basis.article.number] != nil, "\(model.id) cites \(basis.article)")
                #expect(basis.from != nil, "\(model.id): \(basis.article) has no day in force")
            }
        }
    }
}
