// Days as people write them: "today", "明天", "fri", "下周一", "3d", "2w", "1.12", "3月5日", "2026/3/5".

const WEEKDAYS = [
  [/^(su|sun|sunday|周日|周天|星期日|星期天|日)$/, 0],
  [/^(mo|mon|monday|周一|星期一|一)$/, 1],
  [/^(tu|tue|tuesday|周二|星期二|二)$/, 2],
  [/^(we|wed|wednesday|周三|星期三|三)$/, 3],
  [/^(th|thu|thursday|周四|星期四|四)$/, 4],
  [/^(fr|fri|friday|周五|星期五|五)$/, 5],
  [/^(sa|sat|saturday|周六|星期六|六)$/, 6],
];
const NAMED = [
  [/^(t|today|now|今|今天|今日)$/, 0],
  [/^(tm|tom|tomorrow|明|明天|明日)$/, 1],
  [/^(后天|後天)$/, 2],
  [/^(y|yesterday|昨|昨天)$/, -1],
  [/^前天$/, -2],
];
const UNITS = { d: 1, day: 1, days: 1, 天: 1, 日: 1, w: 7, week: 7, weeks: 7, 周: 7, 星期: 7, 个星期: 7 };
const MONTHS = new Set(["m", "month", "months", "月", "个月"]);

const plus = (date, days) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);

/** The day that a text means, null when it means none. `today` is a Date. */
export function dayOf(text, today) {
  const typed = text.normalize("NFKC").trim().toLowerCase();
  const named = NAMED.find(([pattern]) => pattern.test(typed));
  if (named) {
    return plus(today, named[1]);
  }
  return counted(typed, today) ?? weekday(typed, today) ?? written(typed, today);
}

function counted(typed, today) {
  const found = /^([+-]?)\s*(\d{1,4})\s*(\p{L}+?)(?:后|之后)?$/u.exec(typed) ?? /^in\s+()(\d{1,4})\s*(\p{L}+)$/u.exec(typed);
  if (!found) {
    return null;
  }
  const number = Number(found[2]) * (found[1] === "-" ? -1 : 1);
  if (MONTHS.has(found[3])) {
    const last = new Date(today.getFullYear(), today.getMonth() + number + 1, 0).getDate();
    return new Date(today.getFullYear(), today.getMonth() + number, Math.min(today.getDate(), last));
  }
  return Object.hasOwn(UNITS, found[3]) ? plus(today, number * UNITS[found[3]]) : null;
}

/** The next day of that name; with "next" or 下, that of the week after this one, which begins on Monday. */
function weekday(typed, today) {
  const next = /^(next\s+|下(?:个)?(?=周|星期))/.exec(typed);
  const rest = next ? typed.slice(next[0].length) : typed;
  const found = rest.length > 1 && WEEKDAYS.find(([pattern]) => pattern.test(rest));
  if (!found) {
    return null;
  }
  if (next) {
    const monday = plus(today, 7 - ((today.getDay() + 6) % 7));
    return plus(monday, (found[1] + 6) % 7);
  }
  return plus(today, (found[1] - today.getDay() + 7) % 7 || 7);
}

function written(typed, today) {
  const whole = /^(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?$/.exec(typed);
  if (whole) {
    return real(Number(whole[1]), Number(whole[2]), Number(whole[3]));
  }
  const chinese = /^(\d{1,2})月(\d{1,2})[日号]?$/.exec(typed);
  if (chinese) {
    return real(today.getFullYear(), Number(chinese[1]), Number(chinese[2]));
  }
  const dotted = /^(\d{1,2})\.(\d{1,2})\.?(\d{4}|\d{2})?$/.exec(typed); // day first, as dots are used
  if (dotted) {
    const year = dotted[3] ? Number(dotted[3].padStart(4, "20")) : today.getFullYear();
    return real(year, Number(dotted[2]), Number(dotted[1]));
  }
  const dashed = /^(\d{1,2})[-/](\d{1,2})$/.exec(typed); // month first, as these are used
  return dashed ? real(today.getFullYear(), Number(dashed[1]), Number(dashed[2])) : null;
}

function real(year, month, day) {
  const made = new Date(year, month - 1, day);
  return made.getMonth() === month - 1 && made.getDate() === day ? made : null;
}
