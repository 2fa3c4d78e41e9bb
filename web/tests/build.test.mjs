// @ts-check
/** What the built file and the sources must be, whatever the data. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { built, placeholder } from "./page.mjs";

const web = new URL("..", import.meta.url).pathname;

/** @param {string} folder @returns {string[]} */
function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? sources(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
  );
}

test("the page has exactly one place for the data, and it lies in the body", () => {
  const parts = built().split(placeholder);
  assert.equal(parts.length, 2);
  assert.ok(parts[0]?.includes("<body>"));
});

test("the page is one small file that asks for no other", () => {
  const html = built();
  assert.ok(html.length < 700_000, `${html.length} bytes`);
  const page = html.slice(0, html.lastIndexOf("<!--")).replace(/<script type="module">.*?<\/script>/s, "");
  assert.doesNotMatch(page, /\ssrc=|@import|url\((?!data:)/);
  assert.deepEqual(
    [...page.matchAll(/<link [^>]*href="([^"]*)"/g)].map((m) => m[1]),
    ["data:,"],
  );
  assert.match(page, /default-src 'none'/);
});

test("the licences of what is bundled are in the page", () => {
  const notes = built().slice(built().lastIndexOf("<!--"));
  for (const name of ["@observablehq/plot", "d3-scale", "d3-shape", "d3-array", "isoformat"]) {
    assert.ok(notes.includes(`${name} `), name);
  }
  assert.match(notes, /Permission to use, copy, modify, and\/or distribute/);
});

test("data never becomes html: the sources use text alone", () => {
  const files = sources(`${web}src`);
  assert.ok(files.length > 20);
  for (const file of files)
    assert.doesNotMatch(readFileSync(file, "utf8"), /innerHTML|outerHTML|insertAdjacentHTML|document\.write/, file);
});

test("sources are short", () => {
  for (const file of [...sources(`${web}src`), ...sources(`${web}tests`)]) {
    const lines = readFileSync(file, "utf8").split("\n");
    assert.ok(lines.length <= 320, `${file} has ${lines.length} lines`);
  }
});

test("the lock file names no place to load from and every platform, and versions are exact", () => {
  assert.doesNotMatch(readFileSync(`${web}package-lock.json`, "utf8"), /"resolved"|https?:\/\/[^"]*registry/);
  for (const platform of ["linux-x64-gnu", "linux-arm64-gnu", "darwin-arm64", "win32-x64-msvc"]) {
    assert.match(
      readFileSync(`${web}package-lock.json`, "utf8"),
      new RegExp(`node_modules/@rollup/rollup-${platform}"`),
    );
  }
  const { devDependencies, dependencies } = JSON.parse(readFileSync(`${web}package.json`, "utf8"));
  for (const version of Object.values({ ...devDependencies, ...dependencies }))
    assert.match(String(version), /^\d+\.\d+\.\d+$/);
});
