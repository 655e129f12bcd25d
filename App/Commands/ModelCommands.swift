import ArgumentParser
import Detect
import Foundation
import Kernel
import Monitoring
import Platform
import Statute
import Store

/// Where models are read from, and where compiled expressions are kept.
struct ModelOptions: ParsableArguments {
    @Option(name: .customLong("models"), help: "Folder of models; those that ship with the program if not given") var folder: String?

    var url: URL { folder.map { URL(fileURLWithPath: $0) } ?? ModelLibrary.shipped }
    static var cache: URL? {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["XDG_CACHE_HOME"] { return URL(fileURLWithPath: folder).appendingPathComponent("sinan") }
        return environment["HOME"].map { URL(fileURLWithPath: $0).appendingPathComponent(".cache/sinan") }
    }
}

struct ScanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Listings as NDJSON from files or standard input; hits as NDJSON in input order.",
        discussion: "A line that is no listing is reported on standard error with its number and counted; it stops nothing.")
    @OptionGroup var models: ModelOptions
    @Option(help: "Threads") var threads = 1
    @Flag(help: "Matches the text as it stands, only ASCII letters alike: for comparison with other engines") var plain = false
    @Flag(help: "Also writes what was found only in passages that a model excuses, marked \"excused\":true") var excused = false
    @Argument(help: "Files; standard input if none") var files: [String] = []

    func run() throws {
        guard (1...64).contains(threads) else { throw Refusal.invalid("/threads", Text("线程数应为1至64", "1 to 64 threads")) }
        let law = try LawBook.load().register
        let scan = try Scan(ModelLibrary(models.url, law: law), law: law, today: Opening.clock.today, plain: plain, excused: excused, cache: ModelOptions.cache)
        var total = Scan.Counts()
        for file in files.isEmpty ? ["-"] : files {
            guard let handle = file == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: file) else {
                throw Refusal.invalid("/file", Text("无法读取文件 \(file)", "Cannot read the file \(file)"))
            }
            let name = file == "-" ? "stdin" : file
            let counts = try scan.run(
                threads: threads, read: { try handle.read(upToCount: 1 << 20) }, write: { if !$0.isEmpty { try FileHandle.standardOutput.write(contentsOf: Data($0)) } },
                complain: { line, what in FileHandle.standardError.write(Data("\(name):\(line): \(what)\n".utf8)) })
            total.listings += counts.listings
            total.hits += counts.hits
            total.bad += counts.bad
        }
        FileHandle.standardError.write(
            Data(
                (Terminal.say(
                    Text("\(total.listings)条商品信息，命中\(total.hits)次，无法识读\(total.bad)行", "\(total.listings) listings, \(total.hits) hits, \(total.bad) lines that are none")) + "\n")
                    .utf8))
    }
}

