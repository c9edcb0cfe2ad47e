// Sorts a table by the column whose head is clicked: first up, then down; rows of a foot stay.
"use strict";
const number = (text) => (text.trim() === "" ? NaN : Number(text.replace(/[,%\s]/g, "")));

function sortBy(table, column, ascending) {
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => [row.cells[column].textContent, row]);
  const numeric = keyed.every(([text]) => !Number.isNaN(number(text)));
  const compare = numeric ? (a, b) => number(a) - number(b) : (a, b) => a.localeCompare(b);
  keyed.sort(([a], [b]) => (ascending ? compare(a, b) : compare(b, a)));
  body.append(...keyed.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sortBy(table, column, ascending);
    });
  });
}
