import Store

/// The tables of evidence: what was captured or taken in, its timestamps, who had it in hand.
enum EvidenceSchema {
    static let migrations: [Migration] = [
        Migration(
            "evidence.1",
            [
                // A row changes with each act upon it, and is sealed anew each time.
                """
                CREATE TABLE evidence_items (id KEY, number TEXT NOT NULL UNIQUE, kind TEXT NOT NULL CHECK (kind IN ('capture', 'file')), matter INTEGER REFERENCES casework_matters (id),
                region TEXT NOT NULL, url TEXT NOT NULL, device TEXT NOT NULL, script TEXT NOT NULL, purpose TEXT NOT NULL, account INTEGER NOT NULL REFERENCES platform_accounts (id),
                second INTEGER REFERENCES platform_accounts (id), state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'sealed', 'failed')), asked_at INTEGER NOT NULL,
                began_at INTEGER, attempts INTEGER NOT NULL, failure TEXT, title TEXT NOT NULL, final_url TEXT, file TEXT, name TEXT, size INTEGER, sm3 TEXT, digest TEXT, digest_sm3 TEXT,
                key TEXT, sealed_at INTEGER)
                """,
                "CREATE INDEX evidence_items_matter ON evidence_items (matter, id)", "CREATE INDEX evidence_items_state ON evidence_items (state, id)",
                "CREATE INDEX evidence_items_file ON evidence_items (file)", "CREATE INDEX evidence_items_url ON evidence_items (url, id)",
                "CREATE TABLE evidence_stamps (id KEY, item INTEGER NOT NULL REFERENCES evidence_items (id), authority TEXT NOT NULL, at INTEGER NOT NULL, token BLOB NOT NULL, trusted INTEGER NOT NULL)",
                "CREATE INDEX evidence_stamps_item ON evidence_stamps (item)",
                // Who did what with it, written and never changed.
                """
                CREATE TABLE evidence_custody (id KEY, item INTEGER NOT NULL REFERENCES evidence_items (id), act TEXT NOT NULL, actor TEXT NOT NULL, account INTEGER REFERENCES platform_accounts (id),
                note TEXT NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL)
                """,
                "CREATE INDEX evidence_custody_item ON evidence_custody (item, id)",
                // Who is at it until when; renewed while it runs, so that what a killed process had begun is soon begun again.
                "CREATE TABLE evidence_leases (item INTEGER PRIMARY KEY REFERENCES evidence_items (id), until INTEGER NOT NULL, owner TEXT NOT NULL)",
                // Where the ledger holds the sealing: looked for once.
                "CREATE TABLE evidence_entries (item INTEGER PRIMARY KEY REFERENCES evidence_items (id), idx INTEGER NOT NULL)",
            ]),
        Migration(
            "evidence.2",
            [
                // What was read out of it: anybody can read it again, so nothing of it is sealed.
                "CREATE TABLE evidence_readings (item INTEGER PRIMARY KEY REFERENCES evidence_items (id), attempts INTEGER NOT NULL, done_at INTEGER, reader TEXT NOT NULL, note TEXT NOT NULL)",
                // A picture of the page, or a view of the page: where it lies in the package, its words with their places.
                """
                CREATE TABLE evidence_pictures (id KEY, item INTEGER NOT NULL REFERENCES evidence_items (id), place TEXT NOT NULL, source TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
                hash TEXT NOT NULL, fingerprint TEXT, words TEXT NOT NULL, lines TEXT NOT NULL)
                """,
                "CREATE INDEX evidence_pictures_item ON evidence_pictures (item, id)", "CREATE INDEX evidence_pictures_hash ON evidence_pictures (hash)",
                "CREATE TABLE evidence_bands (band TEXT NOT NULL, picture INTEGER NOT NULL REFERENCES evidence_pictures (id), PRIMARY KEY (band, picture)) CLUSTERED",
                // A copy in which something is covered: of what, and where.
                """
                CREATE TABLE evidence_derivatives (item INTEGER PRIMARY KEY REFERENCES evidence_items (id), original INTEGER NOT NULL REFERENCES evidence_items (id), place TEXT NOT NULL,
                hash TEXT NOT NULL, boxes TEXT NOT NULL)
                """,
                "CREATE INDEX evidence_derivatives_original ON evidence_derivatives (original)",
                // For which element of a violation somebody counts it.
                """
                CREATE TABLE evidence_elements (id KEY, item INTEGER NOT NULL REFERENCES evidence_items (id), matter INTEGER NOT NULL REFERENCES casework_matters (id), element TEXT NOT NULL,
                account INTEGER NOT NULL REFERENCES platform_accounts (id), at INTEGER NOT NULL, removed_at INTEGER, UNIQUE (item, matter, element))
                """,
                "CREATE INDEX evidence_elements_matter ON evidence_elements (matter)",
                // Until when it is kept beyond its time, and what was destroyed when its time was over.
                "CREATE TABLE evidence_holds (item INTEGER PRIMARY KEY REFERENCES evidence_items (id), reason TEXT NOT NULL, account INTEGER NOT NULL REFERENCES platform_accounts (id), at INTEGER NOT NULL, released_at INTEGER)",
                "CREATE TABLE evidence_disposals (item INTEGER PRIMARY KEY REFERENCES evidence_items (id), reason TEXT NOT NULL, account INTEGER NOT NULL REFERENCES platform_accounts (id), at INTEGER NOT NULL)",
            ]),
        // What other domains may know of it: that there is such a number.
        Migration("evidence.3", ["CREATE VIEW insight_evidence AS SELECT number, region, matter FROM evidence_items"]),
    ]
}
