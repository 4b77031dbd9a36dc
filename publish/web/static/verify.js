// Checks a published entry against its signed statement (docs/statement.md §7).
//
// Runs in browsers and in Node, on any tree with DOM's interface. Nothing that a statement says of
// the entry is trusted: digests are made again of the entry itself.

import { heldIn, openStatement, readChain, verifySignature } from "./chain.js";
import { claimOf, contradiction, isTrue } from "./claims.js";
import { proveCustody } from "./custody.js";
import { provePath } from "./earlier.js";
import { digestOf, toUtf8 } from "./encoding.js";
import { unwritten, unwrittenIn } from "./form.js";
import { keyOf } from "./keys.js";
import { proveReceipt } from "./log.js";
import { demand, inOrder, isText } from "./shape.js";
import { receiptOf, scopeFollows } from "./statement.js";
import { PARTS, digests, plain, project, values } from "./text.js";

export { cannotCheck } from "./encoding.js";
export { readKeys } from "./keys.js";
export { changedParts, loggedAhead, loggedLate } from "./statement.js";

/** Every check, in the order in which they are made. */
export const CHECKS = [
  "statement",
  "key",
  "signature",
  "guid",
  "agency",
  ...PARTS,
  "details",
  "disclosure",
  "scope",
  "claim",
  "appearance",
  "times",
  "receipt",
  "chain",
  "custody",
];

/**
 * A body of HTML as the tree that the rule reads. For browsers; a page that is already there is
 * walked as it stands.
 */
export function parse(html) {
  const document = `<!DOCTYPE html><body>${html.toWellFormed()}`;
  return new DOMParser().parseFromString(document, "text/html").body;
}

/**
 * Check an entry, or a notice that its story is withdrawn: the neutral form of docs/statement.md §4, but
 * its `body` a node that holds the body's nodes.
 *
 * Evidence is `{keys, chain, now, keysAt}`: `keys` are from {@link readKeys}; `chain` is the bytes of
 * the story's as it is served, null when it could not be had; `now` is in milliseconds since 1970;
 * `keysAt` gives the key set at an agency's address, null when it cannot be had.
 *
 * Gives `{verdict, statement, kid, checks, read, receipt, length, custody}`: `verdict` is `verified`,
 * `failed` or `unsigned`; `checks` has `{state, why}` by name, `state` being `ok`, `failed` or `not
 * checked`; `read` is what was digested of the entry, by part; `receipt` is `{index, size}`;
 * `length` is that of the chain; `custody` is from {@link proveCustody}. What was not come to is null.
 */
export async function check(entry, evidence) {
  const checks = Object.fromEntries(
    CHECKS.map((name) => [name, { state: "not checked", why: "" }]),
  );
  const nothing = { statement: null, kid: null, read: null, receipt: null, length: null };
  const report = { ...nothing, custody: null, checks };
  const attempt = async (name, test) => {
    try {
      const why = await test();
      checks[name] = why === undefined ? { state: "ok", why: "" } : { state: "not checked", why };
    } catch (error) {
      checks[name] = { state: "failed", why: error.message };
    }
    return checks[name].state === "ok";
  };

  await examine(entry, evidence, report, attempt);
  const states = CHECKS.map((name) => checks[name].state);
  const unsigned = checks.statement.state === "not checked" ? "unsigned" : "verified";
  return { verdict: states.includes("failed") ? "failed" : unsigned, ...report };
}

