/**
 * What is to be done when the present turn of the event loop has taken in all that was there. Whatever that leads to is done at once after
 * it, before anything new is looked for: otherwise each step would wait for another turn.
 */
let works: (() => void)[] = []

export function atEndOfTurn(work: () => void): void {
  if (works.push(work) === 1) setImmediate(end)
}

function end(): void {
  let at = 0
  try {
    while (at < works.length) works[at++]!()
  } finally {
    // What threw keeps the others waiting no longer than a turn.
    works = works.slice(at)
    if (works.length > 0) setImmediate(end)
  }
}
