"""The evidence room after sealing: pictures read and matched, copies, hand-over, elements, replay, captures that leads ask for."""
import io, json, os, re, subprocess, sys, time, zipfile
import pytest
from PIL import Image
from conftest import ENGINES, run
from shops import Shop, picture
from test_evidence import TOOLS, ask, authority, enter, fits, office, sealed, verify
from test_journeys import accessible, shot


@pytest.fixture(scope="module")
def shop():
    shop = Shop()
    shop.pictures["ad.png"] = picture(["全网第一 销量冠军", "祖传秘方 根治高血压"], ground="#b81c22", ink="#ffe9a8")
    shop.pictures["same.jpg"] = picture(["全网第一 销量冠军", "祖传秘方 根治高血压"], "JPEG", ground="#b81c22", ink="#ffe9a8", scale=0.7)
    shop.pictures["other.png"] = picture(["清仓处理", "本店只换不退", "最终解释权归本店所有"])
    return shop


@pytest.fixture(scope="module", params=ENGINES[-1:])
def room(request, shop, authority, tmp_path_factory):
    """On one engine: what the pages ask of a store is asked of both in `EvidenceRoomTests`."""
    yield from office(request.param, shop, authority, tmp_path_factory)


def listing(page, url, name, seller="图片小店"):
    """A listing of the shop, taken in as an analyst pastes it."""
    page.goto("/monitoring/check")
    for field, value in (("name", name), ("shop", seller), ("platform", "某平台"), ("url", url), ("price", "199")):
        page.fill(f"#f-{field}", value)
    page.click("button[value=check]")
    page.click("button[value=take]")
    page.wait_for_load_state()


def read(page, seconds=120):
    """Waits until the pictures of the item were read."""
    for _ in range(seconds):
        if page.locator("#pictures").count() and "正在识读" not in page.locator("#pictures").inner_text():
            return page.locator("#pictures").inner_text()
        time.sleep(1)
        page.reload()
    raise AssertionError(page.locator("main").inner_text())


def capture(page, url, purpose, **more):
    ask(page, url, purpose, **more)
    assert "已封存" in sealed(page), page.locator("main").inner_text()
    read(page)
    return page.url


def number(page):
    return re.search(r"DZ\d{11}", page.locator(".page-head").inner_text()).group(0)


def test_words_of_pictures_are_read_searched_and_matched(enter, room, shop):
    page = enter("analyst")
    url = f"{shop.url}/with/ad.png"
    listing(page, url, "家用按摩枕")
    assert "/leads/" not in page.url, "the listing's own words are harmless"
    first = capture(page, url, "图片内容可疑")
    said = page.locator("#pictures").inner_text()
    assert "销量冠军" in said and "根治高血压" in said, said
    shot(page, "evidence-pictures", room)
    accessible(page)
    # The models read the words as imageText: a lead stands that was not there before.
    for _ in range(40):
        page.goto("/monitoring?state=all&q=家用按摩枕")
        if page.locator("a[href^='/leads/']").count():
            break
        time.sleep(1)
    page.locator("a[href^='/leads/']").first.click()
    lead = page.locator("main").inner_text()
    assert "图片文字" in lead and ("第一" in lead or "根治" in lead), lead
    page.goto("/evidence?q=根治高血压")
    assert page.locator("table.queue tbody tr").count() == 1
    # The same picture, smaller and as JPEG, in another page; another picture is not like it.
    capture(page, f"{shop.url}/with/same.jpg,other.png", "同一图片")
    page.locator(".picture-grid a").first.click()
    assert "相同或几乎相同" in page.locator("main").inner_text() or "相差" in page.locator("main").inner_text(), page.locator("main").inner_text()
    assert page.locator(f"a[href^='{first[first.index('/evidence/'):]}/pictures/']").count() == 1
    page.go_back()
    page.locator(".picture-grid a").nth(1).click()
    assert "没有相似" in page.locator("main").inner_text() and "解释权" in page.locator("main").inner_text()
    accessible(page)
    assert not page.faults, page.faults


