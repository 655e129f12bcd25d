import Store

/// The tables of complaints. Who complains stands in a table of its own, so that most queries never touch it.
enum DisputesSchema {
    static let migrations: [Migration] = [
        Migration(
            "disputes.1",
            [
                """
                CREATE TABLE disputes_complaints (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), source TEXT NOT NULL, external_number TEXT, import_key TEXT UNIQUE,
                respondent_name TEXT NOT NULL, respondent_address TEXT NOT NULL, respondent_phone TEXT, respondent_uscc TEXT, platform TEXT, shop_url TEXT,
                facts TEXT NOT NULL, purchase TEXT, occurred_on TEXT, occurred_place TEXT, amount INTEGER, publication INTEGER, delegation INTEGER,
                tracking TEXT NOT NULL, refusal_ground TEXT, ending_ground TEXT, reason TEXT, agreement TEXT, agreement_form TEXT,
                mediation_mode TEXT, mediation_at TEXT, mediation_place TEXT, mediators TEXT)
                """,
                "CREATE INDEX disputes_complaints_uscc ON disputes_complaints (respondent_uscc)",
                """
                CREATE TABLE disputes_complainants (matter INTEGER PRIMARY KEY REFERENCES disputes_complaints (matter), name TEXT NOT NULL, phone TEXT NOT NULL, address TEXT NOT NULL,
                id_type TEXT, id_number TEXT, agent TEXT, salt TEXT NOT NULL)
                """,
                "CREATE INDEX disputes_complainants_phone ON disputes_complainants (phone)",
                "CREATE TABLE disputes_claims (id KEY, matter INTEGER NOT NULL REFERENCES disputes_complaints (matter), kind TEXT NOT NULL, amount INTEGER)",
                "CREATE INDEX disputes_claims_matter ON disputes_claims (matter)",
                """
                CREATE TABLE disputes_positions (id KEY, matter INTEGER NOT NULL REFERENCES disputes_complaints (matter), party TEXT NOT NULL CHECK (party IN ('complainant', 'respondent', 'mediator')),
                body TEXT NOT NULL, offer INTEGER, at INTEGER NOT NULL, account INTEGER REFERENCES platform_accounts (id))
                """,
                "CREATE INDEX disputes_positions_matter ON disputes_positions (matter)",
                "CREATE TABLE disputes_likeness (hash INTEGER NOT NULL, matter INTEGER NOT NULL, PRIMARY KEY (hash, matter)) CLUSTERED",
                "CREATE TABLE disputes_drafts (token TEXT PRIMARY KEY, fields TEXT NOT NULL, files TEXT NOT NULL, changed_at INTEGER NOT NULL)",
            ]),
        Migration("disputes.2", ["CREATE INDEX disputes_complaints_external ON disputes_complaints (external_number)"]),
        Migration(
            "disputes.3",
            [
                """
                CREATE TABLE disputes_reports (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), source TEXT NOT NULL, named INTEGER NOT NULL, area TEXT NOT NULL, evidence INTEGER NOT NULL,
                respondent_name TEXT NOT NULL, respondent_address TEXT NOT NULL, respondent_uscc TEXT, shop_url TEXT, clues TEXT NOT NULL, occurred_on TEXT,
                reason TEXT, told TEXT, reward INTEGER, tracking TEXT NOT NULL)
                """,
                "CREATE INDEX disputes_reports_respondent ON disputes_reports (respondent_name)",
                // Who reports, sealed under a key outside the database; the mark joins one person's reports without saying whose they are.
                "CREATE TABLE disputes_reporters (matter INTEGER PRIMARY KEY REFERENCES disputes_reports (matter), sealed TEXT NOT NULL, mark TEXT NOT NULL)",
                "CREATE INDEX disputes_reporters_mark ON disputes_reporters (mark)",
                // What office and reporter write to each other by number and code.
                "CREATE TABLE disputes_messages (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), sender TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL, account INTEGER)",
                "CREATE INDEX disputes_messages_matter ON disputes_messages (matter)",
            ]),
        Migration(
            "disputes.4",
            [
                """
                CREATE TABLE disputes_funds (id KEY, name TEXT NOT NULL UNIQUE, holder TEXT NOT NULL, sponsor TEXT NOT NULL, region TEXT NOT NULL, case_cap INTEGER NOT NULL, total_cap INTEGER NOT NULL,
                balance INTEGER NOT NULL CHECK (balance >= 0), paid INTEGER NOT NULL, opened_at INTEGER NOT NULL, closed_at INTEGER)
                """,
                // Postings are written and never changed; each has entries that sum to zero. One is reversed once.
                """
                CREATE TABLE disputes_postings (id KEY, fund INTEGER NOT NULL REFERENCES disputes_funds (id), kind TEXT NOT NULL, matter INTEGER REFERENCES casework_matters (id),
                reverses INTEGER UNIQUE REFERENCES disputes_postings (id), note TEXT NOT NULL, actor TEXT NOT NULL, at INTEGER NOT NULL)
                """,
                "CREATE INDEX disputes_postings_fund ON disputes_postings (fund, id)",
                "CREATE TABLE disputes_entries (id KEY, posting INTEGER NOT NULL REFERENCES disputes_postings (id), fund INTEGER NOT NULL, ledger TEXT NOT NULL, amount INTEGER NOT NULL)",
                "CREATE INDEX disputes_entries_posting ON disputes_entries (posting)",
                "CREATE INDEX disputes_entries_fund ON disputes_entries (fund, ledger)",
                """
                CREATE TABLE disputes_fund_claims (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), fund INTEGER NOT NULL REFERENCES disputes_funds (id),
                complaint INTEGER NOT NULL REFERENCES disputes_complaints (matter), amount INTEGER NOT NULL, liable TEXT NOT NULL, cause TEXT NOT NULL, recovered INTEGER NOT NULL,
                approved_by INTEGER REFERENCES platform_accounts (id), active INTEGER, UNIQUE (complaint, active))
                """,
                "CREATE INDEX disputes_fund_claims_fund ON disputes_fund_claims (fund, matter)",
            ]),
        Migration(
            "disputes.5",
            [
                "CREATE TABLE disputes_invitations (matter INTEGER PRIMARY KEY REFERENCES disputes_complaints (matter), code TEXT NOT NULL, at INTEGER NOT NULL, account INTEGER NOT NULL)",
                """
                CREATE TABLE disputes_offers (id KEY, matter INTEGER NOT NULL REFERENCES disputes_complaints (matter), party TEXT NOT NULL CHECK (party IN ('complainant', 'respondent')), remedy TEXT NOT NULL,
                amount INTEGER, by_day TEXT NOT NULL, note TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL)
                """,
                "CREATE INDEX disputes_offers_matter ON disputes_offers (matter)",
                "CREATE TABLE disputes_promises (matter INTEGER PRIMARY KEY REFERENCES disputes_complaints (matter), due TEXT NOT NULL, state TEXT NOT NULL, made_at INTEGER NOT NULL, claimed_at INTEGER)",
                "CREATE TABLE disputes_merchants (operator INTEGER PRIMARY KEY REFERENCES operators (id), code TEXT NOT NULL, at INTEGER NOT NULL, account INTEGER NOT NULL)",
                "CREATE TABLE disputes_chains (head INTEGER NOT NULL REFERENCES operators (id), member INTEGER NOT NULL REFERENCES operators (id), PRIMARY KEY (head, member))",
            ]),
        Migration(
            "disputes.6",
            [
                """
                CREATE TABLE disputes_publications (matter INTEGER PRIMARY KEY REFERENCES disputes_complaints (matter), operator INTEGER REFERENCES operators (id), uscc TEXT, name TEXT NOT NULL,
                region TEXT NOT NULL, category TEXT NOT NULL, issues TEXT NOT NULL, result TEXT NOT NULL, closed_on TEXT NOT NULL, state TEXT NOT NULL, code TEXT NOT NULL,
                noticed_at INTEGER NOT NULL, object_by TEXT NOT NULL, objection TEXT, objected_at INTEGER, reason TEXT, decided_by INTEGER, second_by INTEGER, decided_at INTEGER,
                published_at INTEGER, until TEXT)
                """,
                "CREATE INDEX disputes_publications_state ON disputes_publications (state, closed_on)",
                "CREATE INDEX disputes_publications_uscc ON disputes_publications (uscc, closed_on)",
                "CREATE INDEX disputes_publications_name ON disputes_publications (name)",
            ]),
        Migration(
            "disputes.7",
            [
                """
                CREATE TABLE disputes_stations (id KEY, sign TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind TEXT NOT NULL, host TEXT, region TEXT NOT NULL, address TEXT NOT NULL, phone TEXT NOT NULL,
                staff TEXT NOT NULL, hours TEXT NOT NULL, opened_on TEXT NOT NULL, reviewed_on TEXT, closed_on TEXT)
                """,
                "CREATE INDEX disputes_stations_region ON disputes_stations (region, name)",
                // What was given to a station or an enterprise before the authority was asked.
                """
                CREATE TABLE disputes_priors (matter INTEGER PRIMARY KEY REFERENCES disputes_complaints (matter), way TEXT NOT NULL, station INTEGER REFERENCES disputes_stations (id),
                operator INTEGER REFERENCES operators (id), converted_at INTEGER)
                """,
                "CREATE INDEX disputes_priors_operator ON disputes_priors (operator, way)",
                """
                CREATE TABLE disputes_odr (operator INTEGER PRIMARY KEY REFERENCES operators (id), state TEXT NOT NULL, phone TEXT NOT NULL, about TEXT NOT NULL, applied_at INTEGER NOT NULL,
                reason TEXT, decided_by INTEGER, decided_at INTEGER)
                """,
            ]),
        Migration(
            "disputes.8",
            [
                """
                CREATE TABLE disputes_people (matter INTEGER PRIMARY KEY REFERENCES disputes_complaints (matter), committee TEXT NOT NULL, written INTEGER, effective_on TEXT, apply_by TEXT,
                applied_on TEXT, court TEXT, result TEXT, ruling TEXT)
                """
            ]),
        Migration(
            "disputes.9",
            ["CREATE TABLE disputes_warnings (id KEY, title TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, account INTEGER NOT NULL, at INTEGER NOT NULL)"]),
        Migration(
            "disputes.10",
            [
                "CREATE TABLE disputes_ratings (matter INTEGER PRIMARY KEY REFERENCES disputes_complaints (matter), score INTEGER NOT NULL, comment TEXT NOT NULL, at INTEGER NOT NULL)",
                "CREATE TABLE disputes_efficacy (id KEY, month TEXT NOT NULL, region TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (month, region))",
            ]),
        Migration(
            "disputes.11",
            [
                """
                CREATE TABLE disputes_routes (matter INTEGER PRIMARY KEY REFERENCES disputes_complaints (matter), proposed TEXT NOT NULL, chosen TEXT NOT NULL, reason TEXT NOT NULL,
                account INTEGER NOT NULL REFERENCES platform_accounts (id), at INTEGER NOT NULL)
                """
            ]),
        Migration(
            "disputes.12",
            [
                // What moves a fund's money out or takes a posting back: asked by one, carried out by another.
                """
                CREATE TABLE disputes_fund_orders (id KEY, fund INTEGER NOT NULL REFERENCES disputes_funds (id), act TEXT NOT NULL, amount INTEGER, posting INTEGER, note TEXT NOT NULL,
                asked_by INTEGER NOT NULL REFERENCES platform_accounts (id), asked_at INTEGER NOT NULL, state TEXT NOT NULL, decided_by INTEGER, decided_at INTEGER)
                """,
                "CREATE INDEX disputes_fund_orders_fund ON disputes_fund_orders (fund, state)",
            ]),
        Migration(
            "disputes.13",
            [
                // What a mediator shows of one side to the other, the agreement as drafted, and who signed which text of it.
                """
                CREATE TABLE disputes_shown (attachment INTEGER PRIMARY KEY REFERENCES casework_attachments (id), matter INTEGER NOT NULL REFERENCES disputes_complaints (matter),
                account INTEGER NOT NULL REFERENCES platform_accounts (id), at INTEGER NOT NULL)
                """,
                "CREATE INDEX disputes_shown_matter ON disputes_shown (matter)",
                """
                CREATE TABLE disputes_agreements (matter INTEGER PRIMARY KEY REFERENCES disputes_complaints (matter), body TEXT NOT NULL, by_day TEXT NOT NULL, at INTEGER NOT NULL,
                account INTEGER NOT NULL REFERENCES platform_accounts (id))
                """,
                """
                CREATE TABLE disputes_signatures (id KEY, matter INTEGER NOT NULL REFERENCES disputes_complaints (matter), party TEXT NOT NULL CHECK (party IN ('complainant', 'respondent')),
                name TEXT NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (matter, party, hash))
                """,
            ]),
        Migration(
            "disputes.14",
            [
                """
                CREATE TABLE disputes_checks (id KEY, kind TEXT NOT NULL, matter INTEGER NOT NULL REFERENCES disputes_complaints (matter), drawn_at INTEGER NOT NULL,
                drawn_by INTEGER NOT NULL REFERENCES platform_accounts (id), result TEXT, note TEXT NOT NULL, done_by INTEGER REFERENCES platform_accounts (id), done_at INTEGER, UNIQUE (matter, kind))
                """,
                "CREATE INDEX disputes_checks_done ON disputes_checks (kind, done_at)",
                // What the national platform's file says, run by run; differences alone are kept.
                "CREATE TABLE disputes_reconciliations (id KEY, at INTEGER NOT NULL, rows INTEGER NOT NULL, same INTEGER NOT NULL)",
                "CREATE TABLE disputes_differences (id KEY, run INTEGER NOT NULL, external TEXT NOT NULL, matter INTEGER, field TEXT NOT NULL, theirs TEXT NOT NULL, ours TEXT NOT NULL)",
                "CREATE INDEX disputes_differences_run ON disputes_differences (run, field)",
                "CREATE TABLE disputes_seen (run INTEGER NOT NULL, external TEXT NOT NULL, matter INTEGER)",
                "CREATE INDEX disputes_seen_matter ON disputes_seen (run, matter)",
            ]),
        // A draft has its sum, and an end.
        Migration(
            "disputes.15",
            [
                "ALTER TABLE disputes_agreements ADD COLUMN amount INTEGER", "ALTER TABLE disputes_agreements ADD COLUMN ended INTEGER",
                "CREATE INDEX disputes_seen_external ON disputes_seen (run, external)",
            ]),
        // Where a station is, in millionths of a degree.
        Migration("disputes.16", ["CREATE TABLE disputes_places (station INTEGER PRIMARY KEY REFERENCES disputes_stations (id), lon INTEGER NOT NULL, lat INTEGER NOT NULL)"]),
    ]
}
