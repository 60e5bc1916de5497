
  // What is under the pointer, told beside it, and where a click on it leads.
  const tip = document.getElementById("tip");
  const level = (path, t) => {
    const at = (t / span) * wide;
    let y = null;
    let x = -1;
    for (const [, mark, a, b] of path.getAttribute("d").matchAll(/([MVH])(-?[\d.]+)(?:,(-?[\d.]+))?/g)) {
      if (mark === "M") [x, y] = [Number(a), null];
      if (mark === "V") y = Number(a);
      if (mark === "H") {
        if (x <= at && at < Number(a)) {
          const tall = Number(path.ownerSVGElement.dataset.tall);
          return (1 - y / tall) * Number(path.dataset.top);
        }
        x = Number(a);
      }
    }
    return null;
  };
  const bytes = (n) => (n < 1048576 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1048576).toFixed(1)} MiB`);
  const percent = (n) => `${(100 * n).toFixed(n < 0.1 ? 1 : 0)} %`;
  const units = {
    change: (v) => `${percent(v)} of the picture changed`, admitted: (v) => `${percent(v)} admitted`,
    level: (v) => `loudness ${(v - 70).toFixed(0)} dBFS`, voice: (v) => `${percent(v)} sure of speech`,
    state: (v) => `state ${bytes(v)}`, backlog: (v) => `${v.toFixed(0)} waiting`,
  };
  const groupAt = (event) => {
    const el = event.target.closest && event.target.closest(".group");
    return groups.find((group) => group.el === el) || groups.find((group) => {
      const box = group.el.getBoundingClientRect();
      return event.clientY >= box.top && event.clientY <= box.bottom;
    });
  };
  const laneAt = (event) => {
    const hit = document.elementsFromPoint(event.clientX, event.clientY).find((el) => el.closest && el.closest(".row[data-lane]"));
    return hit ? hit.closest(".row") : null;
  };

  // The line or picture that is meant by a place in a lane, or null.
  function meant(event, t) {
    const group = groupAt(event);
    const lane = laneAt(event);
    if (!group || !lane) return null;
    const near = (view.to - view.from) / 120;
    const away = (item) => Math.max(item.from - t, t - item.to, 0);
    const best = (items, cost) => {
      let found = null;
      for (const item of items) {
        if (item.s === group.s && away(item) <= near && (!found || cost(item) < cost(found))) found = item;
      }
      return found;
    };
    const kind = { text: "text", speech: "speech", sounds: "sound" }[lane.dataset.lane];
    if (!kind) {
      const before = shots.filter((shot) => shot.s === group.s && shot.from <= t + near);
      return before.length ? before.reduce((a, b) => (a.from > b.from ? a : b)) : null;
    }
    const box = lane.querySelector(".plot").getBoundingClientRect();
    const y = (event.clientY - box.top) / box.height;
    return best(rows.filter((row) => row.kind === kind),
                (row) => away(row) / near + (kind === "text" ? 20 * Math.abs(row.y - y) : 0) + (row.to - row.from) / span / 10);
  }

  function hover(event, t) {
    if (!within(event) || (event.pointerType === "touch" && start && start.moved)) {
      cursor.hidden = tip.hidden = true;
      return;
    }
    place(cursor, t);
    const group = groupAt(event);
    const lane = laneAt(event);
    tip.replaceChildren();
    if (!group) {
      tip.hidden = true;
      return;
    }
    const aim = meant(event, t);
    const before = shots.filter((shot) => shot.s === group.s && shot.from <= t + (view.to - view.from) / 90);
    const scene = before.length ? before.reduce((a, b) => (a.from > b.from ? a : b)) : null;
    if (scene) {
      const picture = make("img");
      picture.src = scene.el.querySelector("img").src;
      picture.alt = "";
      tip.append(picture);
    }
    const name = group.el.querySelector(".source");
    tip.append(make("b", clock(t) + (name ? ` · ${name.firstChild.textContent.trim()}` : "")));
    const held = [...group.el.querySelectorAll(".void")].find((el) => t >= Number(el.dataset.from) && t <= Number(el.dataset.to));
    if (held) tip.append(make("span", held.title, "here"));
    if (aim && aim.text) tip.append(make(aim.kind === "speech" ? "q" : "span", aim.text, "here"));
    const here = rows.filter((row) => row !== aim && row.s === group.s && row.from <= t && row.to >= t);
    const said = here.find((row) => row.kind === "speech");
    if (said) tip.append(make("q", said.text));
    const lines = here.filter((row) => row.kind !== "speech");
    for (const row of lines.slice(0, 4)) tip.append(make("span", row.text));
    if (lines.length > 4) tip.append(make("span", `and ${lines.length - 4} more`));
    for (const path of lane ? lane.querySelectorAll("path.area") : []) {
      const value = level(path, t);
      if (value !== null) tip.append(make("span", units[path.classList[1]](value)));
    }
    tip.hidden = false;
    const [x, y] = [event.clientX, event.clientY];
    const left = x + 18 + tip.offsetWidth < innerWidth ? x + 18 : x - 18 - tip.offsetWidth;
    tip.style.left = `${Math.max(4, Math.min(left, innerWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${Math.max(4, Math.min(y + 14, innerHeight - tip.offsetHeight - 6))}px`;
  }
  lanes.addEventListener("pointerleave", () => { cursor.hidden = tip.hidden = true; });
  addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

  function pick(event) {
    if (!within(event)) return;
    const aim = meant(event, timeAt(event.clientX));
    if (aim) {
      tip.hidden = true;
      reveal(aim);
    }
  }