def test_a_licence_in_a_picture_is_compared_with_the_register(enter, room, shop):
    page = enter("analyst")
    page.goto("/operators?q=有限公司")
    # Some names are beyond Tesseract, 柒 and 蓝雀 among them, and the register's names change with the day: the first that it reads when asked by itself.
    for link in [a.get_attribute("href") for a in page.locator("main a[href^='/operators/']").all()]:
        page.goto(link)
        code = re.search(r"(?<![0-9A-Z])[0-9A-HJ-NPQRTUWXY]{18}(?![0-9A-Z])", page.locator("main").inner_text()).group(0)
        name = page.locator("h1").inner_text().strip()
        licence = picture(["营业执照", "统一社会信用代码", code, f"名称 {name}"], width=900)
        read = subprocess.run(["tesseract", "-", "-", "-l", "chi_sim"], input=licence, capture_output=True).stdout.decode().replace(" ", "")
        if name in read and code in read:
            break
    broken = code[:-1] + ("0" if code[-1] != "0" else "1")
    shop.pictures["licence.png"] = licence
    shop.pictures["broken.png"] = picture(["统一社会信用代码", broken], width=900)
    capture(page, f"{shop.url}/with/licence.png", "亮照公示")
    said = page.locator("#pictures").inner_text()
    assert code in said and name in said and "图中有登记的名称" in said, said
    capture(page, f"{shop.url}/with/broken.png", "亮照公示")
    said = page.locator("#pictures").inner_text()
    assert "不是有效的统一社会信用代码" in said and "校验位" in said, said


def test_a_redacted_copy_points_to_its_original_which_stays_as_it_was(enter, room, shop):
    page = enter("officer")
    shop.pictures["phone.png"] = picture(["商家热线", "联系电话 13812345678"])
    item = capture(page, f"{shop.url}/with/phone.png", "商家信息")
    before = page.locator("code.hash").first.inner_text()
    page.locator(".picture-grid a").first.click()
    place = page.url
    boxes = page.locator("fieldset input[name=line]")
    assert [boxes.nth(n).is_checked() for n in range(boxes.count())] == [False, True], "the line with a telephone number is ticked by itself"
    # Drawn by hand, too; and what is wrong is said.
    page.fill("#f-reason", "公示用")
    page.fill("#f-boxes", "1 2 3")
    page.locator("#redact button").click()
    assert "第1行" in page.locator("#errors").inner_text() and page.locator("#f-reason").input_value() == "公示用"
    page.fill("#f-boxes", "")
    area = page.locator(".picture-boxes svg").bounding_box()
    page.mouse.move(area["x"] + 2, area["y"] + 2)
    page.mouse.down()
    page.mouse.move(area["x"] + 12, area["y"] + 12)
    page.mouse.up()
    assert re.fullmatch(r"\d+ \d+ \d+ \d+", page.locator("#f-boxes").input_value().strip())
    shot(page, "evidence-redact", room)
    accessible(page)
    page.locator("#redact button").click()
    assert "遮盖副本" in page.locator("main").inner_text() and "原件为" in page.locator("main").inner_text()
    copy = number(page)
    read(page)
    page.locator(".picture-grid a").first.click()
    assert "13812345678" not in page.locator("main").inner_text() and "商家热线" in page.locator("main").inner_text()
    body = page.request.get(page.locator("#picture").get_attribute("src")).body()
    image = Image.open(io.BytesIO(body)).convert("RGB")
    assert image.getpixel((3, 3)) == (0, 0, 0) and image.getpixel((150, 110)) == (0, 0, 0) and image.getpixel((590, 150)) == (255, 255, 255)
    page.goto(item)
    assert page.locator("code.hash").first.inner_text() == before and copy in page.locator("#custody").inner_text()
    page.goto(place)
    assert copy in page.locator("main").inner_text()


def lead_of(page, shop, name):
    """A lead on a page of the shop: its number and address."""
    url = f"{shop.url}/?lead={time.time_ns()}"
    listing(page, url, f"全网销量第一品牌 {name}", f"{name}专营店")
    page.wait_for_url("**/leads/*")
    return re.search(r"XS\d{11}", page.locator("main").inner_text()).group(0), page.url


