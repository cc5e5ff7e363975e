/** The text of a filter as tokens, in one pass from left to right: its time grows with the length of the text and with nothing else. */
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'

export interface Token {
  readonly kind: 'word' | 'number' | 'quoted' | 'operator' | 'mark'
  /** As it stands there; of what is quoted, what stands between the quotes. */
  readonly text: string
  /** What it is quoted with. */
  readonly quote: "'" | '"' | '`' | null
  /** From where in the text, and to where. */
  readonly at: number
  readonly end: number
}

/** What cannot be read, at which character, counted from 1. */
export const refuse = (what: 'filter' | 'order', at: number, why: string): SixfoldError =>
  new SixfoldError('SX_FILTER_INVALID', `The ${what} cannot be read at character ${at + 1}: ${why}.`, {
    details: { character: at + 1 },
  })

const space = /\s+/y
const word = /[\p{L}\p{N}_$#]+/uy
const number = /-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_$#.])/uy
const operator = /[=!<>~]+/y

export function tokensOf(what: 'filter' | 'order', text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0] ?? null
  }
  const add = (kind: Token['kind'], raw: string): void => {
    tokens.push({ kind, text: raw, quote: null, at, end: at + raw.length })
    at += raw.length
  }
  while (at < text.length) {
    const blank = match(space)
    if (blank !== null) {
      at += blank.length
      continue
    }
    const first = text[at]!
    const last = tokens.at(-1)
    const joined = last?.end === at
    if (first === "'" || first === '"' || first === '`') {
      const token = quoted(what, text, at, first)
      tokens.push(token)
      at = token.end
    } else if (first === '.' && joined && (last.kind === 'word' || last.quote !== null)) add('mark', first)
    else if (joined && last.text === '.' && last.kind === 'mark') add('word', match(word) ?? unreadable(what, text, at))
    else {
      const digits = match(number)
      if (digits !== null) add('number', digits)
      else if ('(),;'.includes(first)) add('mark', first)
      else {
        const name = match(word)
        if (name !== null) add('word', name)
        else add('operator', match(operator) ?? unreadable(what, text, at))
      }
    }
  }
  return tokens
}

function unreadable(what: 'filter' | 'order', text: string, at: number): never {
  throw refuse(
    what,
    at,
    `'${shorten(text.slice(at, at + 60), 40)}' is not part of its language; names with other characters than letters, digits and _ stand in backticks`,
  )
}

/** A quote within is written twice, or with a backslash before it. */
function quoted(what: 'filter' | 'order', text: string, at: number, quote: NonNullable<Token['quote']>): Token {
  let content = ''
  let from = at + 1
  for (;;) {
    const end = text.indexOf(quote, from)
    if (end < 0) throw refuse(what, at, `what begins with ${quote} does not end`)
    const escaped = end > from && text[end - 1] === '\\' && quote !== '`'
    if (!escaped && text[end + 1] !== quote) {
      content += text.slice(from, end)
      return { kind: 'quoted', text: content, quote, at, end: end + 1 }
    }
    content += escaped ? `${text.slice(from, end - 1)}${quote}` : text.slice(from, end + 1)
    from = end + (escaped ? 1 : 2)
  }
}
