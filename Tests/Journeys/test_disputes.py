"""The routes of a dispute through the running product: reports, offers, settling first, funds, people's mediation, publication, on both engines."""
import datetime, http.client, os, re, signal, subprocess, threading, time, urllib.parse
import pytest
from conftest import BINARY, ENGINES, Server, database, run
from test_journeys import accessible, action, file_complaint, open_matter, shot


def said(page, pattern):
    return re.search(pattern, page.locator("main .alert").first.inner_text()).group(0)


def move(page, name, fill=(), check=(), select=()):
    """One of the acts of a matter's page."""
    action(page, name)
    form = page.locator(f"details.action-{name}")
    for selector, value in fill:
        form.locator(selector).fill(value)
    for selector in check:
        form.locator(selector).check()
    for selector, value in select:
        form.locator(selector).select_option(value)
    form.locator("button[type=submit]").click()


def taken_up(visit, facts):
    """A complaint that a clerk took up: its number, code and the clerk's page."""
    number, code = file_complaint(visit(width=390), facts)
    clerk = visit(enter="clerk")
    open_matter(clerk, number)
    move(clerk, "accept")
    return number, code, clerk


def test_a_mixed_submission_is_a_complaint_and_a_report_that_is_told_its_result(visit, city):
    phone = visit(width=390)
    phone.goto("/complaints/new/what")
    phone.fill("#f-facts", "买的酸奶已经过期，超市不肯退款。")
    phone.click("button.btn-primary")
    phone.fill("#f-respondentName", "混合投诉测试店")
    phone.fill("#f-respondentAddress", "青溪区中兴路12号")
    phone.click("button:has-text('下一步')")
    phone.fill("#f-purchase", "酸奶")
    phone.fill("#f-occurredOn", "2026-10-20")
    phone.check("#f-claim-refund")
    phone.click("button.btn-primary")
    phone.click("button.btn-primary")
    for field, value in (("name", "陆知微"), ("phone", "13911112222"), ("address", "柳荫路8号")):
        phone.fill(f"#f-{field}", value)
    phone.check("#f-publication-yes")
    phone.check("#f-delegation-no")
    phone.click("button.btn-primary")
    phone.locator("details:has(#f-report-yes)").evaluate("d => d.open = true")
    phone.check("#f-report-yes")
    phone.click("button.btn-primary")
    assert "请选择举报涉及的领域" in phone.locator("#errors").inner_text()
    phone.select_option("#f-reportArea", "food")
    shot(phone, "mixed-check", city)
    phone.click("button.btn-primary")
    phone.wait_for_url("**/track/TS*")
    report = re.search(r"JB\d{11}", phone.locator("main").inner_text()).group(0)
    door = phone.locator(f"a:has-text('{report}')").get_attribute("href")
    clerk = visit(enter="clerk")
    open_matter(clerk, report)
    assert "陆知微" not in clerk.content() and "只有承办人可以查看" in clerk.locator("main").inner_text()
    move(clerk, "begin")
    clerk.select_option("select[name=purpose]", "contact")
    clerk.click("text=查看（将记入日志）")
    assert "陆知微" in clerk.locator("main").inner_text()
    open_matter(clerk, report)
    accessible(clerk)
    shot(clerk, "clerk-report", city)
    move(clerk, "ask", fill=[("textarea", "酸奶在哪个货架？")])
    phone.goto(door)
    assert "酸奶在哪个货架" in phone.locator("main").inner_text()
    phone.fill("#f-body", "入口右手第二排")
    phone.click("button:has-text('提交')")
    accessible(phone)
    open_matter(clerk, report)
    assert "入口右手第二排" in clerk.locator("main").inner_text()
    move(clerk, "file", fill=[("textarea", "现场查见过期酸奶12盒")])
    move(clerk, "tell", fill=[("textarea", "已立案调查。")], select=[("select", "portal")])
    assert "已办结" in clerk.locator(".matter-head").inner_text()
    phone.goto(door)
    assert "已立案调查。" in phone.locator("main").inner_text()
    # The mediator, who has nothing to do with reports, does not find it.
    mediator = visit(enter="mediator")
    mediator.goto(f"/desk?q={report}")
    assert report not in mediator.locator("tbody").all_inner_texts().__str__()


