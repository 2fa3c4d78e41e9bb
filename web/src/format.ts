import type { Interval, Maybe } from "./schema";

/** What is shown where there is no number. */
export const dash = "–";

const minus = (text: string): string => text.replace("-", "−");

/** Decimals with which `value` has three significant digits, none from 100 on. */
function decimals(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(3)))));
  return Math.min(20, Math.max(0, 2 - exponent));
}

function scientific(value: number): string {
  const [mantissa = "", exponent = ""] = value.toExponential(2).split("e");
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const raised = Array.from(exponent.replace("+", ""), (c) => (c === "-" ? "⁻" : (digits[Number(c)] ?? ""))).join("");
  return `${minus(mantissa)} × 10${raised}`;
}

function fixed(value: number, places: number): string {
  const text = value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
  return minus(/^-[0.,]*$/.test(text) ? text.slice(1) : text);
}

/** Three significant digits, all digits of the whole part; a dash for null. */
export function number(value: Maybe | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return dash;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e9) return scientific(value);
  return fixed(value, decimals(value));
}

/** A count: all its digits. */
export function count(value: Maybe | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? dash : fixed(value, 0);
}

/** "[low, high]", both with as many decimals as the larger of them needs; a dash for null. */
export function interval(value: Interval | null | undefined): string {
  if (!value) return dash;
  const size = Math.max(Math.abs(value[0]), Math.abs(value[1]));
  if (size === 0) return "[0, 0]";
  if (size < 1e-4 || size >= 1e9) return `[${number(value[0])}, ${number(value[1])}]`;
  const places = decimals(size);
  return `[${fixed(value[0], places)}, ${fixed(value[1], places)}]`;
}

/** A share of [0, 1] in per cent. */
export function percent(value: Maybe | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return dash;
  const part = value * 100;
  return `${fixed(part, part !== 0 && Math.abs(part) < 9.95 ? 1 : 0)} %`;
}

export function percentInterval(value: Interval | null | undefined): string {
  if (!value) return dash;
  const places = Math.max(value[0], value[1]) < 0.0995 ? 1 : 0;
  return `[${fixed(value[0] * 100, places)}, ${fixed(value[1] * 100, places)}] %`;
}

/** A probability: nothing below 0.001 is told apart. */
export function probability(value: Maybe | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return dash;
  return value < 0.001 ? "< 0.001" : fixed(value, value < 0.0995 ? 3 : 2);
}

/** A ratio to the floor, "× 3.5". */
export function times(value: Maybe | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? dash : `× ${number(value)}`;
}

/** Seconds in the unit that suits them. */
export function duration(seconds: Maybe | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return dash;
  if (seconds < 1) return `${number(seconds * 1000)} ms`;
  if (seconds < 120) return `${number(seconds)} s`;
  if (seconds < 7200) return `${number(seconds / 60)} min`;
  return `${number(seconds / 3600)} h`;
}

/** Bytes in units of 1024. */
export function bytes(value: Maybe | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return dash;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log(Math.max(value, 1)) / Math.log(1024)));
  return `${number(value / 1024 ** step)} ${units[step] ?? ""}`;
}

/** "2026-11-23T05:00:00Z" as "23 November 2026, 05:00 UTC"; anything else as it is. */
export function date(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  const options = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" } as const;
  return `${time.toLocaleDateString("en-GB", options)}, ${time.toISOString().slice(11, 16)} UTC`;
}
