// Small help where scripts run; everything works without.
for (const link of document.querySelectorAll("#errors a[href*='#']")) {
  const field = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  const label = field && (field.labels?.[0] || field.closest("fieldset")?.querySelector("legend"));
  const name = label?.firstChild?.textContent?.trim();
  if (name && !link.textContent.includes(name)) link.textContent = name + "：" + link.textContent;
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest("form[data-submit-on='ctrl-enter']");
    if (form) form.requestSubmit();
  }
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-confirm]");
  if (button && !confirm(button.dataset.confirm)) event.preventDefault();
  if (event.target.closest("button[data-print]")) print();
});
for (const all of document.querySelectorAll("input[data-pick-all]")) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of all.closest("table").querySelectorAll("tbody td.pick input")) box.checked = all.checked;
  });
}
const errors = document.getElementById("errors");
if (errors) errors.focus();
for (const input of document.querySelectorAll("input[data-lookup]")) {
  const list = document.getElementById(input.getAttribute("list"));
  let timer;
  let known = [];
  input.addEventListener("input", () => {
    const chosen = known.find((o) => o.name === input.value);
    if (chosen) {
      const form = input.form;
      form.elements.respondentUSCC.value = chosen.uscc;
      form.elements.respondentAddress.value = chosen.address;
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (input.value.trim().length < 2) return;
      const answer = await fetch(input.dataset.lookup + "?q=" + encodeURIComponent(input.value));
      if (!answer.ok) return;
      known = await answer.json();
      list.replaceChildren(...known.map((o) => { const option = document.createElement("option"); option.value = o.name; option.label = o.address; return option; }));
    }, 180);
  });
}
// One key decides on a lead: a form that says which key it is, when nobody is typing.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select")) return;
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!button) return;
  event.preventDefault();
  const details = button.closest("details");
  if (details) details.open = true;
  // A checklist is gone through one by one: each press ticks the next, the last one decides.
  const next = button.form.querySelector("input[data-with-key]:not(:checked)");
  if (!next) return button.click();
  next.checked = true;
  next.focus();
});
// What is drawn on a picture becomes a line of the form: left top width height, in its pixels.
for (const svg of document.querySelectorAll(".picture-boxes svg")) {
  const lines = document.querySelector("textarea[name=boxes]");
  if (!lines) break;
  const place = (event) => { const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()); return [Math.max(0, p.x), Math.max(0, p.y)]; };
  let from = null, rect = null;
  // A finger scrolls; a mouse or a pen draws.
  svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") return;
    from = place(event);
    rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    rect.setAttribute("class", "drawn");
    svg.append(rect);
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = place(event);
    const box = [Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])].map(Math.round);
    ["x", "y", "width", "height"].forEach((name, i) => rect.setAttribute(name, box[i]));
    rect.dataset.box = box.join(" ");
  });
  svg.addEventListener("pointerup", () => {
    if (rect && rect.getAttribute("width") > 3 && rect.getAttribute("height") > 3) lines.value += (lines.value && !lines.value.endsWith("\n") ? "\n" : "") + rect.dataset.box;
    else if (rect) rect.remove();
    from = rect = null;
  });
}
// What a phone keeps for visits without signal goes when somebody signs out; sheets that wait to be sent stay.
const out = document.querySelector("form[action='/signout']");
if (out && "caches" in window) out.addEventListener("submit", () => caches.delete("sinan-visits-1"));
