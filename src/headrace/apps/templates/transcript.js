
  // The transcript: search, kinds, and the window of time; pictures follow the window.
  const search = document.getElementById("search");
  const kinds = [...document.querySelectorAll("button[data-kind]")];
  const none = document.querySelector(".none");
  const counts = new Map([...document.querySelectorAll("[data-count]")].map((el) => [el.dataset.count, [el, el.textContent]]));

  function say(key, shown, all, words) {
    if (counts.has(key)) {
      const [el, told] = counts.get(key);
      el.textContent = shown === all ? told : `${shown.toLocaleString("en")} ${words}`;
    }
  }

  function light(row, at, size) {
    if (row.lit) row.cell.replaceChildren(row.lit);
    row.lit = null;
    if (at < 0 || !size || row.low.length !== row.text.length) return;
    row.lit = row.cell.querySelector("em") || document.createTextNode(row.text);
    row.cell.replaceChildren(row.text.slice(0, at), make("mark", row.text.slice(at, at + size)), row.text.slice(at + size));
  }

  function filter() {
    const wanted = (search ? search.value : "").trim().toLowerCase();
    const off = new Set(kinds.filter((el) => el.getAttribute("aria-pressed") === "false").map((el) => el.dataset.kind));
    const all = whole();
    let kept = 0;
    for (const row of rows) {
      const at = wanted ? row.low.indexOf(wanted) : -1;
      const keep = (all || inside(row.from, row.to)) && (!wanted || at >= 0) && !off.has(row.kind);
      if (row.el.hidden === keep) row.el.hidden = !keep;
      kept += keep;
      if (keep || row.lit) light(row, keep ? at : -1, wanted.length);
    }
    let pictures = 0;
    for (const shot of shots) {
      shot.el.hidden = !(all || (shot.from <= view.to && shot.to > view.from));
      pictures += !shot.el.hidden;
    }
    if (none) none.hidden = kept > 0;
    const where = all ? "" : ` from ${clock(view.from)} to ${clock(view.to)}`;
    say("rows", kept, rows.length, `of ${rows.length.toLocaleString("en")} lines${where}`);
    say("shots", pictures, shots.length, `of ${shots.length} pictures${where}`);
  }
  view.followers.push(later(filter));

  // Shows every line again, whatever was searched for.
  function forget() {
    if (search) search.value = "";
    for (const el of kinds) el.setAttribute("aria-pressed", "true");
    filter();
  }

  if (search) {
    search.addEventListener("input", later(filter));
    search.closest(".tools").hidden = false;
  }
  for (const el of kinds) {
    el.addEventListener("click", () => {
      el.setAttribute("aria-pressed", String(el.getAttribute("aria-pressed") === "false"));
      filter();
    });
  }

  // Up and down go from line to line, enter to the timeline.
  const list = document.querySelector("#transcript .scroll");
  if (list) {
    list.addEventListener("keydown", (event) => {
      const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const here = document.activeElement.closest(".lines > li");
      if (event.key === "Enter" && here) visit(here.querySelector("time"));
      if (!way) return;
      event.preventDefault();
      const seen = rows.filter((row) => !row.el.hidden);
      const at = seen.findIndex((row) => row.el === here);
      const next = seen[at < 0 ? 0 : Math.min(Math.max(at + way, 0), seen.length - 1)];
      if (next) {
        next.el.tabIndex = -1;
        next.el.focus();
      }
    });
  }
