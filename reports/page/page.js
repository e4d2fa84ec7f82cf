"use strict";
const grpcbench = (() => {
  const all = (root, q) => [...root.querySelectorAll(q)];
  const make = (name, attributes) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    return e;
  };

  // Scales, as package plot has them.
  const LINEAR = 0, LOG = 1, NINES = 2;
  const axis = text => {
    const [scale, min, max, unit] = text.split(",");
    return {scale: +scale, min: +min, max: +max, unit};
  };
  const valueAt = (a, f) => a.scale === LOG ? a.min * Math.pow(a.max / a.min, f) : a.min + f * (a.max - a.min);
  const number = v => {
    const size = Math.abs(v);
    return v.toLocaleString("en-US", {maximumFractionDigits: size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3});
  };
  const percentile = nines => (100 * (1 - Math.pow(10, -nines))).toFixed(Math.max(1, Math.ceil(nines))).replace(/\.?0+$/, "");
  const named = (a, v) => a.scale === NINES ? "p" + percentile(v) : number(v) + " " + a.unit;
  const niceStep = v => {
    const base = Math.pow(10, Math.floor(Math.log10(v)));
    return [1, 2, 5, 10].map(m => m * base).find(s => s >= v * (1 - 1e-9));
  };
  const ticks = (a, from, to) => {
    const low = valueAt(a, from), high = valueAt(a, to), out = [];
    if (a.scale === NINES && high - low > .7) {
      for (const [v, label] of [[0, "0"], [Math.log10(2), "50"], [1, "90"], [2, "99"], [3, "99.9"], [4, "99.99"], [5, "99.999"], [6, "99.9999"]])
        if (v >= low && v <= high) out.push([v, label + " %"]);
      return out;
    }
    const step = niceStep((high - low) / 6);
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
      out.push([i * step, a.scale === NINES ? percentile(i * step) + " %" : number(i * step)]);
    return out;
  };

  // A path's points, in the 10,000ths that package plot writes.
  const points = d => {
    const out = [];
    let x = 0, y = 0;
    for (const [, letter, args] of d.matchAll(/([MlLHV])([-\d ]+)/g)) {
      const n = args.trim().split(/ +/).map(Number);
      if (letter === "H") x = n[0];
      else if (letter === "V") y = n[0];
      else if (letter === "l") { x += n[0]; y += n[1]; } else [x, y] = n;
      out.push([x, y, letter === "M"]);
    }
    return out;
  };
  const readAt = (list, x) => {
    for (let i = 1; i < list.length; i++) {
      const [x0, y0] = list[i - 1], [x1, y1, gap] = list[i];
      if (gap || x < x0 || x > x1) continue;
      return x1 === x0 ? y1 : y0 + (y1 - y0) * (x - x0) / (x1 - x0);
    }
    return null;
  };

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);

  // How far sections are zoomed, by id and kind of axis, and how to draw their
  // plots' helpers anew: a live page puts new plots into them.
  const zooms = {}, redraws = new WeakMap();

  // Makes what is below root answer to the pointer.
  const enliven = root => {
    // Tables: a heading sorts; a second click turns the order around.
    for (const table of all(root, "table.sortable")) {
      const heads = all(table, "thead th"), body = table.tBodies[0];
      heads.forEach((head, column) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = head.textContent;
        button.title = "sort by this column";
        head.replaceChildren(button);
        button.addEventListener("click", () => {
          const down = head.getAttribute("aria-sort") === "ascending";
          heads.forEach(h => h.removeAttribute("aria-sort"));
          head.setAttribute("aria-sort", down ? "descending" : "ascending");
          const key = row => row.cells[column].dataset.v;
          const rows = [...body.rows].sort((a, b) => {
            const x = key(a), y = key(b);
            if (x === "" || y === "") return (x === "") - (y === "");
            const order = isNaN(+x) && x !== "Infinity" || isNaN(+y) && y !== "Infinity" ? x.localeCompare(y) : +x === +y ? 0 : +x - +y;
            return down ? -order : order;
          });
          body.append(...rows);
        });
      });
    }

    for (const section of [...(root.matches?.("section") ? [root] : []), ...all(root, "section")]) {
      const tools = section.querySelector(".tools");
      const boxes = all(section, ".legend input");
      if (!tools) continue;
      const views = [], zoomed = zooms[section.id] ||= {};

      const zoom = (kind, from, to) => {
        zoomed[kind] = [from, to];
        for (const v of views) {
          if (v.x.scale !== kind) continue;
          [v.from, v.to] = [from, to];
          v.data.setAttribute("viewBox", [from * 1e4, 0, (to - from) * 1e4, 1e4].join(" "));
          const group = v.svg.querySelector(".xs");
          group.replaceChildren();
          for (const [value, label] of ticks(v.x, from, to)) {
            const at = 100 * ((value - v.x.min) / (v.x.max - v.x.min) - from) / (to - from) + "%";
            group.append(make("line", {x1: at, x2: at, y2: "100%"}));
            const text = make("text", {x: at, y: "100%", dy: 18});
            text.textContent = label;
            group.append(text);
          }
        }
      };
      tools.addEventListener("click", e => {
        const what = e.target.dataset.do;
        if (what === "reset") { zoom(LINEAR, 0, 1); zoom(NINES, 0, 1); }
        if (what === "all" || what === "none") for (const box of boxes) box.checked = what === "all";
      });
      if (boxes.length < 2) for (const b of all(tools, "[data-do=all],[data-do=none]")) b.hidden = true;

      const plot = svg => {
        const v = {svg, x: axis(svg.dataset.x), y: axis(svg.dataset.y), data: svg.querySelector("svg.data"), from: 0, to: 1};
        views.push(v);
        for (const t of all(v.data, "title")) t.parentNode.dataset.label = t.textContent, t.remove();
        const lines = all(v.data, "path.l").map(path => ({path, label: path.dataset.label, points: points(path.getAttribute("d"))}));
        const style = getComputedStyle(svg);
        const place = e => {
          const box = svg.getBoundingClientRect();
          const left = parseFloat(style.paddingLeft), width = box.width - left - parseFloat(style.paddingRight);
          return Math.min(1, Math.max(0, (e.clientX - box.left - left) / width));
        };
        const selection = make("rect", {class: "sel", y: 0, height: "100%", visibility: "hidden"});
        const cross = make("line", {class: "cross", y2: "100%", visibility: "hidden"});
        svg.append(selection, cross);
        let start = null;
        const leave = () => { tip.hidden = true; cross.setAttribute("visibility", "hidden"); };
        const stop = () => { start = null; selection.setAttribute("visibility", "hidden"); };
        const show = e => {
          const at = place(e), x = v.from + at * (v.to - v.from);
          cross.setAttribute("visibility", "visible");
          for (const k of ["x1", "x2"]) cross.setAttribute(k, 100 * at + "%");
          const head = document.createElement("b");
          head.textContent = named(v.x, valueAt(v.x, x));
          tip.replaceChildren(head);
          const rows = [];
          for (const line of lines) {
            if (getComputedStyle(line.path).display === "none") continue;
            const y = readAt(line.points, x * 1e4), last = line.points[line.points.length - 1];
            if (y === null && !(last && last[1] === 0 && x * 1e4 > last[0])) continue;
            rows.push([y === null ? -1 : y, line]);
          }
          rows.sort((a, b) => a[0] - b[0]);
          for (const [y, line] of rows.slice(0, 12)) {
            const row = document.createElement("div"), mark = document.createElement("i"), name = document.createElement("span"), value = document.createElement("b");
            mark.className = "swatch " + line.path.getAttribute("class").split(" ").filter(c => /^[sd]\d$/.test(c)).join(" ");
            name.textContent = line.label;
            value.textContent = y < 0 ? "failed" : named(v.y, valueAt(v.y, 1 - y / 1e4));
            row.append(mark, name, value);
            tip.append(row);
          }
          tip.hidden = false;
          const box = tip.getBoundingClientRect(), right = e.clientX + 18 + box.width > innerWidth;
          tip.style.left = Math.max(4, right ? e.clientX - 18 - box.width : e.clientX + 18) + "px";
          tip.style.top = Math.min(innerHeight - box.height - 4, Math.max(4, e.clientY - box.height / 2)) + "px";
        };
        svg.addEventListener("pointerdown", e => {
          if (e.button !== 0 || e.pointerType === "touch") return;
          start = place(e);
          svg.setPointerCapture(e.pointerId);
          e.preventDefault();
        });
        svg.addEventListener("pointermove", e => {
          show(e);
          if (start === null) return;
          const now = place(e);
          selection.setAttribute("x", 100 * Math.min(start, now) + "%");
          selection.setAttribute("width", 100 * Math.abs(now - start) + "%");
          selection.setAttribute("visibility", "visible");
        });
        svg.addEventListener("pointerup", e => {
          if (start === null) return;
          const a = Math.min(start, place(e)), b = Math.max(start, place(e)), span = v.to - v.from;
          stop();
          if (b - a > .015) zoom(v.x.scale, v.from + a * span, v.from + b * span);
        });
        svg.addEventListener("pointercancel", stop);
        svg.addEventListener("pointerleave", leave);
        svg.addEventListener("dblclick", () => zoom(v.x.scale, 0, 1));
      };
      const draw = () => {
        const plots = all(section, "svg.plot[data-x]");
        tools.hidden = !plots.length;
        views.length = 0;
        plots.forEach(plot);
        for (const kind in zoomed) zoom(+kind, ...zoomed[kind]);
      };
      redraws.set(section, draw);
      draw();
    }
  };
  return {enliven, redraw: section => redraws.get(section)?.()};
})();
grpcbench.enliven(document);
