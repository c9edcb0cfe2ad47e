// Shows values beside the pointer: of the nearest points of a chart's lines, and of whatever has
// a data-tip.
"use strict";
const tip = document.body.appendChild(Object.assign(document.createElement("div"), { id: "tip" }));
tip.setAttribute("role", "status");
tip.hidden = true;

function place(event) {
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const right = event.clientX + 14 + width > innerWidth;
  tip.style.left = `${Math.max(4, right ? event.clientX - width - 14 : event.clientX + 14)}px`;
  tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - height - 4))}px`;
}

function element(tag, text, kind = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className: kind });
}

const nearest = (points, x) =>
  points.reduce((best, point) => (Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best));

for (const chart of document.querySelectorAll("svg[data-x]")) {
  const lines = [...chart.querySelectorAll("g.line")]
    .map((line) => [line, JSON.parse(line.dataset.points)])
    .filter(([, points]) => points.length);
  if (!lines.length) continue;
  const guide = chart.querySelector(".guide");
  const leave = () => {
    tip.hidden = true;
    guide.style.display = "none";
  };
  leave();
  chart.addEventListener("pointermove", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY);
    const { x } = at.matrixTransform(chart.getScreenCTM().inverse());
    const [place0, , text] = nearest(lines.flatMap(([, points]) => points), x);
    guide.setAttribute("x1", place0);
    guide.setAttribute("x2", place0);
    guide.style.display = "";
    const rows = lines
      .map(([line, points]) => [line, nearest(points, place0)])
      .filter(([, point]) => Math.abs(point[0] - place0) < 12)
      .map(([line, point]) => {
        const row = element("div", `${line.dataset.name}  `, line.getAttribute("class"));
        row.append(element("b", point[3]));
        return row;
      });
    tip.replaceChildren(element("div", `${chart.dataset.x} ${text}`, "faint"), ...rows);
    place(event);
  });
  chart.addEventListener("pointerleave", leave);
}

document.addEventListener("pointermove", (event) => {
  const about = event.target.closest?.("[data-tip]");
  if (about) {
    const [first, ...rest] = about.dataset.tip.split("\n");
    tip.replaceChildren(element("b", first), ...rest.map((line) => element("div", line)));
    place(event);
  } else if (!event.target.closest?.("svg[data-x]")) {
    tip.hidden = true;
  }
});
document.addEventListener("scroll", () => (tip.hidden = true), { capture: true, passive: true });
