"""It holds: killed under load, restored, altered, fuzzed, moved to another folder."""
import base64, concurrent.futures, hashlib, json, os, shutil, subprocess, sys, time, urllib.error, urllib.request
import pytest
from conftest import BINARY, ENGINES, POSTGRES, Server, database, run

FILING = {
    "complainant": {"name": "陈小满", "phone": "13812345678", "address": "柳荫路8号"}, "respondent": {"name": "福临超市", "address": "中兴路12号"},
    "facts": "电饭煲坏了", "claims": [{"kind": "refund", "amount": 129.00}], "occurredOn": "2026-10-01", "consents": {"publication": True, "delegation": False},
}


def call(url, body=None, token=None, key=None, method=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = "Bearer " + token
    if key:
        headers["Idempotency-Key"] = key
    request = urllib.request.Request(url, data=json.dumps(body).encode() if body is not None else None, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


@pytest.fixture(params=ENGINES)
def office(request, tmp_path):
    url = database(request.param, str(tmp_path))
    run("city", "--database", url, "--data", str(tmp_path), "--scale", "0.00005")
    server = Server(url, str(tmp_path), demo=False)
    server.engine = request.param
    server.token = run("token", "create", "--login", "demo-intake", *server.options()).stdout.strip()
    yield server
    server.stop()


def test_kill_9_under_load_loses_nothing_that_was_acknowledged(office):
    for round in range(3):
        acknowledged = []

        def work(worker):
            for i in range(400):
                try:
                    status, body = call(office.url + "/api/v1/complaints", FILING, token=office.token, key=f"{round}-{worker}-{i}")
                    if status == 201:
                        acknowledged.append(body["number"])
                except OSError:
                    return

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(work, n) for n in range(8)]
            time.sleep(1.2)
            office.kill()
            for f in futures:
                f.result()
        assert len(acknowledged) > 20
        office.start()
        for number in acknowledged:
            status, body = call(office.url + "/api/v1/complaints/" + number, token=office.token)
            assert status == 200 and body["deadlines"][0]["id"] == "C1", (number, status, body)
        verified = json.loads(run("audit", "verify", "--json", *office.options()).stdout)
        assert verified["holds"], verified["findings"]


def test_what_one_row_says_cannot_be_changed_unseen(office):
    sql = "UPDATE casework_matters SET title = 'x' WHERE id = 3"
    if office.engine == "sqlite":
        subprocess.run(["sqlite3", office.database.removeprefix("sqlite:"), sql], check=True)
    else:
        subprocess.run(["psql", "-q", office.database, "-c", sql], check=True)
    result = run("audit", "verify", "--json", *office.options(), check=False)
    assert result.returncode == 1 and [f["what"] for f in json.loads(result.stdout)["findings"]] == ["casework_matters/3"]


def test_a_backup_while_serving_comes_back_whole(office, tmp_path):
    status, body = call(office.url + "/api/v1/complaints", FILING, token=office.token)
    out = str(tmp_path / "backup.tar")
    run("backup", "--out", out, *office.options())
    call(office.url + "/api/v1/complaints", FILING, token=office.token)
    # Under a running server nothing is replaced: what it acknowledges afterwards would be lost.
    refused = run("restore", out, *office.options(), check=False)
    assert refused.returncode != 0 and "in use" in refused.stderr + refused.stdout
    assert run("backup", "--out", out, *office.options(), check=False).returncode != 0, "a copy is never overwritten"
    assert call(office.url + "/api/v1/complaints/" + body["number"], token=office.token)[0] == 200
    office.stop()
    folder = tmp_path / "restored"
    folder.mkdir()
    url = f"sqlite:{folder}/city.db" if office.engine == "sqlite" else database("postgres", str(folder))
    run("restore", out, "--database", url, "--data", str(folder))
    assert json.loads(run("audit", "verify", "--json", "--database", url, "--data", str(folder)).stdout)["holds"]
    numbers = [json.loads(line)["编号"] for line in run("export", "complaints", "--format", "ndjson", "--database", url, "--data", str(folder)).stdout.splitlines()]
    assert body["number"] in numbers


def test_the_exported_ledger_is_checked_by_others(office, tmp_path):
    """The export is C2SP tlog-tiles: a stock Merkle verifier and a stock signature library agree with it."""
    import pymerkle
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    out = tmp_path / "ledger"
    run("audit", "export", "--out", str(out), *office.options())
    note = (out / "checkpoint").read_text()
    origin, size, root = note.split("\n")[:3]
    entries = []
    for path in sorted((out / "tile" / "entries").rglob("*")):
        if path.is_file():
            data, at = path.read_bytes(), 0
            while at < len(data):
                n = int.from_bytes(data[at : at + 2], "big")
                entries.append(data[at + 2 : at + 2 + n])
                at += 2 + n

    # A verifier that knows nothing of us: the root, and that an older state is the beginning of this one.
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    assert len(entries) == int(size) and base64.b64encode(tree.get_root()).decode() == root
    half = len(entries) // 2
    pymerkle.verify_consistency(tree.get_root(half), tree.get_root(), tree.prove_consistency(half, len(entries)))
    altered = pymerkle.InmemoryTree(algorithm="sha256")
    for i, entry in enumerate(entries):
        altered.append_entry(entry if i != half else entry + b" ")
    assert base64.b64encode(altered.get_root()).decode() != root
    name, _, key = (out / "key.vkey").read_text().strip().split("+", 2)
    raw = base64.b64decode(key)
    body, signature = note.split("\n\n")
    mark = base64.b64decode(signature.split(" ")[2])
    assert raw[0] == 1 and name == origin and mark[:4] == hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(mark[4:], (body + "\n").encode())


def test_the_api_withstands_its_own_description(office):
    """schemathesis makes requests out of the server's OpenAPI: no 5xx, no answer that the description does not have."""
    result = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "run", office.url + "/api/openapi.json", "--header", f"Authorization: Bearer {office.token}",
         "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance", "--max-examples", "40", "--seed", "1", "--suppress-health-check", "all"],
        capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout[-6000:]


