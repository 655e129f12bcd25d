"""Evidence: captures of local hosts, judged by our own verification and by tools that others wrote."""
import base64, json, os, random, shutil, signal, subprocess, sys, time, urllib.request, zipfile
import pytest
from conftest import BINARY, ENGINES, Server, database, free_port, run
from shops import Authority, Shop
from test_journeys import accessible, shot

TOOLS = os.path.dirname(sys.executable)


@pytest.fixture(scope="module")
def shop():
    return Shop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("tsa")))


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return str(tmp_path_factory.mktemp("keys"))


def capture(url, out, keys, *more, check=True, timeout=200):
    done = subprocess.run([BINARY, "capture", url, "--out", str(out), "--data", keys, "--json", *more], capture_output=True, text=True, timeout=timeout)
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)
    return done


def verify(path, *more):
    done = subprocess.run([BINARY, "verify", str(path), "--json", *more], capture_output=True, text=True, timeout=100)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def record(path):
    with zipfile.ZipFile(path) as z:
        return json.loads(z.read("record/record.json"))


@pytest.fixture(scope="module")
def package(shop, authority, keys, tmp_path_factory):
    """The shop, clicked open, stamped."""
    folder = tmp_path_factory.mktemp("package")
    script = folder / "script.txt"
    script.write_text("scroll\nclick #more\nwait 1\n")
    out = folder / "shop.wacz"
    return out, capture(f"{shop.url}/moved", out, keys, "--allow-host", "localhost", "--allow-host", "127.0.0.1", "--tsa", authority.url, "--script", str(script),
                        "--officers", "张三,李四", "--case", "TS20260000001")


def test_a_page_is_kept_as_it_came_and_as_it_was_seen(package):
    path, receipt = package
    assert receipt["title"] == "福临旗舰店 电饭煲" and receipt["timestamps"][0]["authority"] == "Test Time-Stamping Authority", receipt
    with zipfile.ZipFile(path) as z:
        text, dom = z.read("views/text.txt").decode(), z.read("views/dom.html").decode()
        assert "全网第一" in text and "销量：10万+ 123" in text and "底部说明" in text
        assert "销量" in dom and z.read("views/page.pdf").startswith(b"%PDF") and z.read("views/screenshot-1.png").startswith(b"\x89PNG")
        seen = json.loads(z.read("record/record.json"))
    assert seen["officers"] == ["张三", "李四"] and seen["reference"] == "TS20260000001" and abs(seen["clock"]["offsetMilliseconds"]) <= 2000
    assert [act["result"] for act in seen["acts"]][1:] == ["1 clicked", "waited"], seen["acts"]
    # “localhost” does stand in /etc/hosts, and the checklist says so.
    assert [check["holds"] for check in seen["environment"]] == [True, False, True, True, True], seen["environment"]
    from PIL import Image
    with zipfile.ZipFile(path) as z, Image.open(z.open("views/screenshot-1.png")) as picture:
        assert picture.width == 1440 and picture.height > 2500


