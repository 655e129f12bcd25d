"""Measures ratios in one run: we and the peer in turn, medians. Reports; judges nothing."""
import concurrent.futures, csv, http.cookiejar, json, os, re, shutil, statistics, subprocess, sys, tempfile, time, urllib.parse, urllib.request

BINARY = os.path.abspath(".build/release/sinan")
SCALE = float(os.environ.get("SCALE", "0.1"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
POSTGRES = os.environ.get("SINAN_TEST_POSTGRES")
ROWS = []


def say(number, work, ours, peer, ratio, note=""):
    ROWS.append((number, work, ours, peer, ratio, note))
    print(f"  {number:4} {work:60} {ours:>22} {peer:>24} {ratio:>9}  {note}", flush=True)


def run(*words, **more):
    return subprocess.run([BINARY, *words], check=True, capture_output=True, text=True, **more).stdout


def port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(url, process):
    started = time.perf_counter()
    while True:
        assert process.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return time.perf_counter() - started
        except OSError:
            time.sleep(0.004)


def memory(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1)) // 1024


class Server:
    def __init__(self, words, path="/healthz", env=None):
        self.port = port()
        started = time.perf_counter()
        self.process = subprocess.Popen([w.replace("PORT", str(self.port)) for w in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        self.url = f"http://127.0.0.1:{self.port}"
        wait(self.url + path, self.process)
        self.started = time.perf_counter() - started

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def ours(database, folder):
    return Server([BINARY, "serve", "--database", database, "--data", folder, "--port", "PORT", "--demo"])


def session(server, login):
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(server.url + "/demo").read().decode()
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', page).group(1)
    opener.open(server.url + "/demo/enter", urllib.parse.urlencode({"form_token": token, "login": login}).encode())
    return "; ".join(f"{c.name}={c.value}" for c in jar)


def wrk(url, cookie="", seconds=4):
    out = subprocess.run(["wrk", "-t2", "-c16", f"-d{seconds}s", "--latency", "-H", f"Cookie: {cookie}", url], capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return rate, float(p99) * {"us": 0.001, "ms": 1, "s": 1000}[unit], int(errors.group(1)) if errors else 0


def median(f, rounds=ROUNDS):
    return statistics.median(f() for _ in range(rounds))


def pages(engine, database, folder, peer_database):
    server = ours(database, folder)
    at_rest = memory(server.process.pid)
    cookie = session(server, "demo-director")
    first = urllib.request.Request(server.url + "/desk?closed=yes&kind=complaint", headers={"Cookie": cookie})
    number = re.search(r'href="(/disputes/\d+)"', urllib.request.urlopen(first).read().decode()).group(1)
    clerk, analyst, officer = session(server, "demo-clerk"), session(server, "demo-analyst"), session(server, "demo-officer")
    def found(path, pattern, who):
        return re.search(pattern, urllib.request.urlopen(urllib.request.Request(server.url + path, headers={"Cookie": who})).read().decode()).group(1)
    case = found("/cases?unpaid=yes", r'href="(/cases/\d+)"', officer)
    of_case = found(case, r'href="(/operators/\d+)"', officer)
    search = "/operators?q=" + urllib.parse.quote("超市")
    operator = re.search(r'href="(/operators/\d+)"', urllib.request.urlopen(urllib.request.Request(server.url + search, headers={"Cookie": clerk})).read().decode()).group(1)
    peer = None
    if peer_database:
        peer = Server([sys.executable, "-m", "gunicorn", "-w", "2", "--threads", "4", "-b", "127.0.0.1:PORT", "--chdir", "Benchmarks", "peer:app"], env=dict(os.environ, PEER_DATABASE=peer_database))
        ours_rates, peer_rates, p99s, peer_p99s = [], [], [], []
        for _ in range(ROUNDS):
            rate, p99, bad = wrk(server.url + "/desk", cookie)
            assert bad == 0
            ours_rates.append(rate), p99s.append(p99)
            rate, p99, bad = wrk(peer.url + "/queue")
            assert bad == 0
            peer_rates.append(rate), peer_p99s.append(p99)
        a, b = statistics.median(ours_rates), statistics.median(peer_rates)
        say("P4", f"staff queue, 40 rows, 16 clients, {engine}", f"{a:,.0f}/s p99 {statistics.median(p99s):.0f} ms", f"Flask {b:,.0f}/s p99 {statistics.median(peer_p99s):.0f} ms", f"{a / b:.1f} ×")
        peer.stop()
    else:
        rate, p99, bad = wrk(server.url + "/desk", cookie)
        say("P4", f"staff queue, 40 rows, 16 clients, {engine}", f"{rate:,.0f}/s p99 {p99:.0f} ms", "—", "")
    for name, path, who in [("matter page", number, cookie), ("operator page", operator, clerk), ("search of operators (超市)", search, clerk), ("search of complaints in the queue (退款)", "/desk?q=" + urllib.parse.quote("退款"), cookie), ("search of a rarer word (定金)", "/desk?q=" + urllib.parse.quote("定金"), cookie), ("list of cases", "/cases", officer), ("a case", case, officer), ("operator with cases, lists, class, visits", of_case, officer), ("funnel of the year", "/insights/funnel", cookie), ("leads by rank", "/monitoring?state=all", analyst), ("board of 23 models", "/monitoring/models", analyst), ("public front page", "/", "")]:
        rate, p99, bad = wrk(server.url + path, who)
        say("P4", f"{name}, 16 clients, {engine}", f"{rate:,.0f}/s p99 {p99:.0f} ms", "—", "", f"{bad} errors" if bad else "")
    def director():
        started = time.perf_counter()
        urllib.request.urlopen(urllib.request.Request(server.url + "/insights", headers={"Cookie": cookie})).read()
        return time.perf_counter() - started
    first = director()
    say("P8", f"director's figures counted from nothing, {engine}", f"{first * 1000:.0f} ms", "—", "", "once, when nobody had asked before")
    painted = median(director)
    say("P12", f"memory at rest / under load, {engine}", f"{at_rest} / {memory(server.process.pid)} MB", "—", "")
    server.stop()
    return painted


FILING = {"complainant": {"name": "陈小满", "phone": "13812345678", "address": "柳荫路8号"}, "respondent": {"name": "福临超市", "address": "中兴路12号"}, "facts": "电饭煲用了三天就不通电，商家不肯退货。", "claims": [{"kind": "refund", "amount": 129.0}]}


def intake(engine, database, folder, count=4000):
    server = ours(database, folder)
    token = run("token", "create", "--login", "demo-intake", "--database", database, "--data", folder).strip()
    script = os.path.join(folder, "post.lua")
    open(script, "w").write('wrk.method="POST"\nwrk.headers["Content-Type"]="application/json"\nwrk.headers["Authorization"]="Bearer %s"\nwrk.body=[[%s]]\n' % (token, json.dumps(FILING, ensure_ascii=False)))

    def we():
        out = subprocess.run(["wrk", "-t2", "-c64", "-d4s", "-s", script, server.url + "/api/v1/complaints"], capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in out, out
        return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))

    def bare():
        text = "'" + "x" * 600 + "'"
        if engine == "sqlite":
            path = os.path.join(folder, "bare.db")
            for f in (path, path + "-wal", path + "-shm"):
                if os.path.exists(f): os.remove(f)
            sql = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE c (id INTEGER PRIMARY KEY, body TEXT);\n" + f"INSERT INTO c (body) VALUES ({text});\n" * count
            words = ["sqlite3", path]
        else:
            sql = "DROP TABLE IF EXISTS bare; CREATE TABLE bare (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, body TEXT);\n" + f"INSERT INTO bare (body) VALUES ({text});\n" * count
            words = ["psql", "-q", database]
        started = time.perf_counter()
        subprocess.run(words, input=sql, text=True, check=True, capture_output=True)
        return count / (time.perf_counter() - started)

    pairs = [(we(), bare()) for _ in range(ROUNDS)]
    a, b = statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)
    say("P5", f"intake by API, on disk, 64 clients, {engine}", f"{a:,.0f}/s", f"bare INSERT {b:,.0f}/s", f"{a / b:.2f} ×", "with number, clock, ledger, search index")
    server.stop()


def operators_csv(path, count):
    alphabet, weights = "0123456789ABCDEFGHJKLMNPQRTUWXY", [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
    words = ["福临", "惠民", "瑞祥", "悦享", "金穗", "青禾", "同心", "百汇", "云锦", "东方"]
    kinds = ["超市", "餐饮店", "服装店", "电器商行", "汽修厂", "药房", "便利店", "五金店"]
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(["统一社会信用代码", "名称", "类型", "状态", "地址", "区划", "行业", "负责人", "电话", "成立日期"])
        for i in range(count):
            head = f"92{990101 + i % 12}{i:09d}"
            code = head + alphabet[(31 - sum(alphabet.index(c) * w for c, w in zip(head, weights)) % 31) % 31]
            out.writerow([code, f"{words[i % 10]}{words[i // 10 % 10]}{kinds[i % 8]}{i}", "个体工商户", "存续", f"中兴路{i % 900}号{i % 37}栋", str(990101 + i % 12), "5211", "王芳", f"138{i:08d}", "2019-03-0%d" % (i % 9 + 1)])


def imports(folder, count=600_000):
    path = os.path.join(folder, "operators.csv")
    operators_csv(path, count)
    def we():
        database = os.path.join(folder, "import.db")
        for f in os.listdir(folder):
            if f.startswith("import.db"): os.remove(os.path.join(folder, f))
        run("migrate", "--database", "sqlite:" + database)
        started = time.perf_counter()
        answer = json.loads(run("import", "operators", path, "--json", "--database", "sqlite:" + database, "--data", folder))
        assert answer["added"] == count, answer
        return time.perf_counter() - started
    def bare():
        database = os.path.join(folder, "bare-import.db")
        if os.path.exists(database): os.remove(database)
        started = time.perf_counter()
        subprocess.run(["sqlite3", database, "CREATE TABLE o (a,b,c,d,e,f,g,h,i,j);", ".mode csv", f".import {path} o"], check=True, capture_output=True)
        return time.perf_counter() - started
    pairs = [(we(), bare()) for _ in range(min(3, ROUNDS))]
    a, b = statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)
    say("P6", f"import of {count:,} operators, CSV, sqlite", f"{a:.1f} s", f"sqlite3 .import {b:.1f} s", f"{a / b:.1f} ×", "validated, indexed, searchable; goal ≤ 4 ×")


def listings(folder, count=50_000):
    """Listings in: compared with what was kept, matched against all models, written with their hits; then the same file again."""
    import scan
    scan.LINES = count
    path = os.path.join(folder, "listings.ndjson")
    scan.generate(path, *scan.texts())
    base = os.path.join(folder, "listings.db")
    times = []
    for _ in range(2):
        started = time.perf_counter()
        run("import", "listings", path, "--database", f"sqlite:{base}")
        times.append(time.perf_counter() - started)
    say("", f"import of {count:,} listings with all models, sqlite", f"{times[0]:.1f} s, {count / times[0]:,.0f}/s", "—", "", f"again, unchanged: {times[1]:.1f} s")


def recompute(folder, count=1_000_000):
    """A million open periods, each right under the calendar as it stands; then one more day off in three weeks."""
    import datetime
    database = f"sqlite:{folder}/clocks.db"
    home = os.path.join(folder, "clocks")
    os.makedirs(home, exist_ok=True)
    run("city", "--database", database, "--data", home, "--scale", "0.0001")
    today = datetime.date.today()
    starts = [today - datetime.timedelta(days=d) for d in range(1, 55)]
    values = []
    for duty in ("C1", "C3", "C4"):
        for day in starts:
            d = json.loads(run("deadline", duty, "--from", str(day), "--received", str(day), "--json"))
            values.append(f"({len(values)}, '{duty}', '{day}', '{d['due']}', '{d['strict']}', {int(d['calendarIncomplete'])})")
    at = "(CAST(strftime('%s', s.start) AS INTEGER) - 28800 + 36000) * 1000"
    sql = f"""
    PRAGMA synchronous = OFF;
    CREATE TEMP TABLE s (k INTEGER PRIMARY KEY, duty, start, due, strict, incomplete);
    INSERT INTO s VALUES {", ".join(values)};
    CREATE TEMP TABLE n (i INTEGER PRIMARY KEY);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {count}) INSERT INTO n SELECT i FROM c;
    INSERT INTO casework_matters (id, kind, number, state, open, title, regime, region, received_at, competent_at, next_due, changed_at)
      SELECT 100000 + n.i, 'complaint', 'B' || n.i, 'accepted', 1, 'bench', 'O121', '990101', {at}, {at}, s.due, 0 FROM n JOIN s ON s.k = n.i % {len(values)};
    INSERT INTO casework_clocks (matter, duty, started_at, received_on, due, strict, incomplete, extended, state)
      SELECT 100000 + n.i, s.duty, {at}, s.start, s.due, s.strict, s.incomplete, 0, 'open' FROM n JOIN s ON s.k = n.i % {len(values)};
    ANALYZE;"""
    subprocess.run(["sqlite3", f"{folder}/clocks.db"], input=sql, text=True, check=True, capture_output=True)
    path = os.path.join(folder, "changed.csv")
    day = today + datetime.timedelta(days=21)
    while day.weekday() > 4: day += datetime.timedelta(days=1)
    lines = [l for l in open("Data/calendar/cn.csv") if l.startswith(f"{day.year},")]
    open(path, "w").write("year,name,date,isOffDay\n" + "".join(lines) + f"{day.year},extra,{day},true\n")
    def go(*more):
        started = time.perf_counter()
        out = run("import", "calendar", path, *more, "--database", database, "--data", home)
        return time.perf_counter() - started, out.strip().split("\n")[0]
    shown = [go("--dry-run") for _ in range(min(3, ROUNDS))]
    applied, _ = go()
    numbers = re.findall(r"[\d,]+", shown[0][1])
    say("P7", f"{count:,} open clocks counted again, difference shown", f"{statistics.median(s for s, _ in shown):.1f} s", "—", "", "goal < 10 s: " + shown[0][1][:110])
    say("P7", "the same applied and sealed", f"{applied:.1f} s", "—", "")
    for f in os.listdir(folder):
        if f.startswith("clocks"): shutil.rmtree(f"{folder}/{f}", ignore_errors=True) if os.path.isdir(f"{folder}/{f}") else os.remove(f"{folder}/{f}")


def director(database_path, seconds):
    """The peer: the same aggregates in DuckDB over exported tables."""
    import duckdb
    con = duckdb.connect()
    import sqlite3
    source = sqlite3.connect(f"file:{database_path}?mode=ro", uri=True)
    folder = tempfile.mkdtemp(prefix="sinan-duck-")
    for table, columns in (("m", "id, region, open, next_due, outcome, received_at, closed_at FROM casework_matters"), ("c", "matter, state, stopped_at FROM casework_clocks")):
        with open(f"{folder}/{table}.csv", "w", newline="") as f:
            out = csv.writer(f)
            cursor = source.execute("SELECT " + columns)
            out.writerow([d[0] for d in cursor.description])
            out.writerows(cursor)
        con.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{folder}/{table}.csv', types={{'region': 'VARCHAR', 'next_due': 'VARCHAR'}})" if table == "m" else f"CREATE TABLE {table} AS SELECT * FROM read_csv('{folder}/{table}.csv')")
    shutil.rmtree(folder)
    since = int((time.time() - 365 * 86400) * 1000)
    def all():
        started = time.perf_counter()
        con.execute("SELECT substr(region, 1, 6), count(*), sum(CASE WHEN next_due < '2026-11-20' THEN 1 ELSE 0 END) FROM m WHERE open = 1 GROUP BY 1").fetchall()
        con.execute(f"SELECT c.state, count(*) FROM c JOIN m ON m.id = c.matter WHERE c.state IN ('met', 'missed') AND c.stopped_at > {since} GROUP BY 1").fetchall()
        con.execute(f"SELECT substr(region, 1, 6), received_at // 86400000, outcome, count(*) FROM m WHERE received_at > {since} GROUP BY 1, 2, 3").fetchall()
        con.execute(f"SELECT closed_at // 86400000, count(*) FROM m WHERE closed_at > {since} GROUP BY 1").fetchall()
        return time.perf_counter() - started
    theirs = median(all)
    say("P8", "director's page, first paint, sqlite", f"{seconds * 1000:.0f} ms", f"DuckDB sums {theirs * 1000:.0f} ms", f"{seconds / theirs:.2f} ×", "figures kept, counted each minute; the page says when")


def likeness(database, folder):
    """A clerk opens complaints that are not decided yet: each is compared with the year. The peer: datasketch on as many texts as it takes in reasonable time."""
    import sqlite3
    source = sqlite3.connect(f"file:{database.removeprefix('sqlite:')}?mode=ro", uri=True)
    ids = [r[0] for r in source.execute("SELECT id FROM casework_matters WHERE state = 'received' ORDER BY id DESC LIMIT 100")]
    server = ours(database, folder)
    cookie = session(server, "demo-director")
    def one(id):
        started = time.perf_counter()
        urllib.request.urlopen(urllib.request.Request(f"{server.url}/disputes/{id}", headers={"Cookie": cookie})).read()
        return (time.perf_counter() - started) * 1000
    for id in ids[:5]: one(id)
    times = sorted(one(id) for id in ids)
    server.stop()
    from datasketch import MinHash, MinHashLSH
    facts = [r[0] for r in source.execute("SELECT facts FROM disputes_complaints ORDER BY matter DESC LIMIT 20000")]
    def sketch(text):
        m = MinHash(num_perm=24)
        m.update_batch([text[i:i + 2].encode() for i in range(len(text) - 1)])
        return m
    lsh = MinHashLSH(threshold=0.5, num_perm=24)
    for i, text in enumerate(facts[100:]): lsh.insert(i, sketch(text))
    def theirs(text):
        started = time.perf_counter()
        mine = {text[i:i + 2] for i in range(len(text) - 1)}
        near = [(len(mine & o) / len(mine | o)) for o in ({facts[100 + k][i:i + 2] for i in range(len(facts[100 + k]) - 1)} for k in lsh.query(sketch(text)))]
        sorted(near)[-5:]
        return (time.perf_counter() - started) * 1000
    peer = sorted(theirs(t) for t in facts[:100])
    a, b = times[len(times) // 2], peer[len(peer) // 2]
    total = source.execute("SELECT count(*) FROM disputes_complaints").fetchone()[0]
    say("P13", f"near-duplicates of a complaint among {total:,}, with its page", f"{a:.0f} ms, worst {times[-1]:.0f}", f"datasketch {b:.0f} ms", f"{a / b:.2f} ×", f"goal < 50 ms; the peer among {len(facts) - 100:,} only")


def city(folder):
    """A city is built once for each scale and kept; what changes it works on a copy."""
    kept = os.path.abspath(f"var/bench/{SCALE}")
    note = os.path.join(kept, "built")
    if not os.path.exists(note):
        shutil.rmtree(kept, ignore_errors=True)
        os.makedirs(kept)
        print(f"building a city of scale {SCALE} …", flush=True)
        started = time.perf_counter()
        run("city", "--database", f"sqlite:{kept}/city.db", "--scale", str(SCALE))
        open(note, "w").write(f"{time.perf_counter() - started:.0f}")
    for name in os.listdir(kept):
        source = os.path.join(kept, name)
        shutil.copytree(source, os.path.join(folder, name)) if os.path.isdir(source) else shutil.copyfile(source, os.path.join(folder, name))
    return float(open(note).read())


def main():
    folder = tempfile.mkdtemp(prefix="sinan-bench-")
    try:
        database, home = f"sqlite:{folder}/city.db", f"{folder}/city"
        built = city(folder)
        run("migrate", "--database", database)
        size = os.path.getsize(f"{folder}/city.db") >> 20
        print(f"scale {SCALE}: {int(600000 * SCALE):,} operators, {int(550000 * SCALE):,} complaints lived through in {built:.0f} s, {size:,} MB, {os.cpu_count()} cores\n", flush=True)
        print(f"  {'':4} {'work':60} {'ours':>22} {'peer':>24} {'ratio':>9}")
        def start():
            server = ours(database, home)
            seconds = server.started
            server.stop()
            return seconds
        def flask():
            server = Server([sys.executable, "-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:PORT", "--chdir", "Benchmarks", "peer:app"], env=dict(os.environ, PEER_DATABASE=f"{folder}/city.db"))
            seconds = server.started
            server.stop()
            return seconds
        pairs = [(start(), flask()) for _ in range(ROUNDS)]
        a, b = statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)
        say("P12", "start to the first answered request", f"{a:.2f} s", f"Flask {b:.2f} s", f"{a / b:.2f} ×")
        seconds = pages("sqlite", database, home, f"{folder}/city.db")
        director(f"{folder}/city.db", seconds)
        likeness(database, home)
        if POSTGRES:
            # Before anything is filed: the copy is of the city as it was built.
            subprocess.run(["psql", "-q", POSTGRES, "-c", "CREATE DATABASE bench"], check=True)
            url = POSTGRES.rsplit("/", 1)[0] + "/bench"
            started = time.perf_counter()
            run("copy", "--database", database, "--data", home, "--to", url)
            copied = time.perf_counter() - started
        intake("sqlite", database, home)
        started = time.perf_counter()
        verified = run("audit", "verify", "--database", database, "--data", home).strip().split("\n")[0]
        say("", "audit verify, sqlite", f"{time.perf_counter() - started:.0f} s", "—", "", verified)
        recompute(folder)
        imports(folder)
        listings(folder)
        if POSTGRES:
            size = subprocess.run(["psql", "-At", url, "-c", "SELECT pg_database_size(current_database()) >> 20"], check=True, capture_output=True, text=True).stdout.strip()
            print(f"\n  PostgreSQL: the same city, copied in {copied:.0f} s, {int(size):,} MB", flush=True)
            seconds = pages("postgres", url, home, None)
            say("P8", "director's page, first paint, postgres", f"{seconds * 1000:.0f} ms", "—", "")
            intake("postgres", url, home)
        versions = subprocess.run("sqlite3 --version | cut -c1-7; psql --version; .venv/bin/pip list 2>/dev/null | grep -iE '^(flask|gunicorn|duckdb|datasketch) '; wrk -v 2>&1 | head -1", shell=True, capture_output=True, text=True).stdout
        print("\nversions: " + ", ".join(" ".join(v.split()) for v in versions.strip().split("\n")))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
