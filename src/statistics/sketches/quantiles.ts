/**
 * How often values occurred, over bins that grow with the value: 128 to each doubling, so that any value is within 0.4 % of the middle of its
 * bin. A bin is read off the bits of the number (its sign, its exponent and the first seven bits behind the point), which costs a few
 * nanoseconds and no logarithm. Sketches of parts add up to that of the whole, bin for bin, in any order.
 */
const [number64, words] = (() => {
  const one = new Float64Array(1)
  return [one, new Int32Array(one.buffer)] as const
})()
/** Where the half with sign and exponent lies. */
const high = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0
const shift = 13
/** Between the bins of the positive numbers and those of the negative ones. */
const zero = 0

/** Bins are numbered in the order of their values: negative numbers have negative bins, zero has 0. */
export function binOf(value: number): number {
  if (value === 0) return zero
  number64[0] = value
  const word = words[high]!
  const size = ((word & 0x7fffffff) >>> shift) + 1
  return word < 0 ? -size : size
}

/** The bounds of a bin; both 0 for that of zero. */
export function boundsOf(bin: number): readonly [low: number, high: number] {
  if (bin === zero) return [0, 0]
  const size = Math.abs(bin) - 1
  const [near, far] = [numberOf(size), numberOf(size + 1)]
  return bin < 0 ? [-far, -near] : [near, far]
}
function numberOf(size: number): number {
  words[high] = size << shift
  words[1 - high] = 0
  return number64[0]!
}
export function middleOf(bin: number): number {
  const [low, high] = boundsOf(bin)
  return (low + high) / 2
}

/** Counts of a stretch of bins, which grows as values come. */
export class Quantiles {
  #from = 0
  #counts: Float64Array = new Float64Array(0)
  total = 0

  /** Of finite values. */
  add(value: number): void {
    this.addBin(binOf(value), 1)
  }

  addBin(bin: number, count: number): void {
    let at = bin - this.#from
    if (at < 0 || at >= this.#counts.length) {
      this.#reach(bin)
      at = bin - this.#from
    }
    this.#counts[at]! += count
    this.total += count
  }

  #reach(bin: number): void {
    const had = this.#counts.length
    const [low, high] = had === 0 ? [bin, bin] : [Math.min(bin, this.#from), Math.max(bin, this.#from + had - 1)]
    // Room on the side on which it grew, so that a stretch that grows bin by bin is not copied each time.
    const room = Math.min(256, high - low + 16)
    const from = had > 0 && low === this.#from ? low : low - room
    const counts = new Float64Array(high - from + 1 + room)
    if (had > 0) counts.set(this.#counts, this.#from - from)
    this.#from = from
    this.#counts = counts
  }

  merge(other: Quantiles): void {
    for (const [bin, count] of other.bins()) this.addBin(bin, count)
  }

  /** Those that have any, in the order of their values. */
  *bins(): Generator<readonly [bin: number, count: number]> {
    for (let at = 0; at < this.#counts.length; at++)
      if (this.#counts[at]! > 0) yield [this.#from + at, this.#counts[at]!]
  }

  /** Within 0.4 % of the q-quantile; NaN of nothing. */
  quantile(q: number): number {
    let passed = 0
    for (const [bin, count] of this.bins()) {
      passed += count
      if (passed >= q * this.total) return middleOf(bin)
    }
    return Number.NaN
  }
}
