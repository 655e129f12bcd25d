import Store

/// The tables of the credit file. What is known of an operator is a line of events that is never changed: each says from when it holds and when it became known.
enum CreditSchema {
    static let migrations: [Migration] = [
        Migration(
            "credit.1",
            [
                """
                CREATE TABLE credit_events (id KEY, operator INTEGER NOT NULL REFERENCES operators (id), kind TEXT NOT NULL, known_at INTEGER NOT NULL, on_day TEXT NOT NULL, until_day TEXT,
                matter INTEGER REFERENCES casework_matters (id), cancels INTEGER REFERENCES credit_events (id), violation TEXT, amount INTEGER, detail TEXT NOT NULL)
                """,
                "CREATE INDEX credit_events_operator ON credit_events (operator, known_at)", "CREATE INDEX credit_events_matter ON credit_events (matter)",
                "CREATE INDEX credit_events_kind ON credit_events (kind, on_day)",
                // Years that were reported (年度报告).
                "CREATE TABLE credit_reports (operator INTEGER NOT NULL REFERENCES operators (id), year INTEGER NOT NULL, reported_on TEXT NOT NULL, PRIMARY KEY (operator, year))",
                """
                CREATE TABLE credit_abnormal (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), ground TEXT NOT NULL, years TEXT NOT NULL, found TEXT, order_due TEXT, first_letter TEXT,
                first_back TEXT, second_letter TEXT, second_back TEXT, visited_on TEXT, proof TEXT, verified_on TEXT, listed_on TEXT, shown_until TEXT, removed_on TEXT, removal TEXT, marked_on TEXT,
                objection TEXT, objection_on TEXT, objection_result TEXT)
                """,
                """
                CREATE TABLE credit_serious (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), of_case INTEGER REFERENCES casework_matters (id), ground TEXT NOT NULL, factors TEXT NOT NULL,
                reasons TEXT NOT NULL, heavier TEXT NOT NULL, proposed_by INTEGER NOT NULL, told_on TEXT, said TEXT, consent TEXT, consented_by INTEGER, consented_on TEXT, listed_on TEXT, published_on TEXT,
                until TEXT, removed_on TEXT, removal TEXT, pushed_to TEXT, pushed_from TEXT)
                """,
                """
                CREATE TABLE credit_repairs (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), target TEXT NOT NULL, of_matter INTEGER REFERENCES casework_matters (id), contact TEXT NOT NULL,
                phone TEXT NOT NULL, salt TEXT NOT NULL, promise INTEGER NOT NULL, statement TEXT NOT NULL, electronic INTEGER NOT NULL, code TEXT NOT NULL, verified_on TEXT, verification TEXT, reason TEXT, decided_on TEXT,
                executed_on TEXT, revoked_on TEXT, ruling TEXT)
                """,
                "CREATE INDEX credit_repairs_of ON credit_repairs (of_matter)",
                """
                CREATE TABLE credit_notices (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), of_matter INTEGER NOT NULL REFERENCES casework_matters (id), agency TEXT NOT NULL, measures TEXT NOT NULL,
                body TEXT NOT NULL, code TEXT NOT NULL, received_on TEXT, receiver TEXT, taken TEXT)
                """,
                "CREATE INDEX credit_notices_of ON credit_notices (of_matter)",
                // The compass: models as data, one class an operator, what was before, what somebody set by hand.
                """
                CREATE TABLE credit_models (id KEY, version TEXT NOT NULL UNIQUE, state TEXT NOT NULL CHECK (state IN ('draft', 'active', 'retired')), body TEXT NOT NULL, made_by TEXT NOT NULL,
                made_at INTEGER NOT NULL, activated_by TEXT, activated_at INTEGER, note TEXT NOT NULL)
                """,
                """
                CREATE TABLE credit_classes (operator INTEGER PRIMARY KEY, class TEXT NOT NULL, points INTEGER NOT NULL, lines TEXT NOT NULL, percentile INTEGER NOT NULL, region TEXT NOT NULL,
                trade TEXT NOT NULL, counted_on TEXT NOT NULL, before_class TEXT, before_points INTEGER, before_lines TEXT, before_on TEXT)
                """,
                "CREATE INDEX credit_classes_class ON credit_classes (class, region, operator)",
                """
                CREATE TABLE credit_overrides (id KEY, operator INTEGER NOT NULL REFERENCES operators (id), class TEXT NOT NULL, reason TEXT NOT NULL, until TEXT NOT NULL, account INTEGER NOT NULL,
                approved_by INTEGER, at INTEGER NOT NULL, ended_at INTEGER)
                """,
                "CREATE INDEX credit_overrides_operator ON credit_overrides (operator)",
                """
                CREATE TABLE credit_contests (matter INTEGER PRIMARY KEY REFERENCES casework_matters (id), line TEXT NOT NULL, said TEXT NOT NULL, answer TEXT)
                """,
                // A draft beside the active model: its figures as they were counted, once.
                "CREATE TABLE credit_trials (id KEY, model INTEGER NOT NULL REFERENCES credit_models (id), counted_at INTEGER NOT NULL, body TEXT NOT NULL)",
            ]),
        // What cancels a line is asked for every line when all are counted; when that was.
        Migration(
            "credit.2",
            [
                "CREATE INDEX credit_events_cancels ON credit_events (cancels)", "CREATE INDEX credit_classes_trade ON credit_classes (trade, points)",
                "CREATE INDEX operators_phone ON operators (phone)",
                "CREATE TABLE credit_counts (id KEY, counted_on TEXT NOT NULL, counted_at INTEGER NOT NULL, operators INTEGER NOT NULL, changed INTEGER NOT NULL)",
            ]),
        CompassFollow.migration,
    ]
}
