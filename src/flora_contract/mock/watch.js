"use strict";
// Twice a second the server is asked for the parts that change. An item whose HTML is as before
// stays the element it is, so that a clip keeps playing and the focus stays where it was.
const sources = new Map();
let paused = false;
const pause = document.getElementById("pause");
const items = (list) => [...list.children].filter((item) => item.dataset.key);
const nameOf = (list, item) => list.id + "/" + item.dataset.key;

for (const list of document.querySelectorAll("#live [data-live]"))
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
      for (const part of next.content.querySelectorAll("[data-live]"))
        update(document.getElementById(part.id), part);
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

const only = document.getElementById("only");
only.addEventListener("click", () => {
  const on = document.body.classList.toggle("only-problems");
  only.setAttribute("aria-pressed", on);
});

// What changes the mock is asked for once more; the server takes it from this page only.
const dialog = document.getElementById("confirm");
const said = document.getElementById("said");

function confirmed(question) {
  document.getElementById("question").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }),
  );
}

async function change(question, method, path, body) {
  if (!(await confirmed(question))) return;
  const headers = { "content-type": "application/json" };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  said.textContent = answer.ok ? "Done." : (await answer.json()).error?.message ?? "It was refused.";
}

const rules = async () => (await (await fetch("faults", { cache: "no-store" })).json()).faults;
const fields = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => value));

document.getElementById("reset").addEventListener("submit", (event) => {
  event.preventDefault();
  change("Forget everything, and begin with the first accounts again?", "POST", "reset");
});
document.getElementById("advance").addEventListener("submit", (event) => {
  event.preventDefault();
  const seconds = Number(fields(event.target).seconds);
  const question = `Move the clock on by ${seconds} s? It does not go back.`;
  change(question, "POST", "clock", { advance_seconds: seconds });
});
document.getElementById("fault").addEventListener("submit", async (event) => {
  event.preventDefault();
  const rule = fields(event.target);
  for (const name of ["count", "status", "seconds"]) if (name in rule) rule[name] = Number(rule[name]);
  const all = [...(await rules()), rule];
  change(`Let ${rule.operation ?? "every operation"} fail by ${rule.kind}?`, "PUT", "faults", all);
});
document.getElementById("live").addEventListener("click", async (event) => {
  const number = event.target.dataset?.end;
  if (number === undefined) return;
  const rest = (await rules()).filter((_, place) => place !== Number(number));
  change("End this fault? The others start to count again.", "PUT", "faults", rest);
});
refresh();
