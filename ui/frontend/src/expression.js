// Evaluates expressions in the browser: the same language, the same answers as engine/expression on the server.
//
// compile(tree) takes the JSON that the server's `to_browser` writes and returns (row, env) => value. A row maps
// dotted paths to JSON values as the REST API gives them (a number may be a string, a date is "2026-01-31"); a
// relation is an array of rows; env maps variables ("user.id", "today", "user.timezone"). Nothing is ever evaluated as
// JavaScript, and numbers are never floats: Decimal holds a BigInt and its number of decimals.

const DIVISION_SCALE = 10;
const MAX_DAYS = 3652059n;
const DAY_MS = 86400000;

class Decimal {
  constructor(units, scale) {
    this.units = units;
    this.scale = scale;
  }
  static of(value) {
    if (value instanceof Decimal) return value;
    const found = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(String(value).trim());
    if (!found || !(found[2] || found[3])) return null;
    const fraction = found[3] || "";
    let units = BigInt(found[1] + (found[2] + fraction || "0"));
    let scale = fraction.length - Number(found[4] || 0);
    if (scale < 0) [units, scale] = [units * power(-scale), 0];
    return new Decimal(units, scale);
  }
  at(scale) {
    return this.units * power(scale - this.scale);
  }
  toString() {
    const sign = this.units < 0n ? "-" : "";
    const digits = String(sign ? -this.units : this.units).padStart(this.scale + 1, "0");
    const whole = digits.slice(0, digits.length - this.scale);
    const fraction = digits.slice(digits.length - this.scale).replace(/0+$/, "");
    return sign + whole + (fraction && "." + fraction);
  }
}

class Day {
  constructor(days) {
    this.order = days; // since 1970-01-01
  }
  toString() {
    const [year, month, day] = civil(this.order);
    return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  }
}

class Moment {
  constructor(ms) {
    this.order = ms; // since 1970 in UTC
  }
  toString() {
    const days = Math.floor(this.order / DAY_MS);
    const ms = this.order - days * DAY_MS;
    return `${new Day(days)}T${new Clock(Math.floor(ms / 1000))}.${pad(ms % 1000, 3)}Z`;
  }
}

class Clock {
  constructor(seconds) {
    this.order = seconds; // since midnight
  }
  toString() {
    return [Math.floor(this.order / 3600), Math.floor(this.order / 60) % 60, this.order % 60].map((part) => pad(part, 2)).join(":");
  }
}

const pad = (number, width) => String(number).padStart(width, "0");
const power = (exponent) => 10n ** BigInt(exponent);

// --- arithmetic

function floorDivide(left, right) {
  const quotient = left / right;
  return left % right !== 0n && left < 0n !== right < 0n ? quotient - 1n : quotient;
}

function halfEven(numerator, denominator) {
  if (denominator < 0n) [numerator, denominator] = [-numerator, -denominator];
  const quotient = floorDivide(numerator, denominator);
  const twice = 2n * (numerator - quotient * denominator);
  return twice > denominator || (twice === denominator && quotient % 2n !== 0n) ? quotient + 1n : quotient;
}

function aligned(left, right) {
  const scale = Math.max(left.scale, right.scale);
  return [left.at(scale), right.at(scale), scale];
}

const whole = (number) => new Decimal(BigInt(number), 0);

function add(left, right) {
  const [one, other, scale] = aligned(left, right);
  return new Decimal(one + other, scale);
}

const negate = (value) => new Decimal(-value.units, value.scale);
const subtract = (left, right) => add(left, negate(right));
const multiply = (left, right) => new Decimal(left.units * right.units, left.scale + right.scale);

function divide(left, right) {
  if (right.units === 0n) return null;
  return new Decimal(halfEven(left.units * power(right.scale + DIVISION_SCALE), right.units * power(left.scale)), DIVISION_SCALE);
}

function floor(left, right) {
  if (right.units === 0n) return null;
  const [one, other] = aligned(left, right);
  return new Decimal(floorDivide(one, other), 0);
}

function modulo(left, right) {
  if (right.units === 0n) return null;
  const [one, other, scale] = aligned(left, right);
  return new Decimal(one - other * floorDivide(one, other), scale);
}

function round(value, places) {
  const decimals = places ? Number(places.units) : 0;
  if (value.scale <= decimals) return value;
  return new Decimal(halfEven(value.units, power(value.scale - decimals)), decimals);
}

// --- dates

function daysOf(year, month, day) {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

function civil(days) {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * month + 2) / 5) + 1;
  return [yearOfEra + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, day];
}

const FIRST_DAY = daysOf(1, 1, 1);
const LAST_DAY = daysOf(9999, 12, 31);

