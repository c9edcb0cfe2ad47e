// A matrix shows the counts of a cell on hover, and the images of one that is clicked on.
"use strict";
for (const box of document.querySelectorAll(".matrix")) {
  const names = JSON.parse(box.dataset.names);
  const groups = [...box.querySelectorAll(".opened section")];
  const { rowLabel, columnLabel } = box.dataset;

  function open(row, column) {
    for (const group of groups) {
      const pictures = [...group.querySelectorAll("figure[data-column]")];
      for (const picture of pictures) {
        picture.hidden = column !== null && picture.dataset.column !== column;
      }
      group.hidden = group.dataset.row !== row || pictures.every((picture) => picture.hidden);
    }
    for (const cell of box.querySelectorAll("[data-cell], th[data-row]")) {
      const chosen = column === null ? cell.dataset.row === row : cell.dataset.cell === `${row},${column}`;
      cell.classList.toggle("chosen", chosen);
    }
  }

  for (const cell of box.querySelectorAll("[data-cell]")) {
    const [row, column] = cell.dataset.cell.split(",");
    cell.dataset.tip = `${cell.dataset.count}\n${rowLabel}: ${names[row]}\n${columnLabel}: ${names[column]}`;
    if (!cell.matches(".opens")) continue;
    cell.addEventListener("click", (event) => {
      event.preventDefault();
      open(row, column);
    });
  }
  for (const head of box.querySelectorAll("th[data-row] a")) {
    head.addEventListener("click", (event) => {
      event.preventDefault();
      open(head.closest("th").dataset.row, null);
    });
  }
  if (groups.length) open(groups[0].dataset.row, null);
}
