// A statement, the signed record of one published version, and the keys that sign it
// (docs/statement.md §2, §3).

import {
  canonical,
  digestOf,
  fromBase64Url,
  fromUtf8,
  isSmallOrder,
  sha256,
  toBase64Url,
  toUtf8,
} from "./encoding.js";
import { parseJson, readJson } from "./json.js";
import { logKey } from "./log.js";
import { PARTS, RULE, UNSIGNED } from "./text.js";

export const SCOPES = new Set([
  "verbatim",
  "headline-only",
  "headline-media",
  "packaging",
  "house-style",
  "excerpt",
  "with-inputs",
  "edited",
  "unknown",
]);

/** Microseconds by which clocks may differ. */
const LEEWAY = 300_000_000n;

/** Bytes of the largest key set that is read, and the end of the last year of four digits. */
const LARGEST_SET = 1_048_576;
const END_OF_TIME = 253_402_300_800;

/** Microseconds from receipt to log that are reported. */
const LATE = 3_600_000_000n;

const LONGEST = 65536;
const HEADER = /^\{"alg":"EdDSA","kid":"([A-Za-z0-9_-]{43})","typ":"wirecopy-statement\+jws"\}$/;

const isText = (value) => typeof value === "string";
const isWhole = (value) => Number.isSafeInteger(value);
const isDigest = (value) =>
  isText(value) && /^sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:$/.test(value);
function isInstant(value) {
  const form = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
  if (!isText(value) || !form.test(value)) return false;
  const second = new Date(`${value.slice(0, 19)}Z`);
  // There is no 30 February, though a Date makes one the first or second of March.
  return !Number.isNaN(+second) && second.toISOString().slice(0, 19) === value.slice(0, 19);
}
const orNull = (test) => (value) => value === null || test(value);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const shaped = (members) => (value) =>
  isObject(value) &&
  Object.keys(value).length === Object.keys(members).length &&
  Object.entries(members).every(([name, test]) => Object.hasOwn(value, name) && test(value[name]));

const DIGESTS = Object.fromEntries(PARTS.map((part) => [part, isDigest]));
const MEMBERS = {
  type: (value) => value === "wirecopy-statement-2",
  guid: (value) => isText(value) && value !== "",
  story: (value) => isText(value) && /^[a-z2-7]{13}$/.test(value),
  version: (value) => isWhole(value) && value > 0,
  agency: isText,
  agency_id: isText,
  agency_version: isText,
  rule: (value) => value === RULE || value === UNSIGNED,
  scope: (value) => SCOPES.has(value),
  disclosure: isText,
  received: orNull(shaped({ ...DIGESTS, raw: orNull(isDigest) })),
  published: shaped(DIGESTS),
  received_at: isInstant,
  logged_at: orNull(isInstant),
  changed_at: isInstant,
  issued_at: isInstant,
  previous: orNull(isDigest),
  receipt: orNull(isText),
};
const isStatement = shaped(MEMBERS);

// Without a time in the log, for itself and for its receipt. Only chains begin with such.
const EARLIER = "wirecopy-statement-1";
const { logged_at: _, ...ALL_BUT_ONE } = MEMBERS;
const isEarlier = shaped({ ...ALL_BUT_ONE, type: (value) => value === EARLIER });

/** An instant as microseconds since 1970: too many in late years for a number to hold exactly. */
function microseconds(instant) {
  const fraction = instant.slice(20, -1).padEnd(6, "0");
  return BigInt(Date.parse(`${instant.slice(0, 19)}Z`)) * 1000n + BigInt(fraction);
}

/** Whether instants follow each other as far as clocks can tell. */
export function inOrder(...instants) {
  const told = instants.map(microseconds);
  return told.every((instant, at) => at === 0 || told[at - 1] <= instant + LEEWAY);
}

/**
 * The keys of a JWK Set in bytes: `{signing: Map of key id to key, log: key or null}`, null in place
 * of a key that is there and cannot be used.
 *
 * Throws an Error that says why it is no key set, or what is wrong with its log key.
 */
export async function readKeys(bytes) {
  const set = readJson(bytes, LARGEST_SET);
  if (!isObject(set) || !Array.isArray(set.keys)) throw new Error("it is no set of keys");
  const listed = set.keys.filter(isObject).map(withoutNulls);
  const named = counted(listed.flatMap(namesOf));
  const signing = new Map();
  for (const jwk of listed) {
    if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519") continue;
    // A key that is there twice could be read in two ways, so it is not used.
    const alone = namesOf(jwk).every((name) => named.get(name) === 1);
    signing.set(jwk.kid, alone && (await isKey(jwk)) ? keyIn(jwk) : null);
  }
  if ((set.wirecopy_log ?? null) === null) return { signing, log: null };
  const log = isText(set.wirecopy_log) ? await logKey(set.wirecopy_log) : null;
  if (log === null) throw new Error("the key of the log is none");
  // Who signs with it for one of the two would sign for the other.
  const same = (key) => key !== null && key.publicKey.join() === log.publicKey.join();
  if ([...signing.values()].some(same)) throw new Error("the key of the log signs statements, too");
  return { signing, log };
}

