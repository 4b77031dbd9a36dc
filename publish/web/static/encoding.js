// Bytes as text and back. Each has exactly one spelling: of two, one could replace the other unseen.

/** Bytes of base64 (RFC 4648 §4), with padding; null for any other spelling. */
export function fromBase64(text) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : null;
}

/** Bytes of base64url (RFC 4648 §5) without padding; null for any other spelling. */
export function fromBase64Url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const padding = "=".repeat(-text.length & 3);
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/") + padding);
}

export function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

export function toBase64Url(bytes) {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Encoded points of Ed25519 whose order divides 8, without the sign (docs/statement.md §3). */
const SMALL_ORDER = [
  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
  "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
  ...["7P", "7f", "7v"].map((start) => `${start}${"_".repeat(39)}38`),
];

/** Whether a public key is such a point: one signature may verify under it for any message. */
export function isSmallOrder(bytes) {
  return SMALL_ORDER.includes(toBase64Url([...bytes.slice(0, 31), bytes[31] & 0x7f]));
}

/** Bytes as UTF-8 text; null when they are not UTF-8. A byte order mark is a character. */
export function fromUtf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

export function toUtf8(text) {
  return new TextEncoder().encode(text);
}

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** SHA-256 of bytes as an RFC 9530 member, `sha-256=:BASE64:`. */
export async function digestOf(bytes) {
  return `sha-256=:${toBase64(await sha256(bytes))}:`;
}

/** A digest of base64url as RFC 9530 writes it. */
export const spelt = (digest) => `sha-256=:${digest.replaceAll("-", "+").replaceAll("_", "/")}=:`;

/**
 * A value as RFC 8785 writes it; null for what it cannot write, or nests deeper than `depth`. Numbers
 * must be whole and exact in every JSON reader.
 */
export function canonical(value, depth = 8) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : null;
  if (typeof value === "string") return value.isWellFormed() ? JSON.stringify(value) : null;
  if (depth === 0) return null;
  const list = Array.isArray(value);
  // RFC 8785 §3.2.3 sorts by UTF-16 code units, which is what sort() does.
  const members = list
    ? value.map((each) => canonical(each, depth - 1))
    : Object.keys(value)
        .sort()
        .map((name) => member(canonical(name), canonical(value[name], depth - 1)));
  if (members.includes(null)) return null;
  return list ? `[${members.join(",")}]` : `{${members.join(",")}}`;
}

const member = (name, value) => (name === null || value === null ? null : `${name}:${value}`);

/** Whether an Ed25519 signature over bytes is that of the raw 32-byte public key. */
export async function signedBy(publicKey, signature, bytes) {
  const key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, [
    "verify",
  ]);
  return crypto.subtle.verify({ name: "Ed25519" }, key, signature, bytes);
}

/** Why this browser cannot check signatures, null when it can. */
export async function cannotCheck() {
  if (globalThis.crypto?.subtle === undefined) {
    return "This page was not loaded over https, and browsers do cryptography only there.";
  }
  if (typeof "".toWellFormed !== "function") return "This browser is too old to check signatures.";
  try {
    // The public key of RFC 8032 §7.1, test 1.
    const known = fromBase64Url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    await crypto.subtle.importKey("raw", known, { name: "Ed25519" }, false, ["verify"]);
    return null;
  } catch {
    return "This browser does not know Ed25519 signatures.";
  }
}
