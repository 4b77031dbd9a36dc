// What an entry claims in its text and elements (docs/statement.md §7).

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

const WORDINGS = [
  ...[
    "except for the headline, this",
    "except the headline, this",
    "apart from the headline, this",
    "barring the headline, this",
    "other than the headline, this",
    "only the headline has been changed",
  ].map((words) => ({ words: plain(words), scopes: CLAIMING.slice(0, 2) })),
  ...[
    "not been edited",
    "not edited by",
    "published from a syndicated feed",
    "published unedited",
    "published as received",
    "is unedited",
    "unedited and auto-generated",
    "auto-generated from",
    "may have been reworked",
    "may not have modified or edited",
    "without modifications to the text",
    "संपादित नहीं",
    "सम्पादित नहीं",
    "संपादन नहीं",
    "संपादित केलेली नाही",
    "संपादन केलेले नाही",
    "ترمیم نہیں کی",
    "تبدیلی نہیں کی",
    "ادارت نہیں کی",
    "সম্পাদনা করেনি",
    "সম্পাদনা করা হয়নি",
    "திருத்தவில்லை",
    "திருத்தப்படவில்லை",
    "సవరించలేదు",
    "సవరించబడలేదు",
  ].map((words) => ({ words: plain(words), scopes: CLAIMING })),
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
