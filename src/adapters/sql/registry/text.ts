/** Text of a change: an entry whose reason came back as another text would break the chain for ever. */
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import type { Author, Change } from '../../../ports/registry-store.ts'
import { isKeepable } from '../keepable.ts'

/** Kept as JSON, in which any text has its form. */
const asJson = new Set(['document', 'facts', 'preconditions', 'checks', 'error'])

export function checkText(change: Change, by: Author): void {
  check(by, [])
  check(change, [])
}

function check(value: unknown, path: readonly string[]): void {
  if (typeof value === 'string') {
    if (!isKeepable(value)) throw refuse(path)
  } else if (typeof value === 'object' && value !== null)
    for (const [key, one] of Object.entries(value)) {
      if (asJson.has(key)) continue
      check(key, path)
      check(one, [...path, key])
    }
}

const refuse = (path: readonly string[]): SixfoldError =>
  new SixfoldError(
    'SX_REQUEST_INVALID',
    `What was given as '${shorten(path.join('.'))}' holds a NUL character or half of a surrogate pair.`,
    { fix: 'Leave such characters out.' },
  )
