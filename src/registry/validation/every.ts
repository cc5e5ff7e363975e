/** Some of many, spread evenly over all of them, however many come: every one until there are too many, then every other, and so on. */
export interface Sample<T> {
  readonly kept: readonly T[]
  offer(one: T): void
}

export function sample<T>(most: number): Sample<T> {
  let kept: T[] = []
  let stride = 1
  let seen = 0
  return {
    get kept() {
      return kept
    },
    offer: (one) => {
      if (seen++ % stride !== 0) return
      if (kept.length === most) {
        kept = kept.filter((_, i) => i % 2 === 0)
        stride *= 2
        if ((seen - 1) % stride !== 0) return
      }
      kept.push(one)
    },
  }
}
