/** model add and model list. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linearModel } from './onnx.ts'
import type { Project } from './project.ts'
import { project } from './project.ts'

let p: Project
beforeAll(async () => {
  p = await project()
})
afterAll(() => p.dispose())

test('a model without a version says how to add one', async () => {
  expect(await p.run('model', 'list', 'eta')).toEqual({
    code: 0,
    out: 'eta has no version: its fallback answers. Add one: sixfold model add eta FILE\n',
    err: '',
  })
})

test('versions are added, known again by their contents, and listed with the newest first', async () => {
  const { code, out, err } = await p.run('model', 'add', 'eta', 'eta.onnx', '--note', 'by hand')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(
    /^eta version 1: \d+ B, sha256 [0-9a-f]{12}, opset 17\n {2}input x: float32, 2 of .*\n {2}output minutes: from minutes\n$/,
  )
  await p.write('copy.onnx', linearModel('minutes', [1, 2], 0.5))
  expect((await p.run('model', 'add', 'eta', 'copy.onnx')).out).toMatch(/^eta version 1, which was there already: /)
  await p.write('better.onnx', linearModel('minutes', [1, 3], 0.5))
  const better = await p.run('model', 'add', 'eta', 'better.onnx', '--json')
  expect(JSON.parse(better.out)).toMatchObject({
    added: true,
    version: { model: 'eta', version: 2, artifact: expect.stringMatching(/^[0-9a-f]{64}$/), note: null, opset: 17 },
    signature: { outputs: [{ name: 'minutes', tensor: 'minutes' }] },
  })

  expect((await p.run('model', 'list', 'eta')).out).toMatch(
    /^version +added +size +sha256 +note\n-.*\n2 +20\S+ +\d+ B +[0-9a-f]{12}\n1 +20\S+ +\d+ B +[0-9a-f]{12} +by hand\n$/,
  )
  const listed = JSON.parse((await p.run('model', 'list', 'eta', '--json')).out) as {
    readonly versions: readonly { readonly version: number }[]
  }
  expect(listed.versions.map(({ version }) => version)).toEqual([2, 1])
})

describe('what is refused changes nothing', () => {
  test.each([
    [['etta', 'eta.onnx'], 4, /^SX_UNKNOWN_MODEL: There is no model 'etta'\. Did you mean 'eta'\?\n {2}→ /],
    [['eta', 'lost.onnx'], 1, /^SX_ARTIFACT_INVALID: '.*lost\.onnx' is no file\.\n {2}→ Name an ONNX file\.\n$/],
    [
      ['eta', 'platform.ts'],
      1,
      /^SX_ARTIFACT_INVALID: '.*platform\.ts' cannot be loaded: .*\n {2}→ Export the model again/,
    ],
    [['eta', 'wide.onnx'], 1, /^SX_SIGNATURE_MISMATCH: .*3 columns.*2 entries.*: mean_ever, km\n? ?.*\n {2}→ /],
  ])('%j', async (args, exit, said) => {
    await p.write('wide.onnx', linearModel('minutes', [1, 2, 3], 0.5))
    const before = (await p.run('model', 'list', 'eta', '--json')).out
    const { code, out, err } = await p.run('model', 'add', ...args)
    expect({ code, out }).toEqual({ code: exit, out: '' })
    expect(err).toMatch(said)
    expect((await p.run('model', 'list', 'eta', '--json')).out).toBe(before)
  })

  test('model list of no model', async () => {
    const { code, out } = await p.run('model', 'list', 'etta', '--json')
    expect(code).toBe(4)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'SX_UNKNOWN_MODEL', status: 404, retry: false } })
  })
})
