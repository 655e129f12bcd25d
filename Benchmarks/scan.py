"""P1–P3: scanning listings against what a user would pick instead, one core each, on the same file and the same phrases and expressions."""
import csv, glob, json, os, random, statistics, subprocess, sys, tempfile, time

BINARY = os.path.abspath(".build/release/sinan")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
LINES = int(os.environ.get("LINES", "100000"))
TEXTS = os.path.abspath("../shared/data/listings")
random.seed(1)

SIMDJSON = r"""
#include <simdjson.h>
#include <cstdio>
int main(int, char **argv) {
  auto text = simdjson::padded_string::load(argv[1]).value();
  simdjson::ondemand::parser parser;
  auto docs = parser.iterate_many(text, 1 << 20).value();
  size_t n = 0;
  for (auto doc : docs) { std::string_view id; if (!doc["id"].get_string().get(id)) n += id.size(); }
  printf("%zu\n", n);
}
"""

PYTHON = r"""
import json, sys
import hyperscan, orjson
patterns = json.load(open(sys.argv[2]))
db = hyperscan.Database()
db.compile(expressions=[p.encode() for p in patterns["expressions"]], ids=list(range(len(patterns["expressions"]))), flags=[hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SOM_LEFTMOST] * len(patterns["expressions"]))
hits = 0
def note(id, start, end, flags, context):
    global hits
    hits += 1
for line in open(sys.argv[1], "rb"):
    d = orjson.loads(line)
    for text in (d.get("name"), d.get("description"), *(d.get("imageText") or ()), *(d.get("terms") or ())):
        if text: db.scan(text.encode(), match_event_handler=note)
print(hits)
"""


DUCKDB = r"""
import json, os, sys, time
import duckdb
from sigma.rule import SigmaRule
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
lines, model, phrases = sys.argv[1], sys.argv[2], open(sys.argv[3], encoding="utf-8").read().split("\n")
rows = [json.loads(line) for line in open(lines, encoding="utf-8")][:int(os.environ.get("SQL_LINES", "200"))]
con = duckdb.connect()
con.execute("SET threads=1; SET max_expression_depth TO 1000000")
con.execute("CREATE TABLE listings (id TEXT, name TEXT, description TEXT)")
con.executemany("INSERT INTO listings VALUES (?, ?, ?)", [(r["id"], r["name"], r["description"]) for r in rows])
rule = {"title": "load", "id": "00000000-0000-4000-8000-0000000000ff", "logsource": {"product": "ecommerce"}, "detection": {"name": {"name|contains": phrases[:2000]}, "description": {"description|contains": phrases[:2000]}, "condition": "1 of them"}}
sql = sqliteBackend().convert(SigmaCollection([SigmaRule.from_dict(rule)]))[0].replace("FROM logs", "FROM listings").replace("<TABLE_NAME>", "listings").replace(" ESCAPE '\\'", "")
started = time.perf_counter()
hits = len(con.execute(sql).fetchall())
seconds = time.perf_counter() - started
size = sum(len((r["name"] + r["description"]).encode()) for r in rows)
print(json.dumps({"bytes": size, "seconds": seconds, "hits": hits, "phrases": 2000}))
"""


def texts():
    """Real titles and words where the shared data is beside the project, else those of the invented city."""
    path = os.path.join(TEXTS, "listings_monthly_2021.csv")
    if os.path.exists(path):
        titles = [r["title"] for r in csv.DictReader(open(path, encoding="utf-8-sig"))]
        return titles, [r["review"] for r in csv.DictReader(open(os.path.join(TEXTS, "online_shopping_reviews_dev20k.csv"), encoding="utf-8-sig"))]
    city = json.load(open("Data/city/city.json", encoding="utf-8"))
    goods = [g["name"] for t in city["trades"] for g in t["goods"]]
    return [random.choice(goods) + random.choice(city["roads"]) for _ in range(2000)], [p for t in city["trades"] for p in t["problems"]]


def generate(path, titles, words):
    with open(path, "w", encoding="utf-8") as f:
        for i in range(LINES):
            d = {"id": f"shop:{i}", "platform": "x", "url": f"https://item.example/{i}", "kind": "listing", "name": random.choice(titles), "description": random.choice(words)[:120], "category": "百货食品",
                 "image": [f"https://img.example/{i}.jpg"], "imageText": [random.choice(words)[:60]], "offers": {"price": round(random.random() * 500, 2), "listPrice": 980.00, "priceCurrency": "CNY"},
                 "sales": {"count30d": i % 900}, "seller": {"id": str(i % 997), "name": "心斋堂旗舰店", "region": "990101"}, "terms": ["支持七天无理由退货"], "reviews": [{"rating": 5, "text": random.choice(words)[:60]}],
                 "observedAt": "2026-11-20T08:30:00+08:00"}
            f.write(json.dumps(d, ensure_ascii=False, separators=(",", ":")) + "\n")


