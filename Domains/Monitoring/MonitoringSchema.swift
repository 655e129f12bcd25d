import Store

/// What Monitoring keeps (网络交易监测库).
enum MonitoringSchema {
    static let migrations = [
        Migration(
            "monitoring.1",
            [
                // Who sells: one row a shop of a platform.
                """
                CREATE TABLE monitoring_sellers (id KEY, ref TEXT NOT NULL UNIQUE, platform TEXT NOT NULL, name TEXT NOT NULL, uscc TEXT, operator INTEGER REFERENCES operators (id),
                region TEXT NOT NULL, contact TEXT, licence_shown INTEGER, unregistered INTEGER NOT NULL DEFAULT 0, reported_on TEXT, changed_at INTEGER NOT NULL)
                """,
                "CREATE INDEX monitoring_sellers_operator ON monitoring_sellers (operator)",
                "CREATE INDEX monitoring_sellers_contact ON monitoring_sellers (contact)",
                // What is offered, as it was last seen; the price stands here too, so that lists read one table.
                """
                CREATE TABLE monitoring_listings (id KEY, ref TEXT NOT NULL, platform TEXT NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL, seller INTEGER REFERENCES monitoring_sellers (id),
                name TEXT NOT NULL, category TEXT NOT NULL, price INTEGER, list_price INTEGER, body TEXT NOT NULL, hash TEXT NOT NULL, text_hash TEXT NOT NULL, version INTEGER NOT NULL,
                first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, UNIQUE (ref, platform))
                """,
                "CREATE INDEX monitoring_listings_seller ON monitoring_listings (seller, id)",
                "CREATE INDEX monitoring_listings_last ON monitoring_listings (last_at)",
                // Its texts as they were: near-duplicates are folded into the version before.
                """
                CREATE TABLE monitoring_versions (id KEY, listing INTEGER NOT NULL REFERENCES monitoring_listings (id), number INTEGER NOT NULL, hash TEXT NOT NULL, body TEXT NOT NULL,
                folded INTEGER NOT NULL DEFAULT 0, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, UNIQUE (listing, number))
                """,
                "CREATE INDEX monitoring_versions_last ON monitoring_versions (last_at)",
                // Its prices and sales, an entry an observation that differs from the one before.
                """
                CREATE TABLE monitoring_observations (listing INTEGER NOT NULL, at INTEGER NOT NULL, price INTEGER, list_price INTEGER, sold INTEGER, turnover INTEGER,
                PRIMARY KEY (listing, at)) CLUSTERED
                """,
                // A seller's turnover a month and listing, to be summed over all of a person's shops.
                """
                CREATE TABLE monitoring_turnover (seller INTEGER NOT NULL, month TEXT NOT NULL, listing INTEGER NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (seller, month, listing)) CLUSTERED
                """,
                // Permits, certificates, lists of failing goods: numbers that others issue.
                """
                CREATE TABLE monitoring_registers (id KEY, kind TEXT NOT NULL, number TEXT NOT NULL, holder TEXT NOT NULL, detail TEXT NOT NULL, valid_to TEXT, UNIQUE (kind, number, holder))
                """,
                "CREATE INDEX monitoring_registers_holder ON monitoring_registers (holder, kind)",
            ]),
        Migration(
            "monitoring.2",
            [
                // A model's texts under their hash: what ran when is known for ever.
                """
                CREATE TABLE monitoring_editions (id KEY, model TEXT NOT NULL, edition TEXT NOT NULL, state TEXT NOT NULL, title TEXT NOT NULL, folder TEXT NOT NULL, files TEXT NOT NULL,
                made_by TEXT NOT NULL, made_at INTEGER NOT NULL, decided_by TEXT, decided_at INTEGER, note TEXT NOT NULL DEFAULT '', UNIQUE (model, edition))
                """,
                // What a model found in a listing's text, once for each text.
                """
                CREATE TABLE monitoring_hits (id KEY, listing INTEGER NOT NULL REFERENCES monitoring_listings (id), seller INTEGER, model TEXT NOT NULL, edition TEXT NOT NULL, level TEXT NOT NULL,
                body_hash TEXT NOT NULL, matches TEXT NOT NULL, at INTEGER NOT NULL, lead INTEGER, shadow INTEGER NOT NULL, UNIQUE (listing, model, edition, body_hash))
                """,
                "CREATE INDEX monitoring_hits_lead ON monitoring_hits (lead, id)",
                "CREATE INDEX monitoring_hits_model ON monitoring_hits (model, at)",
                """
                CREATE TABLE monitoring_leads (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), model TEXT NOT NULL, edition TEXT NOT NULL, seller INTEGER REFERENCES monitoring_sellers (id),
                lane TEXT NOT NULL, level TEXT NOT NULL, hits INTEGER NOT NULL, score INTEGER NOT NULL, listing INTEGER NOT NULL REFERENCES monitoring_listings (id), body_hash TEXT NOT NULL,
                verdict TEXT, reason TEXT, correct_by TEXT, notice TEXT, notice_code TEXT, rechecks INTEGER NOT NULL DEFAULT 0, corrected_hash TEXT,
                snoozed_until TEXT)
                """,
                "CREATE INDEX monitoring_leads_seller ON monitoring_leads (seller, model)",
                "CREATE INDEX monitoring_leads_model ON monitoring_leads (model, matter)",
                "CREATE INDEX monitoring_leads_score ON monitoring_leads (score, matter)",
                // Pages to be sealed: the fields stand in the file store under their hash before anybody is told.
                """
                CREATE TABLE monitoring_captures (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), listing INTEGER NOT NULL, url TEXT NOT NULL, body_hash TEXT NOT NULL, state TEXT NOT NULL,
                queued_at INTEGER NOT NULL)
                """,
                "CREATE INDEX monitoring_captures_matter ON monitoring_captures (matter)",
                "CREATE INDEX monitoring_captures_state ON monitoring_captures (state, id)",
                // Which hits open a lead by themselves, and whom they are given to.
                """
                CREATE TABLE monitoring_triggers (model TEXT PRIMARY KEY, opens INTEGER NOT NULL, minimum INTEGER NOT NULL, level TEXT NOT NULL, account INTEGER REFERENCES platform_accounts (id),
                floor INTEGER NOT NULL)
                """,
                """
                CREATE TABLE monitoring_exceptions (id KEY, model TEXT NOT NULL, seller INTEGER, listing INTEGER, phrase TEXT, owner INTEGER NOT NULL REFERENCES platform_accounts (id), reason TEXT NOT NULL,
                until TEXT NOT NULL, made_at INTEGER NOT NULL, ended_at INTEGER)
                """,
                "CREATE INDEX monitoring_exceptions_model ON monitoring_exceptions (model, until)",
            ]),
        Migration(
            "monitoring.3",
            [
                """
                CREATE TABLE monitoring_requests (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), lead INTEGER REFERENCES casework_matters (id), party TEXT NOT NULL, recipient TEXT NOT NULL,
                subject TEXT NOT NULL, asked TEXT NOT NULL, due TEXT, code TEXT NOT NULL, received_at INTEGER, reply TEXT, replied_at INTEGER, reminded INTEGER NOT NULL DEFAULT 0)
                """,
                "CREATE INDEX monitoring_requests_lead ON monitoring_requests (lead)",
                // What an edition would have done on what was kept.
                """
                CREATE TABLE monitoring_backtests (id KEY, edition INTEGER NOT NULL REFERENCES monitoring_editions (id), since TEXT NOT NULL, state TEXT NOT NULL, asked_by INTEGER, asked_at INTEGER NOT NULL,
                result TEXT)
                """,
                "CREATE INDEX monitoring_backtests_edition ON monitoring_backtests (edition, id)",
            ]),
        // What each listing read when it was looked at again, kept for as long as what was hit.
        Migration(
            "monitoring.4",
            ["ALTER TABLE monitoring_hits ADD COLUMN after_hash TEXT", "ALTER TABLE monitoring_hits ADD COLUMN after_at INTEGER"]),
        // Words that were read in pictures, by the address of the page; those of the newest capture.
        Migration(
            "monitoring.5",
            [
                "CREATE INDEX monitoring_listings_url ON monitoring_listings (url)",
                "CREATE TABLE monitoring_words (listing INTEGER PRIMARY KEY REFERENCES monitoring_listings (id), evidence TEXT NOT NULL, at INTEGER NOT NULL, words TEXT NOT NULL)",
            ]),
        // What the figures of other rooms may read of leads.
        Migration(
            "monitoring.6",
            ["CREATE VIEW insight_leads AS SELECT matter, model FROM monitoring_leads", "CREATE VIEW insight_models AS SELECT model, title FROM monitoring_editions"]),
    ]
}
