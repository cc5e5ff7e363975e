/**
 * The exact distribution of Kolmogorov's statistic of one sample of n, D_n: the greatest distance of its distribution function from the true
 * one. Which formula is exact enough where, and which is quick, is Simard and L'Ecuyer's choice (Journal of Statistical Software 39 (11), 2011).
 */
import { logGamma } from '../distributions.ts'

/** The chance that D_n is at least x. */
export function kolmogorovTailOf(n: number, x: number): number {
  if (x >= 1) return 0
  const t = n * x
  if (t <= 0.5) return 1
  // Ruben and Gambino (1982): both ends have a closed form.
  if (t <= 1) return 1 - Math.exp(logGamma(n + 1) - n * Math.log(n) + n * Math.log(2 * t - 1))
  if (t >= n - 1) return 2 * (1 - x) ** n
  if (x >= 0.5) return 2 * smirnovTail(n, x)
  const square = t * x
  if (n <= 140) return square <= 4 ? 1 - durbin(n, x) : clipped(2 * smirnovTail(n, x))
  if (square >= 370) return 0
  if (square >= 2.2) return clipped(2 * smirnovTail(n, x))
  if (n <= 100_000 && n * x ** 1.5 <= 1.4) return clipped(1 - durbin(n, x))
  return clipped(1 - pelzGood(n, x))
}

const clipped = (p: number): number => Math.min(1, Math.max(0, p))

/** Beyond, the sum has too many terms. */
const mostTerms = 1_000_000

/**
 * The chance that the distribution function of a sample of n is above the true one by x somewhere: x Σ C(n, j) p^(j-1) (1 - p)^(n-j) over j with
 * p = x + j/n (Birnbaum and Tingey 1951), each term by way of its distance from the most likely one (Loader 2000), where logarithms of
 * factorials would lose digits.
 */
export function smirnovTail(n: number, x: number): number {
  if (x <= 0) return 1
  if (x >= 1) return 0
  if (n > mostTerms) return Math.exp(-((6 * n * x + 1) ** 2) / (18 * n))
  let sum = Math.exp(n * Math.log1p(-x)) / x
  const all = stirlingError(n)
  for (let j = 1; j < n && j <= n * (1 - x); j++) {
    const p = x + j / n
    if (p >= 1) break
    const apart = j * Math.log1p(-x / p) + (n - j) * Math.log1p(x / (1 - p))
    const front = Math.sqrt(n / (2 * Math.PI * j * (n - j)))
    sum += (front * Math.exp(all - stirlingError(j) - stirlingError(n - j) - apart)) / p
  }
  return clipped(x * sum)
}

/** By how much ln n! is more than Stirling's ln √(2πn) (n/e)^n. */
function stirlingError(n: number): number {
  if (n < 16) return logGamma(n + 1) - (n + 0.5) * Math.log(n) + n - Math.log(2 * Math.PI) / 2
  const square = n * n
  return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / n
}

/** The chance that D_n is below x, by the power of a matrix (Durbin 1968, as Marsaglia, Tsang and Wang computed it, 2003). */
function durbin(n: number, x: number): number {
  const k = Math.floor(n * x) + 1
  const m = 2 * k - 1
  const h = k - n * x
  let matrix: Float64Array[] = Array.from({ length: m }, (_, i) =>
    Float64Array.from({ length: m }, (_, j) => (i - j + 1 < 0 ? 0 : 1)),
  )
  for (let i = 0; i < m; i++) {
    matrix[i]![0]! -= h ** (i + 1)
    matrix[m - 1]![i]! -= h ** (m - i)
  }
  matrix[m - 1]![0]! += 2 * h - 1 > 0 ? (2 * h - 1) ** m : 0
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++) if (i - j + 1 > 0) for (let g = 1; g <= i - j + 1; g++) matrix[i]![j]! /= g
  // The n-th power by squares, with powers of ten taken out on the way.
  let power: readonly Float64Array[] | null = null
  let [powerOut, out] = [0, 0]
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) {
      power = power === null ? matrix.map((row) => row.slice()) : product(power, matrix)
      powerOut += out
      if (power[k - 1]![k - 1]! > 1e140) {
        power = scaled(power, 1e-140)
        powerOut += 140
      }
    }
    matrix = product(matrix, matrix)
    out *= 2
    if (matrix[k - 1]![k - 1]! > 1e140) {
      matrix = scaled(matrix, 1e-140)
      out += 140
    }
  }
  let chance = power![k - 1]![k - 1]!
  for (let i = 1; i <= n; i++) {
    chance *= i / n
    if (chance < 1e-140) {
      chance *= 1e140
      powerOut -= 140
    }
  }
  return chance * 10 ** powerOut
}

const scaled = (matrix: readonly Float64Array[], by: number): Float64Array[] =>
  matrix.map((row) => row.map((value) => value * by))

function product(a: readonly Float64Array[], b: readonly Float64Array[]): Float64Array[] {
  return a.map((row) => {
    const sums = new Float64Array(row.length)
    for (let k = 0; k < row.length; k++) {
      const value = row[k]!
      if (value !== 0) for (let j = 0; j < row.length; j++) sums[j]! += value * b[k]![j]!
    }
    return sums
  })
}

/**
 * The chance that D_n is below x, by the first four terms of its expansion in 1/√n (Pelz and Good, Journal of the Royal Statistical Society B 38,
 * 1976), their sums turned around by theta functions, so that few terms of each are wanted.
 */
function pelzGood(n: number, x: number): number {
  const z = Math.sqrt(n) * x
  const [z2, z4, z6] = [z ** 2, z ** 4, z ** 6]
  const [pi2, pi4, pi6] = [Math.PI ** 2, Math.PI ** 4, Math.PI ** 6]
  const logQ = -pi2 / 8 / z2
  if (logQ < -700) return 0
  const terms = Math.ceil((16 * z) / Math.PI)
  const sums = [0, 0, 0, 0]
  for (let k = terms; k >= 1; k--) {
    const m2 = (2 * k - 1) ** 2
    const weight = Math.exp(logQ * m2)
    sums[0]! += weight
    sums[1]! += weight * (-z2 + (pi2 / 4) * m2)
    sums[2]! += weight * (6 * z6 + 2 * z4 + ((2 * z4 - 5 * z2) * pi2 * m2) / 4 + (pi4 * (1 - 2 * z2) * m2 ** 2) / 16)
    sums[3]! +=
      weight *
      (-30 * z6 -
        90 * z ** 8 +
        (pi2 * (135 * z4 - 96 * z6) * m2) / 4 +
        (pi4 * (-60 * z2 + 212 * z4) * m2 ** 2) / 16 +
        (pi6 * (5 - 30 * z2) * m2 ** 3) / 64)
  }
  const root = Math.sqrt(2 * Math.PI)
  const [k0, k1] = [(sums[0]! * root) / z, (sums[1]! * root) / (6 * z4)]
  let [k2, k3] = [(sums[2]! * root) / (72 * z ** 7), (sums[3]! * root) / (6480 * z ** 10)]
  for (let k = terms; k >= 1; k--) {
    const weight = Math.exp((-pi2 / 2 / z2) * k ** 2)
    k2 += (k ** 2 * weight * pi2 * root) / (-36 * z ** 3)
    k3 += ((3 * z2 - pi2 * k ** 2) * k ** 2 * weight * pi2 * root) / (216 * z6)
  }
  return k0 + k1 / Math.sqrt(n) + k2 / n + k3 / n ** 1.5
}
