/**
 * Several tests at once: Holm's correction (Scandinavian Journal of Statistics 6, 1979). With it, the chance that any of them finds what is
 * not there stays below the level of each.
 */
export function holm(chances: readonly number[]): readonly number[] {
  const order = chances.map((_, i) => i).sort((a, b) => chances[a]! - chances[b]!)
  const adjusted = new Array<number>(chances.length)
  let least = 0
  order.forEach((i, rank) => {
    least = Math.max(least, Math.min(1, chances[i]! * (chances.length - rank)))
    adjusted[i] = least
  })
  return adjusted
}
