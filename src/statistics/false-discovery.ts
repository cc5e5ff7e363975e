/**
 * Many tests at once, where some false alarms among the true ones may be: Benjamini's and Hochberg's correction (Journal of the Royal
 * Statistical Society B 57, 1995). Of those with an adjusted chance below α, the share that found what is not there is at most α on average.
 */
export function falseDiscovery(chances: readonly number[]): readonly number[] {
  const order = chances.map((_, i) => i).sort((a, b) => chances[b]! - chances[a]!)
  const adjusted = new Array<number>(chances.length)
  let most = 1
  order.forEach((i, rank) => {
    most = Math.min(most, (chances[i]! * chances.length) / (chances.length - rank))
    adjusted[i] = most
  })
  return adjusted
}
