// Writes functions/config/src/text/locale/cldr.txt from Unicode's CLDR: what money, numbers, dates and plurals look like in the languages
// below and in each of their regions. A region has only what differs from what it is based on.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const LANGUAGES =
  "ar bg ca cs da de el en es et fi fr he hi hr hu id it ja ko lt lv ms nb nl pl pt ro ru sk sl sr sv th tr uk vi zh".split(" ");
// Other scripts and historic variants of a language that is listed in the script that people write to each other.
const LEFT_OUT = /polyton|valencia|Dsrt|Shaw|ms-Arab|zh-Latn|hi-Latn|sr-Cyrl-ME|zh-Hans/;
// Old and wider names of the languages; Facebook's Latin America.
const ALIASES = { "es-LA": "es-419", iw: "he", in: "id", no: "nb", nn: "nb", sh: "sr-Latn", cmn: "zh" };

const modules = path.join(process.env.NODE_LIBRARIES, "node_modules");
const require = createRequire(path.join(modules, "x.js"));
const supplemental = (name) => require(`cldr-core/supplemental/${name}.json`).supplemental;
const parents = supplemental("parentLocales").parentLocales.parentLocale;
const likely = supplemental("likelySubtags").likelySubtags;
const plurals = supplemental("plurals")["plurals-type-cardinal"];
const periods = supplemental("dayPeriods").dayPeriodRuleSet;
const active = new Set(require("currency-codes").codes());

const named = (cldr) => cldr.replace(/^sr-Cyrl/, "sr");
const cldrNames = fs
  .readdirSync(path.join(modules, "cldr-numbers-full/main"))
  .filter((name) => LANGUAGES.includes(name.split("-")[0]) && !LEFT_OUT.test(name) && name !== "sr-Cyrl");
const known = new Map(cldrNames.map((cldr) => [named(cldr), cldr]));

/** What a name has its differences from: as CLDR inherits, but a language's other script is beside the language's own. */
function base(tag) {
  const parent = parents[tag];
  if (parent && known.has(parent)) return parent;
  const cut = tag.slice(0, tag.lastIndexOf("-"));
  return tag.includes("-") ? (known.has(cut) ? cut : base(cut)) : undefined;
}

function pluralRules(tag) {
  for (let at = tag; at; at = at.slice(0, Math.max(0, at.lastIndexOf("-")))) {
    if (plurals[at]) return plurals[at];
  }
  throw new Error(`no plurals: ${tag}`);
}

const FIELDS = ["G", "y", "yy", "M", "MM", "MMM", "MMMM", "d", "dd", "EEE", "EEEE", "h", "hh", "H", "HH", "mm", "a", "B"];
function checked(tag, pattern) {
  for (const [field] of pattern.replace(/'[^']*'/g, "").matchAll(/([A-Za-z])\1*/g)) {
    if (!FIELDS.includes(field)) throw new Error(`${tag}: ${field} in ${pattern} is none that date.rs knows`);
  }
  return pattern;
}

