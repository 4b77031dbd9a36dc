// The text projection `wirecopy-text-1` (docs/text-projection.md) over a DOM tree.
//
// Written from the specification, independently of the Python that signs: where the two disagree,
// one of them is wrong. Needs no more of a tree than nodeType, localName, data, getAttribute,
// firstChild, nextSibling and parentNode.

import { digestOf, toUtf8 } from "./encoding.js";

export const RULE = "wirecopy-text-1";

/** The same for copy in which addresses carry signatures that expire: they count without (§8). */
export const UNSIGNED = "wirecopy-text-2";

const NAME_OF_SIGNATURE =
  /^(?:sig|sign|signature|hmac|mac|hash|md5|digest|token|tkn|st|s|oh|ws_?secret|tx_?secret|q-signature|x-\w+-signature)$/i;
const EXPIRY =
  /^(?:expires?|expiry|expiration|exp|e|t|ts|se|oe|valid_?(?:to|until)|ws_?time|tx_?time|(?:x-\w+-)?(?:expires|date)|q-sign-time)=(?:[0-9]{8,}.*|[0-9a-f]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{8}T[0-9]{6}Z)$/i;
const TOKEN =
  /^(?:hdnea|hdnts|hdntl|__token__|__gda__|__cld_token__|auth_key|verify|token|policy)=(?:.*exp(?:ires)?(?:=|%3D)[0-9]{9,}.*|[0-9]{9,}[-_].*)$/i;
const BESIDE =
  /^(?:x-(?:amz|goog|oss|obs|cos|tos|ms)-[\w-]+|q-[\w-]+|key-pair-id|policy|\w*access_?key_?id|googleaccessid|security-token|token_path|s[eprstv]|spr|sip|srt|sk\w{1,3}|_nc_\w+|expires?)$/i;

/** The digested parts of a copy, in the order in which they are reported. */
export const PARTS = ["headline", "text", "links", "media", "packaging"];

const ELEMENT = 1;
const TEXT = 3;
const CDATA = 4;

const names = (text) => new Set(text.split(" "));

export const BLOCKS = names(
  "address article aside blockquote body br caption center col colgroup dd details dialog dir div" +
    " dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr" +
    " html legend li listing main menu nav ol optgroup option p plaintext pre search section" +
    " summary table tbody td tfoot th thead tr ul xmp",
);
const SILENT = names("head iframe noembed noframes noscript script style template title");
const LINKS = new Map([
  ["a", ["href", "xlink:href"]],
  ["area", ["href"]],
  ["base", ["href"]],
]);
const MEDIA = new Map([
  ["img", ["src", "srcset"]],
  ["source", ["src", "srcset"]],
  ["image", ["href", "xlink:href"]],
  ["video", ["src", "poster"]],
  ["audio", ["src"]],
  ["track", ["src"]],
  ["embed", ["src"]],
  ["input", ["src"]],
  ["iframe", ["src", "srcdoc"]],
  ["object", ["data"]],
]);

const NOTHING = /[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufeff\ufffe\uffff]+/g;
const WHITE =
  "\\u0009-\\u000d\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACES = new RegExp(`[${WHITE}]+`, "g");
const EDGES = new RegExp(`^[${WHITE}]+|[${WHITE}]+$`, "g");

/** `text` on one line as the rule compares it (§1). */
export function plain(text) {
  const clean = text.toWellFormed().replace(NOTHING, "").replace(SPACES, " ");
  return clean.replace(/^ | $/g, "").normalize("NFC");
}

/**
 * The paragraphs, links and media of everything below `root` (§2, §3).
 *
 * `root` is the body, or whatever element holds it; `base` the URL its relative references are
 * resolved against, null for none; `disclosure` the plain sentence that is left out where it is
 * the last paragraph. Gives `{paragraphs: [string], links: [[url, words]], media: [[url, words]]}`.
 */
