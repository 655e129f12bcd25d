import Disputes
import Kernel
import Platform
import Web

/// The description of the API (接口描述): OpenAPI 3.1, checked against the running server in the tests.
enum OpenAPI {
    static func routes() -> [Route] { [Route(.get, "/api/openapi.json", .anyone, style: .api) { _ in .json(document) }] }

    static let document: JSON = .object([
        ("openapi", .string("3.1.0")),
        (
            "info",
            .object([
                ("title", .string("Sinan")), ("version", .string(SystemRoutes.version)),
                (
                    "description",
                    .string(
                        "Consumer complaints: intake, tracking, handling. Listings in, leads out; cases, measures, guidance, lists, repairs and visits with their moves. 消费投诉的提交、查询与办理；商品信息采集与监测线索；行政处罚案件、措施、指导、名录、修复和检查。"
                    )
                ),
            ])
        ),
        ("servers", .array([.object([("url", .string("/"))])])),
        (
            "paths",
            .object(
                [
                    (
                        "/api/v1/complaints",
                        .object([
                            (
                                "post",
                                operation(
                                    "fileComplaint", "Files a complaint; needs no token and is rate-limited.", parameters: [idempotency], body: "Filing",
                                    answers: [
                                        (201, "Receipt", "taken in"), (409, nil, "the key came with another body"), (413, nil, "too large"),
                                        (422, nil, "a field is wrong, named by JSON pointer"), (429, nil, "too many at once"), (503, nil, "nothing was saved"),
                                    ], secured: false)
                            ),
                            (
                                "get",
                                operation(
                                    "listComplaints", "The complaints that the token's account may see.",
                                    parameters: [query("state"), query("region"), query("q"), query("due"), query("whose"), query("closed"), query("cursor")],
                                    answers: [(200, "Page", "a page"), (401, nil, "no token"), (403, nil, "not yours to see"), (422, nil, "a parameter is wrong")], secured: true)
                            ),
                        ])
                    ),
                    (
                        "/api/v1/complaints/{number}",
                        .object([
                            (
                                "get",
                                operation(
                                    "getComplaint", "One complaint: with a token as far as staff may see, with ?code= as the filer sees it.", parameters: [number, query("code")],
                                    answers: [
                                        (200, "Complaint", "the complaint"), (401, nil, "the token is not valid"), (404, nil, "not found, or not yours to see"),
                                        (422, nil, "a parameter is wrong"), (429, nil, "too many at once"),
                                    ], secured: false)
                            )
                        ])
                    ),
                    (
                        "/api/v1/complaints/{number}/moves",
                        .object([
                            (
                                "get",
                                operation(
                                    "listMoves", "What may be done now, by whom, under which article.", parameters: [number, query("code")],
                                    answers: [
                                        (200, "Moves", "the moves"), (401, nil, "the token is not valid"), (404, nil, "not found"), (422, nil, "a parameter is wrong"),
                                        (429, nil, "too many at once"),
                                    ], secured: false)
                            ),
                            (
                                "post",
                                operation(
                                    "makeMove", "Makes a move of the table.", parameters: [number, query("code"), idempotency], body: "Move",
                                    answers: [
                                        (200, "Complaint", "the complaint as it is now"), (401, nil, "the token is not valid"), (403, nil, "the wrong actor"),
                                        (404, nil, "not found"),
                                        (409, nil, "not possible from this state"), (413, nil, "too large"), (422, nil, "a field is wrong"), (429, nil, "too many at once"),
                                        (503, nil, "nothing was saved"),
                                    ], secured: false)
                            ),
                        ])
                    ),
                ] + monitoring + cases + matters)
        ),
        (
            "components",
            .object([
                ("securitySchemes", .object([("bearer", .object([("type", .string("http")), ("scheme", .string("bearer"))]))])),
                ("schemas", .object(schemas)),
            ])
        ),
    ])

