// The keys that sign statements, and that of the log (docs/statement.md §3).

import { canonical, fromBase64Url, isSmallOrder, sha256, toBase64Url, toUtf8 } from "./encoding.js";
import { readJson } from "./json.js";
import { readLogs } from "./restores.js";
import { demand, isObject, isText, isWhole, microseconds, orAbsent } from "./shape.js";

/** Bytes of the largest key set that is read, and the end of the last year of four digits. */
const LARGEST_SET = 1_048_576;
const END_OF_TIME = 253_402_300_800;

/**
 * The keys of a JWK Set in bytes: `{signing, logs}`: a Map of key id to key, null in place of a key
 * that is there and cannot be used, and what {@link readLogs} gives.
 *
 * Throws an Error that says why it is no key set, or what is wrong with its log key.
 */
export async function readKeys(bytes) {
  const set = readJson(bytes, LARGEST_SET);
  demand(isObject(set) && Array.isArray(set.keys), "it is no set of keys");
  const listed = set.keys.filter(isObject).map(withoutNulls);
  const named = counted(listed.flatMap(namesOf));
  const signing = new Map();
  for (const jwk of listed) {
    if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519") continue;
    // A key that is there twice could be read in two ways, so it is not used.
    const alone = namesOf(jwk).every((name) => named.get(name) === 1);
    signing.set(jwk.kid, alone && (await isKey(jwk)) ? keyIn(jwk) : null);
  }
  const logs = await readLogs(set.wirecopy_log ?? null, set.wirecopy_restores ?? []);
  // Who signs with one for one of the two would sign for the other.
  const used = [...signing.values()].map((key) => key?.publicKey.join());
  const shared = logs.some((log) => used.includes(log.publicKey.join()));
  demand(!shared, "the key of a log signs statements, too");
  return { signing, logs };
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
 * The key that a statement names. Throws an Error that says why it is not good for it.
 *
 * For one that a later statement vouches for it may have been revoked since.
 */
export function keyOf({ statement, kid }, keys, vouched = false) {
  const key = keys.signing.get(kid);
  demand(key !== undefined, "it is not among the keys offered");
  demand(key !== null, "it stands among the keys offered as none that could sign");
  demand(vouched || !key.revoked, "it was revoked");
  const issued = microseconds(statement.issued_at);
  const inForce = issued >= key.from && issued <= key.until;
  demand(inForce, "it was not in force when the statement was signed");
  return key;
}
