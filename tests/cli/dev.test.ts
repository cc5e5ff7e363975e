/** dev: what is written is served, what is broken is told, and what answered before goes on answering until it is mended. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Project } from './project.ts'
import { platformText, project } from './project.ts'

let p: Project
beforeEach(async () => {
  p = await project()
})
afterEach(() => p.dispose())

const greeting = /Sixfold is at (\S+)\n {2}POST \S+\/v1\/models\/(\w+)\/predict/
const renamed = platformText.replace("model('eta'", "model('arrival'")
const modelsAt = async (url: string): Promise<readonly string[]> => {
  const { models } = (await (await fetch(`${url}/v1/status`)).json()) as {
    readonly models: readonly { readonly model: string }[]
  }
  return models.map(({ model }) => model)
}

test('it starts over when a definition changes, and tells of one that is broken', async () => {
  const dev = p.start('dev')
  expect((await dev.says(greeting))[2]).toBe('eta')

  await p.write('platform.ts', renamed)
  await dev.says(/^platform\.ts changed\.$/m)
  const [, url, name] = await dev.says(greeting)
  expect(name).toBe('arrival')
  expect(await modelsAt(url!)).toEqual(['arrival'])

  await p.write('platform.ts', renamed.replace('count().ever()', 'count().evr()'))
  await dev.says(
    /SX_DEFINITION_INVALID: .*platform\.ts:16: .*evr is not a function\n {2}→ Correct that file\.\nThe definitions before go on answering\.\n/,
  )
  expect(await modelsAt(url!)).toEqual(['arrival'])

  await p.write('platform.ts', platformText)
  expect((await dev.says(greeting))[2]).toBe('eta')
  expect(await dev.end('SIGINT')).toMatchObject({ code: 0, out: '' })
})

test('a module in a folder made later is seen too, and several changes at once are one', async () => {
  const dev = p.start('dev')
  await dev.says(greeting)
  await p.write('names/deep/eta.ts', "export const name = 'first'")
  await p.write(
    'platform.ts',
    `import { name } from './names/deep/eta.ts'\n${platformText.replace("model('eta'", 'model(name')}`,
  )
  expect((await dev.says(greeting))[2]).toBe('first')
  await p.write('names/deep/eta.ts', "export const name = 'second'")
  expect((await dev.says(greeting))[2]).toBe('second')
  await p.write('notes.txt', 'nothing to do with it')
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(dev.said()).not.toContain('notes.txt')
  expect(dev.said().match(/changed\./g)!.length).toBeLessThanOrEqual(3)
  await dev.end()
})

test('it begins with definitions that are broken, and serves them once they are mended', async () => {
  await p.write('platform.ts', 'export default 3 +')
  const dev = p.start('dev', '--json')
  expect(JSON.parse((await dev.says(/.*\n/))[0])).toMatchObject({ error: { code: 'SX_DEFINITION_INVALID' } })
  await p.write('platform.ts', platformText)
  expect(JSON.parse((await dev.says(/.*\n/))[0])).toMatchObject({ models: [{ model: 'eta', version: null }] })
  const { code, out, err } = await dev.end()
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(JSON.parse(out.trimEnd().split('\n').at(-1)!)).toEqual({
    url: expect.stringMatching(/^http:/),
    endedBy: 'SIGTERM',
  })
})

test('changed definitions are applied by themselves', async () => {
  const dev = p.start('dev')
  await dev.says(greeting)
  await p.write('platform.ts', renamed)
  await dev.says(greeting)
  expect((await p.run('plan')).out).toMatch(/^Nothing to change/)
  await dev.end()
})

test('without a project it ends at once', async () => {
  const { code, err } = await p.run('-p', '/', 'dev')
  expect(code).toBe(4)
  expect(err).toMatch(/^SX_PROJECT_NOT_FOUND/)
})
