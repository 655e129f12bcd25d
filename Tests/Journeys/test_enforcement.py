"""Cases, credit, visits through the running product: from a listing's hit to a published decision, from a first offence to guidance, from a list to its repair; a draw checked by a stranger; kill -9."""
import datetime, json, os, re, signal, subprocess, threading, time, urllib.error, urllib.request
import pytest
from conftest import BINARY, Server, database, run
from test_journeys import accessible, shot
from test_monitoring import take_in, until


def enter(page, login):
    """Another person sits down at the same browser."""
    page.goto("/demo")
    page.locator(f"form:has(input[value='demo-{login}']) button").click()
    page.wait_for_url(lambda url: "/demo" not in url)


FILL = """(form, fields) => {
  for (let d = form.closest('details'); d; d = d.parentElement.closest('details')) d.open = true;
  for (const [name, value] of fields) {
    const all = [...form.querySelectorAll(`[name="${name}"]`)];
    if (!all.length) throw new Error('no field ' + name + ' in ' + form.action + ': ' + [...form.elements].map(e => e.name).join(' '));
    if (all[0].type === 'checkbox' || all[0].type === 'radio') {
      const one = all.find(e => e.value === value) || (value === 'yes' && all.length === 1 ? all[0] : null);
      if (!one) throw new Error('no choice ' + value + ' of ' + name + ': ' + all.map(e => e.value).join(' '));
      one.checked = true;
    } else all[0].value = value;
  }
  form.requestSubmit();
}"""


def act(page, path, move, fields=()):
    """Opens a page, fills the form of a move, sends it; fails with what the page says where it is refused."""
    page.goto(path)
    form = page.locator(f"form[action$='/{move}']").first
    assert form.count(), f"{move} is not offered at {path}: {page.locator('main').inner_text()[:1500]}"
    with page.expect_navigation():
        form.evaluate(FILL, [list(f) for f in fields])
    wrong = page.locator("#errors")
    assert not wrong.count(), f"{move}: {wrong.first.inner_text()}"


def clock():
    """The office's time."""
    return datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).replace(tzinfo=None)


def today():
    return clock().date().isoformat()


def file_of(page, case, officers=2):
    return [["officers", box.get_attribute("value")] for box in page.locator("form[action$='/file'] [name=officers]").all()[:officers]]


