/** check, plan and apply: what is said of definitions that are sound, changed, or broken. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Project } from './project.ts'
import { platformText, project } from './project.ts'

let p: Project
beforeAll(async () => {
  p = await project()
  await p.history(50)
})
afterAll(() => p.dispose())

describe('check', () => {
  test('reads the history, and says which sources have none', async () => {
    const { code, out, err } = await p.run('check')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('sixfold.config.ts: 1 entity, 2 sources, 2 views, 1 model, sound.')
    expect(out).toMatch(/^deliveries +50 +2024-01-01T00:00:00\.000Z +2024-01-03T01:00:00\.000Z +0 +0 +0 +0$/m)
    expect(out).toContain('Without history, of pushed events alone: shifts.')
  })

  test('--json', async () => {
    const { code, out } = await p.run('check', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      file: p.path('sixfold.config.ts'),
      definitions: { entity: 1, source: 2, view: 2, model: 1 },
      sources: [{ source: 'deliveries', rows: 50, firstTime: Date.UTC(2024, 0, 1) }],
      withoutHistory: ['shifts'],
    })
  })

  test('history that cannot be read fails, and --definitions-only leaves it unread', async () => {
    const broken = await project(platformText.replace('history.parquet', 'lost.parquet'))
    const { code, out } = await broken.run('check')
    expect(code).toBe(1)
    expect(out).toMatch(/\nSX_HISTORY_UNREADABLE: .*lost\.parquet.*\n {2}→ /)
    const json = await broken.run('check', '--json')
    expect(json.code).toBe(1)
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      sources: [{ source: 'deliveries', problem: { code: 'SX_HISTORY_UNREADABLE' } }],
    })
    expect((await broken.run('check', '--definitions-only')).code).toBe(0)
    await broken.dispose()
  })
})

describe("what the project's own files get wrong names the file and the line", () => {
  test.each([
    ['a syntax error', 'export default 3 +', /^SX_DEFINITION_INVALID: .*platform\.ts:1: ParseError: Unexpected token/],
    [
      'a name that is not defined',
      platformText.replace('({ minutes })', '({ hours })'),
      /^SX_DEFINITION_INVALID: .*platform\.ts:16: minutes is not defined\n/,
    ],
    [
      'a module that is missing',
      `import './lost.ts'\n${platformText}`,
      /^SX_DEFINITION_INVALID: .*platform\.ts(:1)?: Cannot find module '\.\/lost\.ts'/,
    ],
    [
      'a definition without meaning',
      platformText.replace("count().over('1d')", "count().over('1 day')"),
      /^SX_DEFINITION_INVALID: .*platform\.ts:18: '1 day' is not a length of time\.\n {2}→ Write/,
    ],
    [
      'no platform',
      'export const answer = 42',
      /^SX_CONFIG_INVALID: .*platform\.ts' exports no platform\.\n {2}→ export default platform/,
    ],
  ])('%s', async (_, text, said) => {
    await p.write('wrong/platform.ts', text)
    await p.write('wrong/sixfold.config.ts', "export default { platform: './platform.ts' }")
    const { code, out, err } = await p.run('-p', 'wrong', 'check', '--definitions-only')
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(said)
  })

  test.each([
    [
      "{ platform: './platform.ts', serer: {} , limits: { bodyByte: 1 } }",
      /'serer' is unknown\. Did you mean 'server'\?/,
    ],
    ["{ platform: './platfrm.ts' }", /'platform' names '.*platfrm\.ts', which does not exist/],
    ["{ platform: './platform.ts', server: { port: '80' } }", /'server\.port': /],
    ['{', /sixfold\.config\.ts:1: ParseError/],
  ])('the configuration %s', async (text, said) => {
    await p.write('wrong/platform.ts', platformText)
    await p.write('wrong/sixfold.config.ts', `export default ${text}`)
    const { code, err } = await p.run('-p', 'wrong', 'check', '--definitions-only')
    expect(code).toBe(1)
    expect(err).toMatch(/^SX_CONFIG_INVALID: /)
    expect(err).toMatch(said)
  })

  test('--json gives it as a problem; --debug adds where it came from', async () => {
    await p.write('wrong/platform.ts', 'throw new Error("not today")')
    await p.write('wrong/sixfold.config.ts', "export default { platform: './platform.ts' }")
    const { out, err } = await p.run('-p', 'wrong', 'check', '--json', '--debug')
    expect(JSON.parse(out)).toMatchObject({
      error: { code: 'SX_DEFINITION_INVALID', detail: expect.stringMatching(/platform\.ts:1: not today$/) },
    })
    expect(err).toMatch(/Caused by: Error: not today\n +at .*platform\.ts:1/)
  })
})

describe('plan and apply', () => {
  test('what is new, put in force, is planned no more; and a change drops the state of before', async () => {
    const planned = await p.run('plan')
    expect(planned.code).toBe(0)
    expect(planned.out).toBe(
      [
        '+ entity courier',
        '+ source deliveries',
        '+ source shifts',
        '+ view pace: its online state starts empty: run `sixfold materialize pace`',
        '+ view work: its online state is made of the events in the log',
        '+ model eta',
        '',
      ].join('\n'),
    )
    expect((await p.run('plan')).out).toBe(planned.out)

    const applied = await p.run('apply')
    expect(applied).toEqual({ code: 0, out: `${planned.out}Applied.\n`, err: '' })
    expect((await p.run('plan')).out).toMatch(/^Nothing to change: these definitions were applied 20\d\d-.*Z\.\n$/)
    expect((await p.run('apply')).out).toMatch(/^Nothing to change/)
    await p.run('materialize')

    await p.write(
      'platform.ts',
      platformText
        .replace('deliveries_ever: count().ever()', "deliveries_7d: count().over('7d')")
        .replace('work, eta', 'eta'),
    )
    const changed = JSON.parse((await p.run('plan', '--json')).out) as { readonly changes: readonly unknown[] }
    expect(changed).toMatchObject({ hash: expect.stringMatching(/^[0-9a-f]{64}$/), appliedAt: expect.any(Number) })
    expect(changed.changes).toEqual([
      {
        change: 'changed',
        kind: 'view',
        name: 'pace',
        entails:
          'its online state starts empty: run `sixfold materialize pace`; the state of the old definition is dropped',
      },
      {
        change: 'changed',
        kind: 'model',
        name: 'eta',
        entails: 'versions are held against the new definition when they are next loaded',
      },
      { change: 'removed', kind: 'view', name: 'work', entails: 'its online state is dropped' },
    ])
    const again = JSON.parse((await p.run('apply', '--json')).out) as { readonly dropped: number }
    expect(again.dropped).toBe(2)
    await p.write('platform.ts', platformText)
  })
})
