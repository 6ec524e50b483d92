// Provinces, cities and districts of China (GB/T 2260), loaded when somebody fills in an address.

import { areaList } from "@vant/area-data";

const LISTS = { province: areaList.province_list, city: areaList.city_list, district: areaList.county_list };
const DIGITS = { province: 2, city: 4, district: 6 };

const codeOf = (level, name, within) =>
  Object.entries(LISTS[level]).find(([code, each]) => code.startsWith(within) && (each === name || each.startsWith(name)))?.[0];

/** The names of a level, within the province and the city that stand in the form. */
export function within(level, province, city) {
  let begin = "";
  if (level !== "province" && province) {
    const code = codeOf("province", province, "");
    if (!code) {
      return [];
    }
    begin = code.slice(0, DIGITS.province);
  }
  if (level === "district" && city) {
    begin = codeOf("city", city, begin)?.slice(0, DIGITS.city) ?? begin;
  }
  const found = Object.entries(LISTS[level]).filter(([code]) => code.startsWith(begin));
  return [...new Set(found.map(([, name]) => name))];
}