def test_a_merchant_settles_says_it_paid_and_the_consumer_opens_it_again(visit, city):
    number, code, clerk = taken_up(visit, f"网上协商的电饭煲{time.time_ns()}，三天就坏，商家不退。")
    mediator = visit(enter="mediator")
    open_matter(mediator, number)
    mediator.locator("form[action$='/invite'] button").click()
    link = said(mediator, r"/respond/TS\d+\?code=[A-Z0-9]{8}")
    shop = visit(width=390)
    shop.goto(link)
    for secret in ("陈小满", "13812345678", "柳荫路8号"):
        assert secret not in shop.content()
    accessible(shop)
    shot(shop, "merchant-answer", city)
    form = shop.locator("form[action$='/offer']")
    form.locator("select").select_option("refund")
    form.locator("input[name=amount]").fill("300")
    form.locator("button").click()
    consumer = visit(width=390)
    track = f"/track/{number}?code={code}"
    consumer.goto(track)
    assert "¥300.00" in consumer.locator("main").inner_text()
    accessible(consumer)
    shot(consumer, "consumer-offer", city)
    consumer.locator("details:has(form[action$='/offer'])").evaluate("d => d.open = true")
    counter = consumer.locator("form[action$='/offer']")
    counter.locator("select").select_option("refund")
    counter.locator("input[name=amount]").fill("399")
    counter.locator("button").click()
    shop.goto(link)
    shop.locator("form[action$='/accept'] button").click()
    assert "已达成协议" in shop.locator("main .alert").inner_text()
    shop.locator("form[action$='/fulfilled'] button").click()
    consumer.goto(track)
    consumer.locator("form[action$='/reopen'] textarea").fill("并没有收到退款")
    consumer.locator("form[action$='/reopen'] button").click()
    assert "调解中" in consumer.locator(".track-state").inner_text()
    open_matter(mediator, number)
    history = mediator.locator(".matter-side").inner_text()
    assert "商家" in history and "等待履行" in mediator.locator("main").inner_text()


def test_a_fund_pays_by_two_persons_and_recovers(visit, city):
    number, code, clerk = taken_up(visit, f"商家失联的健身卡{time.time_ns()}，余额不退。")
    mediator = visit(enter="mediator")
    open_matter(mediator, number)
    mediator.click("a:has-text('申请先行赔付')")
    mediator.select_option("#f-fund", index=1)
    mediator.check("#f-liable-finding")
    mediator.check("#f-cause-unreachable")
    mediator.fill("#f-basis", "三次电话未接，现场已关门，询问笔录1份")
    mediator.click("button:has-text('提出申请')")
    assert "证据齐全方可申请" in mediator.locator("#errors").inner_text()
    mediator.check("#f-evidence-yes")
    mediator.click("button:has-text('提出申请')")
    claim = mediator.url
    head = visit(enter="leader")
    head.goto(claim)
    head.locator("details:has(form[action$='/approve'])").evaluate("d => d.open = true")
    head.locator("form[action$='/approve'] textarea").fill("证据齐全")
    head.locator("form[action$='/approve'] button").click()
    clerk.goto(claim)
    clerk.locator("details:has(form[action$='/pay'])").evaluate("d => d.open = true")
    clerk.locator("form[action$='/pay'] input[name=reference]").fill("FK1")
    clerk.locator("form[action$='/pay'] select").select_option("phone")
    clerk.locator("form[action$='/pay'] button").click()
    assert "已赔付，追偿中" in clerk.locator(".page-head").inner_text()
    phone = visit(width=390)
    phone.goto(f"/track/{number}?code={code}")
    assert "已向您先行赔付" in phone.locator("main").inner_text()
    clerk.locator("details:has(form[action$='/told'])").evaluate("d => d.open = true")
    clerk.click("a:has-text('打印追偿通知')")
    assert "现向你单位追偿" in clerk.locator("article.letter").inner_text()
    clerk.goto(claim)
    clerk.locator("details:has(form[action$='/recover'])").evaluate("d => d.open = true")
    clerk.locator("form[action$='/recover'] input[name=reference]").fill("ZC1")
    clerk.locator("form[action$='/recover'] button").click()
    assert "已追回" in clerk.locator(".page-head").inner_text()
    head.goto(claim)
    head.click(".crumbs a")
    assert "账实相符" in head.locator("main").inner_text() and "399.00" in head.locator("main").inner_text()
    accessible(head)
    shot(head, "leader-fund", city)
    book = head.context.request.get(city.url + head.locator("a:has-text('导出Excel')").get_attribute("href"))
    assert book.status == 200 and book.body().startswith(b"PK")


