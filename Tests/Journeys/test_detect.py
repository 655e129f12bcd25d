"""The detection engine against the reference: the same rules converted by pySigma to SQLite, on real titles and made-up events."""
import csv, json, os, random, re, sqlite3, subprocess, uuid
import pytest
from conftest import BINARY

LISTINGS = os.path.abspath("../shared/data/listings")
CARD = """
sinan:
  id: {id}
  titleEn: {id}
  lane: notice
  owner: test
  reviewed: '2026-11-25'
  law: [{{law: AD, article: '9(3)'}}]
  elements: [{{zh: 测试, en: test}}]
"""

# Every supported modifier and condition, as one would write them: name, detection.
RULES = {
    "plain": "s: {name: 手机数据线}\n  condition: s",
    "plain-case": "s: {brand: NIKE}\n  condition: s",
    "wild-both": "s: {name: '*新款*'}\n  condition: s",
    "wild-start": "s: {name: '正品*'}\n  condition: s",
    "wild-end": "s: {name: '*包邮'}\n  condition: s",
    "wild-middle": "s: {name: '*女*夏*'}\n  condition: s",
    "wild-one": "s: {name: '*20?? 新*'}\n  condition: s",
    "wild-escaped": "s: {name: '*5\\*10*'}\n  condition: s",
    "wild-question": "s: {name: '*真的吗\\?*'}\n  condition: s",
    "contains": "s: {name|contains: [正品, 新款, vip]}\n  condition: s",
    "contains-all": "s: {name|contains|all: [女, 夏]}\n  condition: s",
    "starts": "s: {name|startswith: [正品, '【']}\n  condition: s",
    "ends": "s: {name|endswith: [包邮, 款, a]}\n  condition: s",
    "cased": "s: {brand|cased: Nike}\n  condition: s",
    "cased-contains": "s: {name|contains|cased: VIP}\n  condition: s",
    "cased-starts": "s: {brand|startswith|cased: ni}\n  condition: s",
    "re": "s: {name|re: '20[12][0-9].{0,3}新款'}\n  condition: s",
    "re-i": "s: {name|re|i: 'vip|Pro.?[0-9]'}\n  condition: s",
    "re-anchored": "s: {name|re: '^[【].+[】]'}\n  condition: s",
    "re-alternatives": "s: {name|re: '(男|女)(士|款|装)'}\n  condition: s",
    "exists": "s: {rare|exists: true}\n  condition: s",
    "exists-not": "s: {rare|exists: false}\n  condition: s",
    "null": "s: {rare: null}\n  condition: s",
    "number": "s: {price: 35}\n  condition: s",
    "gt": "s: {price|gt: 99.9}\n  condition: s",
    "gte-lte": "s: {price|gte: 35, price2|lte: 100}\n  condition: s",
    "lt": "s: {price|lt: 0.5}\n  condition: s",
    "fieldref": "s: {price|fieldref: price2}\n  condition: s",
    "fieldref-text": "s: {name|fieldref|startswith: brand}\n  condition: s",
    "neq": "s: {category|neq: 百货食品}\n  condition: s",
    "neq-list": "s: {category|neq: [百货食品, 服装鞋包]}\n  condition: s",
    "neq-contains": "s: {name|contains|neq: 新款}\n  condition: s",
    "list-or": "s: {category: [百货食品, 服装鞋包]}\n  condition: s",
    "map-and": "s: {category: 服装鞋包, name|contains: 女}\n  condition: s",
    "maps-or": "s:\n    - {category: 服装鞋包, name|contains: 女}\n    - {price|gt: 1000}\n  condition: s",
    "and-not": "s: {name|contains: 女}\n  f: {name|contains: 男}\n  condition: s and not f",
    "parentheses": "a: {name|contains: 女}\n  b: {name|contains: 男}\n  c: {price|gt: 50}\n  condition: (a or b) and not (c and not b)",
    "one-of": "sel_a: {name|contains: 羽绒}\n  sel_b: {name|contains: 棉}\n  other: {price|gt: 100}\n  condition: 1 of sel_*",
    "all-of": "sel_a: {name|contains: 女}\n  sel_b: {price|gt: 50}\n  other: {price|lt: 0}\n  condition: all of sel_*",
    "one-of-them": "a: {name|contains: 羽绒}\n  b: {price|gt: 3000}\n  condition: 1 of them",
    "all-of-them": "a: {name|contains: 女}\n  b: {price|gt: 100}\n  condition: all of them",
    "not-one-of": "a: {price|gt: 20}\n  f_x: {name|contains: 女}\n  f_y: {name|contains: 男}\n  condition: a and not 1 of f_*",
    "empty": "s: {brand: ''}\n  condition: s",
}


