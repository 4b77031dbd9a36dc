// What an entry claims in its text and elements (docs/statement.md §7).

import { FORM } from "./form_table.js";
import { plain } from "./text.js";

/** How many paragraphs at the end of a body are searched. */
const CLOSING = 3;

const CLAIMING = [
  "verbatim",
  "headline-only",
  "headline-media",
  "packaging",
  "house-style",
  "excerpt",
];

const told = (words, scopes) => words.map((each) => ({ words: plain(each), scopes }));

const WORDINGS = [
  ...told(FORM.claims.headline, CLAIMING.slice(0, 2)),
  ...told(FORM.claims.unedited, CLAIMING),
];

export const isTrue = (value) => value === true || value === "true";

/** What an entry without a statement claims, in words; null when it claims nothing. */
export function claimOf(entry, paragraphs) {
  if (isTrue(entry.edited_headline_only)) return "says that only its headline was edited";
  if (CLAIMING.includes(entry.edit_scope)) return `says that its scope is ${entry.edit_scope}`;
  const printed = contradiction(null, paragraphs);
  return printed === null ? null : `prints “${printed}”`;
}

/** The words at the end of `paragraphs` that are untrue of `scope`; null when there are none. */
export function contradiction(scope, paragraphs) {
  for (const paragraph of paragraphs.slice(-CLOSING)) {
    const said = paragraph.toLowerCase();
    const untrue = WORDINGS.filter(({ scopes }) => !scopes.includes(scope));
    const found = untrue.find(({ words }) => said.includes(words));
    if (found) return found.words;
  }
  return null;
}
