// Statements and their chains, of whatever type (docs/statement.md §2, §6).

import { isEarlier, readEarlier } from "./earlier.js";
import { signedBy } from "./encoding.js";
import { readJson } from "./json.js";
import { keyOf } from "./keys.js";
import { demand, inOrder, isText } from "./shape.js";
import { readStatement } from "./statement.js";

/** Bytes and statements of the longest chain that is read. */
const LARGEST_CHAIN = 64 * 1_048_576;
const MOST_STATEMENTS = 10_000;

/** A statement as read, of type `oldest` or a later one. No entry carries one of the first. */
export async function openStatement(given, oldest = 2) {
  const read = await (isEarlier(given) ? readEarlier(given) : readStatement(given));
  demand(read.type >= oldest, "it is of an earlier type than can stand here");
  return read;
}

/** The same of one as it stands in JSON: an object, or the text of an earlier type. */
export async function openInJson(given, oldest) {
  demand(!isText(given) || isEarlier(given), "it is no signed statement");
  return openStatement(given, oldest);
}

export async function verifySignature({ signature, signed }, key) {
  demand(await signedBy(key.publicKey, signature, signed), "it is false");
}

/**
 * Check a story’s chain, bytes as it is served: `{guid, log, statements}`, the proof of its receipts
 * (if it has one) and its statements as read, oldest first. Throws an Error that says what is wrong
 * (docs/statement.md §6). `withdrawn_at` is when the story was withdrawn, where the last one says so.
 */
export async function readChain(bytes, keys) {
  const { guid, log, statements: given } = readJson(bytes, LARGEST_CHAIN) ?? {};
  const length = Array.isArray(given) ? given.length : 0;
  demand(length > 0 && length <= MOST_STATEMENTS, "it is no chain of statements");
  demand(log === undefined || isText(log), "its proof is none");
  const statements = [];
  for (const [at, each] of given.entries()) {
    const read = await openInJson(each, statements.at(-1)?.type ?? 1);
    const vouched = at < length - 1;
    await verifySignature(read, keyOf(read, keys, vouched));
    const before = statements.at(-1) ?? { ...read, digest: null };
    const { story, version, previous, issued_at } = read.statement;
    demand(read.statement.guid === guid, "one is of another story");
    demand(story === before.statement.story, "one is of another story");
    demand(version === at + 1, "one is missing");
    demand(previous === before.digest, "one does not name the one before it");
    demand(inOrder(before.statement.issued_at, issued_at), "one is older than the one before it");
    statements.push(read);
  }
  return { guid, log, statements, withdrawn_at: statements.at(-1).statement.withdrawn_at };
}

/** What stands in a chain for the agency's statement with a digest; null for nothing. */
export function heldIn(bytes, digest) {
  try {
    return readJson(bytes, LARGEST_CHAIN)?.custody?.[digest] ?? null;
  } catch {
    return null; // the check of the chain says so
  }
}
