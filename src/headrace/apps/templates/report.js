"use strict";
(() => {
  const figure = document.getElementById("timeline");
  const tip = document.getElementById("tip");
  const search = document.getElementById("search");
  const span = Number(figure.dataset.span);
  const wide = 10000;
  const axis = figure.querySelector(".axis");
  const plots = [...figure.querySelectorAll("svg")];
  const pins = [...figure.querySelectorAll(".pin")];
  const shots = [...document.querySelectorAll(".strip figure")].map((el) => ({ el, t: Number(el.dataset.t) }));
  const rows = [...document.querySelectorAll("#text tbody tr")].map((el) => {
    const time = el.querySelector("time");
    const cell = el.cells[2];
    return { el, cell, text: cell.textContent, low: cell.textContent.toLowerCase(),
             from: Number(time.dataset.from), to: Number(time.dataset.to) };
  });
  const counts = new Map([...document.querySelectorAll("[data-count]")].map((el) => [el.dataset.count, [el, el.textContent]]));
  let from = 0;
  let to = span;

  const clock = (t) => {
    const s = Math.max(0, Math.floor(t + 1e-6));
    const pad = (n) => String(n).padStart(2, "0");
    const tail = `${pad(s % 60)}`;
    const minutes = Math.floor(s / 60);
    return minutes >= 60 ? `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${tail}` : `${minutes}:${tail}`;
  };
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const share = (t) => (t - from) / (to - from);

  function say(key, shown, all, words) {
    if (counts.has(key)) {
      const [el, whole] = counts.get(key);
      el.textContent = shown === all ? whole : `${shown.toLocaleString("en")} ${words}`;
    }
  }

  function filter() {
    const whole = from <= 0 && to >= span;
    const wanted = (search ? search.value : "").trim().toLowerCase();
    let kept = 0;
    for (const row of rows) {
      const at = wanted ? row.low.indexOf(wanted) : -1;
      const show = (whole || (row.to >= from && row.from <= to)) && (!wanted || at >= 0);
      row.el.hidden = !show;
      kept += show;
      if (row.cell.childElementCount) row.cell.textContent = row.text;
      if (show && at >= 0 && row.low.length === row.text.length) {
        const mark = document.createElement("mark");
        mark.textContent = row.text.slice(at, at + wanted.length);
        row.cell.replaceChildren(row.text.slice(0, at), mark, row.text.slice(at + wanted.length));
      }
    }
    let pictures = 0;
    for (const shot of shots) {
      shot.el.hidden = !(whole || (shot.t >= from && shot.t <= to));
      pictures += !shot.el.hidden;
    }
    const where = whole ? "" : ` from ${clock(from)} to ${clock(to)}`;
    say("rows", kept, rows.length, `of ${rows.length.toLocaleString("en")} lines${where}`);
    say("shots", pictures, shots.length, `of ${shots.length} pictures${where}`);
  }

  function show(a, b) {
    const least = Math.min(span, 2);
    const width = Math.min(span, Math.max(least, b - a));
    const middle = (a + b) / 2;
    from = Math.min(Math.max(0, middle - width / 2), span - width);
    to = from + width;
    for (const svg of plots) {
      svg.setAttribute("viewBox", `${(from / span) * wide} 0 ${(width / span) * wide} ${svg.dataset.tall}`);
    }
    for (const pin of pins) {
      const at = share(Number(pin.dataset.t));
      pin.style.left = `${100 * at}%`;
      pin.hidden = at < 0 || at > 1;
      pin.classList.toggle("late", at > 0.96);
    }
    const step = steps.find((s) => width / s <= 8) || 86400 * Math.ceil(width / 86400 / 8);
    axis.replaceChildren();
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
      const label = document.createElement("span");
      label.textContent = clock(t);
      label.style.left = `${100 * share(t)}%`;
      axis.append(label);
    }
    filter();
  }

  const cursor = document.createElement("div");
  const brush = document.createElement("div");
  cursor.className = "cursor";
  brush.className = "brush";
  cursor.hidden = brush.hidden = true;
  figure.append(cursor, brush);

  const timeAt = (x) => {
    const box = axis.getBoundingClientRect();
    return from + Math.min(1, Math.max(0, (x - box.left) / box.width)) * (to - from);
  };
  const place = (el, a, b) => {
    const box = axis.getBoundingClientRect();
    const left = box.left - figure.getBoundingClientRect().left - figure.clientLeft;
    el.style.left = `${left + share(a) * box.width}px`;
    if (b !== undefined) el.style.width = `${(share(b) - share(a)) * box.width}px`;
    el.hidden = false;
  };

  function explain(t, x, y) {
    const near = (to - from) / 90;
    let best = null;
    for (const shot of shots) {
      if (!shot.el.hidden && Math.abs(shot.t - t) < (best ? Math.abs(best.t - t) : near)) best = shot;
    }
    const lines = rows.filter((row) => row.from <= t && row.to >= t);
    tip.replaceChildren();
    if (best) {
      const picture = document.createElement("img");
      picture.src = best.el.querySelector("img").src;
      picture.alt = "";
      tip.append(picture);
    }
    const add = (tag, text) => {
      const el = document.createElement(tag);
      el.textContent = text;
      tip.append(el);
    };
    add("b", clock(t) + (best ? ` · event at ${clock(best.t)}` : ""));
    for (const line of lines.slice(0, 5)) add("span", line.text);
    if (lines.length > 5) add("span", `and ${lines.length - 5} more lines`);
    tip.hidden = false;
    const left = x + 18 + tip.offsetWidth < innerWidth ? x + 18 : x - 18 - tip.offsetWidth;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, Math.min(y + 14, innerHeight - tip.offsetHeight - 6))}px`;
  }

  let start = null;
  const within = (event) => {
    const box = axis.getBoundingClientRect();
    return event.clientX >= box.left - 4 && event.clientX <= box.right + 4;
  };
  figure.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.pointerType === "mouse" && within(event) && !event.target.closest("a")) {
      start = timeAt(event.clientX);
      figure.setPointerCapture(event.pointerId);
    }
  });
  figure.addEventListener("pointermove", (event) => {
    const t = timeAt(event.clientX);
    if (start !== null) place(brush, Math.min(start, t), Math.max(start, t));
    if (!within(event)) {
      cursor.hidden = tip.hidden = true;
      return;
    }
    place(cursor, t);
    explain(t, event.clientX, event.clientY);
  });
  figure.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const end = timeAt(event.clientX);
    const moved = Math.abs(share(end) - share(start)) > 0.01;
    const [a, b] = [Math.min(start, end), Math.max(start, end)];
    start = null;
    brush.hidden = true;
    if (moved) show(a, b);
  });
  figure.addEventListener("pointerleave", () => { cursor.hidden = tip.hidden = true; });
  figure.addEventListener("dblclick", () => show(0, span));

  const zoom = (by) => {
    const middle = (from + to) / 2;
    const half = ((to - from) * by) / 2;
    show(middle - half, middle + half);
  };
  const pan = (by) => show(from + by * (to - from), to + by * (to - from));
  figure.addEventListener("keydown", (event) => {
    const keys = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), ArrowLeft: () => pan(-0.25),
                   ArrowRight: () => pan(0.25), Escape: () => show(0, span), Home: () => show(0, span) };
    if (keys[event.key] && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  const tools = document.querySelector(".tools");
  tools.hidden = false;
  document.querySelector("#time .hint").append("; drag to zoom in, double-click to zoom out");
  tools.addEventListener("click", (event) => {
    const way = event.target.dataset.zoom;
    if (way) way === "all" ? show(0, span) : zoom(way === "in" ? 0.5 : 2);
  });

  for (const time of document.querySelectorAll("time[data-from]")) {
    if (!time.closest(".scroll, .strip")) {
      time.tabIndex = 0;
      time.setAttribute("role", "button");
      time.title = "Show on the timeline";
    }
  }
  const go = (event) => {
    const time = event.target.closest && event.target.closest("time[role=button]");
    if (!time || (event.type === "keydown" && event.key !== "Enter")) return;
    const [a, b] = [Number(time.dataset.from), Number(time.dataset.to)];
    const room = Math.max(30, (b - a) / 2);
    show(a - room, b + room);
    figure.scrollIntoView({ block: "center" });
  };
  document.addEventListener("click", go);
  document.addEventListener("keydown", go);

  if (search) {
    search.hidden = false;
    let waiting = 0;
    search.addEventListener("input", () => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(filter);
    });
  }
})();
