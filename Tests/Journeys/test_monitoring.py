"""Monitoring through the running product: listings in, leads screened, shops told, platforms asked, models in their life."""
import csv, datetime, json, os, re, subprocess, time
import pytest
from conftest import BINARY, ENGINES, POSTGRES, database, run
from test_journeys import accessible, shot

SHARED = os.path.abspath("../shared/data/listings")


def until(page, text, where="main", seconds=40):
    """A worker looks about every second: the page is loaded again until it says so."""
    for _ in range(seconds):
        if text in page.locator(where).inner_text():
            return
        time.sleep(1)
        page.reload()
    raise AssertionError(f"{text} never came: {page.locator('main').inner_text()[:600]}")


def take_in(page, url, name, shop):
    page.goto("/monitoring/check")
    page.fill("#f-name", name)
    page.fill("#f-shop", shop)
    page.fill("#f-platform", "某平台")
    page.fill("#f-url", url)
    page.fill("#f-price", "199")
    page.click("button[value=check]")


def test_a_pasted_listing_is_hit_screened_noticed_corrected_looked_at_again_and_closed(visit, city):
    page = visit(enter="analyst")
    url, shop = f"https://shop.example/journey/{time.time_ns()}", f"旅程测试店{time.time_ns() % 10**6}"
    take_in(page, url, "全网销量第一品牌 电压力锅", shop)
    assert "M05" in page.locator(".found-text").inner_text() and page.locator("mark").count() > 0
    page.click("button[value=take]")
    page.wait_for_url("**/leads/*")
    lead = page.url
    shot(page, "analyst-lead", city)
    accessible(page)
    # One key: the checklist is asked for, then the next lead of the queue opens.
    page.locator("h1").click()
    boxes = page.locator("details.action-confirm input[data-with-key]")
    for n in range(boxes.count()):
        page.keyboard.press("y")
        assert boxes.nth(n).is_checked() and page.url == lead
    page.keyboard.press("y")
    page.wait_for_url(lambda now: now != lead)
    page.goto(lead)
    assert "已确认" in page.locator(".matter-head").inner_text()
    page.locator("details.action-notice").evaluate("d => d.open = true")
    page.click("details.action-notice button.btn-primary")
    said = page.locator("main .alert").inner_text()
    link = re.search(r"/notices/XS\d+\?code=[A-Z0-9]+", said).group(0)
    # A lost link is made anew; the old one opens nothing any more.
    phone = visit(width=390)
    page.click("form[action$='/code'] button")
    old, link = link, re.search(r"/notices/XS\d+\?code=[A-Z0-9]+", page.locator("main .alert").inner_text()).group(0)
    assert phone.goto(old).status == 404 and old != link
    phone.faults.clear()
    # The shop opens its link on a phone, without signing in, and answers.
    phone.goto(link)
    assert "请您改正" in phone.locator("main").inner_text() and phone.locator("mark").count() > 0
    accessible(phone)
    shot(phone, "shop-notice", city)
    phone.fill("#f-answer", "标题已改正")
    phone.click("button:has-text('提交答复')")
    assert "答复已收到" in phone.locator("main").inner_text()
    # The listing changes; a worker looks again and finds it corrected.
    take_in(page, url, "家用电压力锅 大容量", shop)
    assert "没有命中" in page.locator("main").inner_text()
    page.click("button[value=take]")
    page.goto(lead)
    until(page, "已整改", ".matter-head")
    assert "标题已改正" in page.locator("main").inner_text()
    # What was complained of stays marked as it read, at the desk and at the shop's door; the corrected words are not.
    for eyes in (page, phone):
        if eyes is phone:
            phone.goto(link)
        marked = " ".join(eyes.locator("mark").all_inner_texts())
        assert "销量第一" in marked and "家用" not in marked, marked
        assert "家用电压力锅" in eyes.locator(".hit .now").inner_text()
    page.locator("details.action-feed-back").evaluate("d => d.open = true")
    page.fill("details.action-feed-back textarea", "商家已自行改正")
    page.click("details.action-feed-back button.btn-primary")
    page.locator("details.action-close").evaluate("d => d.open = true")
    page.click("details.action-close button.btn-primary")
    assert "已办结" in page.locator(".matter-head").inner_text()
    shot(page, "analyst-lead-closed", city)
    assert not page.faults and not phone.faults