def events():
    random.seed(7)
    pieces = ["女", "男", "夏", "新款", "正品", "包邮", "VIP", "vip", "Pro 3", "2021新款", "2020 新", "5*10", "真的吗?", "【特价】", "羽绒", "棉", "%", "_", "\\", "'", "😀", "A", " "]
    titles = ["手机数据线", "nike 鞋", "Nike鞋", "女款 冬季手套", "男士 跑步鞋"]
    path = os.path.join(LISTINGS, "listings_monthly_2021.csv")
    if os.path.exists(path):
        titles += [r["title"] for r in csv.DictReader(open(path, encoding="utf-8-sig"))]
    titles += ["".join(random.choices(pieces, k=random.randint(1, 6))) for _ in range(1500)]
    for i, title in enumerate(titles):
        price = random.choice([0.1, 35, 35.0, 99.9, 100, 3980, round(random.random() * 200, 2)])
        event = {
            "id": str(i), "name": title, "brand": random.choice(["NIKE", "Nike", "nike", "", "正品", "A"]), "category": random.choice(["百货食品", "服装鞋包", "手机数码"]),
            "price": price, "price2": random.choice([price, 35, 100, 0.3]),
        }
        if i % 5 == 0:
            event["rare"] = "x"
        yield event


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    pytest.importorskip("sigma.backends.sqlite")
    from sigma.backends.sqlite import sqliteBackend
    from sigma.rule import SigmaRule

    folder = tmp_path_factory.mktemp("rules")
    everything = list(events())
    con = sqlite3.connect(":memory:")
    con.create_function("REGEXP", 2, lambda pattern, text: text is not None and re.search(pattern, str(text)) is not None)
    # Sigma compares without case; SQLite's = does so only where the column says it.
    con.execute("CREATE TABLE logs (id, name COLLATE NOCASE, brand COLLATE NOCASE, category COLLATE NOCASE, price, price2, rare)")
    con.executemany("INSERT INTO logs VALUES (?,?,?,?,?,?,?)", [[e.get(k) for k in ("id", "name", "brand", "category", "price", "price2", "rare")] for e in everything])
    theirs = {}
    for n, (name, detection) in enumerate(RULES.items()):
        id = f"T{n:02}"
        text = f"title: the rule {name}\nid: {uuid.UUID(int=n + 1)}\nstatus: test\nlogsource: {{product: ecommerce, category: listing}}\ndetection:\n  {detection}\n"
        (folder / f"{id}-{name}").mkdir()
        (folder / f"{id}-{name}" / "rule.yml").write_text(text + CARD.format(id=id))
        query = sqliteBackend().convert_rule(SigmaRule.from_yaml(text))[0].replace("<TABLE_NAME>", "logs")
        theirs[id] = {row[0] for row in con.execute(query.replace("SELECT *", "SELECT id"))}
    lines = "\n".join(json.dumps(e, ensure_ascii=n % 2 == 0) for n, e in enumerate(everything))
    out = subprocess.run([BINARY, "scan", "--plain", "--models", str(folder)], input=lines, capture_output=True, text=True, timeout=300)
    assert out.returncode == 0, out.stderr
    ours = {f"T{n:02}": set() for n in range(len(RULES))}
    for line in out.stdout.splitlines():
        hit = json.loads(line)
        ours[hit["model"]].add(hit["listing"])
    return ours, theirs, {e["id"]: e for e in everything}


@pytest.mark.parametrize("number,name", list(enumerate(RULES)))
def test_hits_are_those_of_the_reference(tables, number, name):
    ours, theirs, all = tables
    id = f"T{number:02}"
    more, fewer = sorted(ours[id] - theirs[id]), sorted(theirs[id] - ours[id])
    assert not more and not fewer, (name, [all[i] for i in more[:3]], [all[i] for i in fewer[:3]], len(more), len(fewer))
    assert theirs[id], f"{name} hits nothing: it shows nothing"


