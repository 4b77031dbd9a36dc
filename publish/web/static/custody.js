// Whether an agency signed the copy that a statement says was received (docs/statement.md §10).

import { openInJson, verifySignature } from "./chain.js";
import { spelt } from "./encoding.js";
import { keyOf } from "./keys.js";
import { demand, inOrder, isObject, isText } from "./shape.js";
import { PARTS, plain } from "./text.js";

/**
 * Check the agency's statement that a statement names. It is `held` in the chain document, with the
 * address of the agency's keys, of which `keysAt` makes a key set, null where it cannot be had. `own`
 * are the publisher's keys.
 *
 * Gives `{kid, site, further}`: `site` is where the keys are, all of it; `further` is whether the agency had the copy from another. Gives in
 * words why it is not checked, and throws an Error that says what is wrong.
 */
export async function proveCustody(statement, held, keysAt, own) {
  const { key, digest } = statement.custody;
  if (own.signing.has(key)) return "it is by a key of the publisher’s own";
  if (held === null) return "the agency’s statement could not be had";
  const { statement: given, keys: address = "" } = isObject(held) ? held : { keys: null };
  demand(isText(address), "it is kept as none");
  const read = await openInJson(given);
  const named = read.digest === spelt(digest) && read.kid === key;
  demand(named, "it is not the one that is named");
  const theirs = read.statement;
  demand(theirs.withdrawn_at === undefined, "it is of no copy");
  const sent = PARTS.every((part) => theirs.published[part] === statement.received[part]);
  demand(theirs.rule === statement.rule && sent, "it is not of the copy received");
  const same = (name) => plain(theirs[name]) === plain(statement[name]);
  const versioned = theirs.agency_version === "" || same("agency_version");
  demand(same("agency") && same("agency_id") && versioned, "it is of another story");
  const before = inOrder(theirs.issued_at, statement.received_at);
  demand(before, "it was signed after the copy was received");
  // It is told to readers: a line break, a space or a mark of direction could show them another.
  const keys = /^https?:\/\/[\w.:-]+(\/[!-~]*)?$/.test(address) ? await keysAt(address) : null;
  if (keys === null) return "the agency’s keys could not be had";
  const known = keyOf(read, keys, true);
  await verifySignature(read, known);
  if (known.revoked) return "the agency has revoked its key since";
  const site = address.replace(/^https?:\/\//, "").replace(/\/\.well-known\/jwks\.json$/, "");
  return { kid: key, site, further: theirs.custody !== undefined };
}