PAGES = [("analyst", "/monitoring"), ("analyst", "/monitoring/check"), ("analyst", "/monitoring/models"), ("analyst", "/monitoring/models/M05"), ("analyst", "/monitoring/models/M05/edit"), ("leader", "/monitoring/models/M09"), ("analyst", "/monitoring/requests"), ("analyst", "/import/listings"), ("director", "/monitoring?state=all")]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_monitoring_pages_are_accessible_and_fit(visit, city, width, language):
    pages = {}
    for role, path in PAGES:
        page = pages.get(role) or visit(width=width, enter=role, language=language)
        pages[role] = page
        page.goto(path)
        shot(page, f"{language}-{role}" + re.sub(r"\W+", "-", path), city)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, path
        if language == "en" and path != "/monitoring/models/M05/edit":
            assert not re.search(r"[\u4e00-\u9fff]", page.locator("h1").first.inner_text()), path
        assert not page.faults, (path, page.faults)
    page = pages["analyst"]
    page.goto("/monitoring?state=all")
    page.locator("td.number a").first.click()
    for details in page.locator("details").all():
        details.evaluate("d => d.open = true")
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width + 1


def test_a_platform_is_asked_receives_and_answers_through_its_own_door(visit, city):
    page = visit(enter="analyst")
    page.goto("/monitoring/requests")
    page.locator("details.card").evaluate("d => d.open = true")
    page.select_option("#f-party", "platform")
    page.fill("#f-recipient", "某平台运营公司")
    page.fill("#f-subject", "核实店铺经营者身份")
    page.check("#f-asked-identity")
    # A platform's day is not in the law: the office's own number proposes one, the request names it.
    assert page.input_value("#f-due") > datetime.date.today().isoformat()
    page.fill("#f-due", "2020-01-01")
    page.click("button:has-text('发出')")
    assert "答复日期应晚于今天" in page.locator("#errors").inner_text()
    page.fill("#f-due", "2027-03-01")
    page.click("button:has-text('发出')")
    link = re.search(r"/letters/XC\d+\?code=[A-Z0-9]+", page.locator("main .alert").inner_text()).group(0)
    own = page.url
    door = visit(width=390)
    door.goto(link)
    accessible(door)
    door.click("button:has-text('签收')")
    door.fill("#f-note", "店铺由示例商贸有限公司经营，信用代码见附件。")
    door.click("button:has-text('提交答复')")
    assert "已答复" in door.locator("main").inner_text()
    page.goto(own)
    assert "示例商贸有限公司" in page.locator("main").inner_text()
    door.goto(link.replace("code=", "code=X"))
    assert "编号与查询码不符" in door.locator("main").inner_text()


def test_a_model_is_changed_tried_kept_back_tested_and_put_in_trial_by_the_head(visit, city):
    page = visit(enter="analyst")
    page.goto("/monitoring/models/M11/edit")
    rule = page.input_value("#f-rule")
    page.fill("#f-rule", rule.replace("title: 未明码标价", "title: [未明码"))
    page.click("button[value=try]")
    assert "无法使用" in page.locator("#errors").inner_text() and "未明码" in page.input_value("#f-rule")
    mark = str(time.time_ns())
    page.fill("#f-rule", rule + f"\n# {mark}\n")
    # A list comes as an office's file, in its encoding; what it holds is shown before anything is kept.
    page.locator("details", has_text="no_price.csv").evaluate("d => d.open = true")
    page.set_input_files("input[name='upload-no_price.csv']", {"name": "词表.csv", "mimeType": "text/csv", "buffer": "词语\n私聊报价\n价格面议\n咨询客服改价\n".encode("gb18030")})
    page.click("button[value=try]")
    assert "咨询客服改价" in page.input_value("[name='file-no_price.csv']") and "用例" in page.locator(".found-text").inner_text()
    page.goto("/monitoring/models/M11/edit")
    page.fill("#f-rule", rule + f"\n# {mark}\n")
    page.fill("#f-pasted", "翡翠手镯 私聊报价\n" + '{"id":"b","name":"普通水杯","offers":{"price":9.9}}')
    page.click("button[value=try]")
    text = page.locator(".found-text").inner_text()
    assert "用例全部通过" in text and "第1行 命中" in re.sub(r"\s+", " ", text) and "第2行 未命中" in re.sub(r"\s+", " ", text)
    page.click("button[value=save]")
    assert "请说明改了什么" in page.locator("#errors").inner_text()
    page.fill("#f-note", f"加注释 {mark}")
    page.click("button[value=save]")
    assert "已存为草稿" in page.locator("main .alert").inner_text() and mark in page.locator("main").inner_text()
    page.locator("details.diff").first.evaluate("d => d.open = true")
    assert mark in page.locator("details.diff ins").first.inner_text()
    head = visit(enter="leader")
    head.goto("/monitoring/models/M11")
    head.locator(".edition", has_text=mark).locator("button[value=shadow]").click()
    # Nothing becomes active before it was run on the past.
    head.locator(".edition", has_text=mark).locator("button[value=active]").click()
    assert "回溯测试" in head.locator("#errors").inner_text()
    page.click("form[action$=backtest] button")
    until(page, "个版本中命中")
    head.goto("/monitoring/models/M11")
    assert "试运行" in head.locator(".edition", has_text=f"加注释 {mark}").inner_text() or "试运行" in head.locator("main .alert").inner_text()


