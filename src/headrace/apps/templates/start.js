
  // Times lead to the timeline, links to a picture or a card mark it.
  for (const time of document.querySelectorAll("time[data-from]")) {
    if (!time.closest(".lines, .strip")) {
      time.tabIndex = 0;
      time.setAttribute("role", "button");
    }
    time.title = "Show on the timeline";
  }
  function visit(time) {
    const [a, b] = [Number(time.dataset.from), Number(time.dataset.to)];
    const exact = time.closest(".chapter .note");
    const room = exact ? 0 : Math.max(Math.min(30, span / 8), (b - a) / 2);
    show(a - room, b + room);
    lanes.scrollIntoView({ block: "start" });
    lanes.focus({ preventScroll: true });
  }
  document.addEventListener("click", (event) => {
    const time = event.target.closest && event.target.closest("time[data-from]");
    if (time) visit(time);
    const link = event.target.closest && event.target.closest("a[href^='#event-']");
    const shot = link && shots.find((item) => `#${item.el.id}` === link.getAttribute("href"));
    if (shot) {
      event.preventDefault();
      reveal(shot);
    }
  });
  document.addEventListener("keydown", (event) => {
    const time = event.target.closest && event.target.closest("time[role=button]");
    if (time && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      visit(time);
    }
  });
  addEventListener("beforeprint", () => { tip.hidden = true; });
  draw();