def test_peoples_mediation_leads_to_judicial_confirmation(visit, city):
    number, code, _ = taken_up(visit, f"人民调解的家具{time.time_ns()}，开裂。")
    mediator = visit(enter="mediator")
    open_matter(mediator, number)
    move(mediator, "hand-to-people", fill=[("input[name=committee]", "青溪区消费纠纷人民调解委员会")], select=[("select", "phone")])
    assert "双方同意" in mediator.locator("#errors").inner_text()
    move(mediator, "hand-to-people", fill=[("input[name=committee]", "青溪区消费纠纷人民调解委员会")], check=["[name='consent-complainant']", "[name='consent-respondent']"], select=[("select", "phone")])
    move(mediator, "people-agreed", fill=[("textarea", "商家七日内换货")], check=["[value=written]"])
    assert "三十日" in mediator.locator("main").inner_text()
    mediator.locator("form[action$='/confirmation'] select").select_option("serve")
    mediator.locator("form[action$='/confirmation'] button").click()
    assert "第二百零五条" in mediator.content()
    open_matter(mediator, number)
    move(mediator, "court-applied", fill=[("input[name=court]", "青溪区人民法院")])
    move(mediator, "court-decided", fill=[("input[name=ruling]", "（2026）民特1号")], check=["[value=confirmed]"])
    assert "裁定有效" in mediator.locator("main").inner_text()
    shot(mediator, "mediator-people", city)


def test_a_business_objects_to_publication_and_two_persons_withhold(visit, city):
    clerk = visit(enter="clerk")
    clerk.goto("/publication")
    row = clerk.locator("tbody tr").first
    row.locator("input[name=pick]").check()
    number = row.locator("td.number").inner_text()
    shot(clerk, "clerk-publication", city)
    clerk.click("button:has-text('告知选中的商家')")
    link = re.search(r"/objections/TS\d+\?code=[A-Z0-9]{8}", clerk.locator("main").inner_text()).group(0)
    shop = visit(width=390)
    shop.goto(link)
    accessible(shop)
    shop.fill("#f-objection", "该件涉及他人店铺")
    shop.click("button:has-text('提出异议')")
    clerk.goto("/publication?state=objected")
    item = clerk.locator("article", has_text=number)
    item.locator("form[action$='/withhold'] input[name=reason]").fill("异议成立")
    item.locator("form[action$='/withhold'] button").click()
    clerk.goto("/publication?state=withheld-once")
    item = clerk.locator("article", has_text=number)
    item.locator("form[action$='/confirm-withhold'] input[name=reason]").fill("同意")
    item.locator("form[action$='/confirm-withhold'] button").click()
    assert "另一人复核" in clerk.locator("#errors").inner_text()
    head = visit(enter="leader")
    head.goto("/publication?state=withheld-once")
    item = head.locator("article", has_text=number)
    item.locator("form[action$='/confirm-withhold'] input[name=reason]").fill("同意")
    item.locator("form[action$='/confirm-withhold'] button").click()
    head.goto("/publication?state=withheld")
    assert number in head.locator("main").inner_text()


