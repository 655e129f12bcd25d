import Kernel

/// Cases and the other matters of the loop (案件与其他事项的接口描述).
extension OpenAPI {
    static let penaltyCase: JSON = .object([
        ("name", .string("number")), ("in", .string("path")), ("required", .bool(true)),
        ("schema", .object([("type", .string("string")), ("pattern", .string("^AJ[0-9]{9,}$"))])),
    ])
    static let matter: JSON = .object([
        ("name", .string("number")), ("in", .string("path")), ("required", .bool(true)),
        ("schema", .object([("type", .string("string")), ("pattern", .string("^[A-Z]{2}[0-9]{9,}$"))])),
    ])
    /// One door for measures, guidance, lists, repairs, notices, visits and cases: `kind` says which.
    static let matters: [(String, JSON)] = [
        (
            "/api/v1/matters/{number}",
            .object([
                (
                    "get",
                    operation(
                        "getMatter", "One matter of any kind: its state and its periods.", parameters: [matter],
                        answers: [
                            (200, "Matter", "the matter"), (401, nil, "no token"), (403, nil, "not yours to see"), (404, nil, "not found"), (422, nil, "a parameter is wrong"),
                        ],
                        secured: true)
                )
            ])
        ),
        (
            "/api/v1/matters/{number}/moves",
            .object([
                (
                    "get",
                    operation(
                        "listMatterMoves", "What the token's account may do now, with the article of each.", parameters: [matter],
                        answers: [
                            (200, "Moves", "the moves"), (401, nil, "no token"), (403, nil, "not yours to see"), (404, nil, "not found"), (422, nil, "a parameter is wrong"),
                        ], secured: true)
                ),
                (
                    "post",
                    operation(
                        "moveMatter", "Makes a move of a measure, guidance, listing, repair, notice, visit or case, under the same rules as its page.",
                        parameters: [matter, idempotency], body: "Move",
                        answers: [
                            (200, "Matter", "the matter as it is now"), (401, nil, "no token"), (403, nil, "the wrong actor"), (404, nil, "not found"),
                            (409, nil, "not possible from this state, or the kind has a door of its own"), (413, nil, "too large"), (422, nil, "a field is wrong"),
                            (503, nil, "nothing was saved"),
                        ], secured: true)
                ),
            ])
        ),
    ]
    static let matterShape = object(
        ["number", "kind", "state", "title", "region", "open", "deadlines"],
        [
            ("number", string()), ("kind", string()), ("state", string()), ("title", string()), ("region", string()), ("regime", string()),
            ("open", .object([("type", .string("boolean"))])), ("outcome", maybe), ("nextDue", maybe), ("deadlines", list(deadline)), ("code", string()),
        ])
    static let cases: [(String, JSON)] = [
        (
            "/api/v1/cases/{number}",
            .object([
                (
                    "get",
                    operation(
                        "getCase", "One case of administrative penalty.", parameters: [penaltyCase],
                        answers: [(200, "Case", "the case"), (401, nil, "no token"), (403, nil, "not yours to see"), (404, nil, "not found"), (422, nil, "a parameter is wrong")],
                        secured: true)
                )
            ])
        ),
        (
            "/api/v1/cases/{number}/moves",
            .object([
                (
                    "get",
                    operation(
                        "listCaseMoves", "What the token's account may do now, with the article of each.", parameters: [penaltyCase],
                        answers: [
                            (200, "Moves", "the moves"), (401, nil, "no token"), (403, nil, "not yours to see"), (404, nil, "not found"), (422, nil, "a parameter is wrong"),
                        ],
                        secured: true)
                ),
                (
                    "post",
                    operation(
                        "moveCase", "Makes a move of a case, under the same rules as the page.", parameters: [penaltyCase, idempotency], body: "Move",
                        answers: [
                            (200, "Case", "the case as it is now"), (401, nil, "no token"), (403, nil, "the wrong actor"), (404, nil, "not found"),
                            (409, nil, "not possible from this state"), (413, nil, "too large"), (422, nil, "a field is wrong"), (503, nil, "nothing was saved"),
                        ], secured: true)
                ),
            ])
        ),
    ]
    static let caseShape = object(
        ["number", "state", "cause", "party", "fine"],
        [
            ("number", string()), ("state", string()), ("cause", string()), ("party", string()), ("region", string()), ("violation", maybe), ("filedOn", maybe),
            ("decisionNumber", maybe), ("decidedOn", maybe), ("servedOn", maybe), ("fine", string()), ("confiscated", string()), ("outcome", maybe), ("nextDue", maybe),
        ])
}
