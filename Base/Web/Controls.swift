import Kernel

/// The parts that forms and pages are made of (页面组件), complete with label, hint, error and keyboard.
extension HTML {
    /// The fields that were refused, by name, for a form that is shown again.
    package struct Errors: Sendable {
        let byField: [String: Text]
        package init(_ refusal: Refusal? = nil) {
            byField = Dictionary((refusal?.fields ?? []).map { ($0.pointer.split(separator: "/").joined(separator: "."), $0.text) }) { a, _ in a }
        }
        package subscript(_ field: String) -> Text? { byField[field] }
        package var isEmpty: Bool { byField.isEmpty }
    }

    /// The id of a field, or of its hint or error: unique on a page with several forms by the form's own name.
    package func id(_ kind: String, _ name: String) -> String { part.isEmpty ? "\(kind)-\(name)" : "\(kind)-\(part)-\(name)" }

    /// Writes one of several forms of a page: the ids in it begin with its name.
    /// - Parameter form: what it sent, where it was refused: its fields keep that instead of their own values.
    package func part(_ name: String, keeping form: Form? = nil, _ body: () -> Void) {
        let (outer, before) = (part, kept)
        (part, kept) = (name, form)
        body()
        (part, kept) = (outer, before)
    }

    private func value(of name: String, _ own: String?) -> String? { kept == nil ? own : kept?[name] }

    /// What is wrong, at the head of a form, each linked to its field.
    /// - Parameters:
    ///   - part: the form that was refused, where the page has several.
    ///   - path: the page that has a field, where it is not this one.
    package func errorSummary(_ refusal: Refusal?, part: String = "", path: (_ field: String) -> String = { _ in "" }) {
        guard let refusal else { return }
        self.part(part) { summary(refusal, path) }
    }

    private func summary(_ refusal: Refusal, _ path: (String) -> String) {
        element("div", "alert alert-danger", [.role("alert"), .init("tabindex", "-1"), .id("errors")]) {
            element("h2", "h6 mb-1", text: say(refusal.text))
            if !refusal.fields.isEmpty {
                ul("mb-0") {
                    for field in refusal.fields {
                        let name = field.pointer.split(separator: "/").joined(separator: ".")
                        li { a(path(name) + "#" + id("f", name), nil, field.text) }
                    }
                }
            }
        }
    }

    private func frame(_ name: String, _ label: Text, _ hint: Text?, _ errors: Errors, required: Bool, _ control: (_ described: String?, _ cls: String) -> Void) {
        let error = errors[name]
        div("mb-3") {
            element("label", "form-label", [.for_(id("f", name))]) {
                text(label)
                if !required { span("optional", Text("（选填）", " (optional)")) }
            }
            if let hint { element("div", "form-text", [.id(id("h", name))], text: say(hint)) }
            let described = [hint.map { _ in id("h", name) }, error.map { _ in id("e", name) }].compactMap { $0 }.joined(separator: " ")
            control(described.isEmpty ? nil : described, error == nil ? "" : " is-invalid")
            if let error { element("div", "invalid-feedback", [.id(id("e", name))], text: say(error)) }
        }
    }

    package func field(
        _ name: String, _ label: Text, value: String?, type: String = "text", hint: Text? = nil, errors: Errors = Errors(), required: Bool = true,
        autocomplete: String? = nil, inputmode: String? = nil, attributes: [Attribute] = []
    ) {
        frame(name, label, hint, errors, required: required) { described, cls in
            void(
                "input", "form-control" + cls,
                [
                    .id(id("f", name)), .name(name), .type(type), .value(type == "password" ? nil : self.value(of: name, value)), .describedBy(described),
                    .init("autocomplete", autocomplete),
                    .init("inputmode", inputmode), .init("required", if: required), .init("aria-invalid", errors[name] == nil ? nil : "true"),
                ] + attributes)
        }
    }

    package func area(_ name: String, _ label: Text, value: String?, rows: Int = 5, hint: Text? = nil, errors: Errors = Errors(), required: Bool = true, maxLength: Int = 5000) {
        frame(name, label, hint, errors, required: required) { described, cls in
            element(
                "textarea", "form-control" + cls,
                [.id(id("f", name)), .name(name), .init("rows", String(rows)), .init("maxlength", String(maxLength)), .describedBy(described), .init("required", if: required)],
                text: self.value(of: name, value) ?? "")
        }
    }