def test_the_city_is_the_same_from_the_same_seed(tmp_path):
    texts = []
    for n in "ab":
        url = f"sqlite:{tmp_path}/{n}.db"
        run("city", "--database", url, "--data", str(tmp_path / n), "--scale", "0.0001", "--seed", "7", "--until", "2026-11-20")
        texts.append(run("export", "complaints", "--format", "csv", "--database", url, "--data", str(tmp_path / n)).stdout)
    assert texts[0] == texts[1] and len(texts[0]) > 3000


def test_the_binary_runs_from_another_folder_with_its_resources_beside_it(tmp_path):
    home = os.path.dirname(os.path.realpath(BINARY))
    shutil.copy(os.path.realpath(BINARY), tmp_path / "sinan")
    for name in os.listdir(home):
        if name.endswith(".resources") and name.startswith("sinan_"):
            shutil.copytree(os.path.join(home, name), tmp_path / name)
    result = subprocess.run([str(tmp_path / "sinan"), "deadline", "C1", "--from", "2026-09-18", "--json"], capture_output=True, text=True, cwd="/")
    assert json.loads(result.stdout)["due"] == "2026-09-29"


@pytest.mark.parametrize("words,status", [
    (["deadline", "C1", "--from", "2026-09-18"], 0), (["deadline", "C1", "--from", "2018-01-01"], 2), (["deadline", "ZZ", "--from", "2026-09-18"], 2), (["deadline", "C1"], 2),
    (["deadline", "C1", "--from", "tomorrow"], 2), (["deadline", "C1", "--from", "2026-09-18", "--extended"], 2), (["uscc", "91110000600037341L"], 0), (["uscc", "1234"], 1), (["nonsense"], 2),
    (["serve", "--bogus"], 2), (["--help"], 0), (["import", "operators", "no-such-file.csv", "--database", "sqlite::memory:", "--data", "var/none"], 2),
])
def test_exit_statuses_are_those_of_the_contract(words, status, tmp_path):
    assert run(*words, check=False, cwd=tmp_path).returncode == status


@pytest.mark.parametrize("engine", ENGINES)
def test_a_full_disk_is_refused_clearly_and_reading_goes_on(engine, tmp_path):
    """A disk of a few megabytes, where one can be mounted here; elsewhere skipped, by name."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={48 if engine == 'sqlite' else 64}m", "tmpfs", str(small)], capture_output=True).returncode != 0:
        pytest.skip("no small disk can be mounted here")
    try:
        if engine == "sqlite":
            url = f"sqlite:{small}/full.db"
        else:
            # The city's tables on the small disk, the server's own elsewhere.
            subprocess.run(["chown", "postgres", str(small)], check=True)
            for folder in [tmp_path, *tmp_path.parents]:
                folder.chmod(folder.stat().st_mode | 0o011) if folder.stat().st_uid == os.getuid() and str(folder) not in ("/", "/tmp") else None
            name = "s" + os.urandom(5).hex()
            for statement in (f"CREATE TABLESPACE {name} LOCATION '{small}'", f"CREATE DATABASE {name} TABLESPACE {name}"):
                subprocess.run(["psql", "-q", POSTGRES, "-c", statement], check=True)
            url = POSTGRES.rsplit("/", 1)[0] + "/" + name
        run("city", "--database", url, "--data", str(tmp_path), "--scale", "0.00001")
        server = Server(url, str(tmp_path), demo=False)
        token = run("token", "create", "--login", "demo-intake", *server.options()).stdout.strip()
        status, last = 201, None
        for i in range(8000):
            # Text that does not compress: PostgreSQL keeps long rows packed.
            status, body = call(server.url + "/api/v1/complaints", dict(FILING, facts=os.urandom(6000).hex()[: 4800]), token=token)
            if status != 201:
                break
            last = body["number"]
        assert status == 503 and "磁盘已满" in body["title"], (status, body, open(server.log.name).read()[-2000:])
        assert call(server.url + "/api/v1/complaints/" + last, token=token)[0] == 200
        server.stop()
        if engine == "postgres":
            subprocess.run(["psql", "-q", POSTGRES, "-c", f"DROP DATABASE {name} WITH (FORCE)"], check=True)
            subprocess.run(["psql", "-q", POSTGRES, "-c", f"DROP TABLESPACE {name}"], check=True)
    finally:
        subprocess.run(["umount", "-l", str(small)])
