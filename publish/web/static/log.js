// The log of copy received: proofs that it holds a receipt, each under a signed checkpoint.
// Formats: docs/statement.md §5; C2SP tlog-checkpoint, signed-note; trees: RFC 6962.

import { concat, fromBase64, isSmallOrder, sha256, signedBy, toBase64, toUtf8 } from "./encoding.js";
import { demand } from "./shape.js";
import { trim } from "./text.js";

const ED25519 = 1;

/** The name of a key: without Unicode's White_Space, which is not JavaScript's `\s`. */
const NAME = "[^\\p{White_Space}\\p{Cs}+\\u0000-\\u001f]+";
const VERIFIER_KEY = new RegExp(`^(${NAME})\\+([0-9a-f]{8})\\+([A-Za-z0-9+/=]+)$`, "u");
const SIGNATURE = new RegExp(`^\u2014 (${NAME}) ([A-Za-z0-9+/=]+)$`, "u");

/** Bytes of the longest checkpoint and of the longest proof that are read. */
const LONGEST = 16_384;
const LONGEST_PROOF = 1_048_576;
const PROOF = /^wirecopy-proof-1\nleaves ([0-9 ]+)\n([^\n]*)\n\n([^]*)$/;
const NEXT = /\n\n(?=wirecopy-proof-1\n)/;
const HASH = 32;

/** Signature lines of a checkpoint that are looked at. */
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
 * Read a proof, the tree of the log pruned to some leaves: `{size, leaves}`, a Map of their hashes by
 * index, which one of `logs` has signed. Throws an Error that says what is wrong.
 */
export async function readProof(text, logs) {
  const trimmed = trim(text);
  demand(toUtf8(trimmed).length <= LONGEST_PROOF, "its proof is too long");
  const [, listed, base64, note] = PROOF.exec(`${trimmed}\n`) ?? [];
  const indexes = (listed ?? "").split(" ").map(decimal);
  const bytes = fromBase64(base64 ?? "");
  const ascending = indexes.every((index, at) => index !== null && !(index <= indexes[at - 1]));
  demand(ascending && bytes?.length % HASH === 0, "its proof cannot be read");
  const { size, root } = await openCheckpoint(note, logs);
  const leaves = new Map();
  let [used, taken] = [0, 0];
  // A part of the tree in which no leaf is listed is one hash, and so is a listed leaf.
  const build = async (from, to) => {
    const within = indexes[used] < to;
    if (within && to - from > 1) {
      const middle = from + below(to - from);
      return inner(await build(from, middle), await build(middle, to));
    }
    const found = bytes.slice(taken, (taken += HASH));
    demand(taken <= bytes.length, "its proof is too short");
    if (within) leaves.set(indexes[used++], toBase64(found));
    return found;
  };
  const found = await build(0, size);
  const all = taken === bytes.length && used === indexes.length;
  demand(all && toBase64(found) === toBase64(root), "its proof is not that of the log");
  return { size, leaves };
}

/**
 * Prove by one of several texts, each a proof for every log, that `leaf` (bytes) stands at `index` of one
 * of `logs`. Gives `{index, size}`, or null when none of them is of these logs and lists it, as where
 * entries of several copies of a feed were put together; throws an Error that says what is wrong with
 * the last of them.
 */
export async function proveReceipt(texts, leaf, index, logs) {
  const hashed = toBase64(await leafHash(leaf));
  let wrong = null;
  for (const text of texts.flatMap((each) => [...firstOfEach(each, logs)])) {
    try {
      const { size, leaves } = await readProof(text, logs);
      if (!leaves.has(index)) continue;
      demand(leaves.get(index) === hashed, "the log does not hold this receipt there");
      return { index, size };
    } catch (error) {
      wrong = error;
    }
  }
  if (wrong !== null) throw wrong;
  return null;
}

/** The first proof in a text of each of `logs`; one that does not say of which is of the last. */
function firstOfEach(text, logs) {
  const first = new Map();
  for (const proof of trim(text).split(NEXT)) {
    const [, note = ""] = proof.split("\n\n");
    const name = note.split("\n", 1)[0] || logs.at(-1).name;
    if (!first.has(name) && logs.some((log) => log.name === name)) first.set(name, proof);
  }
  return first.values();
}

/** The largest power of two below a number: where RFC 6962 divides a tree of so many leaves. */
function below(number) {
  let power = 1;
  while (power * 2 < number) power *= 2;
  return power;
}

/** The size and root that a checkpoint states, signed by that of `logs` which it names. Throws likewise. */
export async function openCheckpoint(note, logs) {
  const key = logs.find(({ name }) => name === note.split("\n", 1)[0]);
  demand(key !== undefined, "its checkpoint is another log’s");
  demand(toUtf8(note).length <= LONGEST, "its checkpoint is too long");
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1);
  const signatures = note.slice(end + 2);
  const odd = !note.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(note);
  demand(end >= 0 && signatures.endsWith("\n") && !odd, "its checkpoint is no signed note");
  let signed = false;
  for (const line of signatures.slice(0, -1).split("\n").slice(0, MOST_SIGNATURES)) {
    const [, name, base64] = SIGNATURE.exec(line) ?? [];
    const bytes = base64 && fromBase64(base64);
    demand(bytes && bytes.length >= 5, "its checkpoint is no signed note");
    if (name !== key.name || hex(bytes.slice(0, 4)) !== key.id) continue; // somebody else's
    const good = await signedBy(key.publicKey, bytes.slice(4), toUtf8(text));
    demand(good, "the signature under its checkpoint is false");
    signed = true;
  }
  demand(signed, "its checkpoint is not signed by the log");
  const [, written, base64, ...rest] = text.slice(0, -1).split("\n");
  const size = decimal(written);
  const root = hash(base64 ?? "");
  demand(size !== null && root !== null && !rest.includes(""), "its checkpoint cannot be read");
  demand(!(size > key.most), "its log had ended before");
  return { size, root };
}

export const leafHash = (leaf) => sha256(concat(Uint8Array.of(0), leaf));

export const inner = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

export function decimal(text) {
  const number = /^(0|[1-9][0-9]{0,15})$/.test(text ?? "") ? Number(text) : null;
  return Number.isSafeInteger(number) ? number : null;
}

export function hash(base64) {
  const bytes = fromBase64(base64);
  return bytes?.length === 32 ? bytes : null;
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