    package func select(
        _ name: String, _ label: Text, options: [(String, Text)], value: String?, hint: Text? = nil, errors: Errors = Errors(), required: Bool = true, empty: Text? = nil
    ) {
        frame(name, label, hint, errors, required: required) { described, cls in
            let chosen = self.value(of: name, value)
            element("select", "form-select" + cls, [.id(id("f", name)), .name(name), .describedBy(described), .init("required", if: required)]) {
                if let empty { element("option", nil, [.value("")], text: say(empty)) }
                for (key, title) in options { element("option", nil, [.value(key), .selected(key == chosen)], text: say(title)) }
            }
        }
    }

    package func checkbox(_ name: String, _ label: Text, value: String = "yes", checked: Bool, hint: Text? = nil) {
        div("form-check mb-2") {
            void(
                "input", "form-check-input",
                [.type("checkbox"), .id(id("f", "\(name)-\(value)")), .name(name), .value(value), .checked(kept?.all(name).contains(value) ?? checked)])
            element("label", "form-check-label", [.for_(id("f", "\(name)-\(value)"))]) {
                text(label)
                if let hint { element("span", "form-text d-block", text: say(hint)) }
            }
        }
    }

    package func radios(_ name: String, _ label: Text, options: [(String, Text, Text?)], value: String?, errors: Errors = Errors(), inline: Bool = false) {
        let chosen = self.value(of: name, value)
        element("fieldset", "mb-3", [.id(id("f", name))]) {
            element("legend", "form-label", text: say(label))
            if let error = errors[name] { element("div", "text-danger small mb-1", [.id(id("e", name))], text: say(error)) }
            for (key, title, hint) in options {
                div("form-check" + (inline ? " form-check-inline" : "")) {
                    void("input", "form-check-input", [.type("radio"), .id(id("f", "\(name)-\(key)")), .name(name), .value(key), .checked(key == chosen), .required])
                    element("label", "form-check-label", [.for_(id("f", "\(name)-\(key)"))]) {
                        text(title)
                        if let hint { element("span", "form-text d-block", text: say(hint)) }
                    }
                }
            }
        }
    }

    /// Asks before the button does what cannot be undone, where scripts run.
    package func confirming(_ text: Text) -> Attribute { .init("data-confirm", say(text)) }

    package func hidden(_ name: String, _ value: String) { void("input", nil, [.type("hidden"), .name(name), .value(value)]) }

    package func button(_ label: Text, _ cls: String = "btn btn-primary", name: String? = nil, value: String? = nil, attributes: [Attribute] = []) {
        element("button", cls, [.type("submit"), .init("name", name), .value(value)] + attributes, text: say(label))
    }

    /// A name and what it is, in a list of definitions.
    package func definition(_ name: Text, _ value: String?) {
        definition(name) { value.map(text) ?? span("text-muted", Text("未填写", "Not given")) }
    }
    package func definition(_ name: Text, body: () -> Void) {
        element("div", "def") {
            element("dt", text: say(name))
            element("dd") { body() }
        }
    }
    package func definitions(_ body: () -> Void) { element("dl", "defs", [], body) }

    package func card(_ title: Text, _ cls: String = "", id: String? = nil, body: () -> Void) {
        element("section", "card mb-3 " + cls, [.init("id", id)]) {
            element("h2", "card-header", text: say(title))
            div("card-body") { body() }
        }
    }

    package func badge(_ text: Text, _ tone: String) { span("badge tone-" + tone, text) }

    /// Nothing here: says so, and what to do.
    package func empty(_ title: Text, _ hint: Text) {
        div("empty") {
            p("empty-title", title)
            p("text-muted mb-0", hint)
        }
    }

    /// A figure that opens the list behind it, with how it is counted.
    package func figure(_ title: Text, _ value: String, _ tone: String, _ path: String, _ formula: Text) {
        a(path, "tile tone-\(tone)", [.title(say(formula))]) {
            span("tile-count", value)
            span("tile-title", title)
            span("tile-formula", formula)
        }
    }

    /// `12.5%` of a in b; a dash of nothing.
    package static func percent(_ a: Int, _ b: Int) -> String { b == 0 ? "—" : "\((a * 1000 + b / 2) / b / 10).\((a * 1000 + b / 2) / b % 10)%" }

    /// Previous and next of a list that pages.
    package func pager(previous: String?, next: String?, summary: String) {
        element("nav", "pager", [.label(say(Text("翻页", "Pages")))]) {
            if let previous { a(previous, "btn btn-outline-secondary btn-sm", Text("上一页", "Previous")) }
            span("text-muted small", summary)
            if let next { a(next, "btn btn-outline-secondary btn-sm", Text("下一页", "Next")) }
        }
    }
}