def test_a_rule_that_cannot_be_run_is_refused_by_name(tmp_path):
    head = "title: t\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: ecommerce, category: listing}\ndetection:\n  "
    wrong = {
        "base64": ("s: {name|base64: x}\n  condition: s", "base64"), "cidr": ("s: {ip|cidr: 10.0.0.0/8}\n  condition: s", "cidr"),
        "lookahead": ("s: {name|re: 'a(?=b)'}\n  condition: s", "a(?=b)"), "backreference": ("s: {name|re: '(a)\\1'}\n  condition: s", "(a)"),
        "nothing": ("s: {name: x}\n  condition: t", "“t”"), "unclosed": ("s: {name: x}\n  condition: (s", "not closed"), "no-list": ("s: {name|expand: '%absent%'}\n  condition: s", "absent"),
    }
    for n, (name, (detection, word)) in enumerate(wrong.items()):
        folder = tmp_path / name / f"W{n}-{name}"
        folder.mkdir(parents=True)
        (folder / "rule.yml").write_text(head + detection + "\n" + CARD.format(id=f"W{n}"))
        out = subprocess.run([BINARY, "models", "check", str(tmp_path / name)], capture_output=True, text=True)
        assert out.returncode == 1 and word in out.stdout, (name, out.stdout, out.stderr)


def test_output_is_the_same_for_any_number_of_threads_and_bad_lines_are_counted(tmp_path):
    lines = [json.dumps({"id": str(i), "name": "全国第一品牌 " * (i % 3)}, ensure_ascii=False) for i in range(40000)]
    lines[17] = "{"
    lines[39000] = '{"id":true}'
    (tmp_path / "l.ndjson").write_text("\n".join(lines))
    outs = [subprocess.run([BINARY, "scan", "--threads", str(t), str(tmp_path / "l.ndjson")], capture_output=True, text=True, env=dict(os.environ, LANG="C.UTF-8")) for t in (1, 2, 5)]
    assert outs[0].stdout == outs[1].stdout == outs[2].stdout and outs[0].stdout.count("\n") == len([i for i in range(40000) if i % 3 and i not in (17, 39000)])
    for out in outs:
        assert out.returncode == 0 and "l.ndjson:18:" in out.stderr and "l.ndjson:39001:" in out.stderr and "2 lines that are none" in out.stderr


def test_correlations_see_listings_in_input_order_whatever_the_threads(tmp_path):
    folder = tmp_path / "models" / "K01-burst"
    folder.mkdir(parents=True)
    (folder / "rule.yml").write_text(
        "title: cheap\nname: cheap\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: ecommerce, category: listing}\ndetection:\n  s: {offers.price|lt: 10}\n  condition: s\n"
        + CARD.format(id="K01")
        + "---\ntitle: burst\nid: 00000000-0000-4000-8000-000000000002\ncorrelation:\n  type: event_count\n  rules: [cheap]\n  group-by: [seller.id]\n  timespan: 1h\n  condition: {gte: 3}\n")
    lines, expected, times = [], [], {}
    random.seed(4)
    for i in range(30000):
        shop, cheap, second = str(random.randrange(400)), random.random() < 0.3, i
        moment = f"2026-11-20T{8 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}+08:00"
        lines.append(json.dumps({"id": str(i), "offers": {"price": 5 if cheap else 50}, "seller": {"id": shop}, "observedAt": moment}))
        if cheap:
            before = [t for t in times.get(shop, []) if t >= second - 3600]
            # The window slides between events too: a condition that lapsed with it begins to hold anew.
            held = len(before) >= 3
            times[shop] = before + [second]
            if len(times[shop]) >= 3 and not held:
                expected.append(str(i))
    outs = []
    for threads in (1, 3):
        out = subprocess.run([BINARY, "scan", "--threads", str(threads), "--models", str(tmp_path / "models")], input="\n".join(lines), capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        outs.append(out.stdout)
    assert outs[0] == outs[1]
    found = [json.loads(line) for line in outs[0].splitlines()]
    assert found and all(h["title"] == "burst" for h in found)
    assert [h["listing"] for h in found] == expected


def test_a_hit_cites_only_what_binds_on_the_listings_day(tmp_path):
    """The rules on key industrial products bind from 1 December 2026; a certificate was asked for before."""
    lines = [
        {"id": "1", "kind": "listing", "name": "充电宝", "category": "移动电源", "features": {"product": {"failed": True}}, "observedAt": f"2026-{day}T10:00:00+08:00"}
        for day in ("11-30", "12-01")
    ]
    done = subprocess.run([BINARY, "scan"], input="".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines), capture_output=True, text=True, check=True)
    cited = [{a["law"] for a in hit["law"]} for hit in map(json.loads, done.stdout.splitlines()) if hit["model"] == "M20"]
    assert ["网络销售重点工业产品质量安全监督管理规定" in x for x in cited] == [False, True]
    assert all("认证认可条例" in x for x in cited)
