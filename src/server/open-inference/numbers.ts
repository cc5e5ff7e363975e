/**
 * Numbers as Python writes them, for a reader of JSON: NaN and infinities, which JSON has not, and integers that a number of JavaScript
 * cannot hold. Text within quotes stays as it is, and so does whatever is no such number: the reader says what is wrong with it.
 */

/** Where none of these occurs there is nothing to do; digits after a point are no integer. */
const concerned = /NaN|Infinity|(?:^|[^\d.])\d{16}/
/** Digits of an integer that may be too long; what has many more is none of 64 bits. */
const [least, most] = [16, 100]

const [quote, backslash, plus, minus, point, zero, nine] = [0x22, 0x5c, 0x2b, 0x2d, 0x2e, 0x30, 0x39]
const [capitalE, smallE, capitalI, capitalN] = [0x45, 0x65, 0x49, 0x4e]
const isDigit = (code: number): boolean => code >= zero && code <= nine

/** NaN becomes null, an infinity a number too large for any, and a long integer a text of its digits. In one pass, however it is made. */
export function readableNumbers(text: string): string {
  if (!concerned.test(text)) return text
  let done = ''
  let from = 0
  const replace = (at: number, end: number, by: string): number => {
    done += text.slice(from, at) + by
    from = end
    return end
  }
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === quote) at = afterString(text, at)
    else if (code === capitalN && text.startsWith('NaN', at)) at = replace(at, at + 3, 'null')
    else if (code === capitalI && text.startsWith('Infinity', at)) at = replace(at, at + 8, '1e999')
    else if (code === minus || isDigit(code)) {
      const end = afterNumber(text, at + 1)
      const whole = end - at >= least && end - at <= most && /^-?[1-9]\d{15,}$/.test(text.slice(at, end))
      at = whole ? replace(at, end, `"${text.slice(at, end)}"`) : end
    } else at++
  }
  return done + text.slice(from)
}

function afterString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === backslash) at++
    else if (code === quote) return at + 1
  }
  return text.length
}

/** What can stand within a number: digits, a point, an exponent and its sign. */
function afterNumber(text: string, start: number): number {
  let at = start
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (!isDigit(code) && code !== point && code !== plus && code !== minus && code !== smallE && code !== capitalE)
      break
    at++
  }
  return at
}
