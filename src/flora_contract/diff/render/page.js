"use strict";
const changes = [...document.querySelectorAll(".change")];
const groups = [...document.querySelectorAll(".group")];
const buttons = [...document.querySelectorAll(".filters button")];
const side = document.getElementById("side");
const search = document.getElementById("search");
const count = document.getElementById("count");
let here = null;

function filter() {
  const levels = new Set(buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.level));
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const group of groups) {
    const title = group.querySelector("h2").textContent.toLowerCase();
    let visible = false;
    for (const change of group.querySelectorAll(".change")) {
      const sides = ["", change.dataset.side === "none" || change.dataset.side === "both" ? side.value : change.dataset.side];
      const text = title + " " + change.textContent.toLowerCase();
      const shown = levels.has(change.dataset.level) && sides.includes(side.value) && words.every((w) => text.includes(w));
      change.hidden = !shown;
      visible ||= shown;
    }
    group.hidden = !visible;
    if (words.length > 0 && visible) group.open = true;
  }
  const left = changes.filter((c) => !c.hidden).length;
  count.textContent = left === changes.length ? `${left} changes` : `${left} of ${changes.length} changes`;
}

function select(change) {
  here?.classList.remove("here");
  here = change;
  here.closest(".group").open = true;
  here.classList.add("here");
  here.focus({ preventScroll: true });
  here.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const visible = changes.filter((c) => !c.hidden);
  if (visible.length === 0) return;
  const at = visible.indexOf(here);
  const next = at === -1 ? (by > 0 ? 0 : visible.length - 1) : at + by;
  select(visible[Math.min(Math.max(next, 0), visible.length - 1)]);
}

function reveal(id) {
  const place = document.getElementById(id);
  const body = place?.closest("tbody");
  if (body?.hidden) unfold(body);
  const group = place?.closest(".group");
  if (group) group.open = true;
  return place;
}

function unfold(body) {
  body.hidden = false;
  body.previousElementSibling.hidden = true;
}

function toLines(change) {
  const id = change.dataset.revision ? `r-${change.dataset.revision}` : `b-${change.dataset.base}`;
  if (reveal(id)) location.hash = id;
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    addEventListener("hashchange", () => reveal(location.hash.slice(1)));
reveal(location.hash.slice(1));
filter();
  });
}
side.addEventListener("change", filter);
search.addEventListener("input", filter);
for (const button of document.querySelectorAll(".fold button")) {
  button.addEventListener("click", () => unfold(button.closest("tbody").nextElementSibling));
}
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link) reveal(link.getAttribute("href").slice(1));
  const change = event.target.closest(".change");
  if (change && !link) select(change);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "Enter" && here && !event.target.matches("a, button, summary")) toLines(here);
  else if (event.key === "/") search.focus();
  else if ("123".includes(event.key)) buttons[Number(event.key) - 1].click();
  else return;
  event.preventDefault();
});
addEventListener("hashchange", () => reveal(location.hash.slice(1)));
reveal(location.hash.slice(1));
filter();
