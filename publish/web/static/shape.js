// What the values of a document may be, and its instants (docs/statement.md §1).

export const isText = (value) => typeof value === "string";
export const isWhole = (value) => Number.isSafeInteger(value);
export const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const orNull = (test) => (value) => value === null || test(value);
export const orAbsent = (test) => (value) => value === undefined || test(value);

/** Whether an object has these members and no others, each as its test says. */
export const shaped = (members) => (value) =>
  isObject(value) &&
  Object.keys(value).every((name) => Object.hasOwn(members, name)) &&
  Object.entries(members).every(([name, test]) => test(value[name]));

export function isInstant(value) {
  const form = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
  if (!isText(value) || !form.test(value)) return false;
  const second = new Date(`${value.slice(0, 19)}Z`);
  // There is no 30 February, though a Date makes one the first or second of March.
  return !Number.isNaN(+second) && second.toISOString().slice(0, 19) === value.slice(0, 19);
}

/** Microseconds by which clocks may differ. */
const LEEWAY = 300_000_000n;

/** An instant as microseconds since 1970: too many in late years for a number to hold exactly. */
export function microseconds(instant) {
  const fraction = instant.slice(20, -1).padEnd(6, "0");
  return BigInt(Date.parse(`${instant.slice(0, 19)}Z`)) * 1000n + BigInt(fraction);
}

/** Whether instants follow each other as far as clocks can tell. */
export function inOrder(...instants) {
  const told = instants.map(microseconds);
  return told.every((instant, at) => at === 0 || told[at - 1] <= instant + LEEWAY);
}

export function demand(holds, why) {
  if (!holds) throw new Error(why);
}
