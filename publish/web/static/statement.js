// A statement, the signed record of one published version (docs/statement.md §2). Those of earlier
// types are read by earlier.js, and look alike from there on.

import { canonical, concat, digestOf, fromBase64Url, spelt, toBase64Url, toUtf8 } from "./encoding.js";
import { parseJson } from "./json.js";
import {
  demand,
  inOrder,
  isInstant,
  isText,
  isWhole,
  microseconds,
  orAbsent,
  shaped,
} from "./shape.js";
import { PARTS, RULE, UNSIGNED, digests } from "./text.js";

/** Microseconds from receipt to log that are reported. */
const LATE = 3_600_000_000n;

/** Bytes of the longest payload. */
const LONGEST = 65536;

const UNCHAINED = "it does not name the one before it";
const SPARE = "it says what goes without saying";

const SCOPES =
  "verbatim headline-only headline-media packaging house-style excerpt with-inputs edited unknown";

const isName = (value) => isText(value) && value !== "";
const isDigest = (value) => isText(value) && /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(value);
const ofParts = (test) => Object.fromEntries(PARTS.map((part) => [part, orAbsent(test)]));

const LINK = {
  guid: isName,
  story: (value) => isText(value) && /^[a-z2-7]{13}$/.test(value),
  version: (value) => isWhole(value) && value > 0,
  issued_at: isInstant,
};

/** Members that have been the same in every type, of what is stated of a version. */
export const ALWAYS = {
  ...LINK,
  agency: isText,
  agency_id: isText,
  scope: (value) => SCOPES.split(" ").includes(value),
  received_at: isInstant,
};
const isWithdrawal = shaped({ ...LINK, withdrawn_at: isInstant, previous: orAbsent(isDigest) });
const isPublished = shaped(ofParts((value) => value === "" || isDigest(value)));
const isVersion = shaped({
  ...ALWAYS,
  details: isDigest,
  agency_version: orAbsent(isName),
  rule: orAbsent((value) => value === UNSIGNED),
  disclosure: orAbsent(isName),
  received: orAbsent(shaped({ ...ofParts(isDigest), raw: orAbsent(isDigest) })),
  published: orAbsent((value) => isPublished(value) && Object.keys(value).length > 0),
  changed_at: orAbsent(isInstant),
  logged_at: orAbsent(isInstant),
  index: orAbsent((value) => isWhole(value) && value >= 0),
  previous: orAbsent(isDigest),
  custody: orAbsent(shaped({ key: isDigest, digest: isDigest })),
});
const isSigned = shaped({
  key: isDigest,
  signature: (value) => isText(value) && fromBase64Url(value)?.length === 64,
  payload: (value) => isWithdrawal(value) || isVersion(value),
});

/**
 * Read a statement: its text or, in a chain, the object itself. Gives `{type, statement, kid, signed,
 * signature, digest}`: `signed` and `signature` are bytes, `digest` is what the next one names, and
 * `statement` says all that the payload leaves out. Where it says that the story is withdrawn, it has
 * `withdrawn_at`, and nothing of a version.
 *
 * Nothing is verified but its form. Throws an Error that says what is wrong with that.
 */
export async function readStatement(given) {
  const held = isText(given) ? parseJson(given) : given;
  demand(isSigned(held), "it is no signed statement");
  demand(!isText(given) || canonical(held) === given, "it is not in canonical form");
  const { key, payload, signature } = held;
  const bytes = toUtf8(canonical(payload));
  demand(bytes.length <= LONGEST, "it is too long");
  // The header has one spelling, so it is carried nowhere: there is no algorithm to choose.
  const header = `{"alg":"EdDSA","b64":false,"crit":["b64"],"kid":"${key}","typ":"wirecopy-statement-3"}`;
  return {
    type: 3,
    statement: payload.withdrawn_at ? withdrawal(payload) : await inFull(payload),
    kid: key,
    signed: concat(toUtf8(`${toBase64Url(toUtf8(header))}.`), bytes),
    signature: fromBase64Url(signature),
    digest: await digestOf(bytes),
  };
}

function withdrawal({ previous, ...payload }) {
  demand((payload.version === 1) === (previous === undefined), UNCHAINED);
  return { ...payload, previous: previous ? spelt(previous) : null };
}

/**
 * A payload with all that it leaves out: `received` is null where nothing was, a part that is empty
 * has the digest of nothing, and digests are spelt as {@link digestOf} does. Throws an Error where it
 * leaves out too little, or too much.
 */
async function inFull({ rule = RULE, received, published, previous, ...payload }) {
  const { version, received_at, logged_at, index, custody } = payload;
  demand((version === 1) === (previous === undefined), UNCHAINED);
  for (const member of [logged_at, index]) {
    const fits = (member === undefined) === (received === undefined);
    demand(fits, "its receipt is missing, or of nothing");
  }
  demand(custody === undefined || received !== undefined, "its custody is of nothing");
  demand(payload.changed_at !== received_at, SPARE);
  const nothing = await digests({ headline: "", body: { firstChild: null } }, "", rule);
  const before = {};
  const after = {};
  for (const part of PARTS) {
    const had = received?.[part] ?? "";
    const has = published?.[part] ?? had;
    demand(published?.[part] !== had, SPARE);
    before[part] = had ? spelt(had) : nothing[part];
    after[part] = has ? spelt(has) : nothing[part];
    demand(!had || before[part] !== nothing[part], SPARE);
    demand(!has || after[part] !== nothing[part], SPARE);
  }
  return {
    agency_version: "",
    disclosure: "",
    changed_at: received_at,
    logged_at: null,
    ...payload,
    rule,
    received: received ? { ...before, raw: received.raw ? spelt(received.raw) : null } : null,
    published: after,
    details: spelt(payload.details),
    previous: previous ? spelt(previous) : null,
  };
}

/** The parts in which published and received differ, null when nothing was received. */
export function changedParts({ received, published }) {
  return received && PARTS.filter((part) => received[part] !== published[part]);
}

/** Whether a scope follows from the digests (docs/text-projection.md §6). `unknown` claims nothing. */
export function scopeFollows(statement) {
  const { scope } = statement;
  const changed = changedParts(statement);
  if (scope === "unknown" || changed === null) return scope === "unknown";
  if (changed.includes("text"))
    return ["house-style", "excerpt", "with-inputs", "edited"].includes(scope);
  const others = changed.filter((part) => part !== "headline").join();
  if (others === "") return scope === (changed.length ? "headline-only" : "verbatim");
  return scope === (others === "media" ? "headline-media" : "packaging");
}

/** The bytes that the log holds of what a statement says was received. */
export function receiptOf({
  guid,
  agency,
  agency_id,
  agency_version,
  rule,
  received,
  received_at,
  logged_at,
}) {
  const type = "wirecopy-receipt-2";
  const copy = { guid, agency, agency_id, agency_version, rule, received };
  return toUtf8(canonical({ type, ...copy, received_at, logged_at }));
}

/** Whether a receipt came into the log long after its copy is said to have come. */
export function loggedLate({ received_at, logged_at }) {
  return logged_at !== null && microseconds(logged_at) - microseconds(received_at) > LATE;
}

/**
 * Whether a receipt came into the log at a time that had not come when the statement was issued: the
 * publisher's clock has gone back, and the times of a log never do.
 */
export function loggedAhead({ logged_at, issued_at }) {
  return logged_at !== null && !inOrder(logged_at, issued_at);
}
