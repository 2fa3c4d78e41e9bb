// @ts-check
/** The page as its readers have it: opened from a file, without a network, in a browser. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as fixtures from "./fixture.mjs";
import { built, pixels, press, Reader, settled, writePage } from "./page.mjs";

/** @typedef {import("playwright-core").Page} Tab */

const { imageSet: _, ...makers } = fixtures;
const reader = new Reader();
const { folder, on } = reader;

before(() => reader.open(makers));
after(() => reader.close());

for (const name of Object.keys(makers)) {
  test(`${name}: opens without requests and errors, says nothing odd, and fits a phone`, async () => {
    await on(
      name,
      async (tab) => {
        const text = await tab.locator("body").innerText();
        assert.doesNotMatch(text, /NaN|undefined|null\b|Infinity|\[object/);
        assert.equal(await tab.locator("main > section").count(), 11);
        assert.ok((await tab.evaluate(() => document.documentElement.scrollWidth)) <= 360, "scrolls sideways");
      },
      { viewport: { width: 360, height: 740 } },
    );
  });
}

test("without data, or with data of another version, the page says so", async () => {
  writeFileSync(join(folder, "empty.html"), built());
  await on("empty", async (tab) => assert.match(await tab.innerText("main"), /holds no report/));
  writePage(join(folder, "later.html"), { schema: { name: "nodulus.report", version: 9 } });
  await on("later", async (tab) => assert.match(await tab.innerText("main"), /expected version 1 .* found 9/));
});

test("strings from the data stay strings", async () => {
  await on("hostile", async (tab) => {
    assert.doesNotMatch(await tab.title(), /^harm/);
    assert.equal(await tab.locator("main img, main b, main script").count(), 0);
    assert.match(await tab.innerText("#summary"), /<\/script><script>document\.title="harm"<\/script>/);
    assert.equal(await tab.locator('a[href^="javascript"]').count(), 0);
  });
});

test("a group of traits is chosen", async () => {
  await on("whole", async (tab) => {
    assert.equal(await tab.locator("#traits .chart").count(), 8);
    await press(tab, "traits", "shape");
    await settled(tab);
    assert.deepEqual(await tab.locator("#traits .chart > figcaption").allInnerTexts(), ["Elongation", "Solidity"]);
    assert.equal(await tab.locator("#traits .traits tbody tr").count(), 6);
    assert.equal(await tab.locator("#traits .plot svg").count(), 2);
    await press(tab, "traits", "all");
    assert.equal(await tab.locator("#traits .chart").count(), 8);
  });
});

test("real images have a line for each kind of outlines that traits were measured on", async () => {
  await on("whole", async (tab) => {
    const label = await tab.locator("#traits .plot svg").first().getAttribute("aria-label");
    assert.match(label ?? "", /: real, real, outlined by the network, 00001-gan, /);
    assert.match(await tab.locator("#traits .legend").first().innerText(), /real, outlined by the network/);
  });
});

test("what a model can be asked for stands with the real cases behind each value", async () => {
  await on("whole", async (tab) => {
    assert.equal(await tab.locator("#labels table.schema").count(), 1);
    await tab.locator("#labels summary", { hasText: "What its model can be asked for" }).click();
    const text = await tab.locator("#labels table.schema").innerText();
    assert.match(text, /malignancy\s+ordinal\s+390\s+1 highly unlikely \(40\), 5 highly suspicious \(75\)/);
    assert.match(text, /diameter\s+number\s+395\s+about 3.12 mm \(120\), about 28.4 mm \(9\)/);
  });
});

test("quality is shown by FD and by KID", async () => {
  await on("whole", async (tab) => {
    const labels = () =>
      tab.$$eval("#cost-of-quality .plot svg", (all) => all.map((s) => s.getAttribute("aria-label")));
    assert.match((await labels())[0] ?? "", /^FD \(SqueezeNet\) against evaluations/);
    await press(tab, "cost-of-quality", "KID");
    await settled(tab);
    assert.match((await labels())[1] ?? "", /^KID against seconds/);
  });
});

test("a better figure is marked where intervals part and nowhere else", async () => {
  const marked = (/** @type {Tab} */ tab) =>
    tab.$$eval("#figures .figures tbody tr", (rows) =>
      rows.flatMap((row) =>
        [...row.querySelectorAll("td")].flatMap((cell, i) =>
          cell.textContent?.includes("★") ? [`${row.querySelector(".title")?.textContent} ${i}`] : [],
        ),
      ),
    );
  await on("whole", async (tab) => {
    const names = [
      "FD (SqueezeNet)",
      "FD∞",
      "KID",
      "Precision, k = 3",
      "Recall, k = 3",
      "Density, k = 3",
      "Coverage, k = 3",
    ];
    assert.deepEqual(
      await marked(tab),
      names.map((name) => `${name} 2`),
    );
    assert.equal(await tab.locator("#figures strong").count(), names.length);
  });
  const report = fixtures.whole();
  for (const set of report.sets) for (const f of set.figures) f.interval = [0, 20];
  writePage(join(folder, "overlap.html"), report);
  await on("overlap", async (tab) => assert.deepEqual(await marked(tab), []));
  await on("oneSet", async (tab) => assert.deepEqual(await marked(tab), []));
});

test("every chart has a name and its numbers as a table", async () => {
  await on("whole", async (tab) => {
    const charts = await tab.locator(".chart").count();
    assert.equal(await tab.locator('.chart .plot svg[role="img"][aria-label]').count(), charts);
    for (const summary of await tab.locator(".behind summary").all()) await summary.click();
    const rows = await tab.$$eval(".behind", (all) => all.map((d) => d.querySelectorAll("tbody tr").length));
    assert.equal(rows.length, charts);
    assert.ok(
      rows.every((n) => n > 3),
      String(rows),
    );
  });
});

test("the keyboard reaches every control, and the focus is seen", async () => {
  await on("whole", async (tab) => {
    const wanted = await tab.evaluate(() => {
      const all = document.querySelectorAll("a[href], summary, input, [tabindex='0']");
      const groups = new Set();
      [...all].forEach((e, i) => {
        const input = e instanceof HTMLInputElement ? e : null;
        if (input?.type === "radio" && !input.checked) return;
        e.setAttribute("data-stop", String(i));
        groups.add(String(i));
      });
      return /** @type {string[]} */ ([...groups]);
    });
    const reached = new Set();
    for (let i = 0; i < wanted.length + 20; i += 1) {
      await tab.keyboard.press("Tab");
      const stop = await tab.evaluate(() => {
        const e = document.activeElement;
        return {
          id: e?.getAttribute("data-stop") ?? "",
          outline: e ? getComputedStyle(e).outlineStyle : "none",
          body: e === document.body,
        };
      });
      if (stop.body) break;
      assert.notEqual(stop.outline, "none", `stop ${i} shows no focus`);
      reached.add(stop.id);
    }
    assert.deepEqual(
      wanted.filter((id) => !reached.has(id)),
      [],
    );
    assert.ok(wanted.length > 40);
  });
});

test("arrow keys choose a window, and the first stop skips to the report", async () => {
  await on("whole", async (tab) => {
    await tab.keyboard.press("Tab");
    assert.equal(await tab.evaluate(() => document.activeElement?.textContent), "Skip to the report");
    await tab.keyboard.press("Enter");
    assert.equal(await tab.evaluate(() => document.activeElement?.id), "main");
    const lung = await pixels(tab, "pictures");
    await tab.locator("#pictures input[type=radio]").first().focus();
    await tab.keyboard.press("ArrowRight");
    assert.notEqual(await pixels(tab, "pictures"), lung);
  });
});

test("contents lead to every section", async () => {
  await on("whole", async (tab) => {
    const links = await tab.$$eval("nav a", (all) => all.map((a) => a.getAttribute("href")?.slice(1)));
    assert.deepEqual(links, await tab.$$eval("main > section", (all) => all.map((s) => s.id)));
    await tab.click('nav a[href="#copies"]');
    assert.ok((await tab.locator("#copies").boundingBox())?.y ?? -1 < 200);
  });
});

test("print has no controls, is light, and begins sections on new pages", async () => {
  await on("whole", async (tab) => {
    await tab.emulateMedia({ media: "print", colorScheme: "dark" });
    for (const what of [".controls", "nav", ".behind", ".skip"]) {
      assert.equal(await tab.locator(`${what}:visible`).count(), 0, what);
    }
    const style = await tab.evaluate(() => ({
      ground: getComputedStyle(document.body).backgroundColor,
      ink: getComputedStyle(document.body).color,
      page: getComputedStyle(/** @type {Element} */ (document.querySelector("#figures"))).breakBefore,
    }));
    assert.deepEqual(style, { ground: "rgb(255, 255, 255)", ink: "rgb(27, 31, 36)", page: "page" });
    assert.match(await tab.locator("#pictures .shown-as").innerText(), /Window −1350 to 150 HU/);
  });
});

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`${colorScheme}: text and lines stand out from the ground`, async () => {
    await on(
      "whole",
      async (tab) => {
        const ratios = await tab.evaluate(() => {
          const style = getComputedStyle(document.documentElement);
          const luminance = (/** @type {string} */ name) => {
            const hex = style.getPropertyValue(name).trim();
            const [r = 0, g = 0, b = 0] = [1, 3, 5]
              .map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
              .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const contrast = (/** @type {string} */ a, /** @type {string} */ b) => {
            const [x = 0, y = 0] = [luminance(a), luminance(b)].sort((p, q) => q - p);
            return (x + 0.05) / (y + 0.05);
          };
          const text = ["--ink", "--quiet", "--link", "--warn"].flatMap((t) =>
            ["--ground", "--panel"].map((g) => /** @type {[string, number]} */ ([`${t} on ${g}`, contrast(t, g)])),
          );
          const lines = [1, 2, 3, 4, 5, 6].map(
            (i) => /** @type {[string, number]} */ ([`--series-${i}`, contrast(`--series-${i}`, "--ground")]),
          );
          return { text, lines };
        });
        for (const [name, ratio] of ratios.text) assert.ok(ratio >= 4.5, `${name}: ${ratio}`);
        for (const [name, ratio] of ratios.lines) assert.ok(ratio >= 3, `${name}: ${ratio}`);
      },
      { colorScheme },
    );
  });
}
