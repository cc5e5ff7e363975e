/** Text that every database gives back as it was, and that their indexes have room for. */
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import { isKeepable } from '../keepable.ts'

/** Several of them stand in one key of an index. */
const mostBytes = 800

/** Documents are kept as JSON, in which any text has its form: they are not looked at. Nor is how much stands in `keys`. */
export function checkText(values: object): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'string') continue
    const long = name !== 'keys' && Buffer.byteLength(value) > mostBytes
    if (long || !isKeepable(value))
      throw new SixfoldError(
        'SX_REQUEST_INVALID',
        long
          ? `What was given as '${name}' has more than ${mostBytes} bytes: '${shorten(value)}'.`
          : `What was given as '${name}' holds a NUL character or half of a surrogate pair.`,
        { fix: long ? 'Use a shorter one.' : 'Leave such characters out.' },
      )
  }
}
