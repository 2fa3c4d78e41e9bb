// @ts-check
/** A report that the program itself has made: $NODULUS_REPORT is its report.html. $NODULUS_SCREENSHOT keeps a picture. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { launch, open, settled } from "./page.mjs";

const file = resolve(process.env["NODULUS_REPORT"] ?? "expected-NODULUS_REPORT");
const screenshot = process.env["NODULUS_SCREENSHOT"];

test("a report of the program's own opens, and every control of it can be used", async () => {
  assert.ok(existsSync(file), `expected a report at ${file}, found nothing; set NODULUS_REPORT`);
  const html = readFileSync(file, "utf8");
  const data = html.split('<script id="report-data" type="application/json">')[1]?.split("</script>")[0] ?? "null";
  const report = JSON.parse(data);
  const browser = await launch();
  const { tab, faults } = await open(browser, file);
  const text = await tab.locator("body").innerText();
  assert.doesNotMatch(text, /NaN|undefined|Infinity|\[object/);
  for (const set of report.sets) assert.ok(text.includes(set.name), `expected the set ${set.name} on the page`);
  for (const sentence of [...report.summary, ...report.cautions]) assert.ok(text.includes(sentence), sentence);
  const controls = tab.locator("main input, main select, main button");
  const count = await controls.count();
  assert.ok(count > 5, `expected controls, found ${count}`);
  for (let i = 0; i < count; ++i) {
    const control = controls.nth(i);
    if (!(await control.isVisible())) continue;
    const tag = await control.evaluate((e) => e.tagName);
    if (tag === "SELECT") await control.selectOption({ index: 1 });
    else await control.focus().then(() => control.press("Space"));
    await settled(tab);
  }
  for (const details of await tab.locator("main details").all())
    await details.evaluate((e) => e.setAttribute("open", ""));
  await settled(tab);
  assert.deepEqual(faults, []);
  if (screenshot) {
    const fresh = await open(browser, file);
    await fresh.tab.screenshot({ path: screenshot, fullPage: true });
  }
  await browser.close();
});
