/** The documents, and what stands in them: blocks of code with the comments that speak of them, headings, and links. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root: string = join(import.meta.dirname, '../..')

/** Markdown files of the repository, also those not yet committed; what the console and templates say is not for users of the package. */
export const pages: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
  { cwd: root, encoding: 'utf8' },
)
  .split('\n')
  .filter((path) => path !== '' && !path.startsWith('templates/'))

export const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

export interface Block {
  readonly page: string
  /** Of the fence that opens it. */
  readonly line: number
  readonly language: string
  readonly code: string
  /** The HTML comments right before it, without their marks. */
  readonly comments: readonly string[]
}

/** Throws for a fence that is never closed. */
export function blocksOf(page: string): readonly Block[] {
  const lines = textOf(page).split('\n')
  const blocks: Block[] = []
  let comments: string[] = []
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    const comment = /^<!-- (.*) -->$/.exec(line.trim())?.[1]
    const fence = /^( *)(`{3,}|~{3,})(.*)$/.exec(line)
    if (comment !== undefined) comments.push(comment)
    else if (fence !== null) {
      const [, indent, marks, language] = fence
      const end = lines.findIndex((other, j) => j > i && other.trim() === marks)
      if (end < 0) throw new Error(`${page}:${i + 1}: this block has no end`)
      const code = lines.slice(i + 1, end).map((text) => (text.startsWith(indent!) ? text.slice(indent!.length) : text))
      blocks.push({ page, line: i + 1, language: language!.trim(), code: code.join('\n'), comments })
      comments = []
      i = end
    } else if (line.trim() !== '') comments = []
  }
  return blocks
}

/** The text without blocks and inline code, so that what looks like a link there is none. */
function prose(page: string): string {
  let text = textOf(page)
  for (const { code } of blocksOf(page)) if (code !== '') text = text.replace(code, '')
  return text.replace(/`[^`\n]+`/g, (code) => (/\]\(/.test(code) ? '' : code))
}

export function linksOf(page: string): readonly string[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
}

/** As GitHub makes them of headings. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const anchors = new Set<string>()
  for (const [, heading] of prose(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(slug) ?? 0
    seen.set(slug, before + 1)
    anchors.add(before === 0 ? slug : `${slug}-${before}`)
  }
  return anchors
}
