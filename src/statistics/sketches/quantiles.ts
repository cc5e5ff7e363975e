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

/** Where a number's sign, exponent and first bits lie, and how they become a bin. */
interface Layout {
  /** Words of 32 bits a number, and which of them it is. */
  readonly every: number
  readonly first: number
  readonly shift: number
  /** Of normal numbers the least, of those that are none the first. */
  readonly least: number
  readonly infinite: number
  readonly bias: number
}
const float64: Layout = { every: 2, first: high, shift, least: 1 << 20, infinite: 0x7ff00000, bias: 1 }
/** Its exponent counts from 127 where that of float64 counts from 1023. */
const float32: Layout = {
  ...{ every: 1, first: 0, shift: 16, least: 1 << 23, infinite: 0x7f800000 },
  bias: 1 + ((1023 - 127) << 7),
}
const wordsOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Int32Array =>
  new Int32Array(buffer, byteOffset, byteLength / 4)

/**
 * Counts of a stretch of bins, which grows as values come. A bin and that of the same numbers with the other sign lie side by side: numbers
 * around zero are far apart in the order of bins, and what lies between them is not kept.
 */
export class Quantiles {
  /** The least size of a bin in the stretch: its number without the sign. */
  #from = 1
  #counts: Float64Array = new Float64Array(0)
  #zeros = 0
  total = 0

  /** Of finite values. */
  add(value: number): void {
    this.addBin(binOf(value), 1)
  }

  /**
   * Those of the values from `from` to before `to` that are finite; `valid` 0: not there. Of typed arrays the bits are read where they lie,
   * which is what makes a sketch of every column of every row affordable.
   */
  addAll(values: ArrayLike<number>, valid: Uint8Array | null, from: number, to: number): void {
    if (values instanceof Float32Array) this.#addBits(wordsOf(values), float32, values, valid, from, to)
    else if (values instanceof Float64Array) this.#addBits(wordsOf(values), float64, values, valid, from, to)
    else
      for (let i = from; i < to; i++)
        if ((valid === null || valid[i] !== 0) && Number.isFinite(values[i])) this.add(values[i]!)
  }

  #addBits(
    bits: Int32Array,
    { every, first, shift, least, infinite, bias }: Layout,
    values: ArrayLike<number>,
    valid: Uint8Array | null,
    from: number,
    to: number,
  ): void {
    let [counts, start, added] = [this.#counts, bias - this.#from, 0]
    for (let i = from, at = from * every + first; i < to; i++, at += every) {
      if (valid !== null && valid[i] === 0) continue
      const word = bits[at]!
      const size = word & 0x7fffffff
      if (size >= infinite) continue
      if (size >= least) {
        // The sign without asking for it: no processor guesses one.
        const place = (((size >>> shift) + start) << 1) | (word >>> 31)
        if (place >= 0 && place < counts.length) {
          counts[place]!++
          added++
          continue
        }
      }
      // Zero, numbers so small that their bits mean something else, and what there was no bin for yet.
      this.add(values[i]!)
      counts = this.#counts
      start = bias - this.#from
    }
    this.total += added
  }

  addBin(bin: number, count: number): void {
    this.total += count
    if (bin === zero) {
      this.#zeros += count
      return
    }
    const size = Math.abs(bin)
    if (size < this.#from || size >= this.#from + this.#counts.length / 2) this.#reach(size)
    this.#counts[2 * (size - this.#from) + (bin < 0 ? 1 : 0)]! += count
  }

  #reach(size: number): void {
    const had = this.#counts.length / 2
    const [low, high] = had === 0 ? [size, size] : [Math.min(size, this.#from), Math.max(size, this.#from + had - 1)]
    // Room on the side on which it grew, as much as there is, so that a stretch that grows bin by bin is not copied each time.
    const room = Math.min(4_096, high - low + 16)
    const from = Math.max(1, had > 0 && low === this.#from ? low : low - room)
    const counts = new Float64Array(2 * (high - from + 1 + room))
    counts.set(this.#counts, had > 0 ? 2 * (this.#from - from) : 0)
    this.#from = from
    this.#counts = counts
  }

  merge(other: Quantiles): void {
    for (const [bin, count] of other.bins()) this.addBin(bin, count)
  }

  /** Those that have any, in the order of their values. */
  *bins(): Generator<readonly [bin: number, count: number]> {
    const counts = this.#counts
    for (let at = counts.length - 1; at > 0; at -= 2)
      if (counts[at]! > 0) yield [-(this.#from + (at >> 1)), counts[at]!]
    if (this.#zeros > 0) yield [zero, this.#zeros]
    for (let at = 0; at < counts.length; at += 2) if (counts[at]! > 0) yield [this.#from + (at >> 1), counts[at]!]
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