def test_a_listings_hit_becomes_a_published_decision(visit, city, tmp_path):
    page = visit(enter="analyst")
    stamp = time.time_ns()
    shop = f"循环测试店{stamp % 10**6}"
    take_in(page, f"https://shop.example/loop/{stamp}", "全网销量第一品牌 空气炸锅", shop)
    page.click("button[value=take]")
    page.wait_for_url("**/leads/*")
    lead = page.url
    act(page, lead, "confirm", [("element", box.get_attribute("value")) for box in page.locator("form[action$='/confirm'] [name=element]").all()] + [("exempt", "none")])
    district = "990101"
    act(page, lead, "dispatch", [("region", district), ("place", "actual")])
    enter(page, "leader")
    act(page, lead, "propose", [("result", "查证属实，建议立案")])
    # A worker registers the source; the officer finds it in the list of cases.
    enter(page, "officer")
    for _ in range(40):
        page.goto(f"/cases?q={shop}")
        if page.locator("tbody tr").count():
            break
        time.sleep(1)
    page.locator("tbody tr a").first.click()
    page.wait_for_url("**/cases/*")
    case = page.url
    act(page, case, "propose-filing", [
        ("findings", "经核查属实"), ("violation", "M05"), ("cause", "广告使用绝对化用语"), ("act-to", today()), ("jurisdiction", "actual"), ("proposal", "file"),
        *[(f"condition{n}", "yes") for n in range(1, 5)]])
    # Who proposed it does not approve it, whatever is pressed.
    assert not page.locator("form[action$='/moves/file']").count()
    enter(page, "leader")
    page.goto(case)
    act(page, case, "file", file_of(page, case, 9))
    enter(page, "officer")
    act(page, case, "evidence", [("kind", "electronic"), ("title", "网页截图"), ("source", "当事人网店"), ("taken", today()), ("proves", "使用绝对化用语")])
    act(page, case, "conclude", [
        ("facts", "当事人在网店使用“全网销量第一”"), ("nature", "构成使用绝对化用语"), ("violation", "M05"), ("outcome", "punish"), ("fine", "200000"), ("tier", "lighter"),
        ("factor", "remedied"), ("reasons", "主动删除")])
    enter(page, "reviewer")
    act(page, case, "audit-agree", [("check", c) for c in ["jurisdiction", "party", "facts", "nature", "law", "procedure", "fit"]] + [("opinion", "同意")])
    enter(page, "leader")
    act(page, case, "approve-notice")
    enter(page, "officer")
    act(page, case, "serve-notice", [("way", "direct"), ("served", today()), ("receiver", "店主")])
    assert "听证" in page.locator("main").inner_text()
    act(page, case, "waive", [("note", "书面放弃陈述、申辩和听证")])
    act(page, case, "to-decision")
    enter(page, "leader")
    act(page, case, "decide", [("fine", "200000")])
    enter(page, "officer")
    act(page, case, "serve", [("way", "direct"), ("served", today()), ("receiver", "店主")])
    act(page, case, "prepare-publication", [("body", "行政处罚决定书全文")])
    accessible(page)
    shot(page, "case-served", city)
    enter(page, "leader")
    act(page, case, "publish")
    stranger = visit(width=390)
    stranger.goto("/penalties")
    assert shop in stranger.locator("main").inner_text()
    accessible(stranger)
    # Money, closing, archive; the director's funnel counts it and opens the list.
    enter(page, "officer")
    act(page, case, "pay", [("kind", "fine"), ("amount", "200000"), ("on", today()), ("way", "bank"), ("reference", f"J{stamp}")])
    act(page, case, "propose-closing", [("ending", "1"), ("reason", "执行完毕")])
    enter(page, "leader")
    act(page, case, "close")
    enter(page, "officer")
    act(page, case, "archive", [("class", "30")])
    page.goto(case + "/archive/main")
    assert "行政处罚决定书" in page.locator("body").inner_text()
    if city.engine == "sqlite":
        answer = page.request.get(case + "/archive/main.pdf", timeout=60000)
        assert answer.ok and answer.body()[:5] == b"%PDF-"
    enter(page, "director")
    page.goto("/insights/funnel")
    steps = page.locator(".funnel-step")
    assert steps.count() == 4 and int(steps.nth(3).locator(".funnel-count").inner_text()) >= 1
    shot(page, "funnel", city)
    accessible(page)
    steps.nth(3).click()
    page.wait_for_url("**/cases?*")
    assert shop in page.locator("main").inner_text()


def test_a_minor_first_offence_ends_with_guidance_and_a_second_look_without_a_case(visit, city):
    page = visit(enter="officer")
    page.goto("/guidance/new")
    party = f"小摊{time.time_ns() % 10**6}"
    fields = [("kind", "order"), ("party", party), ("address", "青溪区中兴路12号"), ("issues", "店内商品未标明价格"), ("asked", "逐件标明价格"), ("basis", "明码标价和禁止价格欺诈规定第五条")]
    have = page.locator("main form[action$='/guidance/new']").evaluate("f => [...f.elements].map(e => e.name)")
    if "due" in have:
        fields.append(("due", (datetime.date.fromisoformat(today()) + datetime.timedelta(days=10)).isoformat()))
    if "violation" in have:
        fields.append(("violation", "M11"))
    act(page, "/guidance/new", "guidance/new", fields)
    guidance, said = page.url.split("?")[0], page.locator("main .alert").first.inner_text()
    link = re.search(r"/rectify/\S+\?code=[A-Z0-9]+", said).group(0)
    phone = visit(width=390)
    phone.goto(link)
    accessible(phone)
    shot(phone, "rectify", city)
    form = phone.locator("main form[action*='/rectify/']").first
    with phone.expect_navigation():
        form.evaluate(FILL, [["said", "已全部标价"]])
    assert "已" in phone.locator("main").inner_text()
    page.goto(guidance)
    moves = page.locator("main form[action*='/moves/']").evaluate_all("all => all.map(f => f.action.split('/moves/')[1])")
    assert "recheck" in moves or "rectified" in moves, moves
    move = "recheck" if "recheck" in moves else "rectified"
    act(page, guidance, "moves/" + move, [("found", "复查：已逐件标价")])
    assert "已" in page.locator(".matter-head, .page-head").first.inner_text()
    page.goto(f"/cases?q={party}")
    assert not page.locator("tbody tr").count()