PAGES = [
    (None, "/reports/new"), (None, "/publications"), (None, "/stations"), (None, "/stations?view=map"), (None, "/odr"), (None, "/merchant"), (None, "/warnings"), ("clerk", "/reports/register"), ("clerk", "/publication"),
    ("clerk", "/publication?state=published"), ("leader", "/quality"), ("leader", "/quality?done=yes"), ("intake", "/national"), ("leader", "/funds"), ("leader", "/funds/1"), ("leader", "/signals"),
]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_routes_pages_are_accessible_and_fit(visit, city, width, language):
    pages = {}
    for role, path in PAGES:
        page = pages.get(role) or visit(width=width, enter=role, language=language)
        pages[role] = page
        page.goto(path)
        shot(page, f"{language}-{role or 'public'}" + re.sub(r"\W+", "-", path), city)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, path
        if language == "en" and path != "/funds/1":
            assert not re.search(r"[\u4e00-\u9fff]", page.locator("h1").first.inner_text()), path
        assert not page.faults, (path, page.faults)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_fund_acknowledged_survives_kill_9_and_still_adds_up(engine, chromium, tmp_path):
    """Contributions are posted as fast as they go while the server is killed: each that was answered is there, once, and the book agrees."""
    url = database(engine, str(tmp_path))
    run("city", "--database", url, "--data", str(tmp_path), "--scale", "0.0001")
    server = Server(url, str(tmp_path))
    done = []
    try:
        for round in range(3):
            context = chromium.new_context(base_url=server.url, locale="zh-CN")
            page = context.new_page()
            page.goto("/demo")
            page.locator("form:has(input[value='demo-director']) button").click()
            page.goto("/funds/1")
            token = page.locator("input[name=form_token]").first.input_value()
            stop = time.time() + 2
            killer = threading.Timer(1.2 + round * 0.2, server.kill)
            killer.start()
            n = 0
            while time.time() < stop:
                note = f"r{round}n{n}"
                try:
                    answer = context.request.post("/funds/1/contribute", form={"form_token": token, "amount": "1.01", "note": note}, max_redirects=0, timeout=3000)
                    if answer.status == 303:
                        done.append(note)
                except Exception:
                    pass
                n += 1
            killer.join()
            context.close()
            server.start()
        assert len(done) > 5
        context = chromium.new_context(base_url=server.url, locale="zh-CN")
        page = context.new_page()
        page.goto("/demo")
        page.locator("form:has(input[value='demo-director']) button").click()
        page.goto("/funds/1")
        assert "账实相符" in page.locator("main").inner_text()
        book = tmp_path / "book.xlsx"
        book.write_bytes(context.request.get("/funds/1/export").body())
        import openpyxl
        notes = [row[6] for row in openpyxl.load_workbook(book).active.iter_rows(values_only=True)]
        assert all(notes.count(note) == 1 for note in done), [note for note in done if notes.count(note) != 1]
        context.close()
    finally:
        server.stop()
    checked = run("audit", "verify", "--database", url, "--data", str(tmp_path), check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_a_payment_cut_short_by_kill_9_is_made_once_or_not_at_all(engine, chromium, tmp_path):
    """Claims that were granted are paid as fast as they go while the server is killed, and once more afterwards: each is paid once."""
    url = database(engine, str(tmp_path))
    run("city", "--database", url, "--data", str(tmp_path), "--scale", "0.0006")
    server = Server(url, str(tmp_path))

    def enter(role):
        context = chromium.new_context(base_url=server.url, locale="zh-CN")
        page = context.new_page()
        page.goto("/demo")
        page.locator(f"form:has(input[value='demo-{role}']) button").click()
        page.wait_for_url("**/desk")
        page.goto("/funds/1")
        return context, page, page.locator("input[name=form_token]").first.input_value()

    def post(who, path, **fields):
        return who[0].request.post(path, form={"form_token": who[2], **fields}, max_redirects=0, timeout=30000).status

    def paid(claim):
        return "/fund-claims/%s/moves/pay" % claim

    try:
        mediator, leader, clerk = enter("mediator"), enter("leader"), enter("clerk")
        mediator[1].goto("/desk?closed=yes&outcome=ended&kind=complaint")
        ended = sorted(set(re.findall(r"/disputes/(\d+)", mediator[1].content())), key=int)
        claims = []
        for matter in ended[:24]:
            answer = mediator[0].request.post(f"/disputes/{matter}/fund-claim", max_redirects=0, form={
                "form_token": mediator[2], "fund": "1", "amount": "1.01", "liable": "finding", "cause": "refuses", "basis": "购买凭证和终止调解决定书", "evidence": "yes"})
            place = answer.headers.get("location", "")
            if answer.status == 303 and "/fund-claims/" in place:
                claim = re.search(r"/fund-claims/(\d+)", place).group(1)
                assert post(leader, f"/fund-claims/{claim}/moves/approve", reason="证据齐全") == 303
                claims.append(claim)
        assert len(claims) >= 10, (len(ended), len(claims))
        # Several pay at once, and the server is killed as soon as one more was acknowledged: the others are under way.
        cookies = "; ".join(f"{c['name']}={c['value']}" for c in clerk[0].cookies())
        place = urllib.parse.urlsplit(server.url)
        acknowledged, left, lock = [], list(claims), threading.Lock()

        def pays(enough):
            while True:
                with lock:
                    if not left:
                        return
                    claim = left.pop(0)
                try:
                    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
                    body = urllib.parse.urlencode({"form_token": clerk[2], "reference": f"FK-{claim}", "channel": "phone"})
                    connection.request("POST", paid(claim), body, {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"})
                    status = connection.getresponse().status
                except (OSError, http.client.HTTPException):
                    return
                if status != 303:
                    return
                acknowledged.append(claim)
                enough.set()

        for round in range(3):
            enough = threading.Event()
            hands = [threading.Thread(target=pays, args=(enough,)) for _ in range(4)]
            for hand in hands:
                hand.start()
            enough.wait(20)
            server.kill()
            for hand in hands:
                hand.join()
            server.start()
        # Whoever is not sure tries again: it is paid now, or was.
        statuses = {claim: post(clerk, paid(claim), reference=f"FK-{claim}", channel="phone") for claim in claims}
        assert all(statuses[claim] != 303 for claim in acknowledged), (acknowledged, statuses)
        assert all(status in (303, 409, 422) for status in statuses.values()), statuses
        page = clerk[1]
        page.goto("/funds/1")
        assert "账实相符" in page.locator("main").inner_text()
        import openpyxl
        book = tmp_path / "book.xlsx"
        book.write_bytes(clerk[0].request.get("/funds/1/export").body())
        notes = [str(row[6]) for row in openpyxl.load_workbook(book).active.iter_rows(values_only=True)]
        assert {claim: sum(note.endswith(f"FK-{claim}") for note in notes) for claim in claims} == {claim: 1 for claim in claims}
        assert len(acknowledged) < len(claims), "the server was never cut off while it paid"
    finally:
        server.stop()
    checked = run("audit", "verify", "--database", url, "--data", str(tmp_path), check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_both_sign_the_agreement_on_their_own_pages(visit, city):
    number, code, _ = taken_up(visit, f"在线签署的电饭煲{time.time_ns()}，三天就坏。")
    mediator = visit(enter="mediator")
    open_matter(mediator, number)
    mediator.locator("form[action$='/invite'] button").click()
    link = said(mediator, r"/respond/TS\d+\?code=[A-Z0-9]{8}")
    open_matter(mediator, number)
    move(mediator, "arrange", fill=[("input[name=at]", (datetime.date.today() + datetime.timedelta(days=7)).isoformat() + "T09:30"), ("input[name=mediators]", "武清")], check=["[value=remote]", "[name=consent]"])
    move(mediator, "draft", fill=[("textarea", "商家退款399元，消费者退回电饭煲。")])
    assert "待签署" in mediator.locator("main").inner_text()
    shot(mediator, "mediator-room", city)
    accessible(mediator)
    shop, consumer = visit(width=390), visit(width=390)
    shop.goto(link)
    assert "调解安排" in shop.locator("main").inner_text()
    accessible(shop)
    shop.fill("form[action$='/sign'] input[name=name]", "福临超市店长")
    shop.locator("form[action$='/sign'] button").click()
    assert "请确认已阅读并同意" in shop.locator("#errors").inner_text()
    shop.fill("form[action$='/sign'] input[name=name]", "福临超市店长")
    shop.check("form[action$='/sign'] input[name=agree]")
    shop.locator("form[action$='/sign'] button").click()
    assert "等待对方" in shop.locator("main").inner_text()
    consumer.goto(f"/track/{number}?code={code}")
    consumer.fill("form[action$='/sign'] input[name=name]", "陈小满")
    consumer.check("form[action$='/sign'] input[name=agree]")
    consumer.locator("form[action$='/sign'] button").click()
    assert "已达成协议" in consumer.locator(".track-state").inner_text()
    accessible(consumer)
    shot(consumer, "consumer-signed", city)
    shop.goto(link)
    shop.locator("a[href*='/documents/']").first.click()
    assert "商家退款399元" in shop.content()
