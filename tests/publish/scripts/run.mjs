// Answers questions, a JSON array on standard input, with what the shipped verifier says to each.

import { body } from "./dom.mjs";

const site = process.argv[2];
const { dressing } = await import(`${site}/appearance.js`);
const { canonical, fromBase64, toBase64 } = await import(`${site}/encoding.js`);
const { leafHash, logKey, openCheckpoint, proveReceipt, rootOf } = await import(`${site}/log.js`);
const { readStatement } = await import(`${site}/statement.js`);
const { tell } = await import(`${site}/telling.js`);
const { project, plain, resolve, digests } = await import(`${site}/text.js`);
const { check, readChain, readKeys } = await import(`${site}/verify.js`);

const copyOf = (copy) => ({ ...copy, body: body(copy.body) });

const answers = {
  project: ({ tree, base, disclosure }) => project(body(tree), base, disclosure),
  dressing: ({ tree }) => dressing(body(tree)),
  plain: ({ text }) => plain(text),
  resolve: ({ url, base, shown }) => resolve(url, base, shown),
  digests: ({ copy, disclosure }) => digests(copyOf(copy), disclosure),
  canonical: ({ json }) => canonical(JSON.parse(json)),
  token: ({ token }) => readStatement(token).statement,
  chain: async ({ chain, jwks }) =>
    (await readChain(JSON.parse(chain), await readKeys(jwks))).length,
  logKey: ({ vkey }) => logKey(vkey),
  leaf: async ({ data }) => toBase64(await leafHash(fromBase64(data))),
  inclusion: async ({ leaf, index, size, path }) =>
    toBase64(await rootOf(fromBase64(leaf), index, size, path.map(fromBase64))),
  checkpoint: async ({ note, vkey }) => {
    const { size, root } = await openCheckpoint(note, await logKey(vkey));
    return { size, root: toBase64(root) };
  },
  receipt: async ({ receipt, leaf, vkey }) =>
    proveReceipt(receipt, fromBase64(leaf), await logKey(vkey)),
  check: async ({ entry, jwks, chain, now }) =>
    check(copyOf(entry), { keys: await readKeys(jwks), chain: chain && JSON.parse(chain), now }),
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
    if (error.constructor !== Error && error.name !== "SyntaxError") throw error;
    said.push({ refused: error.message });
  }
}
process.stdout.write(JSON.stringify(said));