async function examine(entry, evidence, report, attempt) {
  const { keys, chain = null, now = Date.now(), keysAt = () => null } = evidence;
  let opened;
  let key;
  const signed =
    (await attempt("statement", async () => {
      if (entry.statement === null) return unsigned(entry);
      opened = await openStatement(entry.statement);
      const withdraws = opened.statement.withdrawn_at !== undefined;
      demand(withdraws === isNotice(entry), "it is not what is said here of the story");
    })) &&
    (await attempt("key", () => {
      key = keyOf(opened, keys);
    })) &&
    (await attempt("signature", () => verifySignature(opened, key)));
  if (!signed) return;

  const { statement } = opened;
  report.statement = statement;
  report.kid = opened.kid;
  let story = null;
  const chained = () =>
    attempt("chain", async () => {
      if (chain === null) return "the other statements could not be had";
      story = await readChain(chain, keys);
      report.length = story.statements.length;
      demand(story.guid === statement.guid, "it is another story’s");
      const there = story.statements[statement.version - 1]?.digest === opened.digest;
      demand(there, "this statement is not among them");
      // An entry may be older than the chain, but not bring back what was withdrawn since.
      const since = isNotice(entry) ? "it was published again since" : "it was withdrawn since";
      demand((story.withdrawn_at !== undefined) === isNotice(entry), since);
    });
  await attempt("guid", () =>
    demand(entry.guid === statement.guid, "it is another story’s statement"),
  );
  if (isNotice(entry)) {
    await attempt("times", () => sameWithdrawal(entry, statement, now));
    await chained();
    return;
  }
  const copy = {
    headline: entry.headline ?? "",
    body: entry.body,
    media: entry.media ?? [],
    summary: entry.summary ?? "",
    tags: entry.tags ?? [],
  };
  report.read = values(copy, statement.disclosure, statement.rule);
  const made = await digests(copy, statement.disclosure, statement.rule);

  await attempt("agency", () => sameAgency(entry, statement));
  for (const part of PARTS) {
    await attempt(part, async () => {
      demand(made[part] === statement.published[part], "not what was signed");
      if (part === "headline") await sameWireHeadline(entry, statement);
      if (part === "media")
        demand(
          alsoShown(entry, report.read.media, statement.rule),
          "a further picture is not among those signed",
        );
    });
  }
  await attempt("details", () => sameDetails(entry, statement));
  const { paragraphs } = project(entry.body);
  await attempt("disclosure", () => sameDisclosure(paragraphs, statement, made));
  await attempt("scope", () =>
    demand(scopeFollows(statement), "it does not follow from the digests"),
  );
  await attempt("claim", () => sameClaim(entry, paragraphs, statement));
  await attempt("appearance", () => {
    const texts = [copy.headline, copy.summary, ...copy.tags];
    const found = unwrittenIn(entry.body) ?? unwritten(texts);
    demand(found === null, `${found} is not what Wirecopy writes`);
  });
  await attempt("times", () => {
    const { received_at, logged_at, changed_at, issued_at } = statement;
    demand(
      inOrder(received_at, changed_at, issued_at, new Date(now).toISOString()) &&
        inOrder(received_at, logged_at ?? received_at),
      "they do not follow each other",
    );
    sameTimes(entry, statement);
  });
  await chained();
  await attempt("receipt", async () => {
    if (statement.received === null) return "nothing was received";
    if (keys.logs.length === 0) return "the log’s key could not be had";
    const leaf = receiptOf(statement);
    if (statement.receipt !== undefined) {
      report.receipt = await provePath(statement.receipt, leaf, keys.logs);
      return;
    }
    const proofs = [entry.log, story?.log].filter(isText);
    report.receipt = await proveReceipt(proofs, leaf, statement.index, keys.logs);
    if (report.receipt !== null) return;
    demand(chain === null, "no proof of it is to be had");
    return "no proof is at hand";
  });
  await attempt("custody", async () => {
    if (statement.custody === undefined) return "it names no statement of the agency";
    const held = chain === null ? null : heldIn(chain, statement.custody.digest);
    const found = await proveCustody(statement, held, keysAt, keys);
    if (isText(found)) return found;
    report.custody = found;
  });
}

const isNotice = (entry) => (entry.withdrawn ?? null) !== null;

