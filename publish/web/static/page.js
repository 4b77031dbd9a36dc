// Checks a story's page in the reader's browser and shows the result in its panel: reads the page as
// it is, and fetches keys and statements from this site, and the keys of an agency that signs from its.

import { tell } from "./report.js";
import { plain, trim } from "./text.js";
import { cannotCheck, check, readKeys } from "./verify.js";

/** Milliseconds that keys and statements have to arrive. */
const PATIENCE = 20_000;

const MARKS = { same: "yes", differs: "no", open: "not checked" };

const part = (name, within = document) => within.querySelector(`[data-part="${name}"]`);
const words = (name, within) => part(name, within)?.textContent ?? null;
const every = (selector) => Array.from(document.querySelectorAll(selector));
const datesOf = (name) =>
  every(`time[data-part="${name}"]`).map((shown) => shown.getAttribute("datetime"));

/** The attributes of a picture in the entry, where the page shows this site's own copy of it. */
const received = (shown) => (shown.dataset.received ? JSON.parse(shown.dataset.received) : {});
const addressOf = (shown) =>
  received(shown).src ?? shown.getAttribute("src") ?? shown.getAttribute("href");

/** The text with its pictures as they are in the entry. In a document that is not shown nothing is
 * loaded: agencies are not asked for theirs. */
function text() {
  const shown = part("text");
  if (shown.querySelector("[data-received]") === null) return shown;
  const copy = document.implementation.createHTMLDocument("").importNode(shown, true);
  for (const img of copy.querySelectorAll("[data-received]")) {
    const attributes = Object.entries(received(img));
    for (const name of img.getAttributeNames()) img.removeAttribute(name);
    for (const [name, value] of attributes) img.setAttribute(name, value);
  }
  return copy;
}

/** What is said of a medium, as one text (docs/statement.md §2). */
function captionOf(figure) {
  const [caption, credit] = ["caption", "credit"].map((name) => plain(words(name, figure) ?? ""));
  const end = /(^|[.!?।۔。])$/.test(caption) ? "" : ".";
  return caption.includes(credit) ? caption : trim(`${caption}${end} ${credit}`);
}

/** The entry that the page shows, in the neutral form of docs/statement.md §4. */
function entryOnPage({ guid, statement }) {
  return {
    guid,
    statement,
    headline: words("headline"),
    body: text(),
    media: every('[data-part="media"]').map(addressOf),
    summary: words("summary"),
    tags: every('[data-part="tags"] > *').map((tag) => tag.textContent),
    agency: words("agency"),
    agency_id: words("agency_id"),
    agency_version: words("agency_version"),
    edit_scope: part("scope").dataset.scope,
    updated: datesOf("updated"),
    published: datesOf("published")[0],
    received: datesOf("received")[0],
    byline: words("byline"),
    captions: every('[data-part="figure"]').map(captionOf),
    correction: words("correction"),
  };
}

/** The bytes at an address; answer.json() would not be strict. */
async function fetched(address) {
  const signal = AbortSignal.timeout(PATIENCE);
  const answer = await fetch(address, { credentials: "omit", signal });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** The key set at an agency's address, null when it cannot be had. */
const keysAt = (address) => fetched(address).then(readKeys).catch(() => null);

/** The report of the page, or, in words, why there is none. */
async function examine(told) {
  const why = await cannotCheck();
  if (why !== null) return why;
  const [keys, chain] = await Promise.allSettled([fetched(told.keys), fetched(told.statements)]);
  if (keys.status === "rejected") return "This site’s keys could not be loaded.";
  const known = await readKeys(keys.value).catch((error) => error.message);
  if (typeof known === "string") return `This site’s keys cannot be relied on: ${known}.`;
  return check(entryOnPage(told), { keys: known, chain: chain.value ?? null, keysAt });
}

function made(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function lineOf({ name, mark, said }) {
  return made(
    "li",
    { class: mark },
    made("span", { class: "mark", role: "img", "aria-label": MARKS[mark] }),
    made("span", { class: "what" }, name),
    made("span", { class: "said" }, made("bdi", {}, said)),
  );
}

function show(panel, { tone, label, sentence, rows }) {
  const again = made("button", { type: "button" }, "Check again");
  again.addEventListener("click", () => run(panel));
  const at = new Date().toLocaleTimeString("en-GB");
  const content = [
    made("p", { class: "verdict" }, made("span", { class: `badge ${tone}` }, label)),
    made("p", {}, sentence),
    made("p", { class: "meta" }, `By your browser, at ${at}. `, again),
  ];
  if (rows.length) {
    const list = made("ul", { class: "checks" }, ...rows.map(lineOf));
    const details = made("details", {}, made("summary", {}, "Check by check"), list);
    details.open = tone === "other";
    content.splice(2, 0, details);
  }
  panel.querySelector("h2").textContent = "Checked in your browser";
  panel.querySelector(".result").replaceChildren(...content);
  panel.dataset.tone = tone;

  // Beside the label of the story too, where readers look first.
  document.querySelector(".checked")?.remove();
  if (rows.length) {
    const said = tone === "same" ? "Checked in your browser" : label;
    part("scope").append(made("a", { class: `checked badge ${tone}`, href: "#checked" }, said));
  }
}

async function run(panel) {
  let report;
  try {
    report = await examine(panel.dataset);
  } catch (error) {
    report = `The check broke off: ${error.message}`;
  }
  show(panel, tell(report));
}

const panel = document.querySelector("[data-statement]");
if (panel !== null) run(panel);