const monthLength = (year, month) => (month === 12 ? 31 : daysOf(year, month + 1, 1) - daysOf(year, month, 1));
const dayWithin = (days) => (days >= FIRST_DAY && days <= LAST_DAY ? new Day(days) : null);
const momentWithin = (ms) => (ms >= FIRST_DAY * DAY_MS && ms < (LAST_DAY + 1) * DAY_MS ? new Moment(ms) : null);

function dayFrom(year, month, day) {
  if (!(year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1)) return null;
  return day <= monthLength(year, month) ? new Day(daysOf(year, month, day)) : null;
}

function parseDay(text) {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  return found && dayFrom(Number(found[1]), Number(found[2]), Number(found[3]));
}

function parseClock(text) {
  const found = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text);
  return found && new Clock(Number(found[1]) * 3600 + Number(found[2]) * 60 + Number(found[3] || 0));
}

function parseMoment(text, zone) {
  const found = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,3}))?(Z|[+-]\d{2}:[0-5]\d)?$/.exec(text);
  if (!found || (found[3] && found[2].length < 8)) return null;
  const day = parseDay(found[1]);
  const clock = parseClock(found[2]);
  if (!day || !clock) return null;
  const local = day.order * DAY_MS + clock.order * 1000 + Number((found[3] || "0").padEnd(3, "0"));
  const offset = found[4];
  if (!offset) return inZone(local, zone);
  if (offset === "Z") return momentWithin(local);
  const shift = (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4))) * 60000;
  return shift > 15 * 3600000 ? null : momentWithin(offset[0] === "+" ? local - shift : local + shift);
}

const formats = new Map();

