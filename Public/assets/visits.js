// Visits on a phone without signal: pages are kept by a worker, sheets wait in the phone's own store until they are sent, each under its own mark.
const store = () =>
  new Promise((done, fail) => {
    const asked = indexedDB.open("sinan-visits", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("sheets", { keyPath: "client" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
const within = async (mode, act) => {
  const db = await store();
  return new Promise((done, fail) => {
    const tx = db.transaction("sheets", mode);
    const asked = act(tx.objectStore("sheets"));
    tx.oncomplete = () => done(asked && asked.result);
    tx.onerror = () => fail(tx.error);
  });
};
const mark = () => [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
const keep = (sheet) => within("readwrite", (s) => s.put(sheet));
const drop = (client) => within("readwrite", (s) => s.delete(client));
const waiting = () => within("readonly", (s) => s.getAll());

// Sends one sheet. "sent", "signin" (the session is over), "other" (another account filled it), "refused" (with why), or "offline".
async function send(sheet) {
  let token;
  try {
    const answer = await fetch("/supervision/token", { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok || answer.redirected) return { state: "signin" };
    const session = await answer.json();
    // A phone that several use: a sheet is sent by who filled it.
    if (sheet.account && session.account !== sheet.account) return { state: "other" };
    token = session.token;
  } catch (error) {
    return { state: "offline" };
  }
  const form = new FormData();
  for (const [name, value] of sheet.fields) if (name !== "form_token") form.append(name, value);
  for (const file of sheet.files) form.append("files", file.blob, file.name);
  form.append("form_token", token);
  form.append("wants", "json");
  try {
    const answer = await fetch(sheet.path, { method: "POST", body: form });
    if (answer.status === 401 || answer.redirected || !(answer.headers.get("Content-Type") || "").includes("json")) return { state: "signin" };
    const said = await answer.json();
    return answer.ok ? { state: "sent", said } : { state: "refused", why: said.why, fields: said.fields || [] };
  } catch (error) {
    return { state: "offline" };
  }
}

async function flush() {
  const place = document.getElementById("waiting");
  for (const sheet of await waiting()) {
    const result = await send(sheet);
    if (result.state === "sent") await drop(sheet.client);
    if (place) {
      const line = document.createElement("p");
      line.dataset.result = result.state;
      line.className = result.state === "sent" ? "text-success" : "text-warning-emphasis";
      line.textContent = place.dataset.waiting + sheet.number + " " + (place.dataset[result.state] || [result.why, ...(result.fields || []).map((f) => f.text)].join(" ") || "");
      place.append(line);
    }
    if (result.state === "offline" || result.state === "signin") break;
  }
}
addEventListener("online", flush);
flush();

if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("/supervision/worker.js", { scope: "/supervision/" }).catch(() => {});
  const home = document.querySelector("[data-visits]");
  if (home)
    navigator.serviceWorker.ready.then((worker) => {
      const pages = ["/supervision/mine", ...home.dataset.visits.split(" ").filter(Boolean)];
      const assets = [...document.querySelectorAll("link[rel=stylesheet], link[rel=icon]")].map((l) => l.getAttribute("href")).concat([...document.scripts].map((s) => s.getAttribute("src")).filter(Boolean));
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        const state = home.querySelector("[data-offline-state]");
        if (state) state.textContent = state.dataset.offlineState;
      };
      worker.active.postMessage({ keep: pages.concat(assets), account: home.dataset.account }, [channel.port2]);
    });
}

for (const form of document.querySelectorAll("form[data-sheet]")) {
  const canvas = form.querySelector("[data-signature] canvas");
  let drawn = false;
  if (canvas) {
    const pen = canvas.getContext("2d");
    pen.lineWidth = 3;
    pen.lineCap = "round";
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pen.beginPath();
      pen.moveTo(...at(event));
      drawn = true;
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons === 0) return;
      pen.lineTo(...at(event));
      pen.stroke();
    });
    form.querySelector("[data-clear]").addEventListener("click", () => {
      pen.clearRect(0, 0, canvas.width, canvas.height);
      drawn = false;
    });
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = form.querySelector("[data-said]");
    const data = new FormData(form);
    const files = [];
    const fields = [];
    for (const [name, value] of data.entries()) {
      if (value instanceof File) {
        if (value.size > 0) files.push({ name: value.name, blob: value });
      } else fields.push([name, value]);
    }
    if (drawn) files.push({ name: "signature.png", blob: await new Promise((done) => canvas.toBlob(done, "image/png")) });
    if (canvas && !drawn && data.get("signed") === "yes") {
      said.textContent = form.dataset.unsigned;
      canvas.scrollIntoView({ block: "center" });
      return;
    }
    // The page may have been kept for days and be filled twice: when it was, and its mark, are those of this very sending.
    const client = mark();
    const own = { client, taken: new Date().toISOString().replace(/\.\d+Z$/, "Z") };
    const sheet = { client, account: form.dataset.account, number: form.dataset.sheet, path: form.getAttribute("action"), fields: fields.map(([n, v]) => [n, own[n] || v]), files };
    // Kept first, sent then: whatever happens between, nothing is lost.
    await keep(sheet);
    const result = await send(sheet);
    if (result.state === "sent") {
      await drop(sheet.client);
      said.textContent = form.dataset.done;
      location.href = sheet.path.replace("/sheet", "");
    } else if (result.state === "refused") {
      // It stands in the form still, to be put right and sent again.
      await drop(sheet.client);
      said.className = "mt-2 mb-0 text-danger";
      said.textContent = result.why;
      const list = document.createElement("ul");
      for (const field of result.fields) {
        const line = list.appendChild(document.createElement("li")).appendChild(document.createElement("a"));
        line.textContent = field.text;
        const at = form.querySelector(`[name="${CSS.escape(field.name)}"]`);
        if (at) {
          at.id = at.id || "at-" + field.name;
          line.href = "#" + at.id;
        }
      }
      said.append(list);
    } else said.textContent = form.dataset.kept;
  });
}