struct Models: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "models", abstract: "The monitoring models.", subcommands: [List.self, Check.self, Test.self, Backtest.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the models with their law.")
        @OptionGroup var models: ModelOptions
        @Flag(help: "One JSON document") var json = false

        func run() throws {
            let law = try LawBook.load().register
            let library = try ModelLibrary(models.url, law: law)
            if json {
                return print(
                    JSON.array(
                        library.models.map { model in
                            .object([
                                ("id", .string(model.id)), ("title", .string(model.title.zh)), ("titleEn", .string(model.title.en)), ("status", .string(model.rules[0].status)),
                                ("level", .string(model.rules[0].level)), ("lane", .string(model.card.lane.rawValue)), ("owner", .string(model.card.owner)),
                                ("reviewed", .string(model.card.reviewed.description)),
                                (
                                    "law",
                                    .array(
                                        model.card.law.map {
                                            .object([
                                                ("law", .string($0.article.law)), ("title", .text(law[$0.article.law]?.title)), ("article", .string($0.article.article)),
                                                ("from", .text($0.from?.description)), ("to", .text($0.to?.description)),
                                            ])
                                        })
                                ),
                            ])
                        }
                    ).text)
            }
            for model in library.models {
                print("\(model.id)\t\(Terminal.say(model.title))\t\(model.card.lane.rawValue)\t\(model.card.law.map { Terminal.say(law.cite($0.article)) }.joined(separator: "；"))")
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Validates models: what cannot be run is refused by name.")
        @Argument(help: "Folder of models; those that ship with the program if not given") var folder: String?

        func run() throws {
            let law = try LawBook.load().register
            let (models, flaws) = try ModelLibrary.read(folder.map { URL(fileURLWithPath: $0) } ?? ModelLibrary.shipped, law: law)
            var failed = !flaws.isEmpty
            for flaw in flaws { print("✗ \(flaw.model): \(flaw.what)") }
            for model in models {
                // Each alone, so that one that cannot be compiled does not hide the others.
                do {
                    let (program, _) = try ModelLibrary(models: [model]).program(cache: nil)
                    print("✓ \(model.id) \(Terminal.say(model.title)) (\(program.phraseCount) phrases, \(program.expressionCount) expressions)")
                } catch let refusal as Refusal {
                    failed = true
                    print("✗ \(model.id): \(refusal.fields.first?.text.en ?? refusal.text.en)")
                }
            }
            if models.isEmpty, !failed {
                failed = true
                print("✗ \(Terminal.say(Text("没有模型", "no model is there")))")
            }
            if failed { throw ExitCode(1) }
        }
    }

    struct Test: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Runs each model's own cases.")
        @Argument(help: "Folder of models; those that ship with the program if not given") var folder: String?

        func run() throws {
            let law = try LawBook.load().register
            let library = try ModelLibrary(folder.map { URL(fileURLWithPath: $0) } ?? ModelLibrary.shipped, law: law)
            var failed = 0
            for report in try ModelCases.run(library, law: law, cache: ModelOptions.cache) {
                print("\(report.failures.isEmpty ? "✓" : "✗") \(report.model): \(report.positive) must hit, \(report.negative) must not")
                for failure in report.failures { print("    \(failure)") }
                failed += report.failures.count
            }
            if failed > 0 { throw ExitCode(1) }
        }
    }

    struct Backtest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Replays a model on what was kept: leads that it would open, confirmed ones that it would lose.")
        @Argument(help: "Model, such as M05") var id: String
        @OptionGroup var models: ModelOptions
        @OptionGroup var database: DatabaseOptions
        @Option(help: "From this day on") var since: String
        @Flag(help: "One JSON document") var json = false

        func run() async throws {
            guard let day = Day(since) else { throw Refusal.invalid("/since", Text("“\(since)”不是日期", "“\(since)” is not a date")) }
            let office = try await Opening.open(database, migrating: false)
            defer { office.desk.store.close() }
            let desk = office.desk
            let library = try ModelLibrary(models.url, law: desk.law.register)
            guard let model = library.models.first(where: { $0.id == id.uppercased() }) else { throw Refusal.invalid("/id", Text("没有模型 \(id)", "There is no model \(id)")) }
            let alone = try ModelLife.alone(ModelRoom.files(of: model), folder: model.folder.lastPathComponent, law: desk.law.register)
            try await office.room.takeInShipped(desk.store, at: desk.now)
            let kinds = try await office.room.current(desk.store).permitKinds
            let report = try await ModelLife.backtest(alone, model: model.id, since: day, desk: desk, permitKinds: kinds) { Terminal.progress("\($0)") }
            Terminal.progressEnd()
            if json { return print(report.json.text) }
            let (right, wrong) = (report.judged(true), report.judged(false))
            print(
                Terminal.say(
                    Text(
                        "\(report.versions)个版本，命中\(report.hits)次，约\(report.leads)件线索；已确认的保留\(right.open.count)件、丢失\(right.gone.count)件；已排除的不再出现\(wrong.gone.count)件、仍会出现\(wrong.open.count)件",
                        "\(report.versions) versions, \(report.hits) hits, about \(report.leads) leads; of the confirmed \(right.open.count) kept, \(right.gone.count) lost; of the dismissed \(wrong.gone.count) gone, \(wrong.open.count) still there"
                    )))
            for number in right.gone.prefix(20) { print("  - \(number)") }
            for sample in report.samples.prefix(10) { print("  \(sample.listing)\t\(sample.text)") }
        }
    }
}