function lines(tag) {
  const cldr = known.get(tag);
  const main = (name) => require(`cldr-${name.split("/")[0]}-full/main/${cldr}/${name.split("/")[1]}.json`).main[cldr];
  const numbers = main("numbers/numbers").numbers;
  const symbols = numbers["symbols-numberSystem-latn"];
  const calendar = main("dates/ca-gregorian").dates.calendars.gregorian;
  const names = (of, keys) => keys.map((key) => of[key]).join("\t");
  const months = Array.from({ length: 12 }, (_, month) => String(month + 1));
  const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
  const all = new Map();
  // A day that stands alone has another form in Finnish; no language here uses both forms.
  const alone = /cccc/.test(calendar.dateFormats.full);
  const date = (style) => checked(tag, calendar.dateFormats[style].replace("cccc", "EEEE"));
  const [language, script] = tag.split("-");
  all.set("script", /^[A-Z][a-z]{3}$/.test(script ?? "") ? script : likely[language].split("-")[1]);
  all.set("decimal", symbols.decimal);
  all.set("group", symbols.group);
  all.set("minus", symbols.minusSign);
  all.set("min-grouping", numbers.minimumGroupingDigits);
  all.set("number", numbers["decimalFormats-numberSystem-latn"].standard);
  all.set("money", numbers["currencyFormats-numberSystem-latn"].standard);
  all.set("money-decimal", symbols.currencyDecimal ?? symbols.decimal);
  all.set("money-group", symbols.currencyGroup ?? symbols.group);
  for (const style of ["short", "medium", "long", "full"]) all.set(style, date(style));
  all.set("time", checked(tag, calendar.timeFormats.short));
  all.set("datetime", calendar["dateTimeFormats-atTime"].standard.medium.replace(/'/g, ""));
  const patterns = [...all.values()].join("\n");
  all.set("months", names(calendar.months.format.wide, months));
  if (/(^|[^M])MMM([^M]|$)/m.test(patterns)) all.set("months-short", names(calendar.months.format.abbreviated, months));
  all.set("days", names(calendar.days[alone ? "stand-alone" : "format"].wide, days));
  if (/(^|[^E])EEE([^E]|$)/m.test(patterns)) all.set("days-short", names(calendar.days.format.abbreviated, days));
  if (/G/.test(all.get("full"))) all.set("era", calendar.eras.eraAbbr[1]);
  if (/a/.test(all.get("time"))) all.set("halves", names(calendar.dayPeriods.format.abbreviated, ["am", "pm"]));
  if (/B/.test(all.get("time"))) {
    const hour = (time) => Number(time.split(":")[0]);
    const ofDay = (at) => ([, rule]) => rule._from && (hour(rule._from) <= at) === (at < hour(rule._before));
    const name = (at) => Object.entries(periods[tag] ?? periods[language]).find(ofDay(at))[0];
    all.set("parts", Array.from({ length: 24 }, (_, at) => calendar.dayPeriods.format.abbreviated[name(at)]).join("\t"));
  }
  for (const [key, rule] of Object.entries(pluralRules(tag))) {
    const category = key.replace("pluralRule-count-", "");
    if (category !== "other") all.set(`plural-${category}`, rule.split("@")[0].trim());
  }
  const currencies = main("numbers/currencies").numbers.currencies;
  for (const code of Object.keys(currencies).sort()) {
    const symbol = currencies[code].symbol;
    // Some have a symbol that nobody sees, for a way to write amounts that this doesn't know: 20$00 in Cape Verde.
    const seen = symbol && !/^\p{Cf}+$/u.test(symbol);
    if (active.has(code) && seen && symbol !== code) all.set(code, symbol);
  }
  return all;
}

/** Lines that aren't those of the base. A symbol that only the base has is its code again. */
function differences(tag) {
  const own = lines(tag);
  if (!base(tag)) return own;
  const theirs = lines(base(tag));
  for (const key of theirs.keys()) {
    if (own.has(key)) continue;
    if (/^[A-Z]{3}$/.test(key)) own.set(key, key);
    else if (key.startsWith("plural-")) throw new Error(`${tag} has fewer plurals than ${base(tag)}`);
  }
  return new Map([...own].filter(([key, value]) => theirs.get(key) !== value));
}

const blocks = [];
const aliases = new Map(Object.entries(ALIASES));
const kept = new Set();
const byDepth = (tag) => (base(tag) ? 1 + byDepth(base(tag)) : 0);
for (const tag of [...known.keys()].sort((a, b) => byDepth(a) - byDepth(b) || (a < b ? -1 : 1))) {
  const own = differences(tag);
  if (base(tag) && own.size === 0) continue;
  kept.add(tag);
  blocks.push([tag, own]);
}
const nearest = (tag) => (tag === undefined || kept.has(tag) ? tag : nearest(base(tag)));
/** Where cutting the last part off leads. */
const cut = (tag) => (kept.has(tag) || !tag.includes("-") ? tag : cut(tag.slice(0, tag.lastIndexOf("-"))));
for (const tag of known.keys()) if (nearest(tag) !== cut(tag)) aliases.set(tag, nearest(tag));
for (const [tag, parent] of Object.entries(parents)) {
  const language = (name) => name.split("-")[0];
  if (!known.has(tag) && known.has(parent) && language(tag) === language(parent) && !LEFT_OUT.test(tag)) aliases.set(tag, nearest(parent));
}
// Regions that write a language in another script than most do: Chinese in Taiwan, Serbian in Montenegro.
for (const [tag, full] of Object.entries(likely)) {
  const [language, region] = tag.split("-");
  if (!/^[A-Z]{2}$/.test(region ?? "") || !["zh", "sr"].includes(language)) continue;
  const to = [full, full.slice(0, full.lastIndexOf("-"))].find((name) => known.has(name));
  if (to) aliases.set(tag, nearest(to));
}

const out = [
  "# Unicode CLDR 48.2.0 (cldr-core, cldr-numbers-full, cldr-dates-full). Copyright © 2004-2026 Unicode, Inc. License: Unicode-3.0,",
  "# https://www.unicode.org/license.txt. Made by tests/locale/run; not edited by hand. Fields are separated by tabs; `[x y]`: x has",
  "# what y has, but for these lines; `=`: another name of a language.",
];
for (const [from, to] of [...aliases].sort((a, b) => (a[0] < b[0] ? -1 : 1))) out.push(`=\t${from}\t${to}`);
for (const [tag, own] of blocks.sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
  const from = nearest(base(tag));
  out.push(from ? `[${tag} ${from}]` : `[${tag}]`);
  for (const [key, value] of own) {
    if (/\n/.test(key + value)) throw new Error(`${tag}: a line break in ${key}`);
    out.push(`${key}\t${value}`);
  }
}
const target = process.argv[2];
fs.writeFileSync(target, out.join("\n") + "\n");
console.log(`${target}: ${blocks.length} blocks, ${aliases.size} other names, ${fs.statSync(target).size} bytes`);