export function project(root, base = null, disclosure = "") {
  const paragraphs = [];
  const links = [];
  const media = [];
  const anchors = []; // the innermost open link gathers the words
  let run = [];

  const part = () => {
    const words = plain(run.join(""));
    if (words) paragraphs.push(words);
    run = [];
    anchors.at(-1)?.words.push(" ");
  };
  const enter = (element) => {
    const name = element.localName;
    if (BLOCKS.has(name)) part();
    if (LINKS.has(name)) link(element, name);
    if (MEDIA.has(name)) show(element, name);
    return !SILENT.has(name);
  };
  const link = (element, name) => {
    const spelt = LINKS.get(name).map((each) => element.getAttribute(each));
    const url = resolve(spelt.find((each) => each !== null) ?? null, base);
    if (url === null) return;
    const found = {
      element,
      url,
      words: name === "area" ? [element.getAttribute("alt") ?? ""] : [],
    };
    links.push(found);
    if (name === "a") anchors.push(found);
  };
  const show = (element, name) => {
    if (name === "img" && isPixel(element)) return;
    const words = plain(element.getAttribute("alt") ?? "");
    for (const attribute of MEDIA.get(name)) {
      const value = element.getAttribute(attribute);
      if (value === null) continue;
      if (attribute === "srcdoc") {
        media.push([`srcdoc:${escape(plain(value))}`, words]);
        continue;
      }
      for (const spelt of attribute === "srcset" ? candidates(value) : [value]) {
        const url = resolve(spelt, base, true);
        if (url !== null) media.push([url, words]);
      }
    }
  };
  const leave = (element) => {
    if (BLOCKS.has(element.localName)) part();
    if (anchors.at(-1)?.element === element) anchors.pop();
  };

  // Without recursion: nothing that an agency can nest may exhaust the stack.
  let node = root.firstChild;
  while (node !== null) {
    if (node.nodeType === TEXT || node.nodeType === CDATA) {
      run.push(node.data);
      anchors.at(-1)?.words.push(node.data);
    } else if (node.nodeType === ELEMENT && enter(node)) {
      if (node.firstChild !== null) {
        node = node.firstChild;
        continue;
      }
      leave(node);
    }
    while (node.nextSibling === null && node.parentNode !== root) {
      node = node.parentNode;
      leave(node);
    }
    node = node.nextSibling;
  }
  part();

  const sentence = plain(disclosure);
  if (sentence && paragraphs.at(-1) === sentence) paragraphs.pop();
  return { paragraphs, links: links.map(({ url, words }) => [url, plain(words.join(""))]), media };
}

/** Whether an `img` is a tracking pixel (§3): at most one pixel wide or high, or hidden. */
export function isPixel(img) {
  if (trim(img.getAttribute("alt") ?? "")) return false;
  const style = new Map();
  for (const [name, value] of declarations(img)) {
    if (!SLIGHT.has(name) || style.has(name)) return false;
    style.set(name, value);
  }
  if (isHidden(img, style)) return true;
  return ["width", "height"].some((side) =>
    TINY.has(style.get(side) ?? trim(img.getAttribute(side) ?? "").toLowerCase()),
  );
}

/** Whether a picture is hidden: by its `style`, a map of what that declares, or `hidden`. */
function isHidden(img, style) {
  if (style.get("display") === "none" || style.get("visibility") === "hidden") return true;
  return img.getAttribute("hidden") !== null && !style.has("display");
}

/** What an element's `style` declares, as `[property, value]`, in lower case. */
function declarations(element) {
  const style = (element.getAttribute("style") ?? "").toLowerCase();
  return style
    .split(";")
    .map((declaration) => {
      const [name, ...value] = declaration.split(":");
      return [trim(name), trim(value.join(":").replaceAll("!important", ""))];
    })
    .filter(([name, value]) => name || value);
}

const SLIGHT = names(
  "border border-style border-width display float visibility opacity overflow position top right" +
    " bottom left margin padding vertical-align width height max-width max-height",
);
const TINY = names("0 1 0px 1px");

/** `text` without white space at its ends. */
export const trim = (text) => text.replace(EDGES, "");

/** The addresses of a `srcset`, descriptors left out (HTML Standard §4.8.4.3.10). */
export function candidates(srcset) {
  const found = [];
  let at = 0;
  for (;;) {
    while (/[\t\n\f\r ,]/.test(srcset[at] ?? "")) at += 1;
    if (at >= srcset.length) return found;
    const start = at;
    while (/[^\t\n\f\r ]/.test(srcset[at] ?? "")) at += 1;
    const url = srcset.slice(start, at);
    if (url.endsWith(",")) {
      found.push(url.replace(/,+$/, ""));
      continue;
    }
    found.push(url);
    for (let within = false; at < srcset.length && (within || srcset[at] !== ","); at += 1) {
      if (srcset[at] === "(") within = true;
      else if (srcset[at] === ")") within = false;
    }
  }
}

const PORTS = new Map([
  ["http", ":80"],
  ["https", ":443"],
]);

/** The address that a reference means at `base` (§4), null where it refers to nothing. */
export function resolve(reference, base, shown = false) {
  if (reference === null) return null;
  const url = tidy(reference);
  let [scheme, rest] = schemeOf(url);
  if (scheme === "javascript" || scheme === "vbscript") return null;
  if (scheme === "data" && !shown) return null;
  if (PORTS.has(scheme)) {
    rest = slashes(rest);
    if (rest.startsWith("//")) return compose(scheme, split(rest));
  }
  if (scheme) return `${scheme}:${escape(rest)}`;
  if (url === "" || url.startsWith("#")) return escape(url);
  const relative = slashes(url);
  const [home, place] = schemeOf(tidy(base ?? ""));
  const where = PORTS.has(home) ? slashes(place) : "";
  return where.startsWith("//")
    ? compose(home, merge(split(relative), split(where)))
    : escape(relative);
}

