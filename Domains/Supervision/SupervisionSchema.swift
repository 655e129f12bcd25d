import Store

/// The tables of supervision by risk: items that may be inspected, draws that anybody can recompute, inspections with each sheet that came in.
enum SupervisionSchema {
    static let migrations: [Migration] = [
        Migration(
            "supervision.1",
            [
                """
                CREATE TABLE supervision_items (id KEY, code TEXT NOT NULL UNIQUE, title TEXT NOT NULL, title_en TEXT NOT NULL, law TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('key', 'general')), cap INTEGER,
                checks TEXT NOT NULL, published_on TEXT NOT NULL, ended_on TEXT)
                """,
                """
                CREATE TABLE supervision_draws (id KEY, number TEXT NOT NULL UNIQUE, title TEXT NOT NULL, region TEXT NOT NULL, items TEXT NOT NULL, state TEXT NOT NULL
                CHECK (state IN ('prepared', 'committed', 'drawn', 'dropped')), conditions TEXT NOT NULL, strata TEXT NOT NULL, list_file TEXT NOT NULL, list_digest TEXT NOT NULL, keys_file TEXT NOT NULL, weighted INTEGER NOT NULL, people TEXT NOT NULL, seed TEXT, commitment TEXT,
                beacon TEXT, beacon_at TEXT, beacon_value TEXT, chosen TEXT, visits TEXT, prepared_by INTEGER NOT NULL, prepared_at INTEGER NOT NULL, committed_by INTEGER, committed_at INTEGER, ledger_entry INTEGER,
                drawn_by INTEGER, drawn_at INTEGER, reason TEXT)
                """,
                """
                CREATE TABLE supervision_inspections (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), draw INTEGER REFERENCES supervision_draws (id), cause TEXT NOT NULL, cause_matter INTEGER
                REFERENCES casework_matters (id), items TEXT NOT NULL, inspectors TEXT NOT NULL, planned_on TEXT NOT NULL, place TEXT NOT NULL, notice_on TEXT, ended_on TEXT, result TEXT, summary TEXT, findings TEXT,
                signed TEXT, guidance INTEGER REFERENCES casework_matters (id), case_matter INTEGER REFERENCES casework_matters (id), published_on TEXT, shown_until TEXT, hidden_on TEXT, joined TEXT, law TEXT)
                """,
                "CREATE INDEX supervision_inspections_draw ON supervision_inspections (draw)",
                "CREATE INDEX supervision_inspections_published ON supervision_inspections (published_on)",
                // Each sheet that a phone sent, once by its own mark: what came second stays beside the first.
                """
                CREATE TABLE supervision_sheets (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), client TEXT NOT NULL, body TEXT NOT NULL, taken_at INTEGER NOT NULL, received_at INTEGER NOT NULL,
                account INTEGER NOT NULL, taken INTEGER NOT NULL, digest TEXT NOT NULL)
                """,
                "CREATE INDEX supervision_sheets_matter ON supervision_sheets (matter)", "CREATE UNIQUE INDEX supervision_sheets_mark ON supervision_sheets (client, digest)",
            ]),
        Migration(
            "supervision.2",
            [
                """
                CREATE TABLE supervision_plans (id KEY, year INTEGER NOT NULL, region TEXT NOT NULL, title TEXT NOT NULL, items TEXT NOT NULL, objects TEXT NOT NULL, percent TEXT NOT NULL, month INTEGER NOT NULL,
                prepared_by INTEGER NOT NULL, prepared_at INTEGER NOT NULL, approved_by INTEGER, approved_on TEXT, filed TEXT, filed_on TEXT, dropped_on TEXT, reason TEXT)
                """,
                "CREATE INDEX supervision_plans_year ON supervision_plans (year, region)",
                // The line of the plan that a draw carries out, or why it is outside the plan.
                "ALTER TABLE supervision_draws ADD COLUMN plan INTEGER", "ALTER TABLE supervision_draws ADD COLUMN unplanned TEXT",
            ]),
    ]
}