def test_who_is_on_the_abnormal_list_repairs_and_is_removed(visit, city):
    clerk = visit(enter="director")
    clerk.goto("/desk?kind=abnormal&state=listed&closed=yes")
    clerk.locator("tbody tr td a[href*='/credit/']").first.click()
    clerk.wait_for_url("**/credit/*")
    entry = clerk.url
    clerk.locator("main a[href*='/operators/'], main a[href*='/credit/file/']").first.click()
    clerk.wait_for_url(lambda url: url != entry)
    code = re.search(r"[0-9A-Z]{18}", clerk.locator("main").inner_text()).group(0)
    phone = visit(width=390)
    phone.goto(f"/repair?code={code}")
    assert phone.locator(".conditions li").count() > 0
    accessible(phone)
    shot(phone, "repair", city)
    form = phone.locator("form[action='/repair'][method=post]:not(:has([value=plan]))").first
    if form.count():
        form.locator("[name=files]").set_input_files({"name": "licence.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 licence"})
        with phone.expect_navigation():
            form.evaluate(FILL, [["contact", "店主"], ["phone", "13900002222"], ["statement", "已补报年报"], ["promise", "yes"]])
        assert "申请已收到" in phone.locator("body").inner_text()
        number = re.search(r"/repair/(\w+)", phone.url).group(1)
        clerk.goto(f"/desk?q={number}")
        assert number in clerk.locator("main").inner_text()
    else:
        assert phone.locator(".conditions li.missing").count() > 0
    assert clerk.goto(entry).status == 200


def test_a_stranger_verifies_a_published_draw_and_an_altered_one_does_not_hold(visit, city, tmp_path):
    page = visit(width=390)
    page.goto("/draws")
    accessible(page)
    links = [a.get_attribute("href").removesuffix(".json") for a in page.locator("main a[href^='/draws/']").all()]
    number = next(link.split("/")[-1] for link in links if page.request.get(link + ".json").json()["state"] == "drawn")
    page.goto(f"/draws/{number}")
    shot(page, "draw", city)
    accessible(page)
    body = page.request.get(f"/draws/{number}.json").body()
    (tmp_path / "draw.json").write_bytes(body)
    good = json.loads(run("draw", "verify", str(tmp_path / "draw.json"), "--json", cwd=tmp_path).stdout)
    assert good["holds"] and good["drawn"] > 0
    text = body.decode()
    digest = re.search(r'"seed":"([0-9a-f]{64})"', text).group(1)
    (tmp_path / "other.json").write_text(text.replace(digest, ("0" if digest[0] != "0" else "1") + digest[1:]))
    bad = run("draw", "verify", str(tmp_path / "other.json"), "--json", check=False)
    assert bad.returncode == 1 and not json.loads(bad.stdout)["holds"]


