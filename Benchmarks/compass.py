"""Risk classes of 600,000 operators (P11): ours, with each line of the sum kept, beside the same sums in DuckDB over the same rows. Both must come to the same number of A, B, C, D."""
import csv, os, random, re, sqlite3, tempfile, threading, time, urllib.parse, urllib.request
import bench

COUNT = int(os.environ.get("OBJECTS", "600000"))

SUMS = """
CREATE TABLE classes AS
WITH e AS (
  SELECT operator, kind, detail, amount,
    [100, 60, 30, 15][1 + least(3, date_diff('day', CAST(on_day AS DATE), DATE '{today}') // 365)] AS w,
    kind = 'abnormal' AND coalesce(until_day, '9999') >= '{today}' AS stands
  FROM events),
f AS (
  SELECT operator, bool_or(stands) AS listed,
    least(20000, 60 * sum(CASE WHEN kind = 'abnormal' AND detail LIKE '%年度报告%' THEN w ELSE 0 END)) AS d1,
    110 * sum(CASE WHEN kind = 'abnormal' AND detail LIKE '%无法联系%' THEN w ELSE 0 END) AS d2,
    least(35000, 90 * sum(CASE WHEN kind = 'penalty' THEN w ELSE 0 END)) AS s1,
    60 * sum(CASE WHEN kind = 'penalty' AND amount >= 5000000 THEN w ELSE 0 END) AS s2,
    50 * sum(CASE WHEN kind = 'visit' AND detail NOT LIKE '未发现问题%' THEN w ELSE 0 END) AS s3,
    greatest(-6000, -20 * sum(CASE WHEN kind = 'visit' AND detail LIKE '未发现问题%' THEN w ELSE 0 END)) AS s4
  FROM e GROUP BY operator),
p AS (
  SELECT o.id AS operator, substr(o.industry, 1, 2) AS trade, coalesce(listed, false) AS listed, o.status = 'revoked' AS revoked,
    CASE WHEN o.registered_on > '{newer}' THEN 20 ELSE 0 END AS b1, CASE WHEN o.status = 'suspended' THEN 40 ELSE 0 END AS b2, CASE WHEN o.online = 1 THEN 10 ELSE 0 END AS b3,
    coalesce(round(d1 / 100), 0) AS d1, coalesce(round(least(d2, 20000 - d1) / 100), 0) AS d2, coalesce(round(s1 / 100), 0) AS s1, coalesce(round(least(s2, 35000 - s1) / 100), 0) AS s2,
    coalesce(round(least(s3, 35000 - s1 - least(s2, 35000 - s1)) / 100), 0) AS s3, coalesce(round(s4 / 100), 0) AS s4
  FROM operators o LEFT JOIN f ON f.operator = o.id),
q AS (SELECT *, greatest(0, b1 + b2 + b3 + d1 + d2 + s1 + s2 + s3 + s4) AS points FROM p)
SELECT operator, points, concat_ws(' ', 'new:' || b1, 'suspended:' || b2, 'online:' || b3, 'report:' || d1, 'unreachable:' || d2, 'penalty:' || s1, 'fine:' || s2, 'visit:' || s3, 'clean:' || s4) AS lines,
  CASE WHEN points >= 450 THEN 'D' WHEN points >= 200 OR listed OR revoked THEN 'C' WHEN points >= 60 THEN 'B' ELSE 'A' END AS class,
  percent_rank() OVER (PARTITION BY trade ORDER BY points) AS rank
FROM q
"""