def test_our_verification_and_stock_tools_agree(package, authority, tmp_path):
    path, receipt = package
    code, said = verify(path, "--tsa-ca", authority.ca, "--key", receipt["key"])
    assert code == 0 and said["holds"] and said["timestamps"][0]["trusted"], said
    stock = subprocess.run([f"{TOOLS}/wacz", "validate", "-f", str(path)], capture_output=True, text=True)
    assert "Validation succeeded" in stock.stdout, stock.stdout + stock.stderr
    with zipfile.ZipFile(path) as z:
        z.extractall(tmp_path)
    warc = subprocess.run([f"{TOOLS}/warcio", "check", "-v", str(tmp_path / "archive/data.warc.gz")], capture_output=True, text=True)
    assert warc.returncode == 0 and "failed" not in warc.stdout and "digest pass" in warc.stdout, warc.stdout
    digest = json.loads((tmp_path / "datapackage-digest.json").read_text())
    (tmp_path / "p.tst").write_bytes(base64.b64decode(digest["signedData"]["timestamps"][0]["token"]))
    for token, data in [("p.tst", "datapackage.json"), ("timestamps/data.warc.gz-1.tst", "archive/data.warc.gz")]:
        done = subprocess.run(["openssl", "ts", "-verify", "-in", token, "-token_in", "-data", data, "-CAfile", authority.ca], capture_output=True, text=True, cwd=tmp_path)
        assert "Verification: OK" in done.stdout + done.stderr, done
    # wacz-auth's signature as a browser checks it.
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    key = serialization.load_der_public_key(base64.b64decode(digest["signedData"]["publicKey"]))
    raw = base64.b64decode(digest["signedData"]["signature"])
    pair = utils.encode_dss_signature(int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big"))
    key.verify(pair, digest["signedData"]["hash"].encode(), ec.ECDSA(hashes.SHA256()))


def test_pywb_replays_it_offline(package, tmp_path, chromium):
    path, _ = package
    subprocess.run([f"{TOOLS}/wb-manager", "init", "it"], cwd=tmp_path, check=True, capture_output=True)
    with zipfile.ZipFile(path) as z:
        (tmp_path / "data.warc.gz").write_bytes(z.read("archive/data.warc.gz"))
        url = json.loads(z.read("datapackage.json"))["mainPageUrl"]
    subprocess.run([f"{TOOLS}/wb-manager", "add", "it", "data.warc.gz"], cwd=tmp_path, check=True, capture_output=True)
    port = free_port()
    player = subprocess.Popen([f"{TOOLS}/wayback", "-p", str(port), "-b", "127.0.0.1"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                body = urllib.request.urlopen(f"http://127.0.0.1:{port}/it/mp_/{url}", timeout=5).read().decode()
                break
            except OSError:
                time.sleep(0.2)
        assert "全网第一 最佳电饭煲" in body and "国家级品质" in body
    finally:
        player.terminate()
        player.wait(10)


def test_stock_packages_that_were_altered_are_found_by_both(package, tmp_path):
    path, _ = package
    with zipfile.ZipFile(path) as z:
        parts = [(i, z.read(i)) for i in z.infolist()]
    altered = tmp_path / "altered.wacz"
    with zipfile.ZipFile(altered, "w") as z:
        for info, body in parts:
            z.writestr(info, body.replace("国家级品质".encode(), "优良之品质".encode()) if info.filename == "views/dom.html" else body)
    code, said = verify(altered)
    assert code == 1 and any(i["item"] == "views/dom.html" and i["verdict"] == "failed" for i in said["items"]), said
    stock = subprocess.run([f"{TOOLS}/wacz", "validate", "-f", str(altered)], capture_output=True, text=True)
    assert "Validation failed" in stock.stdout


def test_an_address_inside_is_refused_directly_by_redirect_and_from_within(shop, keys, tmp_path):
    other = Shop()
    shop.elsewhere = f"http://127.0.0.1:{other.port}"
    for url in (f"http://127.0.0.1:{other.port}/", f"http://[::1]:{other.port}/", f"http://0x7f000001:{other.port}/", f"http://localhost:{other.port}/", "http://169.254.169.254/latest/meta-data/"):
        done = capture(url, tmp_path / "x.wacz", keys, check=False)
        assert done.returncode == 2 and "inside" in done.stderr, (url, done)
    done = capture(f"{shop.url}/inside", tmp_path / "x.wacz", keys, "--allow-host", f"localhost:{shop.port}", check=False)
    assert done.returncode == 2 and "inside" in done.stderr, done
    capture(f"{shop.url}/embeds", tmp_path / "y.wacz", keys, "--allow-host", f"localhost:{shop.port}")
    notes = record(tmp_path / "y.wacz")["notes"]
    assert any("127.0.0.1" in note and "inside" in note for note in notes), notes
    assert not other.seen and not (tmp_path / "x.wacz").exists()
    for url in ("file:///etc/passwd", "ftp://x/", "javascript:alert(1)", "http://user:pw@localhost/", "x"):
        assert capture(url, tmp_path / "x.wacz", keys, check=False).returncode == 2, url


def test_a_page_that_asks_opens_downloads_and_prints_does_not_stop_it(shop, keys, tmp_path):
    (tmp_path / "script").write_text("click #o\nwait 1\n")
    capture(f"{shop.url}/rude", tmp_path / "r.wacz", keys, "--allow-host", "localhost", "--script", str(tmp_path / "script"))
    notes = "\n".join(record(tmp_path / "r.wacz")["notes"])
    assert "alert" in notes and "confirm" in notes and "prompt" in notes and "opened a window" in notes and "offered a file" in notes and "no PDF" not in notes, notes
    done = capture(f"{shop.url}/file", tmp_path / "f.wacz", keys, "--allow-host", "localhost", check=False)
    assert done.returncode == 70 and "a file, not a page" in done.stderr, done


def test_a_page_that_never_ends_is_taken_as_it_stood(shop, keys, tmp_path):
    began = time.time()
    capture(f"{shop.url}/endless", tmp_path / "e.wacz", keys, "--allow-host", "localhost", "--seconds", "4")
    assert time.time() - began < 40
    seen = record(tmp_path / "e.wacz")
    assert any("never still" in note for note in seen["notes"]) and seen["requests"]["missing"], seen
    assert verify(tmp_path / "e.wacz")[0] == 0


def test_large_answers_arrive_whole_although_the_server_hangs_up(shop, keys, tmp_path):
    capture(f"{shop.url}/heavy", tmp_path / "v.wacz", keys, "--allow-host", "localhost")
    assert not record(tmp_path / "v.wacz")["requests"]["missing"]
    import gzip
    with zipfile.ZipFile(tmp_path / "v.wacz") as z:
        assert gzip.decompress(z.read("archive/data.warc.gz")).count(b"x" * (8 << 20)) == 4


def test_an_answer_of_a_gigabyte_is_cut_off(shop, keys, tmp_path):
    capture(f"{shop.url}/huge", tmp_path / "h.wacz", keys, "--allow-host", "localhost", "--megabytes", "20", "--seconds", "20")
    assert os.path.getsize(tmp_path / "h.wacz") < 30 << 20
    assert any("cut off" in note for note in record(tmp_path / "h.wacz")["notes"])


def test_an_authority_that_is_down_is_said_and_the_page_is_sealed(shop, authority, keys, tmp_path):
    authority.refuses = True
    try:
        receipt = capture(shop.url, tmp_path / "a.wacz", keys, "--allow-host", "localhost", "--allow-host", "127.0.0.1", "--tsa", authority.url)
    finally:
        authority.refuses = False
    assert not receipt["timestamps"] and any("no timestamp" in note for note in receipt["notes"]), receipt
    code, said = verify(tmp_path / "a.wacz")
    assert code == 0 and any(i["item"] == "timestamp" and i["verdict"] == "absent" for i in said["items"])


def test_a_browser_that_is_killed_leaves_no_package_and_says_so(shop, keys, tmp_path):
    process = subprocess.Popen([BINARY, "capture", f"{shop.url}/endless", "--out", str(tmp_path / "k.wacz"), "--data", keys, "--allow-host", "localhost", "--seconds", "30"],
                               stderr=subprocess.PIPE, text=True)
    time.sleep(3)
    children = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(process.pid)], capture_output=True, text=True).stdout.split("\n")
    browsers = [int(line.split()[0]) for line in children if "chrom" in line]
    assert browsers, children
    os.kill(browsers[0], signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 70 and said, said
    assert os.listdir(tmp_path) == []


def test_kill_9_while_sealing_leaves_no_package_or_a_whole_one(shop, keys, tmp_path):
    whole = 0
    for n in range(10):
        out = tmp_path / f"{n}.wacz"
        process = subprocess.Popen([BINARY, "capture", shop.url, "--out", str(out), "--data", keys, "--allow-host", "localhost"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Mostly near the end, where it is written.
        deadline = time.time() + random.uniform(0.5, 6)
        while time.time() < deadline and process.poll() is None:
            if n % 2 and any(name.endswith(".part") for name in os.listdir(tmp_path)):
                time.sleep(random.uniform(0, 0.02))
                break
            time.sleep(0.002)
        process.kill()
        process.wait()
        if out.exists():
            whole += 1
            assert verify(out)[0] == 0, n
        for name in os.listdir(tmp_path):
            if name.endswith(".part"):
                os.unlink(tmp_path / name)
    assert whole < 10


def test_a_full_disk_is_said_and_nothing_is_left(shop, keys, tmp_path):
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True).returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    try:
        done = capture(shop.url, tmp_path / "f.wacz", keys, "--allow-host", "localhost", check=False)
        assert done.returncode != 0 and done.stderr and os.listdir(tmp_path) == [], done
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


# --- The evidence room ---------------------------------------------------------------------------------------------------------


def office(engine, shop, authority, tmp_path_factory):
    """An office of its own that may capture the local shop and knows an authority."""
    folder = str(tmp_path_factory.mktemp("room-" + engine))
    url = database(engine, folder)
    run("city", "--database", url, "--data", folder, "--scale", "0.0001")
    server = Server(url, folder, env={"SINAN_CAPTURE_HOSTS": "localhost", "SINAN_TSA": authority.url, "SINAN_ALLOW": f"127.0.0.1:{authority.port}"})
    server.engine = engine
    yield server
    server.stop()


@pytest.fixture(scope="module", params=ENGINES)
def room(request, shop, authority, tmp_path_factory):
    yield from office(request.param, shop, authority, tmp_path_factory)


@pytest.fixture
def enter(chromium, room):
    contexts = []

    def go(role=None, width=1440, language="zh-CN"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, locale=language, base_url=room.url)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15000)
        page.faults = []
        page.on("pageerror", lambda e: page.faults.append(str(e)))
        page.on("console", lambda m: page.faults.append(m.text) if m.type == "error" else None)
        if role:
            page.goto("/demo")
            page.locator(f"form:has(input[value='demo-{role}']) button").click()
        return page

    yield go
    for context in contexts:
        context.close()


def ask(page, url, purpose, **more):
    page.goto("/evidence")
    if not page.locator("details.card[open]").count():
        page.locator("details.card summary").click()
    page.fill("#f-url", url)
    page.fill("#f-purpose", purpose)
    for name, value in more.items():
        page.fill(f"#f-{name}", value)
    page.locator("form[action='/evidence'][method=post] button").click()


def sealed(page, seconds=60):
    """Waits until the capture whose page this is has been sealed, or failed for good."""
    for _ in range(seconds * 2):
        head = page.locator(".page-head").inner_text()
        if "已封存" in head or "未成功" in head:
            return head
        time.sleep(0.5)
        page.reload()
    raise AssertionError(page.locator("main").inner_text())


def test_a_page_is_captured_changed_captured_again_compared_and_receipted(enter, room, shop, authority, tmp_path):
    page = enter("analyst")
    ask(page, shop.url, "发现绝对化用语", script="scroll\nclick #more\nwait 1")
    first = page.url
    assert "已封存" in sealed(page)
    shot(page, "evidence-item", room)
    accessible(page)
    shop.headline = "好用的电饭煲"
    try:
        ask(page, shop.url, "整改后复查")
        second = page.url
        assert "已封存" in sealed(page)
    finally:
        shop.headline = "全网第一 最佳电饭煲"
    page.locator("a", has_text="对比").first.click()
    assert "- 全网第一 最佳电饭煲" in page.locator("del").first.inner_text() and "+ 好用的电饭煲" in page.locator("ins").first.inner_text()
    shot(page, "evidence-compare", room)
    accessible(page)
    page.goto(first)
    page.fill("#f-note", "移送案件卷宗")
    with page.expect_download() as got:
        page.locator("form[action$='/export'] button").click()
    path = tmp_path / "got.wacz"
    got.value.save_as(path)
    code, said = verify(path, "--tsa-ca", authority.ca)
    assert code == 0 and said["timestamps"][0]["trusted"] and said["title"] == "福临旗舰店 电饭煲", said
    page.goto(first)
    assert "缺少" in page.locator("main").inner_text() and "第二十二条" in page.locator("main").inner_text()
    page.goto(first + "/record")
    written = page.locator("body").inner_text()
    assert "电子数据证据提取笔录" in written and "archive/data.warc.gz" in written and "点击 #more（点击1处）" in written, written
    assert page.request.get(first + "/record.pdf").body().startswith(b"%PDF")
    page.goto(first)
    chain = page.locator("#custody").inner_text()
    assert all(word in chain for word in ("提出取证", "封存", "查阅", "导出", "移送案件卷宗")), chain
    assert page.locator("code.hash").first.inner_text() == __import__("hashlib").sha256(path.read_bytes()).hexdigest()
    # The receipt, by its code alone, for somebody who is not signed in.
    page.goto(second + "/receipt")
    for _ in range(80):
        if "包含证明成立" in page.locator("main").inner_text():
            break
        time.sleep(1)
        page.reload()
    assert "包含证明成立" in page.locator("main").inner_text() and "至今完整" in page.locator("main").inner_text()
    shot(page, "evidence-receipt", room)
    href = page.locator("a", has_text="下载 PDF").get_attribute("href")
    stranger = enter(width=390)
    stranger.goto(href.replace("/pdf?", "?"))
    assert "封存回执" in stranger.locator("h1").inner_text()
    accessible(stranger)
    assert stranger.request.get(href).body().startswith(b"%PDF")
    assert stranger.request.get(href[:-3] + "000").status == 404
    # Anybody checks a package, also one that was altered.
    for file, words in ((path, "与本机关"), (altered(path, tmp_path / "altered.wacz"), "不成立")):
        stranger.goto("/verify")
        stranger.set_input_files("#f-package", str(file))
        stranger.locator("main button[type=submit]").click()
        assert words in stranger.locator("main").inner_text()
        accessible(stranger)
    assert stranger.request.get(first).status in (401, 403) or "登录" in stranger.request.get(first).text()
    assert not page.faults and not stranger.faults, (page.faults, stranger.faults)


def fits(page, room, width, name, paths):
    for path in paths:
        page.goto(path)
        shot(page, name + path.split("?")[0].replace("/", "-"), room)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, path
        assert not page.faults, (path, page.faults)


def altered(path, to):
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    to.write_bytes(body)
    return to


def test_a_file_is_hashed_at_the_door_and_stamped_afterwards(enter, room, tmp_path):
    page = enter("officer")
    page.goto("/evidence/files/new")
    page.fill("#f-purpose", "现场检查时拍摄")
    from PIL import Image
    Image.new("RGB", (80, 60), "green").save(tmp_path / "现场.jpg")
    page.set_input_files("#f-files", str(tmp_path / "现场.jpg"))
    page.locator("main button[type=submit]").click()
    hashed = __import__("hashlib").sha256((tmp_path / "现场.jpg").read_bytes()).hexdigest()
    assert page.locator("code.hash").first.inner_text() == hashed
    for _ in range(60):
        if "补加时间戳" in page.locator("#custody").inner_text():
            break
        time.sleep(1)
        page.reload()
    assert "补加时间戳" in page.locator("#custody").inner_text()
    accessible(page)
    page.locator("a", has_text="封存回执").click()
    assert "现场.jpg" in page.locator("main").inner_text() and "Test Time-Stamping Authority" in page.locator("main").inner_text()


def test_what_cannot_be_captured_says_why_and_a_wrong_answer_keeps_the_rest(enter, room, shop):
    page = enter("analyst")
    ask(page, "file:///etc/passwd", "试")
    errors = page.locator("#errors").inner_text()
    assert "http://" in errors and "事由" in errors and page.locator("#f-purpose").input_value() == "试"
    ask(page, f"http://127.0.0.1:{shop.port}/", "内网地址")
    assert "未成功" in sealed(page)
    assert "未获允许" in page.locator("main").inner_text()
    accessible(page)
    ask(page, shop.url, "关联的事项", matter="TS20990000009")
    assert "没有编号" in page.locator("#errors").inner_text()
    page.goto("/evidence")
    page.fill("input[name=q]", "没有这个标题")
    page.locator(".filter-bar button").click()
    assert "这里还没有证据" in page.locator("main").inner_text()


def test_several_captures_at_once_are_all_sealed_also_through_a_kill(enter, room, shop):
    page = enter("analyst")
    for n in range(5):
        ask(page, f"{shop.url}/?n={n}", f"批量{n}")
    time.sleep(2)
    room.kill()
    # What a killed process had begun is taken up again by the next, in time.
    room.start()
    page = enter("analyst")
    for _ in range(120):
        page.goto("/evidence")
        rows = [row for row in page.locator("table.queue tbody tr").all_inner_texts() if "?n=" in row]
        if sum("已封存" in row for row in rows) == 5:
            break
        time.sleep(1)
    assert len(rows) == 5 and all("已封存" in row for row in rows), rows


def test_the_ledger_still_holds_and_the_files_are_there(room):
    checked = run("audit", "verify", "--database", room.database, "--data", room.folder, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_rooms_pages_are_accessible_and_fit(enter, room, width, language):
    page = enter("examiner", width, language)
    fits(page, room, width, f"{language}-{width}", ("/evidence", "/evidence/1", "/evidence/1/receipt", "/evidence/1/compare/2", "/verify"))