def test_elements_are_counted_and_what_is_missing_is_named(enter, room, shop):
    page = enter("analyst")
    lead, address = lead_of(page, shop, "电压力锅")
    page.locator("h1").click()
    page.keyboard.press("e")
    page.wait_for_url("**/evidence/*")
    assert "已封存" in sealed(page)
    page.goto(f"/evidence/elements/{lead}")
    said = page.locator("main").inner_text()
    assert "广告使用绝对化用语" in said and "第九条" in said and "缺少" in said and "有材料，待认定" in said, said
    row = page.locator("tr", has_text="使用“国家级”“最高级”“最佳”等用语")
    row.locator("button", has_text="认定").click()
    assert "已认定" in page.locator("tr", has_text="使用“国家级”").inner_text() and "已认定1项" in page.locator("main").inner_text()
    shot(page, "evidence-elements", room)
    accessible(page)
    page.locator("tr", has_text="使用“国家级”").locator("button", has_text="撤销").click()
    assert "已认定0项" in page.locator("main").inner_text()
    # Of another kind of matter the violation is chosen.
    page.goto(f"/evidence/elements/{lead}?violation=M15")
    assert "限制七日无理由退货" in page.locator("main").inner_text()
    assert page.request.get("/evidence/elements/XS20990000001").status == 404
    assert not [f for f in page.faults if "404" not in f], page.faults


def test_evidence_is_handed_over_as_a_bag_that_others_check(enter, room, shop, tmp_path):
    page = enter("analyst")
    lead, _ = lead_of(page, shop, "破壁机")
    for device in ("", "phone"):
        ask(page, f"{shop.url}/with/ad.png?{device}", "移交材料", matter=lead)
        assert "已封存" in sealed(page)
    page.goto(f"/evidence?of={lead}")
    page.locator("a", has_text="移交…").click()
    page.fill("#f-recipient", "")
    page.fill("#f-purpose", "移送公安机关")
    page.locator("#f-recipient").evaluate("e => e.required = false")
    page.locator("main button[type=submit]").click()
    assert "接收" in page.locator("#errors").inner_text() and page.locator("#f-purpose").input_value() == "移送公安机关"
    accessible(page)
    page.fill("#f-recipient", "青溪公安分局 王某")
    for box in page.locator("input[name=pick]").all():
        box.check()
    # Four documents are printed first.
    with page.expect_download(timeout=120000) as got:
        page.locator("main button[type=submit]").click(timeout=120000)
    got.value.save_as(tmp_path / "bag.zip")
    with zipfile.ZipFile(tmp_path / "bag.zip") as z:
        assert z.testzip() is None
        z.extractall(tmp_path / "out")
    (root,) = (tmp_path / "out").iterdir()
    import bagit
    bag = bagit.Bag(str(root))
    assert bag.is_valid() and bag.info["External-Identifier"] == lead, bag.info
    packages = sorted(root.glob("data/*/*.wacz"))
    assert len(packages) == 2 and all(verify(path)[0] == 0 for path in packages)
    assert all(path.read_bytes().startswith(b"%PDF") for path in root.glob("data/*/*.pdf")) and len(list(root.glob("data/*/*.pdf"))) == 4
    graph = root / "data/custody.jsonld"
    checked = subprocess.run([os.path.join(TOOLS, "case_validate"), "--allow-info", str(graph)], capture_output=True, text=True)
    assert checked.returncode == 0 and "Conforms: True" in checked.stdout, checked.stdout[-3000:] + checked.stderr[-2000:]
    import rdflib
    facts = rdflib.Graph().parse(str(graph), format="json-ld")
    found = {str(row[0]).lower() for row in facts.query("SELECT ?v WHERE { ?h <https://ontology.unifiedcyberontology.org/uco/types/hashValue> ?v }")}
    import hashlib
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in packages} <= found
    assert "青溪公安分局" in graph.read_text() and lead in graph.read_text()
    # One byte changed, and the bag says so.
    body = bytearray(packages[0].read_bytes())
    body[100] ^= 1
    packages[0].write_bytes(body)
    assert not bagit.Bag(str(root)).is_valid()
    page.goto(f"/evidence?of={lead}")
    page.locator("table.queue a").first.click()
    assert "移交" in page.locator("#custody").inner_text() and "青溪公安分局" in page.locator("#custody").inner_text()


