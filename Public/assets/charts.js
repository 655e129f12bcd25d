// Draws a table as bars or lines; the table stays for who cannot see the picture.
for (const table of document.querySelectorAll("table[data-chart]")) {
  if (typeof Chart === "undefined") break;
  const heads = [...table.querySelectorAll("thead th")].slice(1).map((th) => th.textContent);
  const rows = [...table.querySelectorAll("tbody tr")].map((tr) => [...tr.children].map((td) => td.textContent));
  const box = document.createElement("div");
  box.className = "chart-box";
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", heads.join(", "));
  box.append(canvas);
  table.before(box);
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = document.documentElement.lang.startsWith("zh") ? "数据表" : "Table";
  table.before(details);
  details.append(summary, table);
  new Chart(canvas, {
    type: table.dataset.chart,
    data: { labels: rows.map((r) => r[0]), datasets: heads.map((label, i) => ({ label, data: rows.map((r) => (r[i + 1] === "" ? null : Number(r[i + 1]))), backgroundColor: ["#24578f", "#c9a45c"][i % 2], borderColor: ["#24578f", "#c9a45c"][i % 2], stepped: true, pointRadius: 2, spanGaps: true })) },
    options: { animation: false, responsive: true, maintainAspectRatio: false, scales: { y: { beginAtZero: table.dataset.chart === "bar", ticks: table.dataset.chart === "bar" ? { precision: 0 } : {} } } },
  });
}
