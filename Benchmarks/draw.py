"""A draw of 5,000 from 600,000 by the published rule, by us and written anew in Python from docs/supervision: the same result, and the time of each."""
import hashlib, hmac, json, os, subprocess, sys, tempfile, time

BINARY = os.environ.get("SINAN_BINARY", os.path.abspath(".build/release/sinan"))
OBJECTS, DRAWN = int(os.environ.get("OBJECTS", "600000")), int(os.environ.get("DRAWN", "5000"))


def draw(list_, seed, beacon):
    key = hashlib.sha256(seed + b"\n" + beacon.encode()).digest()
    mark = lambda text: hmac.digest(key, text.encode(), "sha256")
    strata = {}
    for code, name, region, stratum in list_["objects"]:
        strata.setdefault(stratum, []).append((mark("object|" + code), code, name, region, stratum))
    chosen = []
    for quota in list_["quotas"]:
        chosen += sorted(strata.get(quota["list"], []))[: quota["quota"]]
    away = {(r["certificate"], r["code"]) for r in list_["recusals"]}
    load, out = {}, []
    for _, code, name, region, stratum in sorted(chosen):
        may = [i["certificate"] for i in list_["inspectors"] if region.startswith(i["region"]) and (i["certificate"], code) not in away and load.get(i["certificate"], 0) < list_["limit"]]
        two = sorted(may, key=lambda c: (load.get(c, 0), mark(f"inspector|{code}|{c}")))[:2]
        for c in two:
            load[c] = load.get(c, 0) + 1
        out.append({"code": code, "name": name, "region": region, "list": stratum, "inspectors": two})
    return out


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main():
    quotas = [("L1", DRAWN * 2 // 10), ("L2", DRAWN * 3 // 10), ("L3", DRAWN * 3 // 10), ("L4", DRAWN * 2 // 10)]
    objects = [[f"91990101MA{n:08d}", f"第{n}号企业", f"9901{n % 12 + 1:02d}", f"L{(n * 7919 % 100) // 25 + 1}"] for n in range(OBJECTS)]
    inspectors = [{"certificate": f"ZF{n:05d}", "region": f"9901{n % 12 + 1:02d}"} for n in range(600)]
    list_ = {
        "format": "sinan-draw/1", "number": "SJ20260099", "title": "全市抽取", "items": ["C1"], "limit": 40, "quotas": [{"list": a, "quota": q} for a, q in quotas],
        "inspectors": inspectors, "recusals": [{"certificate": "ZF00000", "code": objects[0][0]}], "objects": objects,
    }
    seed, beacon = hashlib.sha256(b"bench").digest(), "3912.45"
    started = time.perf_counter()
    result = draw(list_, seed, beacon)
    python = time.perf_counter() - started
    published = {
        "format": "sinan-draw-result/1", "number": "SJ20260099", "state": "drawn", "listDigest": hashlib.sha256(text(list_).encode()).hexdigest(),
        "commitment": hashlib.sha256(seed).hexdigest(), "committedAt": None, "ledgerEntry": None, "beacon": {"what": "指数", "at": None, "value": beacon}, "seed": seed.hex(),
        "drawnAt": None, "list": list_, "result": result,
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
