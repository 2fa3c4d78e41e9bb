// @ts-check
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const page = new URL("../dist/report.html", import.meta.url);

/** The place that the program fills with the report. */
export const placeholder = '<script id="report-data" type="application/json">null</script>';

/** The built page without a report. */
export function built() {
  return readFileSync(page, "utf8");
}

/** Puts a report into the page as the program does. @param {string} path @param {unknown} report */
export function writePage(path, report) {
  const json = JSON.stringify(report).replaceAll("<", "\\u003c");
  writeFileSync(
    path,
    built().replace(placeholder, () => placeholder.replace("null", () => json)),
  );
}

/** Debian's Chromium, or the one that $CHROMIUM names. */
export function launch() {
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  if (!existsSync(executablePath))
    throw new Error(`expected Chromium at ${executablePath}, found nothing; set CHROMIUM`);
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/**
 * Opens a page from its file; every request for anything else, and every error, is put into `faults`.
 * @param {import("playwright-core").Browser} browser @param {string} path
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function open(browser, path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, offline: true, ...options });
  const tab = await context.newPage();
  /** @type {string[]} */
  const faults = [];
  const url = `file://${path}`;
  await context.route("**/*", (route) => {
    const asked = route.request().url();
    if (asked.split("#")[0] === url) return route.continue();
    faults.push(`request: ${asked}`);
    return route.abort();
  });
  tab.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  tab.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(`console: ${message.text()}`);
  });
  await tab.goto(url);
  await settled(tab);
  return { tab, faults, close: () => context.close() };
}

/** Waits until charts are drawn. @param {import("playwright-core").Page} tab */
export async function settled(tab) {
  await tab.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))),
  );
}

/** The picture on the first canvas of a section. @param {import("playwright-core").Page} tab @param {string} section */
export function pixels(tab, section) {
  const first = tab.locator(`#${section} canvas`).first();
  return first.evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL());
}

/**
 * Clicks a radio button or a check box by its text.
 * @param {import("playwright-core").Page} tab @param {string} section @param {string} text
 */
export function press(tab, section, text) {
  return tab.locator(`#${section} .controls label`, { hasText: text }).first().click();
}

/** A browser and a folder of pages to open in it. */
export class Reader {
  folder = mkdtempSync(join(tmpdir(), "nodulus-report-"));
  /** @type {import("playwright-core").Browser | null} */
  browser = null;

  /** Starts the browser and writes a page for each report. @param {Record<string, () => unknown>} makers */
  async open(makers) {
    this.browser = await launch();
    for (const [name, make] of Object.entries(makers)) writePage(join(this.folder, `${name}.html`), make());
  }

  async close() {
    await this.browser?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * Opens a page of the folder and checks at the end that nothing was asked for and nothing failed.
   * @param {string} name @param {(tab: import("playwright-core").Page) => Promise<void>} body
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  on = async (name, body, options) => {
    if (!this.browser) throw new Error("expected a browser, found none: open() comes first");
    const { tab, faults, close } = await open(this.browser, join(this.folder, `${name}.html`), options);
    await body(tab);
    await settled(tab);
    assert.deepEqual(faults, []);
    await close();
  };
}
