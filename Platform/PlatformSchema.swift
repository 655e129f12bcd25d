import Store

/// The tables that every domain stands on.
package enum PlatformSchema {
    package static let migrations: [Migration] = [
        Migration(
            "platform.1",
            [
                "CREATE TABLE platform_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
                "CREATE TABLE platform_regions (code TEXT PRIMARY KEY, name TEXT NOT NULL, parent TEXT)",
                """
                CREATE TABLE platform_accounts (id KEY, login TEXT NOT NULL UNIQUE, name TEXT NOT NULL, roles TEXT NOT NULL, region TEXT NOT NULL,
                password TEXT NOT NULL, totp BLOB, totp_step INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 1,
                failures INTEGER NOT NULL DEFAULT 0, locked_until INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL)
                """,
                """
                CREATE TABLE platform_sessions (token TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES platform_accounts (id),
                second_factor INTEGER NOT NULL, created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL)
                """,
                """
                CREATE TABLE platform_tokens (id KEY, token TEXT NOT NULL UNIQUE, account INTEGER NOT NULL REFERENCES platform_accounts (id),
                label TEXT NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER, revoked_at INTEGER)
                """,
                "CREATE TABLE platform_calendar (day TEXT PRIMARY KEY, name TEXT NOT NULL, is_off INTEGER NOT NULL CHECK (is_off IN (0, 1)), year INTEGER NOT NULL)",
                "CREATE TABLE platform_ledger (idx INTEGER PRIMARY KEY, entry TEXT NOT NULL, leaf BLOB NOT NULL)",
                "CREATE TABLE platform_ledger_nodes (level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, idx)) CLUSTERED",
                "CREATE TABLE platform_ledger_head (singleton INTEGER PRIMARY KEY CHECK (singleton = 1), size INTEGER NOT NULL, roots BLOB NOT NULL)",
                "INSERT INTO platform_ledger_head (singleton, size, roots) VALUES (1, 0, CAST('' AS BLOB))",
                "CREATE TABLE platform_checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL, signed_at INTEGER NOT NULL)",
                """
                CREATE TABLE platform_jobs (id KEY, kind TEXT NOT NULL, payload TEXT NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
                state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')), error TEXT, done_at INTEGER, progress INTEGER NOT NULL DEFAULT 0)
                """,
                "CREATE INDEX platform_jobs_due ON platform_jobs (state, due_at)",
                "CREATE TABLE platform_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
                "CREATE TABLE platform_idempotency (token TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL)",
                "CREATE TABLE platform_templates (form TEXT PRIMARY KEY, body TEXT NOT NULL, changed_by INTEGER NOT NULL, changed_at INTEGER NOT NULL)",
                "CREATE TABLE platform_filters (id KEY, account INTEGER NOT NULL REFERENCES platform_accounts (id), name TEXT NOT NULL, query TEXT NOT NULL, UNIQUE (account, name))",
            ]),
        Migration("platform.search.1", steps: [.search]),
        Migration(
            "operators.1",
            [
                """
                CREATE TABLE operators (id KEY, uscc TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL, address TEXT NOT NULL,
                region TEXT NOT NULL, industry TEXT NOT NULL, representative TEXT NOT NULL, phone TEXT NOT NULL, registered_on TEXT, initials TEXT NOT NULL,
                online INTEGER NOT NULL DEFAULT 0, changed_at INTEGER NOT NULL)
                """,
                "CREATE INDEX operators_region ON operators (region, id)",
                "CREATE INDEX operators_name ON operators (name)",
                "CREATE INDEX operators_initials ON operators (initials)",
                "CREATE TABLE operators_shops (id KEY, operator INTEGER NOT NULL REFERENCES operators (id), platform TEXT NOT NULL, shop TEXT NOT NULL, name TEXT NOT NULL, url TEXT NOT NULL, UNIQUE (platform, shop))",
                "CREATE INDEX operators_shops_operator ON operators_shops (operator)",
            ]),
        Migration(
            "casework.1",
            [
                """
                CREATE TABLE casework_matters (id KEY, kind TEXT NOT NULL, number TEXT NOT NULL UNIQUE, state TEXT NOT NULL, open INTEGER NOT NULL CHECK (open IN (0, 1)),
                title TEXT NOT NULL, regime TEXT NOT NULL, region TEXT NOT NULL, assignee INTEGER REFERENCES platform_accounts (id),
                operator INTEGER REFERENCES operators (id), received_at INTEGER NOT NULL, competent_at INTEGER NOT NULL, closed_at INTEGER,
                next_due TEXT, outcome TEXT, changed_at INTEGER NOT NULL)
                """,
                "CREATE INDEX casework_matters_queue ON casework_matters (kind, open, next_due, id)",
                "CREATE INDEX casework_matters_region ON casework_matters (region, open, next_due)",
                "CREATE INDEX casework_matters_counts ON casework_matters (open, region, next_due, assignee)",
                "CREATE INDEX casework_matters_assignee ON casework_matters (assignee, open, next_due)",
                "CREATE INDEX casework_matters_operator ON casework_matters (operator, id)",
                "CREATE INDEX casework_matters_received ON casework_matters (kind, received_at)",
                """
                CREATE TABLE casework_moves (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), move TEXT NOT NULL, from_state TEXT NOT NULL,
                to_state TEXT NOT NULL, actor TEXT NOT NULL, account INTEGER REFERENCES platform_accounts (id), article TEXT, at INTEGER NOT NULL, details TEXT NOT NULL)
                """,
                "CREATE INDEX casework_moves_matter ON casework_moves (matter, id)",
                """
                CREATE TABLE casework_clocks (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), duty TEXT NOT NULL, started_at INTEGER NOT NULL,
                received_on TEXT NOT NULL, due TEXT NOT NULL, due_at INTEGER, strict TEXT NOT NULL, incomplete INTEGER NOT NULL, extended INTEGER NOT NULL DEFAULT 0,
                extended_by INTEGER REFERENCES platform_accounts (id), stopped_at INTEGER, state TEXT NOT NULL CHECK (state IN ('open', 'met', 'missed', 'void')))
                """,
                "CREATE INDEX casework_clocks_matter ON casework_clocks (matter, state, due)",
                "CREATE INDEX casework_clocks_open ON casework_clocks (state, due)",
                "CREATE TABLE casework_pauses (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), clock INTEGER NOT NULL REFERENCES casework_clocks (id), from_day TEXT NOT NULL, to_day TEXT, reason TEXT NOT NULL)",
                "CREATE INDEX casework_pauses_clock ON casework_pauses (clock)",
                "CREATE INDEX casework_pauses_matter ON casework_pauses (matter)",
                "CREATE TABLE casework_notes (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), account INTEGER NOT NULL REFERENCES platform_accounts (id), body TEXT NOT NULL, at INTEGER NOT NULL)",
                "CREATE INDEX casework_notes_matter ON casework_notes (matter)",
                """
                CREATE TABLE casework_attachments (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), name TEXT NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL,
                hash TEXT NOT NULL, outside_hash TEXT, source TEXT NOT NULL, at INTEGER NOT NULL)
                """,
                "CREATE INDEX casework_attachments_matter ON casework_attachments (matter)",
                "CREATE TABLE casework_links (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), other INTEGER NOT NULL REFERENCES casework_matters (id), why TEXT NOT NULL, UNIQUE (matter, other))",
                """
                CREATE TABLE casework_documents (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), form TEXT NOT NULL, number TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
                body TEXT NOT NULL, hash TEXT NOT NULL, account INTEGER REFERENCES platform_accounts (id), at INTEGER NOT NULL)
                """,
                "CREATE INDEX casework_documents_matter ON casework_documents (matter)",
                """
                CREATE TABLE casework_notices (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), recipient TEXT NOT NULL, channel TEXT NOT NULL, title TEXT NOT NULL,
                document INTEGER REFERENCES casework_documents (id), at INTEGER NOT NULL, read_at INTEGER)
                """,
                "CREATE INDEX casework_notices_matter ON casework_notices (matter)",
            ]),
        Migration(
            "platform.2",
            [
                """
                CREATE TABLE platform_imports (id KEY, kind TEXT NOT NULL, name TEXT NOT NULL, hash TEXT, account INTEGER NOT NULL REFERENCES platform_accounts (id), at INTEGER NOT NULL,
                state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed')), done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,
                added INTEGER NOT NULL DEFAULT 0, changed INTEGER NOT NULL DEFAULT 0, same INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0, rejected_hash TEXT,
                said TEXT NOT NULL DEFAULT '')
                """,
                "CREATE INDEX platform_imports_kind ON platform_imports (kind, id)",
                // An office's own template comes before the city's, the city's before the official form.
                """
                CREATE TABLE platform_office_templates (office TEXT NOT NULL, form TEXT NOT NULL, body TEXT NOT NULL, changed_by INTEGER NOT NULL, changed_at INTEGER NOT NULL,
                PRIMARY KEY (office, form))
                """,
                "INSERT INTO platform_office_templates SELECT '', form, body, changed_by, changed_at FROM platform_templates",
                "DROP TABLE platform_templates",
            ]),
        Migration(
            "operators.2",
            [
                """
                CREATE TABLE operators_contacts (id KEY, operator INTEGER NOT NULL REFERENCES operators (id), name TEXT NOT NULL, duty TEXT NOT NULL, phone TEXT NOT NULL, note TEXT NOT NULL,
                salt TEXT NOT NULL, removed INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL)
                """,
                "CREATE INDEX operators_contacts_operator ON operators_contacts (operator)",
            ]),
        // A complaint names its shop by address.
        Migration("operators.3", ["CREATE INDEX operators_shops_url ON operators_shops (url)"]),
        Migration("operators.4", ["CREATE INDEX operators_shops_name ON operators_shops (name, platform)"]),
        // What lapses first, whatever its kind: a city has fifty thousand open at a time.
        Migration("casework.2", ["CREATE INDEX casework_matters_open ON casework_matters (open, next_due, id)"]),
        Migration(
            "platform.3",
            [
                // Where events go, and how far each got; the secret is sealed under a key outside the database.
                """
                CREATE TABLE platform_hooks (id KEY, name TEXT NOT NULL, url TEXT NOT NULL, secret BLOB NOT NULL, notices INTEGER NOT NULL, acts INTEGER NOT NULL, contacts INTEGER NOT NULL,
                made_by INTEGER NOT NULL REFERENCES platform_accounts (id), made_at INTEGER NOT NULL, ended_at INTEGER)
                """,
                """
                CREATE TABLE platform_deliveries (id KEY, hook INTEGER NOT NULL, address TEXT NOT NULL, event TEXT NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL, body BLOB,
                state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')), attempts INTEGER NOT NULL DEFAULT 0, status INTEGER, error TEXT, made_at INTEGER NOT NULL, done_at INTEGER,
                UNIQUE (hook, event))
                """,
                "CREATE INDEX platform_deliveries_state ON platform_deliveries (state, id)",
                // Where an officer is reached, and the mark of the calendar that only its owner's link opens.
                "CREATE TABLE platform_addresses (account INTEGER PRIMARY KEY REFERENCES platform_accounts (id), email TEXT, feed TEXT UNIQUE)",
                // Who signs in through the office's identity provider.
                "CREATE TABLE platform_identities (issuer TEXT NOT NULL, subject TEXT NOT NULL, account INTEGER NOT NULL REFERENCES platform_accounts (id), at INTEGER NOT NULL, PRIMARY KEY (issuer, subject))",
                "CREATE INDEX platform_identities_account ON platform_identities (account)",
                // What processes agree on, such as the last day on which something was done.
                "CREATE TABLE platform_marks (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
            ]),
        Migration("casework.3", ["CREATE INDEX casework_matters_states ON casework_matters (kind, state, region)"]),
        // What figures of a month ask for: periods by their end, matters by their closing, endings by their day.
        Migration(
            "casework.4",
            [
                "CREATE INDEX casework_clocks_stopped ON casework_clocks (duty, state, stopped_at, matter)",
                "CREATE INDEX casework_clocks_due ON casework_clocks (duty, state, due, matter)",
                "CREATE INDEX casework_matters_closed ON casework_matters (kind, closed_at, region)",
                "CREATE INDEX casework_moves_named ON casework_moves (move, at, matter, account)",
            ]),
        // A day that a decision set, where the law leaves the length of a period to it.
        Migration("casework.5", ["ALTER TABLE casework_clocks ADD COLUMN set_to TEXT"]),
        // A period of one matter by its name: without it SQLite looks through all open periods of that name, since casework.4 gave it as good a key.
        Migration("casework.6", ["CREATE INDEX casework_clocks_named ON casework_clocks (matter, duty, state)"]),
    ]
}
