/**
 * Normal, Student's t and binomial distributions, to about twelve digits. The incomplete beta function by its continued fraction
 * (Abramowitz and Stegun 26.5.8, evaluated as Lentz did), the logarithm of gamma by Lanczos' series with g = 7 and n = 9; the normal
 * quantile by Acklam's rational approximation and one step of Halley's method on it.
 */

const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const

export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  let sum: number = lanczos[0]
  for (let i = 1; i < lanczos.length; i++) sum += lanczos[i]! / (x - 1 + i)
  const t = x + 6.5
  return Math.log(2 * Math.PI) / 2 + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** Regularised: the chance that a beta variable with a and b is at most x. */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (!(x > 0)) return 0
  if (x >= 1) return 1
  // The fraction converges quickly on this side of the mean.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x)
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a
  const tiny = 1e-300
  let c = 1
  let d = 1 / avoid(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m < 10_000; m++) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / avoid(1 + term * d)
      c = avoid(1 + term / c)
      fraction *= c * d
    }
    if (Math.abs(c * d - 1) < 1e-15) break
  }
  return front * fraction

  function avoid(value: number): number {
    return Math.abs(value) < tiny ? tiny : value
  }
}

/** The chance that a standard normal variable is at most z. */
export function normalCdf(z: number): number {
  // By the incomplete gamma function P(1/2, z²/2): its series near zero, its fraction in the tails, where differences would lose digits.
  const x = (z * z) / 2
  const half = x < 1.5 ? lowerGammaHalf(x) / 2 : 0.5 - upperGammaHalf(x) / 2
  if (z >= 0) return 0.5 + half
  return x < 1.5 ? 0.5 - half : upperGammaHalf(x) / 2
}

/** Regularised incomplete gamma functions of a half (Abramowitz and Stegun 6.5.29 and 6.5.31). */
function lowerGammaHalf(x: number): number {
  if (x === 0) return 0
  let term = 1 / 0.5
  let sum = term
  for (let n = 1; n < 500 && Math.abs(term) > sum * 1e-17; n++) {
    term *= x / (0.5 + n)
    sum += term
  }
  return (sum * Math.exp(-x) * Math.sqrt(x)) / Math.sqrt(Math.PI)
}
function upperGammaHalf(x: number): number {
  let b = x + 0.5
  let c = 1e300
  let d = 1 / b
  let fraction = d
  for (let i = 1; i < 1_000; i++) {
    const a = -i * (i - 0.5)
    b += 2
    d = 1 / (a * d + b)
    c = b + a / c
    fraction *= c * d
    if (Math.abs(c * d - 1) < 1e-16) break
  }
  return (fraction * Math.exp(-x) * Math.sqrt(x)) / Math.sqrt(Math.PI)
}

const acklam = {
  a: [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ],
  b: [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572],
  c: [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ],
  d: [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416],
} as const
const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((sum, c) => sum * x + c, 0)

export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? Number.NEGATIVE_INFINITY : p === 1 ? Number.POSITIVE_INFINITY : Number.NaN
  if (p > 0.5) return -normalQuantile(1 - p)
  const tail = Math.sqrt(-2 * Math.log(p))
  const q = p - 0.5
  const x =
    p < 0.02425
      ? polynomial(acklam.c, tail) / polynomial([...acklam.d, 1], tail)
      : (polynomial(acklam.a, q * q) * q) / polynomial([...acklam.b, 1], q * q)
  const off = (normalCdf(x) - p) * Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2)
  return x - off / (1 + (x * off) / 2)
}

/** The chance that a variable of Student's t distribution is at most t. */
export function tCdf(t: number, degrees: number): number {
  const tail = incompleteBeta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2
  return t > 0 ? 1 - tail : tail
}

export function tQuantile(p: number, degrees: number): number {
  if (p === 0.5) return 0
  if (p < 0.5) return -tQuantile(1 - p, degrees)
  let [low, high] = [0, 2]
  while (tCdf(high, degrees) < p && high < 1e300) high *= 2
  for (let i = 0; i < 200 && high - low > 1e-13 * high; i++) {
    const middle = (low + high) / 2
    if (tCdf(middle, degrees) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** The chance of at most k successes in n trials of chance p. */
export const binomialCdf = (k: number, n: number, p: number): number =>
  k < 0 ? 0 : k >= n ? 1 : incompleteBeta(n - k, k + 1, 1 - p)

/** The chance that a χ² variable is greater than x: the upper incomplete gamma function (Abramowitz and Stegun 6.5.29 and 6.5.31). */
export function chiSquareTail(x: number, degrees: number): number {
  if (!(x > 0)) return 1
  if (x === Number.POSITIVE_INFINITY) return 0
  const [a, half] = [degrees / 2, x / 2]
  const front = Math.exp(a * Math.log(half) - half - logGamma(a))
  if (half < a + 1) {
    let [term, sum] = [1 / a, 1 / a]
    for (let n = 1; n < 10_000 && term > sum * 1e-17; n++) {
      term *= half / (a + n)
      sum += term
    }
    return Math.max(0, 1 - front * sum)
  }
  let [b, c] = [half + 1 - a, 1e300]
  let d = 1 / b
  let fraction = d
  for (let i = 1; i < 10_000; i++) {
    const factor = -i * (i - a)
    b += 2
    d = 1 / (factor * d + b)
    c = b + factor / c
    fraction *= c * d
    if (Math.abs(c * d - 1) < 1e-16) break
  }
  return front * fraction
}

/**
 * The chance that two samples of one distribution are at least so far apart: Kolmogorov's limit, with Stephens' correction (1970) for samples
 * that are not large.
 */
export function kolmogorovTail(distance: number, n: number, m: number): number {
  if (n === 0 || m === 0) return 1
  const root = Math.sqrt((n * m) / (n + m))
  const scaled = (root + 0.12 + 0.11 / root) * distance
  if (scaled < 0.2) return 1
  let sum = 0
  for (let k = 1; k < 100; k++) {
    const term = Math.exp(-2 * k * k * scaled * scaled)
    sum += k % 2 === 1 ? term : -term
    if (term < 1e-17) break
  }
  return Math.min(1, Math.max(0, 2 * sum))
}
