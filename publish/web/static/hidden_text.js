// Whether a body could hide words from readers, or show some that the text projection does not see
// (docs/statement.md §7).

import { MEDIA, declarations, isHidden, isPixel, project, trim } from "./text.js";

const names = (text) => new Set(text.split(" "));

const DRESSED = names(
  "applet bdo button canvas datalist details dialog embed fencedframe frame frameset" +
    " iframe input link marquee math meta meter object optgroup option output portal progress rp" +
    " script select style svg template textarea",
);
const CLOSED = names("noscript noembed noframes title head");
const PLAYERS = names("audio video");
const ATTRIBUTES = names("hidden popover background color bgcolor face");
const WORDED = names("text-align vertical-align float clear font-weight font-style");
const WORD = /^([a-z]+(-[a-z]+)*|[0-9]{3})$/;
const SPACED = /^(margin|padding|border)(-[a-z-]+)?$/;
const SPACE =
  /^([a-z]+(-[a-z]+)*|#[0-9a-f]{3,8}|[0-9]{1,2}(\.[0-9]{1,3})?(px|pt)?|[0-9](\.[0-9]{1,3})?(em|rem))$/;
const SIZED = names("width height max-width max-height");
const SIZE =
  /^(auto|none|[1-9][0-9]{1,3}(\.[0-9]{1,3})?(px)?|(100|[1-9][0-9](\.[0-9]{1,3})?)%)$/;
const PICTURED = new Map([
  ["display", names("block inline inline-block")],
  ["object-fit", names("contain cover")],
]);
const FRAMES = ["border", "border-style", "border-width", "margin", "padding"];
const BARE = names("0 0px none");

/** What could hide or add words below `root`, in words; null when nothing could. */
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
  if (PLAYERS.has(name) && holds(element, ["source", "track"])) return `what <${name}> holds`;
  const mayHide = name === "img" && isPixel(element);
  if (mayHide && paints(element)) return "a tracking pixel’s frame";
  for (const attribute of element.getAttributeNames()) {
    if (attribute.startsWith("on")) return attribute;
    if (mayHide) continue;
    if (ATTRIBUTES.has(attribute)) return attribute;
    if (attribute === "style" && !isModest(element)) return attribute;
  }
  return null;
}

function holds(element, played = []) {
  const isShown = (each) =>
    MEDIA.has(each.localName) &&
    !played.includes(each.localName) &&
    !(each.localName === "img" && isPixel(each));
  return project(element).paragraphs.length > 0 || Array.from(elementsIn(element)).some(isShown);
}

/** Whether a tracking pixel could paint over words: one with a frame, and not hidden. */
function paints(img) {
  const style = new Map(declarations(img));
  if (isHidden(img, style)) return false;
  const framed = FRAMES.map((name) => style.get(name) ?? "");
  for (const name of ["border", "hspace", "vspace"])
    framed.push(trim(img.getAttribute(name) ?? ""));
  return framed.some((value) => value.split(" ").some((token) => token && !BARE.has(token)));
}

function isModest(element) {
  const picture = element.localName === "img";
  return declarations(element).every(([name, value]) => {
    if (WORDED.has(name)) return WORD.test(value);
    if (SPACED.test(name)) return value.split(" ").every((token) => !token || SPACE.test(token));
    if (name === "max-width" || (picture && SIZED.has(name))) return SIZE.test(value);
    return picture && (PICTURED.get(name)?.has(value) ?? false);
  });
}