/** A JWK whose members that are null are not there, as some publishers write it. */
const withoutNulls = (jwk) =>
  Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== null));

/** What identifies a key: two that share either are the same key. */
const namesOf = (jwk) =>
  ["kid", "x"].filter((name) => isText(jwk[name])).map((name) => `${name} ${jwk[name]}`);

function counted(names) {
  const times = new Map();
  for (const name of names) times.set(name, (times.get(name) ?? 0) + 1);
  return times;
}

const isSeconds = (value) => isWhole(value) && value >= 0 && value < END_OF_TIME;
const orAbsent = (test) => (value) => value === undefined || test(value);
const NEEDED = {
  d: (value) => value === undefined, // everybody has it
  alg: orAbsent((value) => value === "EdDSA" || value === "Ed25519"),
  use: orAbsent((value) => value === "sig"),
  x: (value) => {
    const key = isText(value) ? fromBase64Url(value) : null;
    return key?.length === 32 && !isSmallOrder(key);
  },
  nbf: isSeconds,
  exp: orAbsent(isSeconds),
  revoked: orAbsent(isObject),
};

async function isKey(jwk) {
  if (!Object.entries(NEEDED).every(([name, test]) => test(jwk[name]))) return false;
  const print = canonical({ crv: jwk.crv, kty: jwk.kty, x: jwk.x });
  return toBase64Url(await sha256(toUtf8(print))) === jwk.kid; // RFC 7638
}

/** What a JWK says, its times in microseconds. */
const keyIn = (jwk) => ({
  publicKey: fromBase64Url(jwk.x),
  from: jwk.nbf * 1e6,
  until: (jwk.exp ?? Infinity) * 1e6,
  revoked: jwk.revoked !== undefined,
});

/**
 * Read a compact JWS: `{statement, kid, signed, signature}`, the last two as bytes.
 *
 * Nothing is verified but its form. Throws an Error that says what is wrong with that. A chain may
 * begin with statements of an `earlier` type.
 */
export function readStatement(jws, earlier = false) {
  const parts = isText(jws) && jws.length <= LONGEST ? jws.split(".") : [];
  const [header, payload, signature] = parts.map(fromBase64Url);
  if (parts.length !== 3 || !header || !payload || signature?.length !== 64)
    throw new Error("it is no signed statement");
  // The header has one spelling: there is no algorithm to choose, and nothing to parse in two ways.
  const kid = HEADER.exec(fromUtf8(header) ?? "")?.[1];
  if (kid === undefined) throw new Error("it is not signed as statements are");
  const text = fromUtf8(payload) ?? "";
  const statement = parseJson(text);
  if (!isStatement(statement) && !(earlier && isEarlier(statement)))
    throw new Error("what is signed is no statement");
  if (canonical(statement) !== text) throw new Error("it is not in canonical form");
  if ((statement.version === 1) !== (statement.previous === null))
    throw new Error("it does not name the one before it");
  if ((statement.received === null) !== (statement.receipt === null))
    throw new Error("its receipt is missing, or of nothing");
  const silent = statement.logged_at === undefined; // as those of the earlier type are
  if (!silent && (statement.received === null) !== (statement.logged_at === null))
    throw new Error("its time in the log is missing, or of nothing");
  return { statement, kid, signed: toUtf8(jws.slice(0, jws.lastIndexOf("."))), signature };
}

/**
 * The key that a statement names. Throws an Error that says why it is not good for it.
 *
 * For one that a later statement vouches for it may have been revoked since.
 */
export function keyOf({ statement, kid }, keys, vouched = false) {
  const key = keys.signing.get(kid);
  if (key === undefined) throw new Error("it is not among the publisher’s keys");
  if (key === null) throw new Error("it stands among the publisher’s keys as none that could sign");
  if (key.revoked && !vouched) throw new Error("it was revoked");
  const issued = microseconds(statement.issued_at);
  if (issued < key.from || issued > key.until)
    throw new Error("it was not in force when the statement was signed");
  return key;
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

/** The digest by which the next statement names this one. */
export function nameOf(jws) {
  return digestOf(toUtf8(jws));
}
