/** "Did you mean …?": the nearest of the names that exist, by edit distance, or nothing if none is near. */
export function nearest(wanted: string, names: Iterable<string>): string | undefined {
  // Of nothing, whatever is short would be near.
  if (wanted === '') return undefined
  let best: string | undefined
  let least = Math.max(2, Math.floor(wanted.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(wanted.toLowerCase(), name.toLowerCase())
    if (distance < least) {
      best = name
      least = distance
    }
  }
  return best
}

/** A sentence for an error message: the nearest name, and all of them where they are few. */
export function suggestion(wanted: string, names: Iterable<string>): string {
  const all = [...names]
  const near = nearest(wanted, all)
  if (near !== undefined) return `Did you mean '${near}'?`
  if (all.length === 0) return 'None is defined.'
  return `There ${all.length === 1 ? 'is' : 'are'}: ${all.slice(0, 24).join(', ')}${all.length > 24 ? ', …' : ''}.`
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