/** Why an entry may go without statement. Throws when it claims something all the same. */
function unsigned(entry) {
  if (isNotice(entry)) return "it carries no statement, so anybody may have written it";
  const claim = claimOf(entry, project(entry.body).paragraphs);
  demand(claim === null, `it carries no statement, but ${claim}`);
  return "it carries no statement, and claims nothing";
}

function sameAgency(entry, statement) {
  const told = ["agency", "agency_id", "agency_version"].filter(
    (name) => (entry[name] ?? null) !== null,
  );
  const named = entry.agencies ?? [];
  if (told.length + named.length === 0) return "the entry names none";
  for (const name of named)
    demand(plain(name) === plain(statement.agency), "another is named than was signed");
  for (const name of told)
    demand(plain(entry[name]) === plain(statement[name]), "not the one that was signed");
}

async function sameDetails({ byline, published, captions, correction }, { rule, details }) {
  if (details === undefined) return "statements of that type do not sign them";
  const said = [plain(byline ?? ""), published ?? "", captions ?? []];
  const corrected = plain(correction ?? "");
  if (corrected !== "") said.push(corrected);
  const made = await digestOf(toUtf8(JSON.stringify([rule, "details", said])));
  demand(made === details, "byline, date, correction or what is said of media is not what was signed");
}

/** The wire's headline as received; where nothing is claimed the copy may not be that. */
async function sameWireHeadline({ wire_headline: wired = null }, { rule, scope, received }) {
  if (wired === null || received === null || scope === "unknown") return;
  const made = await digestOf(toUtf8(JSON.stringify([rule, "headline", plain(wired)])));
  demand(made === received.headline, "the wire’s headline is not the one that was received");
}

const second = (instant) => `${instant.slice(0, 19)}Z`;

function sameWithdrawal({ withdrawn, updated = [] }, { withdrawn_at, issued_at }, now) {
  const ordered = inOrder(withdrawn_at, issued_at, new Date(now).toISOString());
  demand(ordered, "they do not follow each other");
  const same = [withdrawn, ...updated].every((each) => each === second(withdrawn_at));
  demand(same, "the dates are not those that were signed");
}

/** Dates to the second, in UTC; they compare as text. */
function sameTimes({ updated = [], published = null, received = null }, statement) {
  const changed = second(statement.changed_at);
  demand(
    updated.every((each) => each === changed) &&
      (published === null || published <= changed) &&
      (received === null || received === second(statement.received_at)),
    "the dates are not those that were signed",
  );
}

/** Whether pictures that stand elsewhere in an entry are all among its media. */
function alsoShown(entry, media, rule) {
  const shown = new Set(media.map(([url]) => loose(url)));
  const further = { headline: "", body: { firstChild: null }, media: entry.pictures ?? [] };
  const others = values(further, "", rule).media;
  return others.every(([url]) => shown.has(loose(url)));
}

const loose = (url) => url.replace(/%(5B|5D|23|25)/g, decodeURIComponent);

async function sameDisclosure(paragraphs, statement, made) {
  const sentence = plain(statement.disclosure);
  if (sentence) {
    demand(paragraphs.at(-1) === sentence, "the one that was signed is not there");
  } else if (made.text !== statement.published.text && paragraphs.length) {
    const shorter = await digestOf(toUtf8(JSON.stringify([statement.rule, "text", paragraphs.slice(0, -1)])));
    demand(shorter !== statement.published.text, "a line was added that was not signed");
  }
}

function sameClaim(entry, paragraphs, statement) {
  const printed = contradiction(statement.scope, paragraphs);
  demand(printed === null, `it prints “${printed}”, but the scope is ${statement.scope}`);
  const scope = entry.edit_scope ?? null;
  const only = entry.edited_headline_only ?? null;
  if (scope === null && only === null) return "the entry claims nothing";
  demand(scope === null || scope === statement.scope, "not the scope that was signed");
  demand(
    only === null || isTrue(only) === (statement.scope === "headline-only"),
    "not the scope that was signed",
  );
}
