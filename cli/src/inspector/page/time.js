// Times: shown in the reader's zone, with the whole time in UTC on hover.

const two = (number) => String(number).padStart(2, "0");

function day(date) {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The time of day; with the date if it isn't today. */
export function clock(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return String(text ?? "");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return day(date) === day(new Date()) ? time : `${day(date).slice(5)} ${time.slice(0, 5)}`;
}

/** Date and time with milliseconds. */
export function full(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return String(text ?? "");
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  return `${day(date)} ${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

export function time(text, long = false) {
  const element = document.createElement("time");
  if (!text) return element;
  element.dateTime = text;
  element.title = text;
  element.textContent = long ? full(text) : clock(text);
  return element;
}

/** A duration in milliseconds, for people. */
export function span(ms) {
  if (!Number.isFinite(ms)) return "";
  if (ms < 0) return `−${span(-ms)}`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

export function between(from, to) {
  return from && to ? span(new Date(to) - new Date(from)) : "";
}
