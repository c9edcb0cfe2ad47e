// Opens a picture that is clicked on, large; the arrow keys go on to its neighbors.
"use strict";
const dialog = document.createElement("dialog");
dialog.id = "large";
const [image, text] = [document.createElement("img"), document.createElement("p")];
dialog.append(image, text);
document.body.append(dialog);
let shown = null;

const visible = (figure) => figure.querySelector("img") && figure.offsetParent !== null;

function show(figure) {
  shown = figure;
  const small = figure.querySelector("img");
  image.src = small.src;
  image.alt = small.alt;
  image.className = small.className;
  text.replaceChildren(...[...figure.querySelector("figcaption").childNodes].map((n) => n.cloneNode(true)));
  if (!dialog.open) dialog.showModal();
}

function go(step) {
  const figures = [...shown.closest("section").querySelectorAll("figure.picture")].filter(visible);
  const next = figures[figures.indexOf(shown) + step];
  if (next) show(next);
}

for (const figure of document.querySelectorAll("figure.picture")) {
  const small = figure.querySelector("img");
  if (!small) continue;
  small.tabIndex = 0;
  small.setAttribute("role", "button");
  small.addEventListener("click", () => show(figure));
  small.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      show(figure);
    }
  });
}
dialog.addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => shown?.querySelector("img").focus({ preventScroll: true }));
dialog.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) go(step);
});
