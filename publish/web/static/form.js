// Whether an entry is what Wirecopy writes: the table of form.json, of which form_table.js is made.

import { FORM } from "./form_table.js";
import { BLOCKS, candidates, isPixel, plain } from "./text.js";

const names = (text) => text.split(" ");

const { body: BODY } = FORM;
const ATTRIBUTES = new Map(
  Object.entries(BODY.elements).flatMap(([tags, own]) =>
    names(tags).map((tag) => [tag, new Set(names(`${BODY.any} ${own}`))]),
  ),
);
const FOLLOWED = names(BODY.followed);
const LOADED = names(BODY.loaded);
const ROWS = names(BODY.rows);
const LEVELS = new Map(
  BODY.nested.flatMap(([tags], level) => names(tags).map((tag) => [tag, level])),
);
/** Cells of a table that reach into one row. */
const WIDEST = 200;
const LTR = new RegExp(FORM.letters.ltr, "gu");
const RTL = new RegExp(FORM.letters.rtl, "gu");
const CHARACTERS = new RegExp(FORM.characters);
const ADDRESS = /^https?:\/\/[^\t\n\v\f\r \/?#]/i;
const LINK = /^(https?:\/\/[^\t\n\v\f\r \/?#]|mailto:|tel:|#|$)/i;

/** The first character in `texts` that is shown otherwise than it is read, in words; or null. */
export function unwritten(texts) {
  const found = texts.map((text) => CHARACTERS.exec(text)).find((each) => each !== null);
  return found ? `the character U+${found[0].codePointAt(0).toString(16)}` : null;
}

/** The first thing in a body that Wirecopy never writes there, in words; null for none. */
export function unwrittenIn(root) {
  // On a page of its own; a part of another page is looked at from within.
  if (root.localName === "body") {
    for (const each of [root.parentNode, root])
      if (each?.getAttributeNames?.().length) return `an attribute of <${each.localName}>`;
  }
  const within = BODY.nested.map(() => 0);
  const count = (element, by) => {
    const level = LEVELS.get(element.localName);
    if (level === undefined) return false;
    within[level] += by;
    return within[level] > BODY.nested[level][1];
  };
  const open = [{ own: "", may: false, ltr: 0, rtl: 0 }];
  let node = root.firstChild;
  while (node !== null) {
    const found = fault(node);
    if (found) return found;
    if (node.nodeType === 3) read(open.at(-1), node.data);
    if (node.nodeType === 1) {
      if (count(node, 1)) return `<${node.localName}>, so deep in others of its kind`;
      if (!enters(open, node)) return `<${node.localName}> where no direction is stated`;
      if (node.firstChild !== null) {
        node = node.firstChild;
        continue;
      }
      count(node, -1);
      leaves(open);
    }
    while (node.nextSibling === null && node.parentNode !== root) {
      node = node.parentNode;
      count(node, -1);
      if (!leaves(open)) return "a direction that is not that of the words";
    }
    node = node.nextSibling;
  }
  return null;
}

// Which way words run. Those that stand by themselves (bdi, or inline with a dir) are shown in the
// order of what is around them: in the other direction they would be turned around.

function enters(open, element) {
  const stated = (element.getAttribute("dir") ?? "").toLowerCase();
  const own = ["auto", "ltr", "rtl"].includes(stated) ? stated : "";
  const name = element.localName;
  const alone = name === "bdi" || (own !== "" && !BLOCKS.has(name));
  const { may } = open.at(-1);
  const inside = alone || own === "auto" ? false : own !== "" || may;
  open.push({ own, may: inside, ltr: 0, rtl: 0 });
  return may || !alone;
}

function read(of, text) {
  of.ltr += text.match(LTR)?.length ?? 0;
  of.rtl += text.match(RTL)?.length ?? 0;
}

function leaves(open) {
  const { own, ltr, rtl } = open.pop();
  open.at(-1).ltr += ltr;
  open.at(-1).rtl += rtl;
  // A quarter of the letters has to run as stated.
  return own === "rtl" ? ltr <= 3 * rtl : own !== "ltr" || rtl <= 3 * ltr;
}

function fault(node) {
  if (node.nodeType === 3) return unwritten([node.data]);
  const name = node.localName;
  const allowed = ATTRIBUTES.get(name);
  if (node.nodeType !== 1 || allowed === undefined) return name ? `<${name}>` : "a comment";
  for (const attribute of node.getAttributeNames()) {
    const value = node.getAttribute(attribute);
    if (!allowed.has(attribute) || !isWritten(attribute, value)) return `the attribute ${attribute}`;
    const found = unwritten([value]);
    if (found) return found;
  }
  if (name === "img") {
    if (!LOADED.some((each) => node.getAttribute(each) !== null)) return "a picture of nothing";
    if (isPixel(node)) return "a tracking pixel";
  }
  const children = childrenOf(node);
  if (Object.hasOwn(BODY.holding, name)) {
    const held = names(BODY.holding[name]);
    const strange = (each) =>
      each.nodeType === 3 ? plain(each.data) : !held.includes(each.localName);
    if (children.some(strange)) return `what <${name}> holds`;
  }
  if (name === "table") {
    const rows = children.map((each) => ROWS.indexOf(each.localName)).filter((n) => n >= 0);
    const wrong = (n, at) =>
      n < rows[at - 1] || (n === rows[at - 1] && ROWS[n] !== "tbody");
    if (rows.some(wrong)) return "a table whose rows are shown in another order";
  }
  if (ROWS.includes(name) && covers(children)) return "a cell that covers another";
  return null;
}

/** Whether in a part of a table a cell covers another (HTML Standard §4.9.12.1). */
function covers(children) {
  let down = []; // of cells that reach further: first column, the one behind, last row
  const rows = children.filter(({ localName }) => localName === "tr");
  for (const [at, row] of rows.entries()) {
    down = down.filter(({ last }) => last >= at);
    const above = [...down].sort((a, b) => b.first - a.first);
    let column = 0;
    for (const cell of childrenOf(row)) {
      if (cell.localName !== "td" && cell.localName !== "th") continue;
      while (above.at(-1)?.first <= column) column = Math.max(column, above.pop().behind);
      const behind = column + Math.max(1, Math.min(span(cell, "colspan"), 1000));
      const tall = span(cell, "rowspan");
      if (tall !== 1) down.push({ first: column, behind, last: tall ? at + tall - 1 : Infinity });
      if (above.at(-1)?.first < behind || down.length > WIDEST) return true;
      column = behind;
    }
  }
  return false;
}

function span(cell, name) {
  const found = /^[\t\n\f\r ]*\+?([0-9]+)/.exec(cell.getAttribute(name) ?? "");
  return found ? Number(found[1].slice(0, 6)) : 1;
}

/** Whether an attribute can have that value. */
function isWritten(name, value) {
  if (FOLLOWED.includes(name)) return LINK.test(value);
  if (!LOADED.includes(name)) return true;
  const urls = name === "srcset" ? candidates(value) : [value];
  return urls.length > 0 && urls.every((url) => ADDRESS.test(url));
}

function childrenOf(node) {
  const found = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
}