def models(folder, titles, words):
    """The models that ship, and one more with 20,000 phrases and 500 expressions: halves of words put together, so that few listings hit."""
    for model in glob.glob("Models/M*") + ["Models/lists"]:
        if os.path.isdir(model):
            subprocess.run(["cp", "-r", model, folder], check=True)
    pool = "".join(words)[:400000]
    phrases = set()
    while len(phrases) < 20000:
        i, n = random.randrange(len(pool) - 8), random.choice((4, 4, 5, 6))
        a, b = pool[i:i + n // 2 + n % 2], pool[(i * 7) % (len(pool) - 8):][:n // 2]
        if all("一" <= c <= "鿿" for c in a + b) and len(a + b) == n:
            phrases.add(a + b)
    phrases = sorted(phrases)
    expressions = [f"{random.choice(phrases)}[^，。]{{0,6}}(?:{random.choice(phrases)}|{random.choice(phrases)})" for _ in range(500)]
    place = os.path.join(folder, "P01-load")
    os.mkdir(place)
    fields = ("name", "description", "imageText", "terms")
    rule = "title: load\nid: 00000000-0000-4000-8000-0000000000ff\nlogsource: {product: ecommerce, category: listing}\ndetection:\n"
    for f in fields:
        rule += f"  {f}:\n    {f}|contains|expand: '%load%'\n  {f}_re:\n    {f}|re:\n" + "".join(f"      - '{e}'\n" for e in expressions)
    rule += "  condition: 1 of them\nsinan:\n  id: P01\n  lane: notice\n  reviewed: '2026-11-25'\n  law: [{law: AD, article: '9(3)'}]\n  elements: [{zh: 测, en: x}]\n"
    open(os.path.join(place, "rule.yml"), "w").write(rule)
    open(os.path.join(place, "load.csv"), "w").write("phrase\n" + "\n".join(phrases) + "\n")
    return phrases, expressions


def timed(words, **more):
    started = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    return time.perf_counter() - started


def main():
    with tempfile.TemporaryDirectory(prefix="sinan-scan-") as folder:
        titles, words = texts()
        file, library = os.path.join(folder, "l.ndjson"), os.path.join(folder, "models")
        os.mkdir(library)
        generate(file, titles, words)
        phrases, expressions = models(library, titles, words)
        size = os.path.getsize(file)
        patterns = os.path.join(folder, "patterns.json")
        json.dump({"expressions": phrases + expressions}, open(patterns, "w"))
        open(os.path.join(folder, "phrases.txt"), "w").write("\n".join(phrases))
        open(os.path.join(folder, "py.py"), "w").write(PYTHON)
        open(os.path.join(folder, "s.cpp"), "w").write(SIMDJSON)
        empty = os.path.join(folder, "empty.ndjson")
        open(empty, "w").write('{"id":"1"}\n')
        env = dict(os.environ, XDG_CACHE_HOME=folder)
        ours = lambda threads, path: timed([BINARY, "scan", "--models", library, "--threads", str(threads), path], env=env)
        cold = ours(1, empty)
        peers = {"hyperscan + orjson from Python": lambda: timed([sys.executable, os.path.join(folder, "py.py"), file, patterns])}
        if subprocess.run(["g++", "-O3", "-std=c++17", os.path.join(folder, "s.cpp"), "-o", os.path.join(folder, "s"), "-lsimdjson"], capture_output=True).returncode == 0:
            peers["simdjson merely parsing"] = lambda: timed([os.path.join(folder, "s"), file])
        if subprocess.run(["which", "rg"], capture_output=True).returncode == 0:
            peers["rg -F -f, phrases alone"] = lambda: timed(["rg", "-c", "-F", "-f", os.path.join(folder, "phrases.txt"), file])
        print(f"scan: {LINES:,} listings, {size >> 20} MB, {len(phrases):,} phrases, {len(expressions)} expressions beside the shipped models; medians of {ROUNDS}\n")
        rounds = [(ours(1, file), ours(2, file), {name: run() for name, run in peers.items()}) for _ in range(ROUNDS)]
        median = lambda f: statistics.median(f(r) for r in rounds)
        one, two = median(lambda r: r[0]), median(lambda r: r[1])
        print(f"  P1   sinan scan, one thread                     {size / one / 1e6:7.0f} MB/s  {one:.2f} s")
        for name in peers:
            theirs = median(lambda r: r[2][name])
            ratio = median(lambda r: r[2][name] / r[0])
            print(f"  P1   {name:42} {size / theirs / 1e6:7.0f} MB/s  {theirs:.2f} s   ours is {ratio:.2f} × as fast")
        open(os.path.join(folder, "duck.py"), "w").write(DUCKDB)
        duck = subprocess.run([sys.executable, os.path.join(folder, "duck.py"), file, library, os.path.join(folder, "phrases.txt")], capture_output=True, text=True)
        if duck.returncode == 0:
            told = json.loads(duck.stdout)
            # A tenth of the phrases and no expression: its time grows with both, so this is the kinder side.
            rate = told["bytes"] / told["seconds"] / 1e6
            print(f"  P1   pySigma's SQL in DuckDB, 2,000 of the phrases   {rate:7.2f} MB/s of text          ours is {size / one / 1e6 / rate:.0f} × as fast")
        else:
            print("  P1   pySigma's SQL in DuckDB could not be run: " + duck.stderr.strip().splitlines()[-1][:120])
        print(f"  P2   start, expressions compiled / from the cache    {cold:.2f} s / {statistics.median(ours(1, empty) for _ in range(ROUNDS)):.2f} s   goal < 0.3 s cached")
        print(f"  P3   two threads against one                    {median(lambda r: r[0] / r[1]):.2f} ×   goal ≥ 1.8 ×")


if __name__ == "__main__":
    main()
