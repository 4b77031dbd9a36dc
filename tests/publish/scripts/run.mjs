// Answers questions, a JSON array on standard input, with what the shipped verifier says to each.

import { body } from "./dom.mjs";

const site = process.argv[2];
const { unwrittenIn } = await import(`${site}/form.js`);
const { canonical, fromBase64, fromUtf8, toBase64, toUtf8 } = await import(`${site}/encoding.js`);
const { parseJson } = await import(`${site}/json.js`);
const { provePath, rootOf } = await import(`${site}/earlier.js`);
const { leafHash, logKey, openCheckpoint, readProof } = await import(`${site}/log.js`);
const { tell } = await import(`${site}/report.js`);
const { project, plain, resolve, digests, unsigned } = await import(`${site}/text.js`);
const { heldIn, openStatement, readChain } = await import(`${site}/chain.js`);
const { proveCustody } = await import(`${site}/custody.js`);
const { check, readKeys } = await import(`${site}/verify.js`);

/** The bytes of a document: its text, or `{base64}` of what is none. */
const bytesOf = (document) =>
  typeof document === "string" ? toUtf8(document) : fromBase64(document.base64);

const copyOf = (copy) => ({ ...copy, body: body(copy.body) });

/** A log's name, and how many leaves it has, if it has ended. */
const logOf = ({ name, most }) => [name, most === Infinity ? null : most];

/** Key sets by address, as they are asked for. */
const keysIn = (agencies) => async (address) =>
  Object.hasOwn(agencies, address) ? readKeys(bytesOf(agencies[address])).catch(() => null) : null;

/** What a key is good for, in seconds. */
const termsOf = ({ from, until, revoked }) => [
  from / 1e6,
  until === Infinity ? null : until / 1e6,
  revoked,
];

const answers = {
  project: ({ tree, base, disclosure }) => project(body(tree), base, disclosure),
  form: ({ tree }) => unwrittenIn(body(tree)),
  plain: ({ text }) => plain(text),
  resolve: ({ url, base, shown }) => resolve(url, base, shown),
  unsigned: ({ url }) => unsigned(url),
  digests: ({ copy, disclosure }) => digests(copyOf(copy), disclosure),
  canonical: ({ json }) => canonical(parseJson(json)),
  keys: async ({ jwks }) => {
    const { signing, logs } = await readKeys(bytesOf(jwks));
    const good = [...signing].filter(([, key]) => key !== null);
    return { good: good.map(([kid, key]) => [kid, termsOf(key)]), log: logs.at(-1)?.name ?? null };
  },
  logs: async ({ jwks }) => (await readKeys(bytesOf(jwks))).logs.map(logOf),
  token: async ({ token }) => {
    const { type, statement, signed } = await openStatement(token);
    return type < 3 ? statement : parseJson(/\.(.*)/s.exec(fromUtf8(signed))[1]);
  },
  chain: async ({ chain, jwks }) =>
    (await readChain(bytesOf(chain), await readKeys(bytesOf(jwks)))).statements.length,
  logKey: ({ vkey }) => logKey(vkey),
  leaf: async ({ data }) => toBase64(await leafHash(fromBase64(data))),
  inclusion: async ({ leaf, index, size, path }) =>
    toBase64(await rootOf(fromBase64(leaf), index, size, path.map(fromBase64))),
  checkpoint: async ({ note, vkey }) => {
    const { size, root } = await openCheckpoint(note, [await logKey(vkey)]);
    return { size, root: toBase64(root) };
  },
  receipt: async ({ receipt, leaf, vkey, jwks }) => {
    const logs = vkey === undefined ? (await readKeys(bytesOf(jwks))).logs : [await logKey(vkey)];
    return provePath(receipt, fromBase64(leaf), logs);
  },
  proof: async ({ text, vkey }) => {
    const { size, leaves } = await readProof(text, [await logKey(vkey)]);
    return { size, leaves: Object.fromEntries(leaves) };
  },
  check: async ({ entry, jwks, chain, now, agencies = {} }) =>
    check(copyOf(entry), {
      keys: await readKeys(bytesOf(jwks)),
      chain: chain == null ? null : bytesOf(chain),
      now,
      keysAt: keysIn(agencies),
    }),
  custody: async ({ token, document, agencies, own }) => {
    const { statement } = await openStatement(token);
    if (statement.custody === undefined) return "not checked";
    const held = document === null ? null : heldIn(bytesOf(document), statement.custody.digest);
    const keys = await readKeys(toUtf8(JSON.stringify(own ?? { keys: [] })));
    const found = await proveCustody(statement, held, keysIn(agencies), keys);
    return typeof found === "string" ? "not checked" : found.site;
  },
  tell: async (what) => tell(await answers.check(what)),
};

let asked = "";
for await (const chunk of process.stdin.setEncoding("utf8")) asked += chunk;
const said = [];
for (const { ask, ...what } of JSON.parse(asked)) {
  try {
    said.push(await answers[ask](what));
  } catch (error) {
    // How the verifier refuses. Anything else is a fault of its own, and to be heard of.
    if (error.constructor !== Error) throw error;
    said.push({ refused: error.message });
  }
}
process.stdout.write(JSON.stringify(said));
