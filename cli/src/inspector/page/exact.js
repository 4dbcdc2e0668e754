// JSON whose numbers keep their digits: an amount of 48.90 stays 48.90, and an id of twenty digits stays itself.

const canKeep = typeof JSON.rawJSON === "function";

/** Parses JSON. A number that JavaScript would write with other digits is kept as it was written. */
export function exact(text) {
  if (!canKeep) return JSON.parse(text);
  return JSON.parse(text, (_, value, { source } = {}) => (typeof value === "number" && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value));
}

/** Whether a value has parts. A number that is kept as it was written has none. */
export function hasParts(value) {
  return value !== null && typeof value === "object" && !(canKeep && JSON.isRawJSON(value)) && Object.keys(value).length > 0;
}
