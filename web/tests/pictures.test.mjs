// @ts-check
/** How images are shown: window, outlines, scale, and what each says of itself. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as fixtures from "./fixture.mjs";
import { base64 } from "./images.mjs";
import { pixels, press, Reader, writePage } from "./page.mjs";

const reader = new Reader();
const { folder, on } = reader;

before(() => reader.open({ whole: fixtures.whole, oneSet: fixtures.oneSet }));
after(() => reader.close());

test("the window changes the pictures of every section, and its choosers keep in step", async () => {
  await on("whole", async (tab) => {
    const places = ["pictures", "noise", "copies"];
    const seen = new Map(places.map((p) => [p, new Set()]));
    for (const name of ["Mediastinal", "Full", "Lung"]) {
      await press(tab, "pictures", name);
      for (const place of places) {
        seen.get(place)?.add(await pixels(tab, place));
        assert.ok(
          await tab.locator(`#${place} label`, { hasText: name }).locator("input").isChecked(),
          `${place}: ${name}`,
        );
      }
    }
    for (const place of places) assert.equal(seen.get(place)?.size, 3, place);
  });
});

test("a window maps its lower end to black, its upper end to white, and its middle to grey", async () => {
  const report = fixtures.oneSet();
  const hu = Int16Array.from([-1350, -600, 150, 40]);
  report.real.samples = { count: 1, height: 2, width: 2, hu: base64(hu), masks: null, captions: ["steps"] };
  writePage(join(folder, "steps.html"), report);
  await on("steps", async (tab) => {
    const greys = () =>
      tab
        .locator("#pictures canvas")
        .first()
        .evaluate((canvas) => {
          const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
          context?.drawImage(/** @type {HTMLCanvasElement} */ (canvas), 0, 0);
          return [
            [0, 0],
            [3, 0],
            [0, 3],
            [3, 3],
          ].map(([x, y]) => context?.getImageData(x ?? 0, y ?? 0, 1, 1).data[0]);
        });
    assert.deepEqual(await greys(), [0, 128, 255, 236]);
    await press(tab, "pictures", "Mediastinal");
    assert.deepEqual(await greys(), [0, 0, 198, 128]);
    await press(tab, "pictures", "Full");
    assert.deepEqual(await greys(), [0, 73, 209, 189]);
  });
});

test("outlines come and go, smoothing smooths, and a page without masks offers no outlines", async () => {
  await on("whole", async (tab) => {
    const plain = await pixels(tab, "pictures");
    await press(tab, "pictures", "Outlines");
    const outlined = await pixels(tab, "pictures");
    assert.notEqual(outlined, plain);
    await press(tab, "copies", "Outlines");
    assert.equal(await pixels(tab, "pictures"), plain);
    await press(tab, "noise", "Smooth");
    assert.notEqual(await pixels(tab, "pictures"), plain);
  });
  await on("oneSet", async (tab) => assert.equal(await tab.locator("label", { hasText: "Outlines" }).count(), 0));
});

test("the scale is that of all pictures, and more of them can be shown", async () => {
  await on("whole", async (tab) => {
    const widths = () =>
      tab.$$eval("#pictures canvas", (all) => [...new Set(all.map((c) => c.getBoundingClientRect().width))]);
    for (const scale of [3, 4, 2]) {
      await press(tab, "pictures", `${scale}×`);
      assert.deepEqual(await widths(), [64 * scale]);
    }
    const counts = () => tab.$$eval("#pictures .column", (all) => all.map((c) => c.querySelectorAll("canvas").length));
    assert.deepEqual(await counts(), [4, 4, 4, 4]);
    await press(tab, "pictures", "all (24)");
    assert.deepEqual(await counts(), [24, 24, 24, 24]);
    await press(tab, "pictures", "12");
    assert.deepEqual(await counts(), [12, 12, 12, 12]);
  });
});

test("every picture says in itself and in its label what it is", async () => {
  await on("whole", async (tab) => {
    const labels = await tab.$$eval("canvas", (all) => all.map((c) => c.getAttribute("aria-label") ?? ""));
    assert.ok(labels.length > 60);
    for (const label of labels) assert.match(label, /^(real|synthetic) image, /);
    const kinds = await tab.$$eval("#pictures .column", (all) =>
      all.map((c) => c.querySelector(".badge")?.textContent),
    );
    assert.deepEqual(kinds, ["real", "synthetic", "synthetic", "synthetic"]);
    const tags = await tab.$$eval("#pictures .column canvas:first-child", (all) =>
      all.map((c) => {
        const canvas = /** @type {HTMLCanvasElement} */ (c);
        return [...(canvas.getContext("2d")?.getImageData(1, canvas.height - 2, 1, 1).data ?? [])].join();
      }),
    );
    assert.equal(new Set(tags).size, 2, "the tag of synthetic pictures has its own colour");
  });
});
