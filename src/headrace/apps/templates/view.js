  // The window of media time that is looked at, and what follows it.
  const lanes = document.getElementById("lanes");
  const span = Number(lanes.dataset.span);
  const view = { from: 0, to: span, followers: [] };
  const whole = () => view.from <= 0 && view.to >= span;
  const share = (t) => (t - view.from) / (view.to - view.from);
  const inside = (a, b) => b >= view.from && a <= view.to;

  function show(a, b) {
    const width = Math.min(span, Math.max(Math.min(span, 2), b - a));
    view.from = Math.min(Math.max(0, (a + b - width) / 2), span - width);
    view.to = view.from + width;
    for (const follow of view.followers) follow();
  }
  const zoom = (by, at = (view.from + view.to) / 2) => show(at - (at - view.from) * by, at + (view.to - at) * by);
  const pan = (by) => show(view.from + by * (view.to - view.from), view.to + by * (view.to - view.from));

  const clock = (t) => {
    const s = Math.max(0, Math.floor(t + 1e-6));
    const pad = (n) => String(n).padStart(2, "0");
    const minutes = Math.floor(s / 60);
    return minutes >= 60 ? `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(s % 60)}` : `${minutes}:${pad(s % 60)}`;
  };
  const make = (tag, text = "", kind = "") => {
    const el = document.createElement(tag);
    el.textContent = text;
    if (kind) el.className = kind;
    return el;
  };
  const later = (act) => {
    let waiting = 0;
    return () => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(act);
    };
  };

  // What is on the page, with its times: lines of the transcript, and pictures.
  const timed = (el) => {
    const time = el.querySelector("time");
    return { el, s: Number(el.dataset.s), from: Number(time.dataset.from), to: Number(time.dataset.to) };
  };
  const rows = [...document.querySelectorAll(".lines > li")].map((el) => {
    const cell = el.querySelector("p");
    const kind = el.classList[0];
    return { ...timed(el), cell, kind, y: Number(el.dataset.y), text: cell.textContent, low: cell.textContent.toLowerCase() };
  });
  const shots = [...document.querySelectorAll(".strip figure")].map(timed).sort((a, b) => a.from - b.from);
  shots.forEach((shot, i) => {
    const next = shots.slice(i + 1).find((other) => other.s === shot.s);
    shot.to = next ? next.from : span;
  });

  // Scrolls to an element and marks it.
  function reveal(item) {
    for (const el of document.querySelectorAll(".found")) el.classList.remove("found");
    if (item.el.hidden) {
      forget();
      if (item.el.hidden) show(0, span);
    }
    item.el.classList.add("found");
    if (!item.el.hasAttribute("tabindex")) item.el.tabIndex = -1;
    item.el.focus({ preventScroll: true });
    item.el.scrollIntoView({ block: "center" });
  }