    static let monitoring: [(String, JSON)] = [
        (
            "/api/v1/listings",
            .object([
                (
                    "post",
                    operation(
                        "takeListings", "Takes listings in; what is good goes in, what is not is named. The same listing twice adds nothing.", parameters: [idempotency],
                        body: "Listings",
                        answers: [
                            (200, "Taken", "what became of them"), (401, nil, "no token"), (403, nil, "not yours to do"), (409, nil, "the key came with another body"),
                            (413, nil, "too large"), (422, nil, "no array of items, or too many"), (503, nil, "nothing was saved"),
                        ], secured: true)
                )
            ])
        ),
        (
            "/api/v1/leads",
            .object([
                (
                    "get",
                    operation(
                        "listLeads", "Leads that the token's account may see, by rank.", parameters: [query("state"), query("model"), query("cursor")],
                        answers: [(200, "Leads", "a page"), (401, nil, "no token"), (403, nil, "not yours to see"), (422, nil, "a parameter is wrong")], secured: true)
                )
            ])
        ),
        (
            "/api/v1/leads/{number}",
            .object([
                (
                    "get",
                    operation(
                        "getLead", "One lead with what was found.", parameters: [lead],
                        answers: [(200, "Lead", "the lead"), (401, nil, "no token"), (403, nil, "not yours to see"), (404, nil, "not found"), (422, nil, "a parameter is wrong")],
                        secured: true)
                )
            ])
        ),
        (
            "/api/v1/leads/{number}/moves",
            .object([
                (
                    "post",
                    operation(
                        "moveLead", "Makes a move of a lead.", parameters: [lead, idempotency], body: "Move",
                        answers: [
                            (200, "Lead", "the lead as it is now"), (401, nil, "no token"), (403, nil, "the wrong actor"), (404, nil, "not found"),
                            (409, nil, "not possible from this state"), (413, nil, "too large"), (422, nil, "a field is wrong"), (503, nil, "nothing was saved"),
                        ], secured: true)
                )
            ])
        ),
    ]
    static let lead: JSON = .object([
        ("name", .string("number")), ("in", .string("path")), ("required", .bool(true)),
        ("schema", .object([("type", .string("string")), ("pattern", .string("^XS[0-9]{11,}$"))])),
    ])
    static let integer: JSON = .object([("type", .string("integer"))])
    static let leadShape = object(
        ["number", "state", "model", "hits"],
        [
            ("number", string()), ("state", string()), ("stateTitle", string()), ("title", string()), ("model", string()), ("edition", string()), ("level", string()),
            ("lane", string()), ("hits", integer), ("score", integer), ("region", string()), ("foundAt", string()), ("closedAt", maybe), ("outcome", maybe), ("correctBy", maybe),
            ("snapshot", string()), ("noticeCode", string()), ("deadlines", list(deadline)),
        ])

    static func operation(_ id: String, _ summary: String, parameters: [JSON], body: String? = nil, answers: [(Int, String?, String)], secured: Bool) -> JSON {
        var pairs: [(String, JSON)] = [("operationId", .string(id)), ("summary", .string(summary)), ("parameters", .array(parameters))]
        if let body {
            pairs.append(("requestBody", .object([("required", .bool(true)), ("content", .object([("application/json", .object([("schema", reference(body))]))]))])))
        }
        pairs.append(
            (
                "responses",
                .object(
                    answers.map { status, schema, text in
                        let type = schema == nil ? "application/problem+json" : "application/json"
                        return (String(status), .object([("description", .string(text)), ("content", .object([(type, .object([("schema", reference(schema ?? "Problem"))]))]))]))
                    })
            ))
        // With a token or without one: both are allowed where the public may come.
        pairs.append(("security", .array(secured ? [.object([("bearer", .array([]))])] : [.object([]), .object([("bearer", .array([]))])])))
        return .object(pairs)
    }

    static func reference(_ name: String) -> JSON { .object([("$ref", .string("#/components/schemas/\(name)"))]) }
    static let number: JSON = .object([
        ("name", .string("number")), ("in", .string("path")), ("required", .bool(true)),
        ("schema", .object([("type", .string("string")), ("pattern", .string("^TS[0-9]{11,}$"))])),
    ])
    static let idempotency: JSON = .object([
        ("name", .string("Idempotency-Key")), ("in", .string("header")), ("required", .bool(false)),
        ("schema", .object([("type", .string("string")), ("minLength", .int(1)), ("maxLength", .int(200))])),
    ])
    static func query(_ name: String) -> JSON {
        .object([("name", .string(name)), ("in", .string("query")), ("required", .bool(false)), ("schema", .object([("type", .string("string"))]))])
    }

    static func string(_ max: Int? = nil, min: Int? = nil) -> JSON {
        .object([("type", .string("string"))] + (min.map { [("minLength", JSON.int($0))] } ?? []) + (max.map { [("maxLength", JSON.int($0))] } ?? []))
    }
    static let maybe: JSON = .object([("type", .array([.string("string"), .string("null")]))])
    static let money: JSON = .object([
        ("type", .array([.string("number"), .string("null")])), ("minimum", .int(0)), ("description", .string("yuan, at most two decimals")),
    ])
    static func object(_ required: [String], _ properties: [(String, JSON)]) -> JSON {
        .object([("type", .string("object")), ("required", .array(required.map(JSON.string))), ("properties", .object(properties))])
    }
    static func list(_ of: JSON) -> JSON { .object([("type", .string("array")), ("items", of)]) }