def events(database):
    random.seed(1)
    db = sqlite3.connect(database)
    ids = [r[0] for r in db.execute("SELECT id FROM operators")]
    now, rows = time.time(), []
    for operator in random.sample(ids, len(ids) // 3):
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            days = random.randrange(1, 1500)
            kind, detail, amount = random.choice([
                ("penalty", "处罚", 100_000), ("penalty", "处罚", 20_000_000), ("visit", "未发现问题", None), ("visit", "发现问题待后续处理", None), ("abnormal", "未按规定公示年度报告", None), ("abnormal", "通过登记的住所无法联系", None)])
            day = time.strftime("%Y-%m-%d", time.gmtime(now - days * 86400))
            rows.append((operator, kind, int((now - days * 86400) * 1000), day, time.strftime("%Y-%m-%d", time.gmtime(now - (days - 400) * 86400)), amount, detail))
    db.executemany("INSERT INTO credit_events (operator, kind, known_at, on_day, until_day, amount, detail) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    db.commit()
    db.close()
    return len(rows)


def main():
    import duckdb
    with tempfile.TemporaryDirectory() as folder:
        path, database = os.path.join(folder, "operators.csv"), os.path.join(folder, "compass.db")
        bench.operators_csv(path, COUNT)
        url = "sqlite:" + database
        bench.run("migrate", "--database", url, "--data", folder)
        bench.run("import", "operators", path, "--json", "--database", url, "--data", folder)
        bench.run("user", "add", "--login", "demo-director", "--name", "王芳", "--role", "director", "--database", url, "--data", folder)
        n = events(database)
        server = bench.ours(url, folder)
        try:
            cookie = bench.session(server, "demo-director")
            times = []
            db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
            for _ in range(3):
                page = urllib.request.urlopen(urllib.request.Request(server.url + "/compass", headers={"Cookie": cookie})).read().decode()
                token = re.search(r'name="form_token" value="([0-9a-f]+)"', page).group(1)
                request = urllib.request.Request(server.url + "/compass/count", urllib.parse.urlencode({"form_token": token}).encode(), {"Cookie": cookie})
                threading.Thread(target=lambda: urllib.request.urlopen(request).read()).start()
                # From when a worker took the job to when its rows were there for all.
                began = None
                while True:
                    rows = db.execute("SELECT state, attempts FROM platform_jobs WHERE kind = 'credit.count-all' ORDER BY id DESC LIMIT 1").fetchone()
                    if began is None and rows and rows[1] > 0:
                        began = time.perf_counter()
                    if began is not None and rows is None:
                        break
                    time.sleep(0.002)
                times.append(time.perf_counter() - began)
            classes = dict(db.execute("SELECT class, count(*) FROM credit_classes GROUP BY class"))
            memory = bench.memory(server.process.pid)
        finally:
            server.stop()
        today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
        newer = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600 - 365 * 86400))
        con = duckdb.connect()
        db = sqlite3.connect(database)
        peers = []
        con.execute("CREATE TABLE operators (id BIGINT, industry TEXT, status TEXT, registered_on TEXT, online INTEGER); CREATE TABLE events (operator BIGINT, kind TEXT, on_day TEXT, until_day TEXT, amount BIGINT, detail TEXT)")
        for table, columns in [("operators", "id, industry, status, registered_on, online"), ("credit_events", "operator, kind, on_day, until_day, amount, detail")]:
            out = os.path.join(folder, table + ".csv")
            with open(out, "w", newline="") as f:
                csv.writer(f).writerows(db.execute(f"SELECT {columns} FROM {table}"))
            con.execute(f"COPY {'events' if table == 'credit_events' else table} FROM '{out}' (HEADER false, NULLSTR '')")
        for _ in range(3):
            con.execute("DROP TABLE IF EXISTS classes")
            started = time.perf_counter()
            con.execute(SUMS.format(today=today, newer=newer))
            peers.append(time.perf_counter() - started)
        theirs = dict(con.execute("SELECT class, count(*) FROM classes GROUP BY class").fetchall())
        assert classes == theirs, (classes, theirs)
        first, a, b = times[0], sorted(times[1:])[0], sorted(peers)[1]
        print(f"  P11  risk classes of {COUNT:,} operators, {n:,} events: counted anew {a:.2f} s, the first time with every row written {first:.2f} s, {memory} MB; DuckDB, the same sums from its own tables {b:.2f} s; {a / b:.1f} ×, {first / b:.1f} × (goal ≤ 3 ×); the same classes {classes}")


if __name__ == "__main__":
    main()
