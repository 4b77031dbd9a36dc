// The verifier's report in words for readers.

import { changedParts, loggedAhead, loggedLate } from "./verify.js";

const PARTS = {
  headline: "the headline",
  text: "the text",
  links: "the links",
  media: "the pictures and other media",
  packaging: "the summary and tags",
};

const VERDICTS = {
  verified: ["same", "As signed"],
  failed: ["other", "Not as signed"],
  unsigned: ["open", "Not signed"],
};

const SIGNED =
  "Headline, words, links, pictures, summary and tags on this page are what was signed, to the letter.";

/**
 * A report in words: `{tone, label, sentence, rows}`, each row `{name, mark, said}` with a
 * mark of `same`, `differs` or `open`. A string instead of a report says why there is none.
 */
export function tell(report) {
  if (typeof report === "string") {
    return { tone: "open", label: "Could not be checked", sentence: report, rows: [] };
  }
  const [tone, label] = VERDICTS[report.verdict];
  const rows = rowsOf(report).map(([name, checks, said]) => row(name, checks, said, report.checks));
  return { tone, label, sentence: sentence(report, rows), rows };
}

function sentence({ verdict, statement }, rows) {
  if (verdict === "unsigned") return "The story carries no signed statement, and claims nothing.";
  const failing = rows.filter(({ mark }) => mark === "differs");
  if (statement === null) return `Nothing here can be relied on. ${upper(failing[0].said)}.`;
  if (verdict === "failed")
    return `Something is not as it was signed: ${listed(failing.map(({ name }) => lower(name)))}.`;
  const changed = changedParts(statement);
  if (changed === null)
    return `${SIGNED} Nothing is claimed of how it compares with what the agency sent.`;
  // Isolated (UAX #9 §2.4): a name in Urdu must not reverse the sentence.
  const from = `from the copy received from \u2068${statement.agency}\u2069`;
  return changed.length
    ? `${SIGNED} By the digests made at receipt, the story differs ${from} only in ${listed(changed.map((name) => PARTS[name]))}.`
    : `${SIGNED} By the digests made at receipt, the story does not differ ${from}.`;
}

/** The rows: a name, the checks it sums up, and the words when all of them are ok. */
function rowsOf({ statement, kid, read, receipt, length, custody }) {
  const later = statement && length > statement.version ? "; there are newer ones" : "";
  return [
    ["Signature", ["statement", "key", "signature"], statement && signed(statement, kid)],
    ["Headline", ["headline"], "as signed"],
    ["Words", ["text"], read && `as signed, ${counted(read.text, "paragraph")}`],
    ["Links", ["links"], read && `as signed, ${counted(read.links, "link")}`],
    [
      "Pictures and media",
      ["media"],
      read && `as signed, ${counted(read.media, "address", "addresses")}`,
    ],
    ["Summary and tags", ["packaging"], "as signed"],
    ["Byline and captions", ["details"], "as signed, date and correction too"],
    [
      "Line under the story",
      ["disclosure"],
      statement?.disclosure ? "as signed" : "none, as signed",
    ],
    ["Agency and story", ["guid", "agency"], "as signed"],
    ["Label", ["scope", "claim"], "follows from the digests"],
    ["Hidden words", ["appearance"], "nothing in the story could hide any"],
    ["Times", ["times"], "in order"],
    [
      "Receipt",
      ["receipt"],
      receipt &&
        `entry ${receipt.index + 1} of ${receipt.size} in the log of copy received${since(statement)}`,
    ],
    ["All statements", ["chain"], length && `${length} of this story, unbroken${later}`],
    ...(statement?.custody ? [["Signed by the agency", ["custody"], custody && agreed(custody)]] : []),
  ];
}

function row(name, checks, said, found) {
  const failed = checks.find((check) => found[check].state === "failed");
  const open = checks.find((check) => found[check].state !== "ok");
  if (failed) return { name, mark: "differs", said: subject(failed) + found[failed].why };
  if (open) return { name, mark: "open", said: found[open].why || "not checked" };
  return { name, mark: "same", said };
}

/** Which of several checks of a row has failed. */
const subject = (check) =>
  ({
    statement: "the statement: ",
    key: "its key: ",
    signature: "the signature: ",
    custody: "the agency’s statement: ",
  })[check] ?? "";

/** What is to say of a copy that by its own statement was logged late, or ahead of time. */
function since(statement) {
  const { received_at, logged_at, issued_at } = statement;
  const received = `; received ${day(received_at)}, by its word`;
  if (loggedAhead(statement))
    return `${received}; logged ${day(logged_at)}, a time that had not come when this was issued, ${day(issued_at)}: the publisher’s clock has gone back`;
  return loggedLate(statement) ? `${received}; in the log only since ${day(logged_at)}` : "";
}

const signed = (statement, kid) =>
  `statement ${statement.version}, signed ${day(statement.issued_at)} with key ${kid.slice(0, 8)}…`;

function agreed({ kid, site, further }) {
  const before = further ? "; the agency had it from another, who signed it too" : "";
  return `yes, the copy received, with key ${kid.slice(0, 8)}… of ${site}${before}`;
}

function day(instant) {
  const date = new Date(`${instant.slice(0, 19)}Z`);
  const options = { timeZone: "UTC", day: "numeric", month: "long", year: "numeric" };
  return `${date.toLocaleDateString("en-GB", options)}, ${instant.slice(11, 16)} UTC`;
}

function counted(list, one, many = `${one}s`) {
  return list.length === 0 ? "none" : `${list.length} ${list.length === 1 ? one : many}`;
}

const listed = (names) => names.join(", ").replace(/, ([^,]*)$/, " and $1");
const upper = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
const lower = (text) => text.slice(0, 1).toLowerCase() + text.slice(1);
