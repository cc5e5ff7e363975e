/**
 * A value that is asked for more often than it is worth finding out, from a store that may not answer: whoever asks gets one that
 * is not older than so long, if it can be had soon, and otherwise the last one known.
 */
export interface Recent<T> {
  /** Null where nothing was ever found out. */
  value(): Promise<T | null>
}

const waitMs = 500

export function recent<T>(maxAgeMs: number, find: () => Promise<T>): Recent<T> {
  let last: { readonly value: T; readonly at: number } | null = null
  let finding: Promise<void> | null = null
  return {
    value: async () => {
      if (last !== null && performance.now() - last.at < maxAgeMs) return last.value
      finding ??= find()
        .then(
          (value) => {
            last = { value, at: performance.now() }
          },
          () => {},
        )
        .finally(() => {
          finding = null
        })
      let timer: NodeJS.Timeout | undefined
      const enough = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, waitMs)
      })
      await Promise.race([finding, enough])
      clearTimeout(timer)
      return (last as { readonly value: T } | null)?.value ?? null
    },
  }
}
