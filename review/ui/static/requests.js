// Says of a part of the page that htmx requests what is true of it: busy while the answer is
// awaited, and, where none comes, that it failed, with a button that requests it again.
"use strict";

const SLOW = "No answer came within a minute; the lake may be busy or gone.";
const GONE = "The page does not answer; the terminal that runs `stemma ui` says whether it still runs.";

// The sentence of an error page, as the server writes it for people.
const sentenceOf = (xhr) => {
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  return page.querySelector("main p")?.textContent || `The page answered with status ${xhr.status}.`;
};

const clear = (target) => {
  target.classList.remove("failed");
  target.querySelectorAll(":scope > .failure").forEach((notice) => notice.remove());
};

// What requests itself again and again says a failure once, and says it until an answer comes.
const repeats = (element) => element.getAttribute("hx-trigger")?.startsWith("every") ?? false;

const fail = (detail, sentence) => {
  const { target, elt, pathInfo } = detail;
  const before = target.querySelector(":scope > .failure p")?.textContent;
  if (repeats(elt) && before === sentence) return;
  const notice = document.querySelector("#failure").content.firstElementChild.cloneNode(true);
  notice.querySelector("p").textContent = sentence;
  notice.querySelector("button").addEventListener("click", () => {
    target.focus();
    clear(target);
    htmx.ajax("GET", pathInfo.requestPath, { source: elt });
  });
  clear(target);
  target.classList.add("failed");
  target.prepend(notice);
};

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!repeats(event.detail.elt)) clear(event.detail.target);
  event.detail.target.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:afterRequest", (event) => {
  event.detail.target.removeAttribute("aria-busy");
  if (event.detail.successful) clear(event.detail.target);
});
document.addEventListener("htmx:responseError", ({ detail }) => fail(detail, sentenceOf(detail.xhr)));
document.addEventListener("htmx:sendError", ({ detail }) => fail(detail, GONE));
document.addEventListener("htmx:timeout", ({ detail }) => fail(detail, SLOW));

// A page of the browser's history that cannot be requested as a part is loaded as a whole.
document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());

// Focus that was in the replaced part stays there: on the link of the same name, else on the part.
let held = false;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  held = detail.target.contains(document.activeElement);
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (held && document.activeElement === document.body) document.getElementById(detail.target.id)?.focus();
});