def test_a_threshold_is_tried_before_it_is_changed(visit, city):
    page = visit(enter="analyst")
    # A model with thresholds of which this city has confirmed leads.
    for model in ("M09", "M04", "M12", "M14", "M22", "M03", "M19"):
        page.goto(f"/monitoring/models/{model}")
        page.click("a[href$='/what-if']")
        page.click("form[action$='/what-if'] button")
        rows = [r.inner_text().split("\t") for r in page.locator("main tbody tr").all()]
        assert len(rows) == 7 and all(r[3] == "—" for r in rows), rows
        if int(rows[1][1]) > 0 and int(rows[3][1]) > 0:
            break
    # Beyond all that was seen nothing is hit; what was confirmed would be lost and the page says so.
    fields = page.locator("form[action$='/what-if'] input[name^=t]")
    for field in fields.all():
        field.fill("999999")
    page.click("form[action$='/what-if'] button")
    after = [r.inner_text().split("\t") for r in page.locator("main tbody tr").all()]
    assert after[0][1] == after[0][2] == rows[0][1] and int(after[1][2]) == 0 < int(after[1][1]), after
    assert int(after[3][2]) == 0 < int(after[3][1]) and page.locator("main .text-danger").count() == 1, after
    shot(page, "analyst-what-if", city)
    accessible(page)
    page.click("button[value=try]")
    assert "999999" in page.input_value("#f-rule")
    wrong = page.goto(f"/monitoring/models/{model}/what-if?minimum=x&t0=abc")
    assert wrong.status == 422 and page.locator("#errors a").count() == 2
    assert not [f for f in page.faults if "422" not in f]


