// Keys, acts without loading the page anew, and news. Without this script every form works, too.
"use strict";

const one = (selector, within = document) => within.querySelector(selector);
const rows = () => [...document.querySelectorAll(".row")];
const current = () => document.activeElement?.closest(".row") ?? (rows().length === 1 ? rows()[0] : null);
const policy = window.trustedTypes?.createPolicy("desk", { createHTML: (html) => html });

// Only what our own server answered, which escapes what wires say, is ever parsed.
function parsed(html) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
}

function go(row) {
  row?.focus({ preventScroll: true });
  row?.scrollIntoView({ block: "nearest" });
}

// The story from which a key led on as it acted: that which `z` means, until one steps on.
let done = null;

function step(by) {
  const all = rows();
  done = null;
  go(all[Math.max(0, Math.min(all.indexOf(current()) + by, all.length - 1))]);
}

function open(row, kind, field) {
  const box = row && one(`details.${kind}`, row);
  if (!box) return;
  box.open = true;
  one(field, box).focus();
  one(field, box).select();
}

const edit = (row) => open(row, "edit", "textarea");

// Says in a row, whose form stays as it was filled in, what *told* does: an element, or text.
function complain(row, told) {
  one(".error", row)?.remove();
  const said = document.createElement("p");
  said.className = "error";
  said.role = "alert";
  said.append(...(told.childNodes ?? [told]));
  one(".acts", row).before(said);
}

// Sends a form of a row; the row as it is then, or null when nothing was done.
async function send(form, button) {
  const row = form.closest(".row");
  if (row.ariaBusy === "true") return null;
  const action = button?.getAttribute("formaction") ?? form.getAttribute("action");
  row.ariaBusy = "true";
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(action, { method: "POST", body, headers: { "X-Part": "row" } });
    const page = parsed(await answer.text());
    const fresh = one(".row", page);
    if (fresh && answer.status !== 422) {
      const isHere = row.contains(document.activeElement);
      row.replaceWith(document.adoptNode(fresh));
      if (isHere) go(fresh); // who has gone on writes elsewhere by now
      return answer.ok ? fresh : null;
    }
    // Whoever has signed in again sends it once more.
    const token = one("main input[name=csrf]", page)?.value;
    if (token) for (const field of document.querySelectorAll("input[name=csrf]")) field.value = token;
    complain(row, one(".error", page) ?? one(".intro", page) ?? answer.statusText);
  } catch {
    complain(row, "The desk does not answer. Try again: what it has saved already it does not save twice.");
  } finally {
    row.ariaBusy = "false";
  }
  return null;
}

// In a list one stays where one is; any other page is loaded anew, as all of it may change.
const inList = (form) => form.dataset.act && form.closest("#stories .row");

function act(row, name) {
  const form = row && one(`form[data-act="${name}"]`, row);
  if (form && inList(form)) send(form);
  else form?.requestSubmit();
  return form;
}

let leaving = null;

document.addEventListener("submit", (event) => {
  if (!inList(event.target) || event.submitter?.getAttribute("formaction")?.endsWith("/draft")) {
    leaving = event.target;
    return;
  }
  event.preventDefault();
  send(event.target, event.submitter);
});

// Nobody waits for the answer: what is typed meanwhile is the next headline already.
async function save(field) {
  if (!inList(field.form)) return field.form.requestSubmit();
  const [row, box] = [field.closest(".row"), field.closest("details")];
  const sent = send(field.form);
  if (box) box.open = false;
  go(row);
  done = row.id;
  edit(after(row).find((each) => one("details.edit", each)));
  if (!(await sent) && box) box.open = true;
}

function after(row) {
  return rows().slice(rows().indexOf(row) + 1);
}

// Who opens a story and comes back is where they were.
document.addEventListener("click", ({ target }) => {
  const row = target.closest(".stories .head a")?.closest(".row");
  if (row) history.replaceState(null, "", `#${row.id}`);
});
const left = document.getElementById(location.hash.slice(1));
if (left?.matches(".row")) go(left);

const keys = {
  j: () => step(1),
  k: () => step(-1),
  e: () => edit(current()),
  s: () => {
    const row = current();
    if (!act(row, "settle") || !row.closest("#stories")) return;
    done = row.id;
    go(after(row)[0]);
  },
  w: () => act(current(), "revert"),
  z: () => {
    const row = document.getElementById(done) ?? current();
    go(row);
    act(row, "undo");
  },
  h: () => open(current(), "hide", "input[name=reason]"),
  n: () => one("#fresh:not([hidden]) a")?.click(),
  "/": () => one("#f-q")?.focus(),
  "?": () => one("#keys").showModal(),
  Enter: () => one(".head a", current())?.click(),
};