function tidy(url) {
  return url.toWellFormed().replace(/^[\u0000-\u0020]+|[\u0000-\u0020]+$|[\t\n\r]/g, "");
}

function schemeOf(url) {
  const found = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url);
  return found ? [found[1].toLowerCase(), url.slice(found[0].length)] : ["", url];
}

function slashes(rest) {
  const end = rest.search(/[?#]/);
  const path = end < 0 ? rest : rest.slice(0, end);
  return path.replaceAll("\\", "/") + rest.slice(path.length);
}

function split(rest) {
  const [, authority, path, query = "", fragment = ""] =
    /^(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#[^]*)?$/.exec(rest);
  return { authority, path, query, fragment };
}

function merge(own, home) {
  if (own.authority !== undefined) return own;
  if (own.path === "") {
    return { ...home, query: own.query || home.query, fragment: own.fragment };
  }
  const folder = home.path.slice(0, home.path.lastIndexOf("/") + 1) || "/";
  const path = own.path.startsWith("/") ? own.path : folder + own.path;
  return { ...own, authority: home.authority, path };
}

function compose(scheme, { authority = "", path, query, fragment }) {
  const at = authority.lastIndexOf("@") + 1;
  let host = authority.slice(at);
  for (;;) {
    if (host.endsWith(":")) host = host.slice(0, -1);
    else if (host.endsWith(PORTS.get(scheme))) host = host.slice(0, -PORTS.get(scheme).length);
    else break;
  }
  const lower = escape(host).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return `${scheme}://${escape(authority.slice(0, at))}${lower}${escape(walk(path) + query + fragment)}`;
}

/** A path without its dot segments (RFC 3986 §5.2.4), never empty. */
function walk(path) {
  const kept = [];
  const steps = path.split("/").slice(1);
  for (const step of steps) {
    if (step === "..") kept.pop();
    else if (step !== ".") kept.push(step);
  }
  if (steps.at(-1) === "." || steps.at(-1) === "..") kept.push("");
  return `/${kept.join("/")}`;
}

function escape(text) {
  return text.replace(/[^!#$%&'()*+,\-./0-9:;=?@A-Z[\]_a-z~]/gu, encodeURIComponent);
}

/** An address without a signature that expires (§8). */
export function unsigned(url) {
  const [, place, query, fragment] = /^([^?#]*)(?:\?([^#]*))?(#[^]*)?$/.exec(url);
  if (query === undefined) return url;
  const all = query.split("&").map((p) => [p.split("=", 1)[0].toLowerCase(), p]);
  const names = new Set(all.map(([name]) => name));
  const signed = all.some(([name]) => NAME_OF_SIGNATURE.test(name));
  const ends = all.some(([, p]) => EXPIRY.test(p)) || (names.has("policy") && names.has("key-pair-id"));
  if (!(signed && ends) && !all.some(([, p]) => TOKEN.test(p))) return url;
  const ours = [NAME_OF_SIGNATURE, EXPIRY, TOKEN, BESIDE];
  const kept = all.filter(([name, p]) => !ours.some((form) => form.test(name) || form.test(p)));
  const left = kept.map(([, p]) => p).join("&");
  return place + (left && `?${left}`) + (fragment ?? "");
}

/**
 * The digests of a copy (§5): `{headline, text, links, media, packaging}`, each `sha-256=:BASE64:`.
 *
 * A copy is `{headline, body, media, summary, tags, base}`: strings, `body` a node that
 * {@link project} walks, `media` the addresses beside it.
 */
export async function digests(copy, disclosure = "", rule = RULE) {
  const made = {};
  for (const [part, value] of Object.entries(values(copy, disclosure, rule))) {
    made[part] = await digestOf(toUtf8(JSON.stringify([rule, part, value])));
  }
  return made;
}

/** What is digested of a copy, by part. */
export function values(
  { headline, body, media = [], summary = "", tags = [], base = null },
  disclosure = "",
  rule = RULE,
) {
  const read = project(body, base, disclosure);
  const counted = ([url, words]) => [rule === UNSIGNED ? unsigned(url) : url, words];
  const within = read.media.map(counted);
  const inside = new Set(within.map(([url]) => url));
  const beside = media
    .map((url) => resolve(url, base, true))
    .filter(Boolean)
    .map((url) => counted([url, ""]))
    .filter(([url]) => !inside.has(url));
  const shown = new Map([...within, ...beside].map((m) => [JSON.stringify(m), m]));
  const kept = new Set(tags.map(plain).filter(Boolean));
  return {
    headline: plain(headline),
    text: read.paragraphs,
    links: read.links.map(counted),
    media: [...shown.values()],
    packaging: [plain(summary), [...kept].sort(byCodePoint)],
  };
}

function byCodePoint(a, b) {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    if (left[i] !== right[i]) return left[i].codePointAt(0) - right[i].codePointAt(0);
  }
  return left.length - right.length;
}
