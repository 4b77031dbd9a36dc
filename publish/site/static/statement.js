// A statement, the signed record of one published version, and the keys that sign it
// (docs/statement.md §2, §3).

import {
  canonical,
  digestOf,
  fromBase64Url,
  fromUtf8,
  sha256,
  toBase64Url,
  toUtf8,
} from "./encoding.js";
import { logKey } from "./log.js";
import { PARTS, RULE } from "./text.js";

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

/** Milliseconds by which clocks may differ. */
const LEEWAY = 5 * 60 * 1000;

const LONGEST = 65536;
const HEADER = /^\{"alg":"EdDSA","kid":"([A-Za-z0-9_-]{43})","typ":"wirecopy-statement\+jws"\}$/;

const isText = (value) => typeof value === "string";
const isWhole = (value) => Number.isSafeInteger(value);
const isDigest = (value) =>
  isText(value) && /^sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:$/.test(value);
const isInstant = (value) =>
  isText(value) &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(value) &&
  !Number.isNaN(milliseconds(value)) &&
  new Date(milliseconds(value)).toISOString().slice(0, 19) === value.slice(0, 19);
const orNull = (test) => (value) => value === null || test(value);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const shaped = (members) => (value) =>
  isObject(value) &&
  Object.keys(value).length === Object.keys(members).length &&
  Object.entries(members).every(([name, test]) => Object.hasOwn(value, name) && test(value[name]));

const DIGESTS = Object.fromEntries(PARTS.map((part) => [part, isDigest]));
const MEMBERS = {
  type: (value) => value === "wirecopy-statement-1",
  guid: (value) => isText(value) && value !== "",
  story: (value) => isText(value) && /^[a-z2-7]{13}$/.test(value),
  version: (value) => isWhole(value) && value > 0,
  agency: isText,
  agency_id: isText,
  agency_version: isText,
  rule: (value) => value === RULE,
  scope: (value) => SCOPES.has(value),
  disclosure: isText,
  received: orNull(shaped({ ...DIGESTS, raw: orNull(isDigest) })),
  published: shaped(DIGESTS),
  received_at: isInstant,
  changed_at: isInstant,
  issued_at: isInstant,
  previous: orNull(isDigest),
  receipt: orNull(isText),
};
const isStatement = shaped(MEMBERS);

/** An instant as milliseconds since 1970, NaN for none that exists. */
function milliseconds(instant) {
  return Date.parse(`${instant.slice(0, 19)}Z`) + Number(instant.slice(19, -1)) * 1000;
}

/** Whether instants follow each other as far as clocks can tell. */
export function inOrder(...instants) {
  const told = instants.map(milliseconds);
  return told.every((instant, at) => at === 0 || told[at - 1] <= instant + LEEWAY);
}

/**
 * The keys of a JWK Set: `{signing: Map of key id to key, log: key or null}`.
 *
 * Keys of other types, and keys whose id is not their own thumbprint (RFC 7638), are passed over.
 */
export async function readKeys(set) {
  const signing = new Map();
  for (const jwk of Array.isArray(set?.keys) ? set.keys.filter(isKey) : []) {
    const print = canonical({ crv: jwk.crv, kty: jwk.kty, x: jwk.x });
    if (toBase64Url(await sha256(toUtf8(print))) !== jwk.kid) continue;
    const key = {
      publicKey: fromBase64Url(jwk.x),
      from: jwk.nbf * 1000,
      until: jwk.exp === undefined ? Infinity : jwk.exp * 1000,
      revoked: jwk.revoked !== undefined,
    };
    // One that stands twice says two things of itself, and is not believed.
    signing.set(jwk.kid, signing.has(jwk.kid) ? null : key);
  }
  return { signing, log: isText(set?.wirecopy_log) ? await logKey(set.wirecopy_log) : null };
}

function isKey(jwk) {
  if (!isObject(jwk) || jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || Object.hasOwn(jwk, "d"))
    return false;
  if (jwk.alg !== "EdDSA" || jwk.use !== "sig" || !isWhole(jwk.nbf)) return false;
  return (
    isText(jwk.x) &&
    fromBase64Url(jwk.x)?.length === 32 &&
    (jwk.exp === undefined || isWhole(jwk.exp))
  );
}

/**
 * Read a compact JWS: `{statement, kid, signed, signature}`, the last two as bytes.
 *
 * Nothing is verified but its form. Throws an Error that says what is wrong with that.
 */
export function readStatement(jws) {
  const parts = isText(jws) && jws.length <= LONGEST ? jws.split(".") : [];
  const [header, payload, signature] = parts.map(fromBase64Url);
  if (parts.length !== 3 || !header || !payload || signature?.length !== 64)
    throw new Error("it is no signed statement");
  // The header has one spelling, so there is no algorithm to choose and no parser to mislead.
  const kid = HEADER.exec(fromUtf8(header) ?? "")?.[1];
  if (kid === undefined) throw new Error("it is not signed as statements are");
  const text = fromUtf8(payload);
  const statement = parsed(text);
  if (!isStatement(statement)) throw new Error("what is signed is no statement");
  // Also finds a name that stands twice.
  if (canonical(statement) !== text) throw new Error("it is not in canonical form");
  if ((statement.version === 1) !== (statement.previous === null))
    throw new Error("it does not name the one before it");
  if ((statement.received === null) !== (statement.receipt === null))
    throw new Error("its receipt is missing, or of nothing");
  return { statement, kid, signed: toUtf8(jws.slice(0, jws.lastIndexOf("."))), signature };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * The key that a statement names. Throws an Error that says why it is not good for it.
 *
 * For one that a later statement vouches for it may have been revoked since.
 */
export function keyOf({ statement, kid }, keys, vouched = false) {
  const key = keys.signing.get(kid);
  if (!key) throw new Error("it is not among the publisher’s keys");
  if (key.revoked && !vouched) throw new Error("it was revoked");
  const issued = milliseconds(statement.issued_at);
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
}) {
  const type = "wirecopy-receipt-1";
  return toUtf8(
    canonical({ type, guid, agency, agency_id, agency_version, rule, received, received_at }),
  );
}

/** The digest by which the next statement names this one. */
export function nameOf(jws) {
  return digestOf(toUtf8(jws));
}
