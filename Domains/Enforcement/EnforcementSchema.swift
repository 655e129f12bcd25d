import Store

/// The tables of cases. A case, a measure, a piece of guidance is a matter of casework; these rows are what it has beside.
enum EnforcementSchema {
    static let migrations: [Migration] = [
        Migration(
            "enforcement.1",
            [
                """
                CREATE TABLE enforcement_cases (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), source TEXT NOT NULL, source_matter INTEGER REFERENCES casework_matters (id),
                cause TEXT NOT NULL, violation TEXT, party_kind TEXT NOT NULL, party_name TEXT NOT NULL, party_code TEXT, party_address TEXT NOT NULL, party_head TEXT, party_phone TEXT,
                clue TEXT NOT NULL, act_from TEXT, act_to TEXT, grave INTEGER NOT NULL, jurisdiction TEXT, filed_on TEXT, proposed_by INTEGER REFERENCES platform_accounts (id),
                findings TEXT, facts TEXT, nature TEXT, bans TEXT, penalty TEXT, base INTEGER, serious INTEGER NOT NULL, public_interest INTEGER NOT NULL, complex INTEGER NOT NULL,
                illegal_income INTEGER, proposed TEXT, notified TEXT, decided TEXT, statement TEXT, reviewed TEXT, notice_served_on TEXT, hearing INTEGER NOT NULL,
                heard_on TEXT, hearing_notice_on TEXT, hearing_place TEXT, hearing_open INTEGER, hearing_report TEXT, discussed_on TEXT, legal_reviewed INTEGER NOT NULL,
                decision_number TEXT, decision INTEGER, decided_on TEXT, served_on TEXT, fine INTEGER NOT NULL, confiscated INTEGER NOT NULL, pay_by TEXT, deferred INTEGER NOT NULL,
                demand_served_on TEXT, annulled TEXT, ending TEXT, archive_class TEXT, archive_number TEXT, simple INTEGER NOT NULL,
                filing_proposal TEXT, not_filed TEXT, area TEXT, hearing_on TEXT, waived TEXT, income_unknown TEXT)
                """,
                "CREATE INDEX enforcement_cases_source ON enforcement_cases (source_matter)",
                "CREATE INDEX enforcement_cases_violation ON enforcement_cases (violation, decided_on)",
                "CREATE INDEX enforcement_cases_party ON enforcement_cases (party_code)",
                "CREATE TABLE enforcement_challenges (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), kind TEXT NOT NULL, on_day TEXT NOT NULL, result TEXT, ended_on TEXT, account INTEGER NOT NULL, at INTEGER NOT NULL)",
                "CREATE INDEX enforcement_challenges_matter ON enforcement_challenges (matter)",
                // Who had which part in a case. Rows end, they never go.
                """
                CREATE TABLE enforcement_people (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), account INTEGER NOT NULL REFERENCES platform_accounts (id), role TEXT NOT NULL,
                certificate TEXT, since INTEGER NOT NULL, until INTEGER)
                """,
                "CREATE INDEX enforcement_people_matter ON enforcement_people (matter)", "CREATE INDEX enforcement_people_account ON enforcement_people (account)",
                """
                CREATE TABLE enforcement_recusals (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), account INTEGER NOT NULL REFERENCES platform_accounts (id), asked_by TEXT NOT NULL,
                reason TEXT NOT NULL, asked_at INTEGER NOT NULL, granted INTEGER, decided_by INTEGER REFERENCES platform_accounts (id), decided_at INTEGER)
                """,
                "CREATE INDEX enforcement_recusals_matter ON enforcement_recusals (matter)",
                """
                CREATE TABLE enforcement_evidence (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), kind TEXT NOT NULL, title TEXT NOT NULL, source TEXT NOT NULL, taken_on TEXT NOT NULL,
                original INTEGER NOT NULL, proves TEXT NOT NULL, item TEXT, attachment INTEGER REFERENCES casework_attachments (id), excluded TEXT, account INTEGER NOT NULL, at INTEGER NOT NULL)
                """,
                "CREATE INDEX enforcement_evidence_matter ON enforcement_evidence (matter)",
                """
                CREATE TABLE enforcement_services (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), document INTEGER NOT NULL REFERENCES casework_documents (id), way TEXT NOT NULL,
                sent_on TEXT NOT NULL, served_on TEXT NOT NULL, place TEXT NOT NULL, receiver TEXT NOT NULL, witness TEXT NOT NULL, note TEXT NOT NULL, account INTEGER NOT NULL, at INTEGER NOT NULL)
                """,
                "CREATE INDEX enforcement_services_matter ON enforcement_services (matter)",
                // One payment, one reference: the same slip cannot be entered twice, whoever presses first.
                """
                CREATE TABLE enforcement_payments (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), kind TEXT NOT NULL CHECK (kind IN ('fine', 'confiscated', 'surcharge')),
                amount INTEGER NOT NULL CHECK (amount > 0), paid_on TEXT NOT NULL, way TEXT NOT NULL, reference TEXT NOT NULL UNIQUE, handed_on TEXT, banked_on TEXT, account INTEGER NOT NULL, at INTEGER NOT NULL)
                """,
                "CREATE INDEX enforcement_payments_matter ON enforcement_payments (matter)",
                "CREATE TABLE enforcement_instalments (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), ordinal INTEGER NOT NULL, due TEXT NOT NULL, amount INTEGER NOT NULL, UNIQUE (matter, ordinal))",
                """
                CREATE TABLE enforcement_leniency (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), rule TEXT NOT NULL, item TEXT, answers TEXT NOT NULL, earlier INTEGER NOT NULL,
                tolerated INTEGER NOT NULL, met INTEGER NOT NULL, reasoning TEXT NOT NULL, education TEXT NOT NULL, account INTEGER NOT NULL, at INTEGER NOT NULL)
                """,
                "CREATE INDEX enforcement_leniency_matter ON enforcement_leniency (matter)",
                """
                CREATE TABLE enforcement_discussions (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), held_on TEXT NOT NULL, chair TEXT NOT NULL, members TEXT NOT NULL,
                record TEXT NOT NULL, conclusion TEXT NOT NULL, account INTEGER NOT NULL, at INTEGER NOT NULL)
                """,
                "CREATE INDEX enforcement_discussions_matter ON enforcement_discussions (matter)",
                """
                CREATE TABLE enforcement_publications (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), summary TEXT NOT NULL, body TEXT NOT NULL, tier TEXT NOT NULL,
                prepared_by INTEGER NOT NULL, prepared_at INTEGER NOT NULL, published_on TEXT, published_by INTEGER, early_from TEXT, until TEXT, ended_on TEXT, ending TEXT, reason TEXT,
                pushed_on TEXT, pushed_to TEXT, shielded_on TEXT)
                """,
                "CREATE INDEX enforcement_publications_shown ON enforcement_publications (published_on, ended_on)",
                "CREATE TABLE enforcement_certificates (account INTEGER PRIMARY KEY REFERENCES platform_accounts (id), number TEXT NOT NULL UNIQUE, valid_to TEXT NOT NULL, legal INTEGER NOT NULL)",
                """
                CREATE TABLE enforcement_measures (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), of_case INTEGER NOT NULL REFERENCES casework_matters (id), kind TEXT NOT NULL, urgent INTEGER NOT NULL,
                goods TEXT NOT NULL, place TEXT NOT NULL, basis TEXT NOT NULL, taken_at INTEGER NOT NULL, taken_by INTEGER NOT NULL, disposal TEXT, reason TEXT)
                """,
                "CREATE INDEX enforcement_measures_case ON enforcement_measures (of_case)",
                """
                CREATE TABLE enforcement_guidance (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), of_matter INTEGER REFERENCES casework_matters (id), kind TEXT NOT NULL, violation TEXT,
                party_name TEXT NOT NULL, party_address TEXT NOT NULL, issues TEXT NOT NULL, asked TEXT NOT NULL, basis TEXT NOT NULL, due TEXT, held_at TEXT, place TEXT, attended TEXT, absent INTEGER NOT NULL,
                rechecks INTEGER NOT NULL, found TEXT, code TEXT NOT NULL, said TEXT)
                """,
                "CREATE INDEX enforcement_guidance_of ON enforcement_guidance (of_matter)",
                // Pictures before and after, each an attachment that says which it is.
                """
                CREATE TABLE enforcement_pictures (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), attachment INTEGER NOT NULL REFERENCES casework_attachments (id),
                stage TEXT NOT NULL CHECK (stage IN ('before', 'after')), by_party INTEGER NOT NULL)
                """,
                "CREATE INDEX enforcement_pictures_matter ON enforcement_pictures (matter)",
            ]),
        // What the figures of other rooms may read of cases.
        Migration(
            "enforcement.2",
            [
                """
                CREATE VIEW insight_cases AS SELECT e.matter AS matter, e.source_matter AS source, e.violation AS violation, e.filed_on AS filed_on, e.decided_on AS decided_on, e.fine AS fine, e.confiscated AS confiscated,
                (SELECT COALESCE(sum(p.amount), 0) FROM enforcement_payments p WHERE p.matter = e.matter AND p.kind <> 'surcharge') AS paid, e.simple AS simple FROM enforcement_cases e
                """
            ]),
        // Whose case it is, where two authorities do not agree.
        Migration(
            "enforcement.3",
            [
                """
                CREATE TABLE enforcement_disputes (id KEY, matter INTEGER NOT NULL REFERENCES casework_matters (id), other TEXT NOT NULL, reason TEXT NOT NULL, on_day TEXT NOT NULL, referred_to TEXT,
                referred_on TEXT, settled_on TEXT, way TEXT CHECK (way IN ('agreed', 'designated')), competent TEXT, reference TEXT, account INTEGER NOT NULL, at INTEGER NOT NULL)
                """,
                "CREATE INDEX enforcement_disputes_matter ON enforcement_disputes (matter)",
                // What the tiles above the list count.
                "CREATE INDEX casework_matters_cases ON casework_matters (open, state, region, kind) WHERE kind = 'case'",
            ]),
        Migration(
            "enforcement.4",
            [
                // Letters by which other regulators ask for help.
                """
                CREATE TABLE enforcement_letters (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), sender TEXT NOT NULL, reference TEXT NOT NULL, about TEXT NOT NULL, asked TEXT NOT NULL,
                received_on TEXT NOT NULL, answer TEXT, answered_on TEXT, account INTEGER NOT NULL)
                """,
                "CREATE UNIQUE INDEX enforcement_letters_reference ON enforcement_letters (sender, reference)",
                // What was ordered to be given back before the decision, and what was.
                "ALTER TABLE enforcement_cases ADD COLUMN refund_ordered INTEGER", "ALTER TABLE enforcement_cases ADD COLUMN refunded INTEGER",
                // A payment that was entered wrongly stays, with why it does not count.
                "ALTER TABLE enforcement_payments ADD COLUMN reversed TEXT", "DROP VIEW insight_cases",
                """
                CREATE VIEW insight_cases AS SELECT e.matter AS matter, e.source_matter AS source, e.violation AS violation, e.filed_on AS filed_on, e.decided_on AS decided_on, e.fine AS fine, e.confiscated AS confiscated,
                (SELECT COALESCE(sum(p.amount), 0) FROM enforcement_payments p WHERE p.matter = e.matter AND p.kind <> 'surcharge' AND p.reversed IS NULL) AS paid, e.simple AS simple FROM enforcement_cases e
                """,
            ]),
    ]
}
