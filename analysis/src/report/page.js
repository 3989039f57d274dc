(() => {
  "use strict";
  const NS = "http://www.w3.org/2000/svg";
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("aria-live", "polite");
  document.body.append(tip);
  const plots = [];

  // The titles of the columns are the values; the browser's own tooltips would show them twice.
  for (const area of document.querySelectorAll("svg.area")) {
    const box = area.querySelector(".hits");
    if (!box || !box.children.length) continue;
    const hits = [...box.children].map((path) => {
      const [, from, wide] = /^M([\d.]+) 0h([\d.]+)/.exec(path.getAttribute("d")) || [0, 0, 0];
      const text = path.textContent;
      path.remove();
      return { from: +from, to: +from + +wide, text };
    });
    const cross = document.createElementNS(NS, "path");
    cross.setAttribute("class", "cross");
    box.append(cross);
    const height = box.parentNode.viewBox.baseVal.height;
    const plot = { area, hits, cross, height, at: -1, time: area.hasAttribute("data-time") };
    plots.push(plot);
    area.addEventListener("pointermove", (event) => point(plot, event));
    area.addEventListener("pointerdown", (event) => point(plot, event));
    area.addEventListener("pointerleave", hide);
    area.addEventListener("blur", hide);
    area.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      const next = Math.max(0, Math.min(hits.length - 1, plot.at + step));
      const rect = area.getBoundingClientRect();
      const x = (hits[next].from + hits[next].to) / 2000;
      show(plot, next, rect.left + x * rect.width, rect.top + 30);
    });
  }

  function find(plot, x) {
    let low = 0;
    let high = plot.hits.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (plot.hits[middle].to > x) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  function point(plot, event) {
    const rect = plot.area.getBoundingClientRect();
    const x = ((event.clientX - rect.left) / rect.width) * 1000;
    show(plot, find(plot, x), event.clientX, event.clientY);
  }

  function show(plot, at, left, top) {
    plot.at = at;
    const hit = plot.hits[at];
    const x = (hit.from + hit.to) / 2;
    // The same moment in all plots over time.
    for (const other of plots) {
      const on = other === plot || (plot.time && other.time);
      if (on) other.cross.setAttribute("d", `M${x} 0v${other.height}`);
      other.cross.style.visibility = on ? "visible" : "hidden";
    }
    tip.textContent = hit.text;
    const size = tip.getBoundingClientRect();
    const right = left + 16 + size.width > innerWidth - 8;
    tip.style.left = Math.max(8, right ? left - 16 - size.width : left + 16) + "px";
    tip.style.top = Math.max(8, Math.min(innerHeight - size.height - 8, top - size.height / 2)) + "px";
    tip.style.visibility = "visible";
  }

  function hide() {
    tip.style.visibility = "hidden";
    for (const plot of plots) {
      plot.cross.style.visibility = "hidden";
      plot.at = -1;
    }
  }

  addEventListener("scroll", hide, { passive: true });

  if (navigator.clipboard) {
    for (const box of document.querySelectorAll(".copy")) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(box.querySelector("pre").textContent);
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy"), 1500);
      });
      box.append(button);
    }
  }
})();
