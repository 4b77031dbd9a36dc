// Logs that follow others, after a restore or the loss of a key (docs/statement.md §3).

import { canonical, fromBase64Url, toUtf8 } from "./encoding.js";
import { logKey, openCheckpoint } from "./log.js";
import { demand, isInstant, isObject, isText, shaped } from "./shape.js";

const MOST = 100;
const LONGEST = 65_535;

const isSignatures = (value) =>
  isObject(value) &&
  Object.keys(value).length > 0 &&
  Object.entries(value).every(
    ([kid, signature]) =>
      fromBase64Url(kid)?.length === 32 &&
      isText(signature) &&
      fromBase64Url(signature)?.length === 64,
  );

const isRestore = shaped({
  payload: shaped({
    type: (value) => value === "wirecopy-restore-1",
    former: isText,
    checkpoint: isText,
    log: isText,
    known_until: isInstant,
    begun_at: isInstant,
  }),
  signatures: isSignatures,
});

/**
 * The keys of the logs before the present one, whose verifier key is `present`, oldest first, each
 * with the `most` receipts that it has: as a key set tells of them.
 *
 * Throws an Error that says what is wrong. Who signed them only those need who remember what was.
 */
export async function readRestores(told, present) {
  const listed = told ?? [];
  demand(Array.isArray(listed) && listed.length <= MOST, "its restores are no list");
  demand(listed.every(isRestore), "one of its restores is none");
  const logs = [];
  for (const [at, restore] of listed.entries()) {
    const { former, checkpoint, log, known_until, begun_at } = restore.payload;
    const follows = listed[at + 1]?.payload.former ?? present;
    const key = await logKey(former);
    demand(log === follows && key !== null, "its restores do not lead from log to log");
    demand((await logKey(log)) !== null, "the key of a log is none");
    demand(known_until <= begun_at, "a log began before its backup was made");
    demand(toUtf8(canonical(restore)).length <= LONGEST, "one of its restores is too long");
    logs.push({ ...key, most: (await openCheckpoint(checkpoint, key)).size });
  }
  return logs;
}