def test_a_sheet_written_without_signal_is_sent_once_there_is_one(visit, city):
    page = visit(width=390, enter="inspector")
    page.goto("/supervision/mine")
    link = page.locator("a[href$='/sheet']").first
    if not link.count():
        pytest.skip("no visit for this inspector in the smallest city")
    page.wait_for_function("() => { const s = document.querySelector('[data-offline-state]'); return s && s.textContent === s.dataset.offlineState }")
    accessible(page)
    path = link.get_attribute("href")
    page.context.set_offline(True)
    page.goto(path)
    page.evaluate("""() => {
      for (const r of document.querySelectorAll("form[data-sheet] input[type=radio][value=yes]")) r.checked = true;
      document.querySelector("[name=result]").selectedIndex = 1;
      document.querySelector("[name=summary]").value = "现场检查未发现问题";
    }""")
    # Signed is what has a signature: without one the sheet stays.
    page.locator("form[data-sheet]").evaluate("f => f.requestSubmit()")
    page.wait_for_function("() => document.querySelector('[data-said]').textContent.includes('签名')")
    canvas = page.locator("[data-signature] canvas")
    canvas.hover(position={"x": 20, "y": 20})
    page.mouse.down()
    canvas.hover(position={"x": 90, "y": 40})
    page.mouse.up()
    page.evaluate("() => { document.querySelector('[data-said]').textContent = '' }")
    page.locator("form[data-sheet]").evaluate("f => f.requestSubmit()")
    page.wait_for_function("() => document.querySelector('[data-said]').textContent.length > 3")
    assert "手机" in page.locator("[data-said]").inner_text()
    page.context.set_offline(False)
    page.goto("/supervision/mine")
    page.wait_for_function("() => [...document.querySelectorAll('#waiting [data-result]')].some(e => e.dataset.result === 'sent')")
    page.goto(path.replace("/sheet", ""))
    assert "现场检查未发现问题" in page.locator("main").inner_text()
    page.faults.clear()


def test_payments_and_a_draw_survive_kill_9(chromium, city, tmp_path):
    """What was acknowledged is there once, what was not is whole or absent; the ledger holds, and so does the draw."""
    url = database(city.engine, str(tmp_path))
    run("city", "--database", url, "--data", str(tmp_path), "--scale", "0.0002", "--until", (clock() - datetime.timedelta(days=3)).date().isoformat())
    server = Server(url, str(tmp_path))
    try:
        token = run("token", "create", "--login", "demo-officer", *server.options()).stdout.split()[-1]
        context = chromium.new_context(base_url=server.url, locale="zh-CN")
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        enter(page, "officer")
        page.goto("/cases?unpaid=yes")
        row = page.locator("tbody tr", has_text="决定已送达").first if page.locator("tbody tr", has_text="决定已送达").count() else page.locator("tbody tr").first
        number, case = row.locator("a").first.inner_text(), row.locator("a").first.get_attribute("href")
        acknowledged = []

        def pay():
            for n in range(10_000):
                body = json.dumps({"move": "pay", "kind": "fine", "amount": "0.01", "on": today(), "way": "bank", "reference": f"K{n}"}).encode()
                request = urllib.request.Request(f"{server.url}/api/v1/cases/{number}/moves", body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
                try:
                    urllib.request.urlopen(request, timeout=10).read()
                    acknowledged.append(f"K{n}")
                except urllib.error.HTTPError as e:
                    raise AssertionError(e.read())
                except OSError:
                    return

        thread = threading.Thread(target=pay)
        thread.start()
        time.sleep(1.5)
        server.kill()
        thread.join()
        server.start()
        page.goto(case)
        rows = re.findall(r"¥0\.01 · \S+ · (K\d+)", page.locator("main").inner_text())
        assert len(acknowledged) > 3 and len(rows) == len(set(rows)) and set(acknowledged) <= set(rows) and len(rows) <= len(acknowledged) + 1
        # A draw whose number is out, killed as it is pressed by another than who committed to it.
        enter(page, "leader2")
        page.goto("/supervision")
        draw = page.locator("li", has_text="已承诺").locator("a").first.get_attribute("href")
        page.goto(draw)
        form = page.locator("form[action$='/draw']").first
        form.evaluate("""(f, v) => { for (const e of f.elements) if (e.name === 'value') e.value = v; setTimeout(() => f.requestSubmit(), 0) }""", "3912.45")
        time.sleep(0.02)
        server.kill()
        server.start()
        page.goto(draw)
        if page.locator("form[action$='/draw']").count():
            act(page, draw, "draw", [("value", "3912.45")])
        number = re.search(r"\S+", page.locator("h1").inner_text()).group(0)
        published = tmp_path / "draw.json"
        published.write_bytes(page.request.get(f"{server.url}/draws/{number}.json").body())
        assert json.loads(run("draw", "verify", str(published), "--json").stdout)["holds"]
        run("audit", "verify", *server.options())
    finally:
        server.stop()
