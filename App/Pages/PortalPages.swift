import Kernel
import Platform
import Store
import Web

/// The public's front page (公众首页).
enum PortalPages {
    static func routes() -> [Route] {
        [
            Route(.get, "/", .anyone) { visit in
                visit.page(Text("首页", "Home")) { h in
                    h.section("hero") {
                        h.h1(Text("买得放心，投诉有门", "Buy with confidence, complain with effect"))
                        h.p(
                            "lead",
                            Text(
                                "向\(visit.desk.configuration.officeName)提出消费投诉，六个问题，手机即可完成。",
                                "Bring a consumer complaint to the \(visit.desk.configuration.office.en): six questions, on your phone."))
                        h.div("hero-buttons") {
                            h.a("/complaints/new", "btn btn-light btn-lg", Text("我要投诉", "File a complaint"))
                            h.a("/reports/new", "btn btn-outline-light btn-lg", Text("举报违法", "Report a violation"))
                            h.a("/track", "btn btn-outline-light btn-lg", Text("查询进度", "Track a complaint"))
                        }
                    }
                    h.div("promise-row") {
                        for (n, title, text) in [
                            ("7", Text("个工作日内决定", "working days to decide"), Text("是否受理并告知您理由", "whether it is taken up, and you are told why")),
                            ("60", Text("日内调解", "days to mediate"), Text("自受理之日起，检测时间不计入", "from taking up, time of testing not counted")),
                            ("0", Text("费用", "fees"), Text("调解不收费，给商家的文书不含您的电话和地址", "mediation is free; documents to the business leave out your phone and address")),
                        ] {
                            h.div("promise") {
                                h.span("promise-n", n)
                                h.div {
                                    h.p("promise-t", title)
                                    h.p("text-muted mb-0", text)
                                }
                            }
                        }
                    }
                    h.div("link-cards") {
                        for (path, title, text) in [
                            ("/law", Text("期限是怎么算的", "How periods are counted"), Text("每个日期都能展开，逐日说明为什么", "Every date opens into its count, day by day")),
                            ("/track", Text("忘了进度？", "Where does it stand?"), Text("凭编号和查询码随时查看，文书可下载", "Look it up by number and code; documents to download")),
                            ("/publications", Text("投诉公示", "Published complaints"), Text("查一家商家近一年的投诉和调解结果", "What was complained of a business, and how it ended")),
                            ("/penalties", Text("行政处罚公示", "Published penalties"), Text("查处罚决定书和公示期", "Decisions, and how long they are shown")),
                            ("/draws", Text("双随机、一公开", "Random draws"), Text("检查计划、抽取过程和检查结果，任何人可核验", "Plan, draws and results of visits, for anybody to verify")),
                            ("/repair", Text("信用修复", "Credit repair"), Text("看条件是否具备，在线申请", "See which conditions are met, and apply")),
                            ("/verify", Text("电子证据核验", "Verify evidence"), Text("核对封存包和回执", "Check a sealed package or a receipt")),
                            ("/stations", Text("消费维权服务站", "Service stations"), Text("就近和解，商场、超市、市场和景区里都有", "Settle nearby: in malls, markets and scenic spots")),
                            ("/warnings", Text("消费警示", "Warnings"), Text("集中投诉和消费风险的提示", "Where complaints come together")),
                            ("/merchant", Text("商家入口", "For merchants"), Text("查看并答复与您有关的投诉", "See and answer the complaints that concern you")),
                            ("/odr", Text("ODR企业", "ODR enterprises"), Text("先由企业十个工作日内在线和解", "Settled online by the enterprise within ten working days")),
                            ("/api/openapi.json", Text("开发者", "Developers"), Text("OpenAPI 3.1 描述的开放接口", "An API described by OpenAPI 3.1")),
                        ] {
                            h.a(path, "link-card") {
                                h.span("link-title", title)
                                h.span("link-text", text)
                            }
                        }
                    }
                }
            }
        ]
    }
}

/// "Enter as…" (演示入口): in the demonstration only; the route does not exist elsewhere.
enum DemoPages {
    static func routes() -> [Route] {
        [
            Route(.get, "/demo", .anyone) { visit in
                let accounts = try await visit.desk.store.read { try Accounts.all($0) }.filter { $0.login.hasPrefix("demo-") }
                return visit.page(Text("以…身份进入", "Enter as…")) { h in
                    h.div("page-head") {
                        h.h1(Text("以…身份进入", "Enter as…"))
                        h.p("text-muted mb-0", Text("这是演示城市，人物、商家和投诉均为虚构。", "This is a demonstration city: people, businesses and complaints are invented."))
                    }
                    h.div("persona-grid") {
                        h.a("/complaints/new", "persona") {
                            h.span("persona-role", Text("消费者", "Consumer"))
                            h.span("persona-name", Text("用手机提交一件投诉", "File a complaint on a phone"))
                        }
                        for account in accounts {
                            visit.form(h, "/demo/enter") {
                                h.hidden("login", account.login)
                                h.element("button", "persona", [.type("submit")]) {
                                    h.span("persona-role", account.roles.first?.title ?? Text("", ""))
                                    h.span("persona-name", account.name)
                                    h.span("persona-place", "\(visit.region(account.region)) · \(account.login)")
                                }
                            }
                        }
                    }
                }
            },
            Route(.post, "/demo/enter", .anyone) { visit in
                guard visit.desk.configuration.isDemo, let login = try visit.exchange.form()["login"], login.hasPrefix("demo-") else { throw Refusal.notFound }
                let now = visit.desk.now
                let token = try await visit.desk.store.write { tx in
                    guard let account = try Accounts.find(login: login, tx) else { throw Refusal.notFound }
                    return try SignIn.open(account.id.raw, secondFactor: false, at: now, tx)
                }
                return Answer.redirect("/signin").setting(cookie: Front.sessionCookie, to: token, maxAge: Int(SignIn.lifetime), secure: visit.desk.configuration.secureCookies)
            },
        ]
    }
}
