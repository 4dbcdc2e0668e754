// Writes functions/config/src/text/locale/golden.tsv: what the ICU that is part of Node prints, to compare with. Money has at least as many
// decimals as ISO 4217 says (ICU's own table differs for some currencies), and every digit that was sent; digits are Latin,
// the calendar is Gregorian.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.NODE_LIBRARIES, "node_modules", "x.js"));
const currencies = require("currency-codes");

const LOCALES = (
  "ar bg ca cs da de de-AT de-CH el en en-AU en-CA en-GB en-IN es es-419 es-MX es-US et fi fr fr-CA fr-CH he hi hr hu id it it-CH ja ko lt " +
  "lv ms nb nl nl-BE pl pt pt-PT ro ru sk sl sr sr-Latn sv th tr uk vi zh zh-Hant zh-Hant-HK"
).split(" ");
const NUMBERS = "0 7 1000 -1234.5 12345 1234567.891 0.0035 -0.50 12345678901234567890.12".split(" ");
const MONEY = (
  "19.90 EUR,-1234.50 USD,1999 JPY,1234567.89 CHF,5 KWD,0.0035 GBP,12345.60 INR,-7 SEK,1000 BRL,10000 MXN,99 PLN,3 SAR,8 ILS,-50 TRY," +
  "2 CNY,2 TWD,1 AUD,1 CAD,100 XAF,6 XYZ"
).split(",");
const TIMES = ["2026-01-05T00:30:00Z Europe/Berlin", "2026-05-20T16:00:00Z America/New_York", "2026-11-30T22:05:00Z Asia/Tokyo"];
const STYLES = {
  short: { dateStyle: "short" },
  medium: { dateStyle: "medium" },
  long: { dateStyle: "long" },
  full: { dateStyle: "full" },
  time: { timeStyle: "short" },
  datetime: { dateStyle: "medium", timeStyle: "short" },
};
const PLURALS = "0 1 2 3 5 11 12 21 22 100 101 102 111 1000000 0.0 0.5 1.0 1.5 2.00 1.10 10.1 0.01".split(" ");

const minor = (code) => currencies.code(code)?.digits ?? 2;
const decimals = (value) => (value.split(".")[1] ?? "").length;
const money = (locale, text) => {
  const [amount, currency] = text.split(" ");
  const minimumFractionDigits = minor(currency);
  return new Intl.NumberFormat(locale, { style: "currency", currency, minimumFractionDigits, maximumFractionDigits: 20 }).format(amount);
};
const number = (locale, value) =>
  new Intl.NumberFormat(locale, { minimumFractionDigits: decimals(value), maximumFractionDigits: 20 }).format(value);
const date = (locale, style, text) => {
  const [at, timeZone] = text.split(" ");
  return new Intl.DateTimeFormat(locale, { ...STYLES[style], timeZone }).format(new Date(at));
};
const plural = (locale, value) => new Intl.PluralRules(locale, { minimumFractionDigits: decimals(value) }).select(Number(value));

const out = [
  `# Node ${process.versions.node}, ICU ${process.versions.icu}, CLDR ${process.versions.cldr}; currency-codes ${require("currency-codes/package.json").version}. Made by tests/locale/run; not edited by hand.`,
  "# Known to differ: V8 prints a space where CLDR has U+202F in times; CLDR's symbol for CVE is invisible, we print the code.",
];
const row = (...cells) => out.push(cells.join("\t"));
row("!", "number", ...NUMBERS);
row("!", "money", ...MONEY);
const codes = currencies.codes().filter((code) => code !== "CVE");
row("!", "symbols", ...codes.map((code) => `1 ${code}`));
row("!", "plural", ...PLURALS);
for (const style of Object.keys(STYLES)) row("!", style, ...TIMES);
row("!", "minor", ...currencies.codes().filter((code) => currencies.code(code).digits !== undefined).map((code) => `${code} ${minor(code)}`));
for (const tag of ["ar", "en", "fr"]) row(tag, "symbols", ...codes.map((code) => money(`${tag}-u-nu-latn`, `1 ${code}`)));
for (const tag of LOCALES) {
  const locale = `${tag}-u-nu-latn-ca-gregory`;
  row(tag, "number", ...NUMBERS.map((value) => number(locale, value)));
  row(tag, "money", ...MONEY.map((value) => money(locale, value)));
  row(tag, "plural", ...PLURALS.map((value) => plural(locale, value)));
  for (const style of Object.keys(STYLES)) row(tag, style, ...TIMES.map((at) => date(locale, style, at)));
}
const target = process.argv[2];
fs.writeFileSync(target, out.join("\n") + "\n");
console.log(`${target}: ${LOCALES.length} locales, ${fs.statSync(target).size} bytes`);
