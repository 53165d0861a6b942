"use strict";
// Twice a second the server is asked for the parts that change. An item whose HTML is as before
// stays the element it is, so that a clip keeps playing and the focus stays where it was.
const sources = new Map();
let paused = false;
const pause = document.getElementById("pause");
const items = (list) => [...list.children].filter((item) => item.dataset.key);
const nameOf = (list, item) => list.id + "/" + item.dataset.key;

for (const list of document.getElementById("live").children)
  for (const item of items(list)) sources.set(nameOf(list, item), item.outerHTML);

function replaced(old, fresh) {
  const details = fresh.querySelector("details");
  if (details) details.open = old.querySelector("details")?.open ?? false;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(fresh);
  if (focused === old) fresh.focus();
  else if (focused) fresh.querySelector(focused.localName)?.focus();
  return fresh;
}

function update(list, next) {
  const shown = new Map(items(list).map((item) => [nameOf(list, item), item]));
  let place = list.firstElementChild;
  for (const fresh of items(next)) {
    const name = nameOf(next, fresh);
    const html = fresh.outerHTML;
    let item = shown.get(name);
    shown.delete(name);
    if (item && sources.get(name) !== html) {
      const moved = item === place;
      item = replaced(item, fresh);
      if (moved) place = item;
    }
    sources.set(name, html);
    if (item && item === place) place = place.nextElementSibling;
    else list.insertBefore(item ?? fresh, place);
  }
  for (const [name, item] of shown) {
    sources.delete(name);
    item.remove();
  }
}

async function refresh() {
  if (!paused && !document.hidden) {
    try {
      const answer = await fetch("view", { cache: "no-store" });
      const next = document.createElement("template");
      next.innerHTML = await answer.text();
      for (const part of [...next.content.children]) update(document.getElementById(part.id), part);
      document.title = "FLORA mock";
    } catch {
      document.title = "FLORA mock (not running)";
    }
  }
  setTimeout(refresh, 500);
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Go on" : "Pause";
});
refresh();
