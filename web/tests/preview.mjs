// @ts-check
/** Writes the page with each of the reports made for the tests into the folder given, or into dist/preview/. */
import { mkdirSync } from "node:fs";
import * as fixtures from "./fixture.mjs";
import { writePage } from "./page.mjs";

const folder = process.argv[2] ?? new URL("../dist/preview/", import.meta.url).pathname;
mkdirSync(folder, { recursive: true });
const { imageSet: _, ...reports } = fixtures;
for (const [name, make] of Object.entries(reports)) writePage(`${folder}/${name}.html`, make());
