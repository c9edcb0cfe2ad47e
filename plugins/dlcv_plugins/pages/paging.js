// Shows long lists in pages: those with the class paged, so many entries as data-size says.
"use strict";
for (const list of document.querySelectorAll(".paged")) {
  const [entries, size] = [[...list.children], Number(list.dataset.size)];
  if (entries.length <= size) continue;
  const pager = Object.assign(document.createElement("p"), { className: "pager" });
  const [back, range, on] = ["button", "span", "button"].map((tag) => document.createElement(tag));
  back.textContent = "Previous";
  on.textContent = "Next";
  let first = 0;
  const turn = (to) => {
    first = to;
    entries.forEach((entry, n) => (entry.hidden = n < first || n >= first + size));
    const last = Math.min(first + size, entries.length);
    range.textContent = `${(first + 1).toLocaleString("en")} to ${last.toLocaleString("en")} of ${entries.length.toLocaleString("en")}`;
    back.disabled = first === 0;
    on.disabled = last === entries.length;
  };
  back.addEventListener("click", () => turn(first - size));
  on.addEventListener("click", () => turn(first + size));
  pager.append(back, range, on);
  list.after(pager);
  turn(0);
}
