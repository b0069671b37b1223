// What a word means is shown while the pointer or the focus is on it; Escape hides it (WCAG 1.4.13).
"use strict";

const show = (event) => {
  const term = event.target.closest?.(".term");
  if (!term || term.classList.contains("dismissed")) return;
  term.classList.remove("end");
  const meaning = term.querySelector("[role=tooltip]").getBoundingClientRect();
  term.classList.toggle("end", meaning.right > document.documentElement.clientWidth);
};

const leave = (event) => {
  const term = event.target.closest?.(".term");
  if (term && !term.contains(event.relatedTarget)) term.classList.remove("dismissed", "end");
};

document.addEventListener("mouseover", show);
document.addEventListener("focusin", show);
document.addEventListener("mouseout", leave);
document.addEventListener("focusout", leave);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelectorAll(".term:hover, .term:focus-within").forEach((term) => term.classList.add("dismissed"));
});
