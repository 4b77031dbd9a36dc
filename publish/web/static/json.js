// Strict JSON (docs/statement.md §1). JSON.parse takes the last of two members of one name and rounds
// numbers, so that another reader could read another key set under the same digest.

import { fromUtf8 } from "./encoding.js";
import { demand } from "./shape.js";

const DEEPEST = 8;
const SPACE = /[ \t\n\r]*/y;
const WORD = /true|false|null|-?(?:0|[1-9][0-9]{0,15})/y;

/** The value of a JSON document in bytes, at most `longest`. Throws an Error if it is not one. */
export function readJson(bytes, longest) {
  const text = bytes.length > longest ? null : fromUtf8(bytes);
  if (text === null) throw new Error("it is too long, or no UTF-8");
  return parseJson(text.startsWith("\ufeff") ? text.slice(1) : text);
}

/** The value of a JSON text. Throws an Error if it is not one, or can be read in two ways. */
export function parseJson(text) {
  let at = 0;

  function skipped(pattern) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  }

  function next() {
    skipped(SPACE);
    return text[at];
  }

  function value(depth) {
    const first = next();
    if (first === '"') return string();
    if (first === "[" || first === "{") {
      demand(depth > 0, "it nests too deeply");
      return first === "[" ? list(depth - 1) : object(depth - 1);
    }
    const word = skipped(WORD);
    demand(word !== "", "it is no JSON of whole numbers");
    const found = JSON.parse(word);
    demand(typeof found !== "number" || Number.isSafeInteger(found), "a number in it is too large");
    return found;
  }

  function string() {
    const start = at;
    do at += text[at] === "\\" ? 2 : 1;
    while (at < text.length && text[at] !== '"');
    at += 1;
    const found = parsed(text.slice(start, at)); // which knows the escapes, and what has to be one
    demand(found?.isWellFormed(), "it holds a string that is none");
    return found;
  }

  /** What stands between an opening and its closing bracket, each read by `one`. */
  function* each(closing, one) {
    at += 1;
    if (next() !== closing) {
      yield one();
      while (next() === ",") {
        at += 1;
        yield one();
      }
    }
    demand(next() === closing, "it is no JSON");
    at += 1;
  }

  const list = (depth) => [...each("]", () => value(depth))];

  function object(depth) {
    const members = new Map();
    const pairs = each("}", () => {
      demand(next() === '"', "it is no JSON");
      const name = string();
      demand(next() === ":", "it is no JSON");
      at += 1;
      return [name, value(depth)];
    });
    for (const [name, held] of pairs) {
      demand(!members.has(name), "it has a member twice");
      members.set(name, held);
    }
    return Object.fromEntries(members); // makes its own even of a `__proto__`
  }

  const found = value(DEEPEST);
  demand(next() === undefined, "something follows it");
  return found;
}

function parsed(token) {
  try {
    return JSON.parse(token);
  } catch {
    return null;
  }
}