// How far clocks in the zone are ahead of UTC at a moment, in ms.
function offsetAt(ms, zone) {
  if (!zone || zone === "UTC") return 0;
  if (!formats.has(zone)) {
    const options = { timeZone: zone, hourCycle: "h23", era: "short", year: "numeric", month: "numeric" };
    Object.assign(options, { day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
    let format = null;
    try {
      format = new Intl.DateTimeFormat("en-US", options);
    } catch {
      // Nobody knows the zone: UTC, as on the server.
    }
    formats.set(zone, format);
  }
  const format = formats.get(zone);
  if (!format) return 0;
  const parts = {};
  for (const { type, value } of format.formatToParts(ms)) parts[type] = value;
  const year = parts.era.startsWith("B") ? 1 - Number(parts.year) : Number(parts.year);
  const days = daysOf(year, Number(parts.month), Number(parts.day));
  const seconds = Number(parts.hour) * 3600 + Number(parts.minute) * 60 + Number(parts.second);
  return days * DAY_MS + seconds * 1000 - Math.floor(ms / 1000) * 1000;
}

// The moment at which clocks in the zone show `local`: of two the later one, in a gap by the offset before it.
function inZone(local, zone) {
  const before = offsetAt(local - DAY_MS, zone);
  const after = offsetAt(local + DAY_MS, zone);
  let chosen = Math.min(before, after);
  if (before !== after) {
    const valid = [before, after].filter((offset) => offsetAt(local - offset, zone) === offset);
    if (valid.length) chosen = Math.min(...valid);
  }
  return momentWithin(local - chosen);
}

const asDay = (value, env) =>
  value instanceof Moment ? dayWithin(Math.floor((value.order + offsetAt(value.order, env["user.timezone"])) / DAY_MS)) : value;

function later(moment, count, sign) {
  if (count.units > MAX_DAYS || count.units < -MAX_DAYS) return null;
  const days = Number(count.units) * sign;
  return moment instanceof Day ? dayWithin(moment.order + days) : momentWithin(moment.order + days * DAY_MS);
}

function addMonths(day, count) {
  if (count.units > 200000n || count.units < -200000n) return null;
  const [year, month, date] = civil(day.order);
  const index = year * 12 + month - 1 + Number(count.units);
  const [toYear, toMonth] = [Math.floor(index / 12), (((index % 12) + 12) % 12) + 1];
  if (toYear < 1 || toYear > 9999) return null;
  return dayFrom(toYear, toMonth, Math.min(date, monthLength(toYear, toMonth)));
}

function monthsBetween(start, end) {
  if (end.order < start.order) return -monthsBetween(end, start);
  const [year, month, day] = civil(start.order);
  const [toYear, toMonth, toDay] = civil(end.order);
  const short = toDay < day && toDay !== monthLength(toYear, toMonth) ? 1 : 0;
  return (toYear - year) * 12 + toMonth - month - short || 0;
}

// --- texts

const LONE_CAPITALS = new Map([[0x1fb3, 0x1fbc], [0x1fc3, 0x1fcc], [0x1ff3, 0x1ffc]]);
const WHITESPACE = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

const lower = (text) => text.replace(/[\u0130\u03a3]/g, (letter) => (letter === "\u0130" ? "i" : "\u03c3")).toLowerCase();

function upper(text) {
  let made = "";
  for (const letter of text) {
    const capital = letter.toUpperCase();
    const code = letter.codePointAt(0);
    if ([...capital].length === 1) made += capital;
    else if (code >= 0x1f80 && code <= 0x1faf) made += String.fromCodePoint(code | 8);
    else made += String.fromCodePoint(LONE_CAPITALS.get(code) || code);
  }
  return made;
}

function trim(text) {
  let [start, end] = [0, text.length];
  while (start < end && WHITESPACE.test(text[start])) start += 1;
  while (end > start && WHITESPACE.test(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

const unitOrder = (unit) => (unit < 0xd800 ? unit : unit >= 0xe000 ? unit - 0x800 : unit + 0x2000);

// By code point: UTF-16 puts what lies beyond the first plane before U+E000.
function compareTexts(left, right) {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const difference = unitOrder(left.charCodeAt(at)) - unitOrder(right.charCodeAt(at));
    if (difference) return difference;
  }
  return left.length - right.length;
}

// --- values of every kind

const missing = (value) => value === null || value === undefined;

function compare(left, right) {
  if (left instanceof Decimal) {
    const [one, other] = aligned(left, right);
    return one < other ? -1 : one > other ? 1 : 0;
  }
  if (typeof left === "string") return compareTexts(left, right);
  return left.order - right.order;
}

function same(left, right) {
  if (missing(left) || missing(right)) return missing(left) && missing(right);
  return typeof left === "boolean" ? left === right : compare(left, right) === 0;
}

export function truth(value) {
  if (missing(value)) return false;
  if (typeof value === "boolean") return value;
  if (value instanceof Decimal) return value.units !== 0n;
  if (typeof value === "string" || Array.isArray(value)) return value.length > 0;
  return true;
}

function toNumber(value) {
  if (typeof value === "boolean") return whole(value ? 1 : 0);
  if (typeof value !== "string") return value;
  return /^[+-]?\d{1,18}(?:\.\d{1,10})?$/.test(value) ? Decimal.of(value) : null;
}

function toDay(value, env) {
  return typeof value === "string" ? parseDay(value) : asDay(value, env);
}

function toMoment(value, env, clock) {
  if (value instanceof Day) return inZone(value.order * DAY_MS + (clock ? clock.order * 1000 : 0), env["user.timezone"]);
  return typeof value === "string" ? parseMoment(value, env["user.timezone"]) : value;
}

function plus(left, right) {
  if (typeof left === "string") return left + right;
  if (left instanceof Decimal) return right instanceof Decimal ? add(left, right) : later(right, left, 1);
  return later(left, right, 1);
}

const extreme = (sign) => (values) =>
  values.filter((value) => !missing(value)).reduce((best, value) => (best === null || compare(value, best) * sign > 0 ? value : best), null);

// A function of dates that also takes moments.
const dated = (make) => (...values) => {
  const env = values.pop();
  const days = values.map((value) => asDay(value, env));
  return days.some(missing) ? null : make(...days);
};

// Functions of values that are missing when an argument is; the environment comes last.
const STRICT = {
  "+": plus,
  "-": (left, right) => (left instanceof Decimal ? subtract(left, right) : later(left, right, -1)),
  "*": multiply,
  "/": divide,
  "//": floor,
  "%": modulo,
  neg: negate,
  abs: (value) => (value.units < 0n ? negate(value) : value),
  number: toNumber,
  len: (value) => whole(Array.isArray(value) ? value.length : [...value].length),
  lower,
  upper,
  trim,
  replace: (text, old, fresh) => (old ? text.split(old).join(fresh) : text),
  text: String,
  time: (value) => (typeof value === "string" ? parseClock(value) : value),
  weekday: dated((day) => whole(((((day.order + 3) % 7) + 7) % 7) + 1)),
  year: dated((day) => whole(civil(day.order)[0])),
  month: dated((day) => whole(civil(day.order)[1])),
  day: dated((day) => whole(civil(day.order)[2])),
  days_between: dated((start, end) => whole(end.order - start.order)),
  months_between: dated((start, end) => whole(monthsBetween(start, end))),
  add_months: dated(addMonths),
};

// Functions of values that are false when an argument is missing.
const QUESTIONS = {
  "<": (left, right) => compare(left, right) < 0,
  "<=": (left, right) => compare(left, right) <= 0,
  ">": (left, right) => compare(left, right) > 0,
  ">=": (left, right) => compare(left, right) >= 0,
  contains: (text, part) => lower(text).includes(lower(part)),
  starts_with: (text, part) => lower(text).startsWith(lower(part)),
  ends_with: (text, part) => lower(text).endsWith(lower(part)),
};

// Functions that see missing values: (values, env).
const OPEN = {
  "==": ([left, right]) => same(left, right),
  "!=": ([left, right]) => !same(left, right),
  in: ([value, list]) => !missing(list) && list.some((each) => same(each, value)),
  coalesce: (values) => values.find((value) => !missing(value)) ?? null,
  min: extreme(-1),
  max: extreme(1),
  round: ([value, places]) => (missing(value) ? null : round(value, places)),
  date: (values, env) => {
    if (values.some(missing)) return null;
    if (values.length === 1) return toDay(values[0], env);
    return dayFrom(...values.map((value) => Number(value.units)));
  },
  datetime: (values, env) => (values.some(missing) ? null : toMoment(values[0], env, values[1])),
};

// --- the tree

const READ = {
  number: (raw) => Decimal.of(raw),
  boolean: (raw) => (typeof raw === "boolean" ? raw : raw === "true" || raw === 1 || raw === "1"),
  date: (raw) => parseDay(raw),
  datetime: (raw) => parseMoment(raw, "UTC"),
  time: (raw) => parseClock(raw),
};

function reader(type) {
  const read = READ[type];
  if (!read) return (raw) => raw ?? null;
  return (raw) => (missing(raw) || raw === "" ? null : read(raw));
}

function literal(tree) {
  if (tree === null || typeof tree !== "object") return tree;
  const [[kind, raw]] = Object.entries(tree);
  return kind === "list" ? raw.map(literal) : READ[kind](raw);
}

const rowsOf = (relation) => (row, env) => relation(row, env) || [];

// Forms that look at arguments themselves: (arguments as closures, trees) => closure.
const FORMS = {
  and: (parts) => (row, env) => parts.every((part) => truth(part(row, env))),
  or: (parts) => (row, env) => parts.some((part) => truth(part(row, env))),
  not: ([part]) => (row, env) => !truth(part(row, env)),
  if: ([condition, then, otherwise]) => (row, env) => (truth(condition(row, env)) ? then : otherwise)(row, env),
  any: ([relation, condition]) => (row, env) => rowsOf(relation)(row, env).some((each) => truth(condition(each, env))),
  all: ([relation, condition]) => (row, env) => rowsOf(relation)(row, env).every((each) => truth(condition(each, env))),
  count: ([relation, condition]) => (row, env) =>
    whole(rowsOf(relation)(row, env).filter((each) => !condition || truth(condition(each, env))).length),
  sum_of: ([relation, amount]) => (row, env) =>
    rowsOf(relation)(row, env)
      .map((each) => amount(each, env))
      .filter((value) => !missing(value))
      .reduce(add, whole(0)),
  in_subtree: ([, root], [link]) => {
    const key = link.path.join(".") + "^";
    return (row, env) => {
      const value = root(row, env);
      return !missing(value) && (row[key] || []).includes(value);
    };
  },
};

function call(name, trees) {
  const parts = trees.map(node);
  if (Object.hasOwn(FORMS, name)) return FORMS[name](parts, trees);
  if (Object.hasOwn(OPEN, name)) {
    const open = OPEN[name];
    return (row, env) => open(parts.map((part) => part(row, env)), env);
  }
  const table = Object.hasOwn(STRICT, name) ? STRICT : QUESTIONS;
  if (!Object.hasOwn(table, name)) throw new Error(`There is no function ${name}`);
  const [strict, otherwise] = [table[name], table === STRICT ? null : false];
  return (row, env) => {
    const values = parts.map((part) => part(row, env));
    return values.some(missing) ? otherwise : strict(...values, env);
  };
}

function node(tree) {
  if (tree !== null && typeof tree === "object") {
    if ("call" in tree) return call(tree.call, tree.args);
    if ("path" in tree || "var" in tree) {
      const [key, read] = ["path" in tree ? tree.path.join(".") : tree.var, reader(tree.type)];
      return "path" in tree ? (row) => read(row[key]) : (row, env) => read(env[key]);
    }
  }
  const value = literal(tree);
  return () => value;
}

// Returns (row, env) => value; a condition gives true or false.
export function compile(tree) {
  const compiled = node(tree);
  return (row, env = {}) => compiled(row, env);
}

// Returns a moment that was typed as clocks in a zone show it, as JSON holds it; null when it is none.
export function momentIn(text, zone) {
  const found = parseMoment(text, zone);
  return found && String(found);
}

// Returns a value as JSON holds it: decimals and dates as texts.
export function toJson(value) {
  return missing(value) ? null : typeof value === "object" && !Array.isArray(value) ? String(value) : value;
}
