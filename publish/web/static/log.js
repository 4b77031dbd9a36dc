// The receipt of a statement: a proof that the log of a signed checkpoint holds the copy received.
// Formats: C2SP tlog-proof, tlog-checkpoint, signed-note; trees: RFC 6962.

import { fromBase64, isSmallOrder, sha256, signedBy, toBase64, toUtf8 } from "./encoding.js";

const ED25519 = 1;

/** The name of a key: without Unicode's White_Space, which is not JavaScript's `\s`. */
const NAME = "[^\\p{White_Space}\\p{Cs}+\\u0000-\\u001f]+";
const VERIFIER_KEY = new RegExp(`^(${NAME})\\+([0-9a-f]{8})\\+([A-Za-z0-9+/=]+)$`, "u");
const SIGNATURE = new RegExp(`^\u2014 (${NAME}) ([A-Za-z0-9+/=]+)$`, "u");

/** Bytes of the longest proof or checkpoint that is read, and signature lines of the latter. */
const LONGEST = 16384;
const MOST_SIGNATURES = 16;

/** The log's key from its note verifier key, `NAME+HASH+BASE64`; null when it is not one of Ed25519. */
export async function logKey(vkey) {
  const [, name, hash, key] = VERIFIER_KEY.exec(vkey) ?? [];
  const bytes = key && fromBase64(key);
  if (!bytes || bytes.length !== 33 || bytes[0] !== ED25519) return null;
  if (isSmallOrder(bytes.slice(1))) return null;
  const id = (await sha256(concat(toUtf8(`${name}\n`), bytes))).slice(0, 4);
  return hex(id) === hash ? { name, id: hash, publicKey: bytes.slice(1) } : null;
}

/**
 * Read a receipt and prove by it that `leaf` (bytes) is in the log of `key`.
 *
 * Gives `{index, size}`; throws an Error that says what is wrong.
 */
export async function proveReceipt(text, leaf, key) {
  const { index, path, note } = parseProof(text);
  const { size, root } = await openCheckpoint(note, key);
  const found = await rootOf(await leafHash(leaf), index, size, path);
  if (toBase64(found) !== toBase64(root))
    throw new Error("the log does not hold this receipt there");
  return { index, size };
}

function parseProof(text) {
  demandShort(text);
  const end = text.indexOf("\n\n");
  const [first, ...lines] = (end < 0 ? text : text.slice(0, end)).split("\n");
  if (end < 0 || first !== "c2sp.org/tlog-proof@v1") throw new Error("it is no log proof");
  const index = decimal(/^index (.*)$/.exec(lines.shift() ?? "")?.[1]);
  const path = lines.map((line) => hash(line));
  if (index === null || path.includes(null)) throw new Error("it is no log proof");
  return { index, path, note: text.slice(end + 2) };
}

/** The size and root that a checkpoint signed by the log of `key` states. Throws like the above. */
export async function openCheckpoint(note, key) {
  demandShort(note);
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1);
  const signatures = note.slice(end + 2);
  const odd = !note.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(note);
  if (end < 0 || !signatures.endsWith("\n") || odd) {
    throw new Error("its checkpoint is no signed note");
  }
  let signed = false;
  for (const line of signatures.slice(0, -1).split("\n").slice(0, MOST_SIGNATURES)) {
    const [, name, base64] = SIGNATURE.exec(line) ?? [];
    const bytes = base64 && fromBase64(base64);
    if (!bytes || bytes.length < 5) throw new Error("its checkpoint is no signed note");
    if (name !== key.name || hex(bytes.slice(0, 4)) !== key.id) continue; // somebody else's
    if (!(await signedBy(key.publicKey, bytes.slice(4), toUtf8(text)))) {
      throw new Error("the signature under its checkpoint is false");
    }
    signed = true;
  }
  if (!signed) throw new Error("its checkpoint is not signed by the log");
  const [origin, written, base64, ...rest] = text.slice(0, -1).split("\n");
  const size = decimal(written);
  const root = hash(base64 ?? "");
  if (origin !== key.name) throw new Error("its checkpoint is another log's");
  if (size === null || root === null || rest.includes("")) {
    throw new Error("its checkpoint cannot be read");
  }
  return { size, root };
}

/** The root that a leaf hash at `index` of `size` and its path lead to (RFC 9162 §2.1.3.2). */
export async function rootOf(leaf, index, size, path) {
  if (index < 0 || index >= size) throw new Error("its place is not in the log");
  let [node, at, last] = [leaf, index, size - 1];
  for (const sibling of path) {
    if (last === 0) throw new Error("its proof is too long");
    if (at % 2 === 1 || at === last) {
      node = await inner(sibling, node);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      node = await inner(node, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last !== 0) throw new Error("its proof is too short");
  return node;
}

export const leafHash = (leaf) => sha256(concat(Uint8Array.of(0), leaf));

const half = (number) => Math.floor(number / 2); // not >>, which knows 32 bits only

const inner = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

function demandShort(text) {
  if (toUtf8(text).length > LONGEST) throw new Error("it is too long");
}

function decimal(text) {
  const number = /^(0|[1-9][0-9]{0,15})$/.test(text ?? "") ? Number(text) : null;
  return Number.isSafeInteger(number) ? number : null;
}

function hash(base64) {
  const bytes = fromBase64(base64);
  return bytes?.length === 32 ? bytes : null;
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