@pytest.mark.skipif(not os.path.isdir(SHARED), reason="../shared/data/listings is absent")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_fake_discount_is_found_from_four_months_of_real_prices(engine, tmp_path):
    """Real items with their prices of June to September 2021; then the same price is announced as half of an “original” one."""
    url = database(engine, str(tmp_path))
    lines, told, honest = [], [], []
    with open(f"{SHARED}/items_price_history_abnormal_dev.csv", encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            prices = row["prices_jun_sep_2021"].split(";")
            # Only what was really seen: imputed months have more than two decimals.
            if len(prices) != 4 or any(len(p.split(".")[-1]) > 2 for p in prices):
                continue
            item = {"id": row["item_id"], "platform": "real", "name": row["title"], "category": row["category"], "seller": {"name": row["store"]}}
            for month, price in zip((6, 7, 8, 9), prices):
                lines.append({**item, "offers": {"price": float(price)}, "observedAt": f"2021-{month:02}-15T10:00:00+08:00"})
            last = float(prices[-1])
            if len(told) < 60:
                told.append(item["id"])
                lines.append({**item, "offers": {"price": last, "listPrice": round(last * 2, 2)}, "observedAt": "2021-09-18T10:00:00+08:00"})
            elif len(honest) < 60:
                # A real cut against what was asked three days before is no fake.
                honest.append(item["id"])
                lines.append({**item, "offers": {"price": round(last * 0.8, 2), "listPrice": last}, "observedAt": "2021-09-18T10:00:00+08:00"})
    assert len(told) == 60 and len(honest) == 60
    file = tmp_path / "real.ndjson"
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    said = json.loads(run("import", "listings", str(file), "--database", url, "--data", str(tmp_path / "d"), "--json").stdout)
    assert said["rejected"] == 0
    again = json.loads(run("import", "listings", str(file), "--database", url, "--data", str(tmp_path / "d"), "--json").stdout)
    assert (again["added"], again["changed"], again["rejected"]) == (0, 0, 0)
    report = json.loads(run("models", "backtest", "M09", "--database", url, "--data", str(tmp_path / "d"), "--since", "2021-01-01", "--json").stdout)
    found = {sample["listing"] for sample in report["samples"]}
    assert report["hits"] == 60 and found <= set(told) and not found & set(honest), report


@pytest.mark.skipif(not POSTGRES, reason="no PostgreSQL server is named")
def test_several_workers_share_the_folder_and_nothing_is_taken_in_twice(tmp_path):
    url, data = database("postgres", str(tmp_path)), tmp_path / "d"
    run("migrate", "--database", url, "--data", str(data))
    inbox = data / "inbox"
    inbox.mkdir(parents=True)
    for f in range(9):
        (inbox / f"part{f}.ndjson").write_text(
            "".join(json.dumps({"id": f"w{f}-{i}", "name": "全网销量第一品牌 锅" if i % 50 == 0 else "普通炒锅", "seller": {"name": f"店{f}"}}, ensure_ascii=False) + "\n" for i in range(300)) + "no json\n", encoding="utf-8")
        os.utime(inbox / f"part{f}.ndjson", (time.time() - 60, time.time() - 60))
    workers = [subprocess.Popen([BINARY, "work", "--database", url, "--data", str(data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(3)]
    try:
        for _ in range(120):
            done = list((inbox / "done").glob("part*")) if (inbox / "done").is_dir() else []
            if len(done) == 9:
                break
            time.sleep(0.5)
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait(20)
    assert len(done) == 9 and len(list((inbox / "failed").glob("*.rejected.csv"))) == 9
    count = subprocess.run(["psql", "-Atq", url, "-c", "SELECT (SELECT count(*) FROM monitoring_listings), (SELECT count(*) FROM monitoring_versions), (SELECT count(*) FROM monitoring_hits)"], check=True, capture_output=True, text=True).stdout.strip()
    assert count == "2700|2700|54", count
    checked = run("audit", "verify", "--database", url, "--data", str(data), check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_transcripts_and_pages_with_structured_data_are_read(tmp_path):
    url, data = f"sqlite:{tmp_path}/p.db", str(tmp_path / "d")
    page = tmp_path / "page.html"
    page.write_text('<html><script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":"Product","name":"国家级品质茶壶","sku":"T1","offers":{"@type":"Offer","price":"128.00","priceCurrency":"CNY","seller":{"@type":"Organization","name":"茶壶店"}}},{"@type":"BreadcrumbList"}]}</script></html>', encoding="gb18030")
    said = json.loads(run("import", "listings", str(page), "--database", url, "--data", data, "--json").stdout)
    assert said["added"] == 1
    out = run("export", "listings", "--format", "ndjson", "--database", url, "--data", data).stdout
    listing = json.loads(out)
    assert listing["offers"]["price"] == 128.0 and listing["seller"]["name"] == "茶壶店"
    bad = tmp_path / "bad.html"
    bad.write_text("<html>nothing</html>", encoding="utf-8")
    refused = run("import", "listings", str(bad), "--database", url, "--data", data, check=False)
    assert refused.returncode == 2 and "schema.org" in refused.stderr


def test_what_marketplaces_write_is_not_mistaken(tmp_path):
    """Numbers as ids, sizes of one product, the same number in two shops or on two platforms, and binary rests in a workbook."""
    from openpyxl import Workbook
    url, data = f"sqlite:{tmp_path}/p.db", str(tmp_path / "d")
    take = lambda file: json.loads(run("import", "listings", str(file), "--database", url, "--data", data, "--json").stdout)
    lines = tmp_path / "n.ndjson"
    lines.write_text('{"id":777001,"name":"台灯"}\n{"id":"ok1","name":"好灯"}\n{"id":true,"name":"坏灯"}\n{"id":"ok1","platform":"甲","name":"甲的灯"}\n{"id":"ok1","platform":"乙","name":"乙的灯"}\n', encoding="utf-8")
    said = take(lines)
    assert (said["added"], said["rejected"]) == (4, 1)
    lines.write_text('{"id":"g1","name":"国产的灯"}\n', encoding="gb18030")
    assert take(lines)["added"] == 1
    for i, (shop, name, high) in enumerate((("甲店", "耳机", 199), ("乙店", "茶叶", 1999))):
        page = tmp_path / f"{i}.html"
        page.write_text(f'<script type="application/ld+json">{{"@type":"Product","name":"{name}","sku":"A001","offers":{{"@type":"AggregateOffer","lowPrice":39,"highPrice":{high},"seller":{{"name":"{shop}"}}}}}}</script>', encoding="utf-8")
        assert take(page)["added"] == 1
    table = tmp_path / "t.csv"
    table.write_text("商品ID,商品名称,平台,价格\n900001,台灯甲,淘宝,10\n900001,洗衣机,京东,999\n", encoding="utf-8")
    assert take(table)["added"] == 2
    book = Workbook()
    book.active.append(["商品ID", "商品名称", "价格"])
    book.active.append(["x1", "茶杯", 33.3 * 3])
    book.save(tmp_path / "b.xlsx")
    said = take(tmp_path / "b.xlsx")
    assert (said["added"], said["rejected"]) == (1, 0), said
    out = [json.loads(line) for line in run("export", "listings", "--format", "ndjson", "--database", url, "--data", data).stdout.splitlines()]
    assert len(out) == 10 and not any("listPrice" in o.get("offers", {}) for o in out)
    assert next(o for o in out if o["id"] == "x1")["offers"]["price"] == 99.9
