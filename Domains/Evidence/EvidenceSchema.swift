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
            ])
    ]
}
