import ArgumentParser
import Foundation
import Kernel
import Monitoring
import Platform
import Store

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Brings the schema up to date and says what it did.")
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let store = try Store(url: database.database, logger: Opening.logger())
        let applied = try await store.migrate(
            Opening.migrations(Opening.domains(printer: Opening.printer(database), room: Monitoring.room(try LawBook.load().register, cache: nil))),
            at: Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)))
        print(applied.isEmpty ? Terminal.say(Text("数据库结构已是最新", "The schema is up to date")) : applied.map { "+ \($0)" }.joined(separator: "\n"))
        store.close()
    }
}
