// Whether a body could hide words, or show others, behind the text projection's back
// (docs/statement.md §7).

import { MEDIA, declarations, isPixel, project } from "./text.js";

const names = (text) => new Set(text.split(" "));

const DRESSED = names(
  "applet button canvas embed frame frameset iframe input link marquee math meta meter object" +
    " output progress script select style svg template textarea",
);
const CLOSED = names("noscript noembed noframes title head");
const ATTRIBUTES = names("hidden popover background color bgcolor");
const PROPERTIES =
  /^(text-align|vertical-align|float|clear|font-weight|font-style|max-width|(margin|padding|border)(-[a-z-]+)?)$/;
const VALUE = /^[a-z0-9#%. ]*$/;

/** What dresses the words below `root`, in words; null when nothing does. */
export function dressing(root) {
  for (const element of elementsIn(root)) {
    const found = dress(element);
    if (found) return found;
  }
  return null;
}

function* elementsIn(root) {
  let node = root.firstChild;
  while (node !== null) {
    if (node.nodeType === 1) {
      yield node;
      if (node.firstChild !== null) {
        node = node.firstChild;
        continue;
      }
    }
    while (node.nextSibling === null && node.parentNode !== root) node = node.parentNode;
    node = node.nextSibling;
  }
}

function dress(element) {
  const name = element.localName;
  if (DRESSED.has(name) || (CLOSED.has(name) && holds(element))) return `<${name}>`;
  const mayHide = name === "img" && isPixel(element);
  for (const attribute of element.getAttributeNames()) {
    if (attribute.startsWith("on")) return attribute;
    if (mayHide) continue;
    if (ATTRIBUTES.has(attribute)) return attribute;
    if (attribute === "style" && !isModest(element)) return attribute;
  }
  return null;
}

function holds(element) {
  const isShown = (each) =>
    MEDIA.has(each.localName) && !(each.localName === "img" && isPixel(each));
  return project(element).paragraphs.length > 0 || Array.from(elementsIn(element)).some(isShown);
}

function isModest(element) {
  return declarations(element).every(
    ([name, value]) => PROPERTIES.test(name) && VALUE.test(value) && !/[0-9]{4}/.test(value),
  );
}