// On a keyboard of another script or with letters of its own, the key in that place: and none of
// those besides letters, as `ß` or `ж` stand where others have a minus or a semicolon.
function pressed({ key, code, shiftKey }) {
  if (key.length > 1 || key <= "~") return key;
  if (code === "Slash") return shiftKey ? "?" : "/";
  return /^Key[A-Z]$/.test(code) && !shiftKey ? code.slice(-1).toLowerCase() : "";
}

document.addEventListener("keydown", (event) => {
  const { target } = event;
  if (event.isComposing) return;
  if (event.key === "Escape") {
    const row = current();
    target.closest("details")?.removeAttribute("open");
    row ? go(row) : target.blur();
  }
  if (target.matches("textarea, select, input:not([type=checkbox])")) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && target.form?.dataset.act) {
      event.preventDefault();
      if (!target.form.reportValidity()) return;
      target.matches("textarea") ? save(target) : target.form.requestSubmit();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
  if (localStorage.getItem("desk-keys") === "off" && event.key !== "?") return;
  const key = pressed(event);
  // Who holds a key down walks on, and does nothing to the stories on the way.
  if (event.repeat && key !== "j" && key !== "k") return;
  if (!Object.hasOwn(keys, key) || (key === "Enter" && target !== current())) return;
  event.preventDefault();
  keys[key]();
});

const on = one("#keys-on");
on.checked = localStorage.getItem("desk-keys") !== "off";
on.addEventListener("change", () => localStorage.setItem("desk-keys", on.checked ? "on" : "off"));
one("#keys-button").hidden = false;
one("#keys-button").addEventListener("click", keys["?"]);

// Whoever writes says so, as long as the cursor is in the field.
let said = 0;

async function writing(field) {
  clearTimeout(said);
  if (document.activeElement !== field) return;
  said = setTimeout(writing, 15000, field);
  const row = field.closest(".row");
  const body = new URLSearchParams({ csrf: field.form.elements.csrf.value });
  const answer = await fetch(`/stories/${row.dataset.id}/writing`, { method: "POST", body }).catch(() => null);
  if (!answer?.ok) return;
  const { others } = await answer.json();
  one(".writing", field.form)?.remove();
  if (!others.length) return;
  const note = document.createElement("p");
  note.className = "meta writing";
  note.textContent = `${others.join(", ")} ${others.length > 1 ? "are" : "is"} writing…`;
  field.after(note);
}

document.addEventListener("focusin", ({ target }) => {
  if (target.matches(".headline textarea")) writing(target);
});

// While a headline is typed, what it would be is shown below it.
const PAUSE = 250; // ms without a letter
let typed = 0;
let asked = null;

async function draft(form) {
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  const action = form.getAttribute("action").replace(/headline$/, "draft");
  const body = new URLSearchParams(new FormData(form));
  try {
    const answer = await fetch(action, { method: "POST", body, headers: { "X-Part": "row" }, signal });
    const page = parsed(await answer.text());
    if (answer.ok) one(".draft", form).replaceChildren(...page.body.childNodes);
  } catch {
    // Typed on meanwhile, or no network: what is shown stays until the next letter.
  }
}

for (const kind of ["input", "focusin"]) {
  document.addEventListener(kind, ({ target }) => {
    if (!target.matches("textarea") || !one(".draft", target.form)) return;
    clearTimeout(typed);
    typed = setTimeout(draft, kind === "input" ? PAUSE : 0, target.form);
  });
}

// Who has written something is asked before it is lost.
addEventListener("beforeunload", (event) => {
  const open = [...document.querySelectorAll("details.edit[open] textarea")];
  if (open.some((field) => field.form !== leaving && field.value !== field.defaultValue)) event.preventDefault();
});

// News. Browsers open six connections to a host, so a page that nobody looks at has none.
const list = one("#stories");
const fresh = new Set();
const SILENCE = 10000; // ms without a connection after which that is said
let news = null;
let silence = 0;

function listen() {
  news?.close();
  clearTimeout(silence);
  silence = 0;
  if (document.hidden) return;
  news = new EventSource(list.dataset.news);
  news.onmessage = ({ data }) => tell(JSON.parse(data));
  news.onopen = () => {
    clearTimeout(silence);
    silence = 0;
    show();
  };
  // Of an answer that is no news, as of a proxy whose desk is away, browsers do not ask again.
  news.onerror = () => {
    silence ||= setTimeout(() => {
      show("No news comes just now: press N");
      listen();
    }, SILENCE);
  };
}

function tell({ ids, counts }) {
  for (const id of ids) if (!document.getElementById(`s-${id}`)) fresh.add(id);
  for (const [queue, count] of Object.entries(counts)) {
    const shown = one(`[data-queue="${queue}"]`);
    if (shown) shown.textContent = count;
  }
  show();
}

function show(text = fresh.size ? `${fresh.size} new: press N` : "") {
  one("#fresh").hidden = !text;
  one("#fresh a").textContent = text;
}

if (list?.dataset.news) {
  document.addEventListener("visibilitychange", listen);
  listen();
}
