
  // The timeline: lanes follow the window; drag, wheel, fingers and keys move it.
  const wide = 10000;
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const axes = [...lanes.querySelectorAll(".axis")];
  const plots = [...lanes.querySelectorAll("svg")];
  const pins = [...lanes.querySelectorAll(".pin")];
  const voids = [...lanes.querySelectorAll(".void")];
  const over = lanes.querySelector(".over");
  const grip = over.firstElementChild;
  const groups = [...lanes.querySelectorAll(".group")].map((el) => ({
    el, s: Number(el.dataset.s), film: el.querySelector(".film"), words: el.querySelector(".words"),
  }));

  function draw() {
    const width = view.to - view.from;
    for (const svg of plots) {
      svg.setAttribute("viewBox", `${(view.from / span) * wide} 0 ${(width / span) * wide} ${svg.dataset.tall}`);
    }
    for (const pin of pins) {
      const at = share(Number(pin.dataset.t));
      pin.style.left = `${100 * at}%`;
      pin.hidden = at < -1e-6 || at > 1 + 1e-6;
      pin.classList.toggle("late", at > 0.96);
    }
    for (const el of voids) {
      const [a, b] = [share(Number(el.dataset.from)), share(Number(el.dataset.to))];
      el.style.left = `${100 * a}%`;
      el.style.width = `${100 * (b - a)}%`;
    }
    const step = steps.find((s) => width / s <= 8) || 86400 * Math.ceil(width / 86400 / 8);
    for (const axis of axes) {
      const labels = [];
      for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
        const label = make("span", clock(t));
        label.style.left = `${100 * share(t)}%`;
        labels.push(label);
      }
      axis.replaceChildren(...labels);
    }
    over.hidden = whole();
    grip.style.left = `${(100 * view.from) / span}%`;
    grip.style.width = `${(100 * width) / span}%`;
    const room = axes[0].clientWidth;
    for (const group of groups) {
      if (group.film) film(group, room);
      if (group.words) words(group, room);
    }
  }
  view.followers.push(draw);

  // Pictures along the events, as many as fit, the longest scenes first.
  const size = 84;
  function film(group, room) {
    const own = shots.filter((shot) => shot.s === group.s);
    const scenes = own.map((shot) => ({ shot, stay: Math.min(shot.to, view.to) - Math.max(shot.from, view.from) }))
      .filter(({ shot, stay }) => stay > 0 && shot.from <= view.to);
    const taken = [];
    for (const { shot } of scenes.sort((a, b) => b.stay - a.stay)) {
      const left = Math.min(Math.max(share(shot.from) * room, 0), room - size);
      if (taken.every((other) => Math.abs(other.left - left) >= size + 4)) taken.push({ shot, left });
    }
    group.film.replaceChildren(...taken.sort((a, b) => a.left - b.left).map(({ shot, left }) => {
      const link = make("a");
      const picture = make("img");
      link.href = `#${shot.el.id}`;
      link.tabIndex = -1;
      link.style.left = `${left}px`;
      link.style.setProperty("--stem", `${Math.min(share(shot.from) * room - left, size - 1)}px`);
      link.title = clock(shot.from);
      picture.src = shot.el.querySelector("img").src;
      picture.alt = "";
      link.append(picture);
      return link;
    }));
    const plot = group.film.parentElement;
    const tall = own.length ? 78 : 26;
    group.film.classList.toggle("full", own.length > 0);
    plot.style.height = `${tall}px`;
    const svg = plot.querySelector("svg");
    svg.style.marginTop = `${tall - 26}px`;
    svg.style.height = "26px";
  }

  // What was said, over the bars that are long enough to hold it.
  function words(group, room) {
    const spans = [];
    for (const row of rows) {
      if (row.kind !== "speech" || row.s !== group.s || !inside(row.from, row.to) || row.cell.querySelector("em")) continue;
      const left = Math.max(0, share(row.from) * room);
      const width = Math.min(room, share(row.to) * room) - left;
      if (width < 64) continue;
      const told = make("span", row.text);
      told.style.left = `${left}px`;
      told.style.width = `${width}px`;
      spans.push(told);
      if (spans.length >= 40) break;
    }
    group.words.replaceChildren(...spans);
  }

  const cursor = make("div", "", "cursor");
  const brush = make("div", "", "brush");
  cursor.hidden = brush.hidden = true;
  lanes.append(cursor, brush);

  const timeAt = (x) => {
    const box = axes[0].getBoundingClientRect();
    return view.from + Math.min(1, Math.max(0, (x - box.left) / box.width)) * (view.to - view.from);
  };
  const place = (el, a, b) => {
    const box = axes[0].getBoundingClientRect();
    const left = box.left - lanes.getBoundingClientRect().left - lanes.clientLeft;
    el.style.left = `${left + share(a) * box.width}px`;
    if (b !== undefined) el.style.width = `${(share(b) - share(a)) * box.width}px`;
    el.hidden = false;
  };
  const within = (event) => {
    const box = axes[0].getBoundingClientRect();
    return event.clientX >= box.left - 4 && event.clientX <= box.right + 4;
  };

  // A mouse draws a brush, with shift it pans; one finger pans, two zoom.
  const fingers = new Map();
  let start = null;
  lanes.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !within(event) || event.target.closest(".over")) return;
    fingers.set(event.pointerId, event.clientX);
    const pans = event.pointerType === "touch" || event.shiftKey;
    start = { x: event.clientX, t: timeAt(event.clientX), from: view.from, pans, moved: false };
  });
  const spread = () => {
    const [a, b] = [...fingers.values()].sort((left, right) => left - right);
    return { middle: (a + b) / 2, apart: Math.max(b - a, 20) };
  };
  lanes.addEventListener("pointermove", (event) => {
    const t = timeAt(event.clientX);
    if (start && fingers.has(event.pointerId)) {
      const before = fingers.size === 2 ? spread() : null;
      fingers.set(event.pointerId, event.clientX);
      if (Math.abs(event.clientX - start.x) > 5) {
        if (!start.moved && lanes.setPointerCapture) lanes.setPointerCapture(event.pointerId);
        start.moved = true;
      }
      if (before) {
        zoom(before.apart / spread().apart, timeAt(before.middle));
      } else if (start.moved && start.pans) {
        const by = ((start.x - event.clientX) / axes[0].clientWidth) * (view.to - view.from);
        const width = view.to - view.from;
        show(start.from + by, start.from + by + width);
      } else if (start.moved) {
        place(brush, Math.min(start.t, t), Math.max(start.t, t));
      }
    }
    hover(event, t);
  });
  const lift = (event) => {
    fingers.delete(event.pointerId);
    if (!start) return;
    const { t, moved, pans } = start;
    if (!fingers.size) start = null;
    brush.hidden = true;
    if (event.type !== "pointerup") return;
    const end = timeAt(event.clientX);
    if (moved && !pans) show(Math.min(t, end), Math.max(t, end));
    if (!moved && !event.target.closest("a")) pick(event);
  };
  lanes.addEventListener("pointerup", lift);
  lanes.addEventListener("pointercancel", lift);
  lanes.addEventListener("dblclick", () => show(0, span));
  lanes.addEventListener("wheel", (event) => {
    if (!within(event)) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 120), timeAt(event.clientX));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) && !whole()) {
      event.preventDefault();
      pan(event.deltaX / axes[0].clientWidth);
    }
  }, { passive: false });

  // The bar above the lanes: where in the recording the window is.
  const slide = (event) => {
    if (!(event.buttons & 1)) return;
    const box = over.getBoundingClientRect();
    const t = ((event.clientX - box.left) / box.width) * span;
    const half = (view.to - view.from) / 2;
    show(t - half, t + half);
  };
  over.addEventListener("pointerdown", (event) => { over.setPointerCapture(event.pointerId); slide(event); });
  over.addEventListener("pointermove", slide);

  lanes.addEventListener("keydown", (event) => {
    const keys = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), ArrowLeft: () => pan(-0.25),
                   ArrowRight: () => pan(0.25), Escape: () => show(0, span), 0: () => show(0, span), Home: () => pan(-1e9), End: () => pan(1e9) };
    if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  const tools = document.querySelector("#timeline .tools");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const way = event.target.dataset.zoom;
    if (way) way === "all" ? show(0, span) : zoom(way === "in" ? 0.5 : 2);
  });
  const coarse = matchMedia("(pointer: coarse)").matches;
  const ways = coarse ? "; pinch to zoom, tap to jump" : "; drag to zoom, click to jump, double-click for all";
  document.querySelector("#timeline .hint").append(ways);
  addEventListener("resize", later(draw));
