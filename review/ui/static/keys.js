// j and k go through the samples of a page, n and p through its pages; addresses keep no empty filters.
"use strict";

const WRITTEN = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
const typing = (element) => element.closest(WRITTEN) !== null;

const step = (by) => {
  const all = [...document.querySelectorAll("[data-step]")];
  const at = all.indexOf(document.activeElement.closest("[data-step]"));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  if (next) {
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
};

const turn = (rel) => document.querySelector(`a[rel="${rel}"]`)?.click();

// a, r, l and c choose a decision on the sample of the page, or open the page of the one in focus.
const decide = (action) => {
  const choice = document.querySelector(`#decide [data-action="${action}"]`);
  if (choice) {
    choice.click();
    const field = { relabel: '[name="label"]', correct: '[name^="text:"]' }[action] ?? '[name="reason"]';
    document.querySelector(`#decide ${field}`)?.focus();
    return;
  }
  const sample = document.activeElement?.closest("[data-step]");
  if (sample?.href) location.assign(`${sample.href}#decide`);
};

// r, w and u answer for the candidate of a sheet in focus, or for the first one without an answer;
// r and w go to the next one.
const sheet = () => document.getElementById("sheet");
const counted = () => sheet().querySelectorAll('[type="radio"]:checked:not([value=""])').length;
const answer = (truth) => {
  const all = sheet() === null ? [] : [...sheet().querySelectorAll("[data-answer]")];
  const open = (card) => card.querySelector('[type="radio"]:checked').value === "";
  const card = document.activeElement.closest("[data-answer]") ?? all.find(open);
  if (!card) return;
  card.querySelector(`[type="radio"][value="${truth}"]`).click();
  card.focus();
  if (truth) step(1);
};
document.addEventListener("change", (event) => {
  if (event.target.closest("#sheet")) sheet().querySelector("[data-answered]").textContent = counted();
});

const KEYS = {
  a: () => decide("accept"), r: () => (sheet() ? answer("right") : decide("reject")),
  w: () => answer("wrong"), u: () => answer(""), l: () => decide("relabel"), c: () => decide("correct"),
  j: () => step(1), k: () => step(-1), n: () => turn("next"), p: () => turn("prev"),
};

// Single keys can be switched off (WCAG 2.1.4); the browser remembers it.
const OFF = "stemma-single-keys-off";
const list = () => document.getElementById("keys");
KEYS["?"] = () => list().showModal();
document.addEventListener("DOMContentLoaded", () => {
  const single = document.querySelector("[data-single-keys]");
  single.checked = localStorage.getItem(OFF) === null;
  single.addEventListener("change", () => {
    if (single.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "yes");
  });
  document.querySelector("[data-keys]").addEventListener("click", () => list().showModal());
});

document.addEventListener("keydown", (event) => {
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if (localStorage.getItem(OFF) !== null || list().open) return;
  if (!modified && KEYS[event.key] && !typing(event.target)) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

document.addEventListener("htmx:configRequest", (event) => {
  const given = event.detail.parameters;
  for (const name of Object.keys(given)) {
    if (given[name] === "") delete given[name];
  }
  if (!given.value) delete given.column;
  if (!given.score) for (const name of ["least", "most", "order"]) delete given[name];
});

// A button copies the text that it names, as the page shows it: with marks for what does not print.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button === null) return;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not copied: the browser refuses";
  }
  setTimeout(() => { button.textContent = before; }, 2000);
});

// What runs is not asked for while nobody looks at the page.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id === "running" && document.hidden) event.preventDefault();
});
