import type { Interval, Samples } from "./schema";

/** Pictures ready to draw: `hu` and `masks` are [count, height, width]. */
export interface Pixels {
  count: number;
  height: number;
  width: number;
  hu: Int16Array;
  masks: Uint8Array | null;
  captions: string[];
}

export interface Look {
  window_hu: Interval;
  outlines: boolean;
  scale: number;
  smooth: boolean;
}

/** What a picture is: taken of a patient, or made by a model. */
export type Kind = "real" | "synthetic";

/** Height in pixels of the page of the line beneath a picture that says what it is. */
export const tag_px = 15;

function bytes(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

/** The pictures of `samples`; null where there are none or their sizes do not fit together. */
export function decode(samples: Samples | null | undefined): Pixels | null {
  if (!samples || !samples.hu || !(samples.count > 0)) return null;
  const { count, height, width } = samples;
  const size = count * height * width;
  const raw = bytes(samples.hu);
  if (raw.length !== 2 * size) return null;
  const view = new DataView(raw.buffer);
  const hu = Int16Array.from({ length: size }, (_, i) => view.getInt16(2 * i, true));
  const masks = samples.masks ? bytes(samples.masks) : null;
  return {
    count,
    height,
    width,
    hu,
    masks: masks && masks.length === size ? masks : null,
    captions: samples.captions ?? [],
  };
}

function grey(pixels: Pixels, index: number, [low, high]: Interval): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  const image = context.createImageData(pixels.width, pixels.height);
  const first = index * pixels.width * pixels.height;
  for (let i = 0; i < pixels.width * pixels.height; i += 1) {
    const value = Math.round((255 * ((pixels.hu[first + i] ?? low) - low)) / Math.max(1, high - low));
    image.data.fill(Math.min(255, Math.max(0, value)), 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The sides of pixels where the mask begins or ends, as a path on a canvas with `unit` canvas pixels a pixel. */
function outline(pixels: Pixels, index: number, unit: number): Path2D {
  const path = new Path2D();
  const { width, height, masks } = pixels;
  const first = index * width * height;
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && (masks?.[first + y * width + x] ?? 0) > 0;
  for (let y = 0; y <= height; y += 1) {
    for (let x = 0; x <= width; x += 1) {
      if (inside(x, y) !== inside(x - 1, y)) {
        path.moveTo(x * unit, y * unit);
        path.lineTo(x * unit, (y + 1) * unit);
      }
      if (inside(x, y) !== inside(x, y - 1)) {
        path.moveTo(x * unit, y * unit);
        path.lineTo((x + 1) * unit, y * unit);
      }
    }
  }
  return path;
}

function tag(context: CanvasRenderingContext2D, kind: Kind, ratio: number): void {
  const { width, height } = context.canvas;
  const top = height - tag_px * ratio;
  context.fillStyle = kind === "synthetic" ? "#7a2b00" : "#2b3138";
  context.fillRect(0, top, width, tag_px * ratio);
  context.fillStyle = "#ffffff";
  context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(kind.toUpperCase(), width / 2, top + (tag_px / 2 + 0.5) * ratio, width - 4 * ratio);
}

/** Draws picture `index` and beneath it, in the canvas so that it is saved with it, what it is. */
export function draw(canvas: HTMLCanvasElement, pixels: Pixels, index: number, look: Look, kind: Kind): void {
  const ratio = Math.max(1, Math.round(window.devicePixelRatio || 1));
  const unit = look.scale * ratio;
  canvas.width = pixels.width * unit;
  canvas.height = pixels.height * unit + tag_px * ratio;
  canvas.style.width = `${pixels.width * look.scale}px`;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.imageSmoothingEnabled = look.smooth;
  context.imageSmoothingQuality = "high";
  context.drawImage(grey(pixels, index, look.window_hu), 0, 0, pixels.width * unit, pixels.height * unit);
  if (look.outlines && pixels.masks) {
    context.strokeStyle = "#ffb000";
    context.lineWidth = 1.25 * ratio;
    context.stroke(outline(pixels, index, unit));
  }
  tag(context, kind, ratio);
}
