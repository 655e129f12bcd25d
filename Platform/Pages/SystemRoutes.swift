import HTTPTypes
import Kernel
import Store
import Web

/// What every installation answers (系统接口): health, figures, files, the language switch.
package enum SystemRoutes {
    package static let version = "0.1.0"

    package static func routes(_ desk: Desk, metrics: Metrics) -> [Route] {
        [
            Route(.get, "/healthz", .anyone, style: .api) { _ in .json(.object([("status", .string("ok")), ("version", .string(version))])) },
            Route(.get, "/readyz", .anyone, style: .api) { visit in
                _ = try await visit.desk.store.read { try $0.one("SELECT 1 AS n") }
                return .json(.object([("status", .string("ready"))]))
            },
            Route(.get, "/metrics", .anyone, style: .api) { visit in
                // For the machine itself: a proxy in front keeps it from the world.
                guard ["127.0.0.1", "::1"].contains(visit.exchange.peer) else { throw Refusal.notFound }
                let gauges = try await visit.desk.store.read { tx in
                    [
                        ("open_matters", try tx.count("SELECT count(*) AS n FROM casework_matters WHERE open = 1")),
                        ("ledger_entries", try tx.count("SELECT size AS n FROM platform_ledger_head")),
                        ("jobs_waiting", try tx.count("SELECT count(*) AS n FROM platform_jobs WHERE state = 'waiting'")),
                        ("jobs_failed", try tx.count("SELECT count(*) AS n FROM platform_jobs WHERE state = 'failed'")),
                    ]
                }
                return .text(metrics.text(gauges: gauges))
            },
            Route(.get, "/assets/:name", .anyone, style: .api) { visit in
                try visit.house.assets.answer(visit.exchange.parameter("name"), ifNoneMatch: visit.exchange.headers[.ifNoneMatch])
            },
            Route(.get, "/language", .anyone) { visit in
                guard let language = visit.exchange.query["to"].flatMap({ Language(rawValue: $0) }) else {
                    throw Refusal.invalid("/to", Text("不支持的语言", "This language is not supported"))
                }
                return Answer.redirect(visit.exchange.query["back"] ?? "/").setting(
                    cookie: Front.languageCookie, to: language.rawValue, maxAge: 86_400 * 365, secure: visit.desk.configuration.secureCookies)
            },
        ]
    }
}
