(() => {
  const now = document.getElementById("now"), report = document.getElementById("report");
  let run = null, ended = false, pointer = null, pressed = false, waiting = null;
  addEventListener("pointermove", e => pointer = [e.clientX, e.clientY]);
  addEventListener("pointerdown", () => pressed = true, true);
  const release = () => { pressed = false; if (waiting) { const m = waiting; waiting = null; take(m); } };
  addEventListener("pointerup", release);
  addEventListener("pointercancel", release);

  // What the reader chose stays chosen: boxes, and the order of tables.
  const tables = () => [...report.querySelectorAll("section[id] table")].map((t, i) => [t.closest("section").id + "/" + t.tHead.textContent.length + "/" + i, t]);
  const putReport = html => {
    const boxes = [...report.querySelectorAll("input")].map(b => [b.id, b.checked]);
    const sorted = new Map(tables().map(([key, t]) => {
      const at = [...t.tHead.rows[0].cells].findIndex(h => h.hasAttribute("aria-sort"));
      return [key, at < 0 ? null : [at, t.tHead.rows[0].cells[at].getAttribute("aria-sort")]];
    }));
    report.innerHTML = html;
    for (const [id, checked] of boxes) { const b = document.getElementById(id); if (b) b.checked = checked; }
    grpcbench.enliven(report);
    for (const [key, t] of tables()) {
      const order = sorted.get(key), button = order && t.tHead.rows[0].cells[order[0]]?.querySelector("button");
      if (button) { button.click(); if (order[1] === "descending") button.click(); }
    }
  };

  const take = m => {
    if (run !== null && run !== m.run) { location.reload(); return; }
    run = m.run;
    // Nothing moves under a finger that draws a selection.
    if (pressed) { waiting = {...waiting, ...m}; return; }
    now.innerHTML = m.now;
    if (m.report) putReport(m.report);
    for (const id in m.plots || {}) {
      const place = document.getElementById(id);
      if (!place) continue;
      place.innerHTML = m.plots[id];
      grpcbench.redraw(place.closest("section"));
    }
    if (m.ended) { ended = true; events.close(); }
    const under = pointer && document.elementFromPoint(...pointer), plot = under && under.closest("svg.plot");
    if (plot) plot.dispatchEvent(new PointerEvent("pointermove", {clientX: pointer[0], clientY: pointer[1], bubbles: true}));
  };

  const events = new EventSource("events");
  events.addEventListener("message", e => take(JSON.parse(e.data)));
  events.addEventListener("error", () => {
    const chip = now.querySelector(".chip");
    if (ended || !chip) return;
    chip.className = "chip lost";
    chip.textContent = "not connected";
  });
})();
