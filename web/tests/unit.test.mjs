// @ts-check
/** The parts of the page that need no browser. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createServer } from "vite";
import { whole } from "./fixture.mjs";

/** @type {import("vite").ViteDevServer} */
let server;

/** @param {string} name */
const load = (name) => server.ssrLoadModule(`/src/${name}.ts`);

before(async () => {
  const root = new URL("..", import.meta.url).pathname;
  server = await createServer({
    root,
    configFile: false,
    appType: "custom",
    server: { middlewareMode: true, ws: false },
    optimizeDeps: { noDiscovery: true },
  });
});
after(() => server.close());

/** @param {"lower" | "higher" | "none"} better @param {...([number, number] | null | "absent")} intervals */
const figures = (better, ...intervals) =>
  intervals.map((one) => {
    if (one === "absent") return { better, value: null, interval: null };
    return { better, value: one ? (one[0] + one[1]) / 2 : 1, interval: one };
  });

test("a figure is marked only where its interval parts from every other", async () => {
  const { best } = await load("better");
  assert.equal(best(figures("lower", [5, 6], [1, 2], [3, 4])), 1);
  assert.equal(best(figures("higher", [5, 6], [1, 2], [3, 4])), 0);
  assert.equal(best(figures("lower", [1, 3], [2, 4], [8, 9])), -1, "two overlap");
  assert.equal(best(figures("lower", [1, 2], [2, 3])), -1, "touching is not parting");
  assert.equal(best(figures("lower", [1, 6], [2, 3], [7, 8])), -1, "one within another");
  assert.equal(best(figures("none", [1, 2], [3, 4])), -1, "no direction");
});

test("a figure without rivals or without an interval is not marked", async () => {
  const { best } = await load("better");
  assert.equal(best(figures("lower", [1, 2])), -1, "alone");
  assert.equal(best(figures("lower", [1, 2], "absent")), -1, "alone among the measured");
  assert.equal(best(figures("lower", [1, 2], "absent", [3, 4])), 0, "what was not measured takes no part");
  assert.equal(best(figures("lower", [1, 2], null)), -1, "a rival of unknown spread");
  assert.equal(best([]), -1);
  assert.equal(best([undefined, null]), -1);
});

test("figures that depend on the number of images are not ranked over sets of different counts", async () => {
  const { bestSet } = await load("better");
  /** @param {string} name @param {number} count @param {[number, number]} interval */
  const set = (name, count, interval) => ({
    count,
    figures: [{ name, better: "lower", value: interval[0], interval }],
  });
  assert.equal(bestSet("fd", [set("fd", 500, [5, 6]), set("fd", 500, [1, 2])]), 1);
  assert.equal(bestSet("fd", [set("fd", 500, [5, 6]), set("fd", 400, [1, 2])]), -1);
  assert.equal(bestSet("kid", [set("kid", 500, [5, 6]), set("kid", 400, [1, 2])]), 1);
});

test("numbers have three significant digits and all of their whole part", async () => {
  const { number, count } = await load("format");
  const shown = {
    12.345: "12.3",
    0.0023456: "0.00235",
    1234.5: "1,235",
    999.6: "1,000",
    99.96: "100",
    0: "0",
    5: "5.00",
    700: "700",
  };
  for (const [value, text] of Object.entries(shown)) assert.equal(number(Number(value)), text);
  assert.equal(number(-12.34), "−12.3");
  assert.equal(number(0.0000123), "1.23 × 10⁻⁵");
  assert.equal(count(24767361), "24,767,361");
  for (const nothing of [null, undefined, NaN, Infinity]) assert.equal(number(nothing), "–");
});

test("both ends of an interval have the same decimals", async () => {
  const { interval, percentInterval, percent, probability, duration, bytes, date } = await load("format");
  assert.equal(interval([9.87, 12.345]), "[9.9, 12.3]");
  assert.equal(interval([-0.00001, 0.00123]), "[−0.00001, 0.00123]");
  assert.equal(interval([-0.000001, 0.123]), "[0.000, 0.123]", "no minus before a zero");
  assert.equal(interval(null), "–");
  assert.equal(percent(0.123), "12 %");
  assert.equal(percent(0.0123), "1.2 %");
  assert.equal(percentInterval([0.38, 0.58]), "[38, 58] %");
  assert.equal(probability(0.0001), "< 0.001");
  assert.equal(duration(5212), "86.9 min");
  assert.equal(duration(0.012), "12.0 ms");
  assert.equal(bytes(2 ** 30), "1.00 GiB");
  assert.equal(date("2026-11-23T05:00:00Z"), "23 November 2026, 05:00 UTC");
});

test("a report of another kind or version is refused by name", async () => {
  const { readReport } = await load("read");
  assert.equal(readReport("null"), null);
  assert.throws(() => readReport("{}"), /expected nodulus\.report, found no schema/);
  assert.throws(() => readReport('{"schema": {"name": "nodulus.metrics", "version": 1}}'), /found nodulus\.metrics/);
  assert.throws(() => readReport('{"schema": {"name": "nodulus.report", "version": 2}}'), /version 1 .* found 2/);
  assert.equal(readReport(JSON.stringify(whole())).sets.length, 3);
});

test("pictures are read as little-endian HU, and not at all where their sizes do not fit", async () => {
  const { decode } = await load("picture");
  const hu = Buffer.from(Int16Array.from([-1000, 0, 40, 400]).buffer).toString("base64");
  const samples = {
    count: 1,
    height: 2,
    width: 2,
    hu,
    masks: Buffer.from([0, 1, 1, 0]).toString("base64"),
    captions: ["a"],
  };
  assert.deepEqual([...decode(samples).hu], [-1000, 0, 40, 400]);
  assert.deepEqual([...decode(samples).masks], [0, 1, 1, 0]);
  assert.equal(decode({ ...samples, masks: "AAA=" }).masks, null);
  assert.equal(decode({ ...samples, count: 2 }), null);
  assert.equal(decode({ ...samples, count: 0 }), null);
  assert.equal(decode(null), null);
});

test("histograms of different bins are laid over one another by the width of the first's", async () => {
  const { alike } = await load("bins");
  const narrow = { edges: [0, 1, 2, 3, 4], shares: [0.25, 0.25, null, 0.25] };
  const wide = { edges: [0, 2, 4], shares: [0.5, 0.5] };
  assert.deepEqual(alike([narrow, wide]), [narrow, { edges: [0, 2, 4], shares: [0.25, 0.25] }]);
  assert.deepEqual(alike([wide, narrow])[1].shares, [0.5, 0.5, null, 0.5]);
  assert.deepEqual(alike([]), []);
});

test("the same seed makes the same report", () => {
  assert.equal(JSON.stringify(whole()), JSON.stringify(whole()));
});
