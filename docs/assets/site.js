// What scrolls can be reached and scrolled by the keyboard (WCAG 2.1.1).
document.addEventListener("DOMContentLoaded", () => {
  for (const each of document.querySelectorAll(".md-typeset pre > code, .md-typeset__scrollwrap")) {
    each.tabIndex = 0;
  }
});
