"""A draw of 5,000 from 600,000 by the published rule, by us and written anew in Python from docs/supervision: the same result, and the time of each."""
import hashlib, hmac, json, os, subprocess, sys, tempfile, time

BINARY = os.environ.get("SINAN_BINARY", os.path.abspath(".build/release/sinan"))
OBJECTS, DRAWN = int(os.environ.get("OBJECTS", "600000")), int(os.environ.get("DRAWN", "5000"))


def draw(list_, keys, seed, beacon):
    key = hashlib.sha256(seed + b"\n" + beacon.encode()).digest()
    order = lambda text: hmac.digest(key, text.encode(), "sha256")
    lists = {}
    for mark, name in list_["objects"]:
        lists.setdefault(name, []).append((order("object|" + mark), mark))
    drawn = []
    for quota in list_["quotas"]:
        drawn += sorted(lists.get(quota["list"], []))[: quota["quota"]]
    chosen = [mark for _, mark in sorted(drawn)]
    known = {mark: (code, name, region) for mark, code, name, region in keys["objects"]}
    away = {tuple(r) for r in keys["recusals"]}
    load, visits = {}, []
    for code, name, region in sorted(known[mark] for mark in chosen):
        may = [i["certificate"] for i in list_["inspectors"] if region.startswith(i["region"]) and (i["certificate"], code) not in away and load.get(i["certificate"], 0) < list_["limit"]]
        two = sorted(may, key=lambda c: (load.get(c, 0), order(f"inspector|{code}|{c}")))[:2]
        for c in two:
            load[c] = load.get(c, 0) + 1
        visits.append({"code": code, "name": name, "region": region, "inspectors": two})
    return chosen, visits


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main():
    quotas = [("L1", DRAWN * 2 // 10), ("L2", DRAWN * 3 // 10), ("L3", DRAWN * 3 // 10), ("L4", DRAWN * 2 // 10)]
    salt = hashlib.sha256(b"salt").digest()
    firms = [(f"91990101MA{n:08d}", f"第{n}号企业", f"9901{n % 12 + 1:02d}", f"L{(n * 7919 % 100) // 25 + 1}") for n in range(OBJECTS)]
    marked = sorted((hmac.digest(salt, f[0].encode(), "sha256").hex()[:32], f) for f in firms)
    keys = {"format": "sinan-draw-keys/2", "recusals": [["ZF00000", marked[0][1][0]]], "objects": [[mark, *f[:3]] for mark, f in marked]}
    inspectors = [{"certificate": f"ZF{n:05d}", "region": f"9901{n % 12 + 1:02d}"} for n in range(600)]
    list_ = {
        "format": "sinan-draw/3", "number": "SJ20260099", "title": "全市抽取", "items": ["C1"], "limit": 40, "keys": hashlib.sha256(text(keys).encode()).hexdigest(), "quotas": [{"list": a, "quota": q} for a, q in quotas],
        "inspectors": inspectors, "objects": [[mark, f[3]] for mark, f in marked],
    }
    seed, beacon = hashlib.sha256(b"bench").digest(), "3912.45"
    started = time.perf_counter()
    chosen, visits = draw(list_, keys, seed, beacon)
    python = time.perf_counter() - started
    published = {
        "format": "sinan-draw-result/2", "number": "SJ20260099", "state": "drawn", "listDigest": hashlib.sha256(text(list_).encode()).hexdigest(),
        "commitment": hashlib.sha256(seed).hexdigest(), "committedAt": None, "ledger": None, "beacon": {"what": "指数", "at": None, "value": beacon}, "seed": seed.hex(),
        "drawnAt": None, "list": list_, "keys": keys, "chosen": chosen, "visits": visits,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "draw.json")
        open(path, "w", encoding="utf-8").write(text(published))
        size = os.path.getsize(path) >> 20
        times = []
        for _ in range(3):
            started = time.perf_counter()
            answer = subprocess.run([BINARY, "draw", "verify", path, "--json"], capture_output=True, text=True)
            times.append(time.perf_counter() - started)
            assert answer.returncode == 0, answer.stdout + answer.stderr
        started = time.perf_counter()
        json.load(open(path, encoding="utf-8"))
        reading = time.perf_counter() - started
    ours = sorted(times)[1]
    print(f"  draw of {DRAWN:,} from {OBJECTS:,}: sinan draw verify {ours:.2f} s (file of {size} MB read, digest, draw, compared); Python {python + reading:.2f} s (read and drawn); {ours / (python + reading):.2f} ×; the same result")


if __name__ == "__main__":
    main()
