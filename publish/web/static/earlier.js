// Statements of the two types before the present one, compact JWS that carry the proof of their
// receipt (docs/statement.md §2). Chains go on from them, so they stay verifiable.

import { canonical, digestOf, fromBase64Url, fromUtf8, toBase64, toUtf8 } from "./encoding.js";
import { parseJson } from "./json.js";
import { decimal, hash, inner, leafHash, openCheckpoint } from "./log.js";
import { demand, isInstant, isText, orNull, shaped } from "./shape.js";
import { ALWAYS } from "./statement.js";
import { PARTS, RULE, UNSIGNED } from "./text.js";

const LONGEST = 65536;
const LONGEST_PROOF = 16384;
const HEADER = /^\{"alg":"EdDSA","kid":"([\w-]{43})","typ":"wirecopy-statement\+jws"\}$/;

const isDigest = (value) =>
  isText(value) && /^sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:$/.test(value);
const DIGESTS = Object.fromEntries(PARTS.map((part) => [part, isDigest]));
const FIRST = {
  ...ALWAYS,
  type: (value) => value === "wirecopy-statement-1",
  agency_version: isText,
  rule: (value) => value === RULE || value === UNSIGNED,
  disclosure: isText,
  received: orNull(shaped({ ...DIGESTS, raw: orNull(isDigest) })),
  published: shaped(DIGESTS),
  changed_at: isInstant,
  previous: orNull(isDigest),
  receipt: orNull(isText),
};
const isFirst = shaped(FIRST);
const isSecond = shaped({
  ...FIRST,
  type: (value) => value === "wirecopy-statement-2",
  logged_at: orNull(isInstant),
});

/** Whether what is given for a statement can only be one of these. */
export const isEarlier = (given) => isText(given) && !given.startsWith("{");

/** Reads one, as readStatement reads those of the present type. */
export async function readEarlier(jws) {
  const parts = isText(jws) && jws.length <= LONGEST ? jws.split(".") : [];
  const [header, payload, signature] = parts.map(fromBase64Url);
  demand(parts.length === 3 && header && payload && signature?.length === 64, "it is no signed statement");
  const kid = HEADER.exec(fromUtf8(header) ?? "")?.[1];
  demand(kid, "it is not signed as statements are");
  const text = fromUtf8(payload) ?? "";
  const statement = parseJson(text);
  const first = isFirst(statement);
  demand(first || isSecond(statement), "what is signed is no statement");
  demand(canonical(statement) === text, "it is not in canonical form");
  const { version, previous, received, receipt, logged_at } = statement;
  demand((version === 1) === (previous === null), "it does not name the one before it");
  for (const member of first ? [receipt] : [receipt, logged_at])
    demand((received === null) === (member === null), "its receipt is missing, or of nothing");
  return {
    type: first ? 1 : 2,
    statement,
    kid,
    signed: toUtf8(jws.slice(0, jws.lastIndexOf("."))),
    signature,
    digest: await digestOf(toUtf8(jws)),
  };
}

/**
 * Prove by its path (C2SP tlog-proof) that `leaf` (bytes) is in one of `logs`. Gives `{index, size}`; throws an Error that says what is wrong.
 */
export async function provePath(text, leaf, logs) {
  const end = text.indexOf("\n\n");
  const [first, ...lines] = text.slice(0, Math.max(end, 0)).split("\n");
  const index = decimal(/^index (.*)$/.exec(lines.shift() ?? "")?.[1]);
  const path = lines.map(hash);
  const read = first === "c2sp.org/tlog-proof@v1" && index !== null && !path.includes(null);
  demand(read && toUtf8(text).length <= LONGEST_PROOF, "it is no log proof");
  const { size, root } = await openCheckpoint(text.slice(end + 2), logs);
  const found = await rootOf(await leafHash(leaf), index, size, path);
  demand(toBase64(found) === toBase64(root), "the log does not hold this receipt there");
  return { index, size };
}

/** The root that a leaf hash at `index` of `size` and its path lead to (RFC 9162 §2.1.3.2). */
export async function rootOf(leaf, index, size, path) {
  demand(index >= 0 && index < size, "its place is not in the log");
  let [node, at, last] = [leaf, index, size - 1];
  for (const sibling of path) {
    demand(last !== 0, "its proof is too long");
    if (at % 2 === 1 || at === last) {
      node = await inner(sibling, node);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      node = await inner(node, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  demand(last === 0, "its proof is too short");
  return node;
}

const half = (number) => Math.floor(number / 2); // not >>, which knows 32 bits only
