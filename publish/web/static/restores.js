// The logs of a publisher: the present one, and those of before that a restore ended
// (docs/statement.md §3).

import { canonical, fromBase64Url, toUtf8 } from "./encoding.js";
import { logKey, openCheckpoint } from "./log.js";
import { demand, isInstant, isObject, isText, shaped } from "./shape.js";

/** Restores of a key set, and bytes of one, which is a leaf of the log that began. */
const MOST = 100;
const LONGEST = 65_535;

const isBytes = (text, length) => isText(text) && fromBase64Url(text)?.length === length;
const isRestore = shaped({
  payload: shaped({
    type: (value) => value === "wirecopy-restore-1",
    former: isText,
    checkpoint: isText,
    log: isText,
    known_until: isInstant,
    begun_at: isInstant,
  }),
  signatures: (value) =>
    isObject(value) &&
    Object.keys(value).length > 0 &&
    Object.entries(value).every(([kid, signature]) => isBytes(kid, 32) && isBytes(signature, 64)),
});

/**
 * The logs, oldest first: each as {@link logKey} gives it, with `most`, the leaves that it had when it
 * ended. `present` is the verifier key of the last, null for none; `restores` lead to it.
 *
 * Whether these are signed is for who remembers a log. Throws an Error that says what is wrong.
 */
export async function readLogs(present, restores) {
  const listed = Array.isArray(restores) && restores.length <= MOST && restores.every(isRestore);
  demand(listed, "the restores of its log are none");
  const logs = [];
  for (const [at, restore] of restores.entries()) {
    const { former, checkpoint, log, known_until, begun_at } = restore.payload;
    const follows = log === (restores[at + 1]?.payload.former ?? present);
    demand(follows && begun_at >= known_until, "its restores do not lead from log to log");
    demand(toUtf8(canonical(restore)).length <= LONGEST, "a restore of its log is too long");
    const key = await readLogKey(former);
    logs.push({ ...key, most: (await openCheckpoint(checkpoint, [key])).size });
  }
  if (present !== null) logs.push({ ...(await readLogKey(present)), most: Infinity });
  const names = new Set(logs.map(({ name }) => name));
  demand(names.size === logs.length, "two of its logs have one name");
  return logs;
}

async function readLogKey(vkey) {
  const key = isText(vkey) ? await logKey(vkey) : null;
  demand(key !== null, "the key of the log is none");
  return key;
}
