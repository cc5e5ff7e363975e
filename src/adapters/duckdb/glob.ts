/**
 * Globs as DuckDB has them in paths of files, for files that it does not look for itself: `*` and `?` within a name, `[abc]`, `[a-z]`
 * and `[!a]` for one byte of UTF-8, and `**` for folders however deep.
 */

/** What every path of a glob begins with. */
export const fixedPrefix = (glob: string): string => glob.slice(0, glob.search(/[*?[]|$/))

export const isGlob = (path: string): boolean => fixedPrefix(path) !== path

export function globMatcher(glob: string): (path: string) => boolean {
  const parts = bytesOf(glob).split('/')
  const pattern = parts.map((part, i) => {
    const last = i === parts.length - 1
    if (part === '**') return last ? '.*' : '(?:.*/)?'
    return ofName(part) + (last ? '' : '/')
  })
  const whole = new RegExp(`^${pattern.join('')}$`, 's')
  return (path) => whole.test(bytesOf(path))
}

/** A character for each byte. */
const bytesOf = (text: string): string => Buffer.from(text).toString('latin1')

function ofName(name: string): string {
  return [...name.matchAll(/\[(!|(?!!))([\s\S][^\]]*)\]|[\s\S]/g)]
    .map(([text, not, members]) => {
      if (members !== undefined) return oneOf(members, not === '!')
      if (text === '*') return '[^/]*'
      if (text === '?') return '[^/]'
      // A bracket that is not closed matches nothing.
      return text === '[' ? '(?!)' : text.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')
    })
    .join('')
}

function oneOf(members: string, inverted: boolean): string {
  const set = [...members.matchAll(/([\s\S])-([\s\S])|[\s\S]/g)].flatMap(([text, from, to]) => {
    if (from === undefined || to === undefined) return [escaped(text)]
    return from <= to ? [`${escaped(from)}-${escaped(to)}`] : []
  })
  if (!inverted) return set.length === 0 ? '(?!)' : `[${set.join('')}]`
  return `[^/${set.join('')}]`
}
const escaped = (character: string): string => character.replace(/[\\\]^[-]/, '\\$&')