    static let deadline = object(
        ["id", "due", "state"],
        [
            ("id", string()), ("due", .object([("type", .string("string")), ("format", .string("date"))])), ("state", string()),
            ("calendarIncomplete", .object([("type", .string("boolean"))])),
        ])
    static let claim = object(
        ["kind"], [("kind", .object([("type", .string("string")), ("enum", .array(ClaimKind.allCases.map { .string($0.rawValue) }))])), ("amount", money)])

    static let schemas: [(String, JSON)] = [
        (
            "Filing",
            object(
                ["complainant", "respondent", "facts", "claims"],
                [
                    (
                        "complainant",
                        object(
                            ["name", "phone", "address"],
                            [("name", string(60, min: 1)), ("phone", string(30, min: 5)), ("address", string(200, min: 1)), ("idType", maybe), ("idNumber", maybe)])
                    ),
                    (
                        "respondent",
                        object(
                            ["name", "address"],
                            [("name", string(120, min: 1)), ("address", string(300, min: 1)), ("taxID", maybe), ("phone", maybe), ("platform", maybe), ("shopURL", maybe)])
                    ),
                    ("facts", string(5000, min: 1)), ("purchase", maybe), ("occurredOn", maybe), ("occurredPlace", maybe), ("externalNumber", maybe), ("amount", money),
                    ("claims", list(claim)),
                    (
                        "consents",
                        object(
                            [],
                            [
                                ("publication", .object([("type", .array([.string("boolean"), .string("null")]))])),
                                ("delegation", .object([("type", .array([.string("boolean"), .string("null")]))])),
                            ])
                    ),
                ])
        ),
        (
            "Receipt",
            object(
                ["number", "trackingCode", "state", "deadlines"],
                [("number", string()), ("trackingCode", string()), ("state", string()), ("regime", string()), ("deadlines", list(deadline))])
        ),
        (
            "Complaint",
            object(
                ["number", "state", "deadlines"],
                [
                    ("number", string()), ("state", string()), ("stateTitle", string()), ("regime", string()), ("receivedAt", string()), ("closedAt", maybe), ("outcome", maybe),
                    ("facts", string()), ("claims", list(claim)),
                    ("deadlines", list(deadline)), ("respondent", object(["name"], [("name", string()), ("address", string()), ("taxID", maybe)])),
                ])
        ),
        (
            "Page",
            object(
                ["items"],
                [
                    (
                        "items",
                        list(
                            object(
                                ["number", "state"],
                                [
                                    ("number", string()), ("state", string()), ("title", string()), ("region", string()), ("regime", string()), ("receivedAt", string()),
                                    ("dueIsEstimate", .object([("type", .string("boolean"))])),
                                    ("due", maybe),
                                ]))
                    ), ("next", maybe),
                ])
        ),
        (
            "Moves",
            object(
                ["state", "moves"],
                [("state", string()), ("moves", list(object(["move", "title"], [("move", string()), ("title", string()), ("to", maybe), ("by", list(string()))])))])
        ),
        ("Case", caseShape),
        ("Matter", matterShape),
        ("Moves", object(["moves"], [("moves", list(object(["move", "title"], [("move", string()), ("title", string()), ("article", maybe)])))])),
        ("Move", object(["move"], [("move", string(40, min: 1))])),
        (
            "Listings",
            object(
                ["items"],
                [
                    (
                        "items",
                        .object([
                            ("type", .string("array")), ("minItems", .int(1)), ("maxItems", .int(1000)), ("items", object(["id"], [("id", string(200, min: 1))])),
                        ])
                    )
                ])
        ),
        (
            "Taken",
            object(
                ["added", "changed", "same", "hits", "leads", "rejected"],
                [
                    ("added", integer), ("changed", integer), ("same", integer), ("hits", integer), ("leads", integer),
                    ("rejected", list(object(["pointer", "detail"], [("pointer", string()), ("detail", string())]))),
                ])
        ),
        ("Lead", leadShape), ("Leads", object(["items"], [("items", list(leadShape)), ("next", maybe)])),
        (
            "Problem",
            object(
                ["type", "title", "status"],
                [
                    ("type", string()), ("title", string()), ("status", .object([("type", .string("integer"))])), ("article", string()),
                    ("errors", list(object(["pointer", "detail"], [("pointer", string()), ("detail", string())]))),
                ])
        ),
    ]
}
