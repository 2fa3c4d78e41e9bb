// @ts-check
import { Random } from "./random.mjs";

/** @typedef {import("../src/schema").Samples} Samples */

/** @param {ArrayBufferView} array */
export function base64(array) {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");
}

/**
 * A nodule on lung in HU with a vessel and noise, and its outline.
 * @param {Random} random @param {number} size @param {number} noise HU
 */
function nodule(random, size, noise) {
  const hu = new Int16Array(size * size);
  const mask = new Uint8Array(size * size);
  const radius = size * random.between(0.08, 0.24);
  const [x0, y0] = [size / 2 + random.normal(0, 2), size / 2 + random.normal(0, 2)];
  const [density, angle, lobes, phase] = [
    random.between(-100, 120),
    random.next() * 3.1,
    random.between(0, 0.25),
    random.next() * 6,
  ];
  const vessel = random.between(-0.35, 0.35) * size;
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const [dx, dy] = [x - x0, y - y0];
      const edge = radius * (1 + lobes * Math.sin(3 * Math.atan2(dy, dx) + phase));
      const inside = 1 / (1 + Math.exp((Math.hypot(dx, dy) - edge) / 1.2));
      const along = Math.abs(dx * Math.sin(angle) - dy * Math.cos(angle) - vessel);
      const tube = Math.exp(-(along ** 2) / 6) * 0.6;
      const part = Math.max(inside, tube);
      hu[y * size + x] = Math.round(-850 + (density + 850) * part + random.normal(0, noise));
      mask[y * size + x] = inside > 0.5 ? 1 : 0;
    }
  }
  return { hu, mask };
}

/**
 * Samples of `count` nodules.
 * @param {number} seed @param {number} count
 * @param {{size?: number, noise?: number, masks?: boolean, caption?: (i: number) => string}} [how]
 * @returns {Samples}
 */
export function samples(seed, count, how = {}) {
  const { size = 64, noise = 40, masks = true, caption = (i) => `seed ${i}` } = how;
  const random = new Random(seed);
  const hu = new Int16Array(count * size * size);
  const mask = new Uint8Array(count * size * size);
  for (let i = 0; i < count; i += 1) {
    const one = nodule(random, size, noise);
    hu.set(one.hu, i * size * size);
    mask.set(one.mask, i * size * size);
  }
  const captions = Array.from({ length: count }, (_, i) => caption(i));
  return { count, height: size, width: size, hu: base64(hu), masks: masks ? base64(mask) : null, captions };
}

/**
 * One nodule under more and more noise.
 * @param {number} seed @param {number[]} sigmas deviations in units of half the window @param {string} unit
 */
export function strip(seed, sigmas, unit) {
  const random = new Random(seed);
  const size = 64;
  const clean = nodule(random, size, 30).hu;
  const hu = new Int16Array(sigmas.length * size * size);
  sigmas.forEach((sigma, k) =>
    clean.forEach((value, i) => {
      hu[k * size * size + i] = Math.round(Math.max(-32000, Math.min(32000, value + 700 * sigma * random.normal())));
    }),
  );
  const captions = sigmas.map((sigma) => `${unit} ${sigma}`);
  return {
    captions,
    pictures: { count: sigmas.length, height: size, width: size, hu: base64(hu), masks: null, captions },
  };
}
