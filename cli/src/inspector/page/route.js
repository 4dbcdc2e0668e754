// The address says everything that is shown: `#/page/name?parameters`.

/** The page, the name in it, and the parameters. */
export function read() {
  const fragment = location.hash.replace(/^#\/?/, "");
  const [path, query = ""] = split(fragment, "?");
  const [page, name] = split(path, "/");
  return { page: page || "deliveries", name: name === undefined ? null : decoded(name), parameters: Object.fromEntries(new URLSearchParams(query)) };
}

function split(text, at) {
  const place = text.indexOf(at);
  return place < 0 ? [text] : [text.slice(0, place), text.slice(place + 1)];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function address(page, name = null, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const query = new URLSearchParams(given).toString();
  return `#/${page}${name === null ? "" : `/${encodeURIComponent(name)}`}${query ? `?${query}` : ""}`;
}

export function go(page, name = null, parameters = {}) {
  location.hash = address(page, name, parameters);
}

/** The same without a new entry in the history. */
export function refine(page, name, parameters) {
  history.replaceState(null, "", address(page, name, parameters));
  dispatchEvent(new HashChangeEvent("hashchange"));
}
