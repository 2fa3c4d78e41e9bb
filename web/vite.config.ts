import { defineConfig } from "vite";
import { singleFile } from "./single-file";

/** One html file with script and style in it: dist/report.html. */
export default defineConfig({
  build: {
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    rollupOptions: { input: "report.html", output: { inlineDynamicImports: true } },
  },
  plugins: [singleFile()],
});
