/**
 * Every block of code in the documents is true. TypeScript is type-checked against the built package, and run where an output
 * stands behind it; shell commands are held against the real ones, and run where an output stands behind them; what comes out
 * must be what is shown. A block of a kind that this does not know fails.
 *
 * Comments before a block say what it is, and show nothing to a reader:
 *   `<!-- file platform.ts -->`   the name under which the page's other blocks find it
 *   `<!-- output -->`             what the block before prints; `…` stands for anything within a line, alone on one for any lines
 *   `<!-- run -->`                to be run although no output is shown
 *   `<!-- serve -->`              a server, which runs until the end of the page
 *   `<!-- folders of src -->`     the text names every folder of src, and nothing else that it puts at the start of a line
 *   `<!-- needs X: why -->`       Python that only the peers' environment can run; elsewhere its syntax is checked
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Block } from './markdown.ts'
import { blocksOf, pages, root } from './markdown.ts'
import { commandsIn, problemOf, usageToShell } from './shell.ts'
import type { Ran } from './workplace.ts'
import { fileOf, freePort, peersPython, Workplace } from './workplace.ts'

const blocks = pages.map((page) => ({ page, blocks: blocksOf(page) })).filter(({ blocks }) => blocks.length > 0)
const standardPort = '6006'
let workplace: Workplace
beforeAll(() => {
  workplace = new Workplace()
  for (const block of blocks.flatMap(({ blocks }) => blocks)) if (block.language === 'ts') workplace.write(block)
})
afterEach(() => workplace.stopServers())
afterAll(() => workplace.close())

test('every block of TypeScript is right for the type checker', () => {
  const files = blocks.flatMap(({ blocks }) => blocks.filter(({ language }) => language === 'ts'))
  expect(files.length).toBeGreaterThan(0)
  expect(workplace.check(files.map((block) => join(workplace.of(block.page), fileOf(block))))).toEqual([])
})

test.each(blocks)('$page', { timeout: 120_000 }, async ({ page, blocks }) => {
  const port = String(await freePort())
  const placed = (text: string): string => text.replaceAll(standardPort, port)
  const written: string[] = []
  for (const [i, block] of blocks.entries()) {
    const where = `${page}:${block.line}`
    const next = blocks[i + 1]
    const shown = next?.comments.includes('output') ? next.code : null
    if (shown !== null && !['ts', 'sh', 'python'].includes(block.language))
      expect.fail(`${where}: only a program has an output`)
    let said: string | null = null
    if (block.language === 'ts') {
      written.push(fileOf(block))
      const file = workplace.write(block, placed(block.code))
      if (shown !== null || block.comments.includes('run'))
        said = succeeded(workplace.run(page, `npx jiti '${file}'`), where)
    } else if (block.language === 'sh' || block.language === '') {
      const code = block.language === 'sh' ? block.code : usageToShell(block.code)
      for (const words of commandsIn(code))
        expect(await problemOf(words, written), `${where}: ${words.join(' ')}`).toBeNull()
      if (block.comments.includes('serve')) said = await workplace.serve(page, `${placed(code)} --port ${port}`)
      else if (shown !== null || block.comments.includes('run'))
        said = succeeded(workplace.run(page, placed(code)), where)
    } else if (block.language === 'python') said = python(block, where)
    else if (block.language === 'json') JSON.parse(block.code)
    else if (block.language === 'text' && block.comments.includes('folders of src')) isOfSrc(block, where)
    else if (!(block.language === 'text' && block.comments.includes('output') && i > 0))
      expect.fail(
        `${where}: it is not known how to check a block of '${block.language}' with ${JSON.stringify(block.comments)}`,
      )
    if (shown !== null && said !== null)
      expect(said.trimEnd(), `${where}: what it prints`).toMatch(patternOf(placed(shown)))
  }
})

function succeeded({ code, out, err }: Ran, where: string): string {
  expect(code, `${where}\n${out}\n${err}`).toBe(0)
  return out
}

/** Null where it was not run. */
function python({ comments, code, page }: Block, where: string): string | null {
  if (!comments.some((comment) => /^needs .+: .+/.test(comment)))
    expect.fail(`${where}: say what it needs, and why it is not always run: <!-- needs X: why -->`)
  if (peersPython !== null) {
    const file = join(workplace.of(page), 'block.py')
    writeFileSync(file, code)
    const ran = workplace.run(page, `'${peersPython}' -W ignore '${file}'`)
    if (!ran.err.includes('ModuleNotFoundError')) return succeeded(ran, where)
  }
  const parsed = spawnSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], {
    input: code,
    encoding: 'utf8',
  })
  if (parsed.error === undefined) expect(parsed.stderr, where).toBe('')
  return null
}

/** The layers of the architecture, as text. */
function isOfSrc({ code }: Block, where: string): void {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const named = code
    .split('\n')
    .flatMap((line) =>
      line
        .replace(/:.*/, '')
        .split(/\s{4,}/)[0]!
        .split(/\s+/),
    )
    .filter((word) => word !== '')
  expect(new Set(named), where).toEqual(new Set(folders.map(({ name }) => name)))
}

/** The text as an expression: `…` for anything within a line, a line of it alone for any number of lines. */
function patternOf(text: string): RegExp {
  const literal = (part: string): string => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line, i, { length }) => {
      if (line.trim() === '…') return i === length - 1 ? '[\\s\\S]*' : '(?:.*\\n)*?'
      return line.trimEnd().split('…').map(literal).join('.*?') + (i === length - 1 ? '' : '\\n')
    })
  return new RegExp(`^${lines.join('')}$`)
}
