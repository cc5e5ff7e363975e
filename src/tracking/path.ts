/**
 * Paths of artifacts. They come from strangers and become names in a table and in folders of whoever downloads them, so a path that
 * could mean another place anywhere is refused, however often it was encoded.
 */
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'

const longest = 1_000
const longestPart = 255

/** Throws SX_PATH_INVALID. `path` was decoded once, as any part of an address is. */
export function checkPath(path: string): void {
  const problem = problemOf(path) ?? encodedProblem(path)
  if (problem === null) return
  throw new SixfoldError('SX_PATH_INVALID', `The path '${shorten(path)}' ${problem}.`, {
    fix: 'Use a relative path with / between its parts, and neither . nor .. among them.',
  })
}

function problemOf(path: string): string | null {
  if (path === '') return 'is empty'
  if (path.length > longest) return `has more than ${longest} characters`
  if (path.startsWith('/')) return 'is absolute'
  if (path.includes('\\')) return 'has a backslash'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'has control characters'
  if (/^[a-zA-Z]:/.test(path)) return 'begins with the name of a drive'
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\//.test(path)) return 'is an address'
  if (/\p{Surrogate}/u.test(path)) return 'is no text'
  for (const part of path.split('/')) {
    if (part === '') return 'has an empty part'
    if (part === '.' || part === '..') return `has the part '${part}'`
    if (Buffer.byteLength(part) > longestPart) return `has a part longer than ${longestPart} bytes`
  }
  return null
}

/** What it would be for whoever decodes it once more than was meant. A name with a percent sign in it is none of that. */
function encodedProblem(path: string): string | null {
  for (let text = path, i = 0; i < 5; i++) {
    const decoded = unescaped(text)
    if (decoded === text) return null
    if (/(^|\/)\.\.?(\/|$)|\\|^\/|^[a-zA-Z]:/.test(decoded) || decoded.includes('\0'))
      return `is '${shorten(decoded)}' once it is decoded`
    text = decoded
  }
  return 'is encoded again and again'
}

export const unescaped = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'))