def test_a_page_is_shown_again_from_its_package_alone(enter, room, shop):
    page = enter("analyst")
    ask(page, f"{shop.url}/?replay", "回放", script="scroll\nclick #more\nwait 1")
    assert "已封存" in sealed(page)
    item = page.url
    seen = len(shop.seen)
    shop.headline, asked = "已经换成别的了", []
    try:
        page.on("request", lambda r: asked.append(r.url))
        page.goto(item + "/replay")
        page.wait_for_load_state("networkidle")
        frame = page.frame_locator("iframe.replay-frame")
        said = frame.locator("body").inner_text()
        # As it stood after the click, with its style and the frame within.
        assert "全网第一 最佳电饭煲" in said and "销量：10万+ 123" in said, said
        assert frame.frame_locator("iframe").locator("body").inner_text() == "评价：好"
        assert frame.locator("img").first.evaluate("e => e.naturalWidth") == 1
        assert frame.locator("body").evaluate("e => getComputedStyle(e).fontFamily") == "sans-serif"
        assert frame.locator("script").count() == 0
    finally:
        shop.headline = "全网第一 最佳电饭煲"
    assert len(shop.seen) == seen and all(url.startswith(room.url) for url in asked), asked
    shot(page, "evidence-replay", room)
    accessible(page)
    # The frame's address is a key of its own: for an hour, for this page, for nobody who changes it.
    src = page.locator("iframe.replay-frame").get_attribute("src")
    stranger = enter()
    assert stranger.request.get(src).status == 200 and stranger.request.get(src[:-1] + ("0" if src[-1] != "0" else "1")).status == 404
    policy = stranger.request.get(src).headers["content-security-policy"]
    assert policy.startswith("sandbox;") and "script-src" not in policy and "default-src 'none'" in policy
    assert stranger.request.get(src + "/of?u=http://169.254.169.254/").status == 404
    assert not page.faults, page.faults


def test_leads_are_captured_by_themselves_as_many_a_day_as_the_office_says(enter, room, shop):
    admin = enter("admin")
    admin.goto("/admin")
    field = admin.locator("input[name='monitoring.capture.daily']")
    for box in field.locator("xpath=ancestor::details").all():
        box.evaluate("e => e.open = true")
    field.fill("1000")
    field.locator("xpath=ancestor::form").locator("button").first.click()
    admin.wait_for_load_state()
    assert admin.locator("input[name='monitoring.capture.daily']").input_value() == "1000"
    page = enter("analyst")
    lead, address = lead_of(page, shop, "空气炸锅")
    for _ in range(60):
        page.goto(f"/evidence?of={lead}")
        rows = page.locator("table.queue tbody tr").all_inner_texts()
        if rows and "已封存" in rows[0]:
            break
        time.sleep(1)
    assert len(rows) == 1 and "已封存" in rows[0] and "自动取证" in rows[0], rows
    page.locator("table.queue a").first.click()
    assert "提出取证系统" in page.locator("#custody").inner_text().replace("\n", "").replace(" ", "")


def test_the_ledger_still_holds_after_all_that(room):
    checked = run("audit", "verify", "--database", room.database, "--data", room.folder, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_new_pages_are_accessible_and_fit(enter, room, width, language):
    page = enter("leader", width, language)
    page.goto("/evidence")
    item = page.locator("table.queue a").last.get_attribute("href")
    page.goto(item)
    paths = [item, page.locator(".picture-grid a").first.get_attribute("href"), item + "/replay", f"/evidence/handover?item={item.split('/')[-1]}", "/evidence?kept=over"]
    fits(page, room, width, f"{language}-{width}", paths)
