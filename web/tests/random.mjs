// @ts-check
/** Numbers by seed: the same report.json comes of the same seed on every machine. */
export class Random {
  /** @param {number} seed */
  constructor(seed) {
    this.state_ = seed >>> 0;
  }

  /** Even in [0, 1) (mulberry32). */
  next() {
    this.state_ = (this.state_ + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.state_ ^ (this.state_ >>> 15), 1 | this.state_);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Normal, by Box and Muller. */
  normal(mean = 0, deviation = 1) {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.next());
  }

  /** @param {number} low @param {number} high */
  between(low, high) {
    return low + (high - low) * this.next();
  }
}
