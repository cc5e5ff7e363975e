/** Called wrongly: what is said, where, and with which exit code. And how a project begins. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Project } from './project.ts'
import { project } from './project.ts'

let p: Project
beforeAll(async () => {
  p = await project()
})
afterAll(() => p.dispose())

const problemIn = (text: string): { readonly code: string; readonly detail: string; readonly fix: string } =>
  (JSON.parse(text) as { readonly error: { readonly code: string; readonly detail: string; readonly fix: string } })
    .error

describe('help', () => {
  test('without arguments it is what --help gives, on standard output', async () => {
    const [bare, asked] = [await p.run(), await p.run('--help')]
    expect(bare).toEqual({ ...asked, code: 0 })
    expect(bare.out).toMatch(/Usage: sixfold/)
    for (const command of [
      'init',
      'check',
      'plan',
      'apply',
      'materialize',
      'features',
      'training-set',
      'model',
      'serve',
      'dev',
      'status',
      'doctor',
      'explain',
    ])
      expect(bare.out).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
    expect(bare.err).toBe('')
  })

  test('of a command it ends with examples', async () => {
    const { code, out } = await p.run('materialize', '--help')
    expect(code).toBe(0)
    expect(out).toMatch(/Examples:\n {2}sixfold materialize/)
  })

  test('--version is that of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
      readonly version: string
    }
    expect(await p.run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })
})

describe('a call that is wrong ends with 2, and says what was meant', () => {
  test.each([
    [['materialise'], "There is no command 'materialise'. Did you mean 'materialize'?", 'sixfold --help'],
    [['statistics'], /There is no command 'statistics'\. There are: init, check, .*explain/, 'sixfold --help'],
    [['model', 'ad'], "There is no command 'ad'. Did you mean 'add'?", 'sixfold model --help'],
    [['model'], '`sixfold model` needs a command. There are: list, show, search,', 'sixfold model --help'],
    [
      ['check', '--definition-only'],
      "There is no option '--definition-only'. Did you mean '--definitions-only'?",
      'sixfold check --help',
    ],
    [['plan', '--jsn'], "There is no option '--jsn'. Did you mean '--json'?", 'sixfold plan --help'],
    [['explain'], "Missing required argument 'prediction'.", 'sixfold explain --help'],
    [['training-set', 'eta'], "Required option '--labels <file>' not specified.", 'sixfold training-set --help'],
    [['plan', 'all'], /Too many arguments for 'plan'/, 'sixfold plan --help'],
  ])('%j', async (args, said, help) => {
    const { code, out, err } = await p.run(...args)
    expect(code).toBe(2)
    expect(out).toBe('')
    const own = err.slice(err.indexOf('SX_'))
    expect(own.split('\n')[0]).toMatch(said instanceof RegExp ? said : `SX_USAGE: ${said}`)
    expect(own.split('\n')[1]).toBe(`  → See \`${help}\`.`)
  })

  test('with --json it is a problem on standard output, and nothing else', async () => {
    for (const args of [['materialise'], ['check', '--nope'], ['model'], []] as const) {
      const { code, out, err } = await p.run('--json', ...args)
      expect(code).toBe(2)
      expect(err).toBe('')
      expect(problemIn(out)).toMatchObject({
        code: 'SX_USAGE',
        fix: expect.stringMatching(/^See `sixfold.* --help`\.$/),
      })
    }
  })
})

describe('the project', () => {
  test('is found above the working folder, and is missing where there is none', async () => {
    await p.write('deep/down/file.txt', '')
    expect((await p.run('-p', 'deep/down', 'check', '--definitions-only')).out).toContain(p.path('sixfold.config.ts'))
    for (const place of ['/', 'nowhere', 'nowhere/sixfold.config.ts']) {
      const { code, err } = await p.run('-p', place, 'check')
      expect(code).toBe(4)
      expect(err).toMatch(
        /^SX_PROJECT_NOT_FOUND: There is no .*\n {2}→ Run `sixfold init`, or name the project with --project\.\n$/,
      )
    }
  })
})

describe('init', () => {
  test('writes a project that is sound, and says what to do next', async () => {
    const { code, out, err } = await p.run('init', 'made/shop')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/Wrote 10 files to 'made\/shop':[\s\S]*\n {2}cd made\/shop\n {2}npm install\n {2}npm start\n$/)
    expect(await readFile(p.path('made/shop/package.json'), 'utf8')).toMatch(/"sixfold": "\d+\.\d+\.\d+/)
    const checked = await p.run('-p', 'made/shop', 'check')
    expect(checked.out).toContain('1 entity, 1 source, 1 view, 1 model, sound.')
    expect(checked.code).toBe(0)
  })

  test('--json lists the files', async () => {
    const { code, out } = await p.run('init', 'made/other', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      folder: 'made/other',
      files: expect.arrayContaining(['.gitignore', 'platform.ts']),
    })
  })

  test('leaves what stands as it is', async () => {
    const before = await readFile(p.path('platform.ts'), 'utf8')
    const { code, err } = await p.run('init')
    expect(code).toBe(2)
    expect(err).toBe(
      "SX_USAGE: '.' has package.json, platform.ts, sixfold.config.ts already.\n  → Name a new or empty folder.\n",
    )
    expect(await readFile(p.path('platform.ts'), 'utf8')).toBe(before)
    for (const file of ['platform.ts', 'platform.ts/below']) {
      const refused = await p.run('init', file)
      expect(refused.code).toBe(2)
      expect(refused.err).toMatch(/a file is in its place/)
    }
  })
})
