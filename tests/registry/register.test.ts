/** What becomes a version, and what is refused before anything is changed. */
import { stat as look, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Registration } from '../../src/registry/index.ts'
import { versionFiles } from '../../src/registry/index.ts'
import type { Stage } from './stage.ts'
import { ana, fits, refusal, registered, stage, toProduction } from './stage.ts'

let s: Stage
beforeEach(async () => {
  s = await stage()
})
afterEach(() => s.close())

const registration = (more: Partial<Registration>): Registration => ({
  ...{ model: 'fraud', create: true, files: [], entry: null, flavor: null, facts: {}, source: 'runs:/r/model' },
  ...{ run: null, runLink: null, loggedModel: null, description: null, tags: {}, unlessNewest: false },
  ...more,
})
const put = async (path: string, text: string): Promise<Registration['files'][number]> => ({
  path,
  ...(await s.artifacts.put(await s.write(path.replaceAll('/', '_'), text))),
})
const nothing = async (): Promise<void> => {
  expect(await s.registry.audit({ limit: 10 })).toEqual([])
}

describe('adding', () => {
  test('a file goes live at once where nothing but the standard gate stands before', async () => {
    const added = await s.registry.add('eta', await s.file(), { ...toProduction, description: 'first' }, ana)
    expect(added).toMatchObject({
      added: true,
      stage: 'production',
      stopped: null,
      version: { version: 1, description: 'first' },
    })
    expect(
      (await s.registry.audit({ model: 'eta', limit: 10 })).map(({ action, details }) => [action, details['to']]),
    ).toEqual([
      ['stage.changed', 'production'],
      ['stage.changed', 'staging'],
      ['stage.changed', 'validated'],
      ['evidence.recorded', undefined],
      ['version.registered', undefined],
    ])
  })

  test('the same file again is the same version, whatever it is called', async () => {
    await s.registry.add('eta', await s.file('same'), toProduction, ana)
    const again = await s.registry.add('eta', await s.file('same'), toProduction, ana)
    expect(again).toMatchObject({ added: false, version: { version: 1 }, stage: 'production', stopped: null })
    expect((await s.registry.add('eta', await s.file('other'), toProduction, ana)).version.version).toBe(2)
    expect((await s.registry.model('eta')).list.map(({ version, stage: at }) => [version, at])).toEqual([
      [2, 'production'],
      [1, 'archived'],
    ])
  })

  test('one that does not pass stays as it is, and says why', async () => {
    s.verdict(false)
    const { stage: at, stopped } = await s.registry.add('eta', await s.file(), toProduction, ana)
    expect(at).toBe('registered')
    expect(stopped).toMatchObject({ to: 'validated', allowed: false })
    expect(stopped!.preconditions.find(({ met }) => !met)!.words).toContain('Its last validation failed.')
  })

  test('recorded answers and facts are the version’s, and other ones make it another', async () => {
    const path = await s.file('same')
    const golden = await s.write('recorded.json', '[]')
    const one = await s.registry.add('eta', path, registered, ana)
    const two = await s.registry.add('eta', path, { ...registered, golden }, ana)
    const facts = { evaluation: [{ metric: 'mae', value: 3.5 }] }
    const three = await s.registry.add('eta', path, { ...registered, golden, facts }, ana)
    expect([one, two, three].map(({ version }) => version.version)).toEqual([1, 2, 3])
    expect(two.version.files.map((file) => file.path)).toEqual(['golden.json', 'model.onnx'])
    expect(three.version.facts.evaluation).toEqual([
      { metric: 'mae', value: 3.5, low: null, high: null, slice: null, data: null },
    ])
  })

  test('a folder that MLflow wrote has its flavour, its packages and its data beside the file', async () => {
    const folder = join(s.folder, 'mlflow')
    await mkdir(folder)
    await writeFile(
      join(folder, 'MLmodel'),
      'flavors:\n  onnx:\n    data: net.onnx\n  python_function:\n    python_version: 3.12.1\n',
    )
    await writeFile(join(folder, 'requirements.txt'), 'numpy==2.0.1\n# not this\nonnx==1.19.0\n')
    await writeFile(join(folder, 'net.onnx'), JSON.stringify({ ...fits, external: ['net.onnx.data'] }))
    await writeFile(join(folder, 'net.onnx.data'), 'weights')
    const { version } = await s.registry.add('eta', folder, toProduction, ana)
    expect(version).toMatchObject({ flavor: 'onnx', entry: 'net.onnx' })
    expect(version.facts.dependencies).toMatchObject({
      packages: ['numpy==2.0.1', 'onnx==1.19.0'],
      language: 'python 3.12.1',
    })
    const files = versionFiles(join(s.folder, 'versions'), s.artifacts)
    const path = await files.open(version)
    expect((await readdir(join(path, '..'))).sort()).toEqual([
      'MLmodel',
      'net.onnx',
      'net.onnx.data',
      'requirements.txt',
    ])
  })

  test.each<[string, RegExp, () => Promise<string>]>([
    ['SX_ARTIFACT_INVALID', /is no file\.$/, async () => join(s.folder, 'lost.onnx')],
    ['SX_ARTIFACT_INVALID', /cannot be loaded/, () => s.write('notes.txt', 'not a model')],
    [
      'SX_SIGNATURE_MISMATCH',
      /4 columns/,
      () => s.file(1, { inputs: [{ name: 'x', type: 'float32', shape: [-1, 4] }] }),
    ],
    [
      'SX_ARTIFACT_INVALID',
      /Its data lies in 'weights', which is not among/,
      () => s.file(1, { external: ['weights'] }),
    ],
    [
      'SX_PATH_INVALID',
      /'hosts' in '.*' is a link/,
      async () => {
        const folder = join(s.folder, 'linked')
        await mkdir(folder)
        await symlink('/etc/hosts', join(folder, 'hosts'))
        return folder
      },
    ],
    [
      'SX_ARTIFACT_INVALID',
      /several ONNX files/,
      async () => {
        const folder = join(s.folder, 'two')
        await mkdir(folder)
        for (const name of ['a.onnx', 'b.onnx']) await writeFile(join(folder, name), '{}')
        return folder
      },
    ],
    [
      'SX_ARTIFACT_INVALID',
      /'MLmodel' cannot be read/,
      async () => {
        const folder = join(s.folder, 'bad')
        await mkdir(folder)
        await writeFile(join(folder, 'MLmodel'), '{ : :')
        return folder
      },
    ],
  ])('%s %s leaves nothing behind', async (code, words, path) => {
    const error = await refusal(s.registry.add('eta', await path(), toProduction, ana))
    expect(error).toMatchObject({ code, message: expect.stringMatching(words) as string })
    expect(await s.artifacts.size()).toEqual({ entries: 0, bytes: 0 })
    await nothing()
  })

  test('facts that are not as documented are named by their place', async () => {
    const path = await s.file()
    for (const [facts, words] of [
      [{ dta: {} }, /'dta' that means nothing\. Did you mean 'data'\?/],
      [{ data: { pointer: 3 } }, /'data\.pointer' is to be text/],
      [{ evaluation: [{ metric: 'auc', value: 'high' }] }, /'evaluation\[0\]\.value' is to be a finite number/],
      [[], /'' is to be an object/],
    ] as const) {
      const error = await refusal(s.registry.add('eta', path, { ...registered, facts }, ana))
      expect(error).toMatchObject({ code: 'SX_REQUEST_INVALID', message: expect.stringMatching(words) as string })
    }
    await nothing()
  })

  test('of a model that nobody knows says which there are', async () => {
    const error = await refusal(s.registry.add('etta', await s.file(), toProduction, ana))
    expect(error).toMatchObject({
      code: 'SX_UNKNOWN_MODEL',
      message: expect.stringContaining("Did you mean 'eta'?") as string,
    })
  })
})

describe('registering files that are stored', () => {
  test('a model that no platform defines is kept as it is, with whatever files', async () => {
    const files = [await put('model.pkl', 'pickled'), await put('MLmodel', 'flavors: {}')]
    const version = await s.registry.register(registration({ files, flavor: 'sklearn', tags: { team: 'a' } }), ana)
    expect(version).toMatchObject({
      version: 1,
      entry: null,
      definition: null,
      flavor: 'sklearn',
      inputs: [],
      tags: { team: 'a' },
    })
    expect(version.files.map(({ path }) => path)).toEqual(['MLmodel', 'model.pkl'])
    const next = await s.registry.register(registration({ files, flavor: 'sklearn' }), ana)
    expect(next).toMatchObject({ version: 2, manifest: version.manifest })
  })

  test('names a bad file as whoever sent it knows it', async () => {
    const files = [await put('net/model.onnx', 'nothing'), await put('notes.txt', 'x')]
    const error = await refusal(s.registry.register(registration({ files, entry: 'net/model.onnx' }), ana))
    expect(error!.message).toBe("'net/model.onnx' cannot be loaded: it is no model.")
    await nothing()
  })

  test('holds the file of a defined model against its definition', async () => {
    const wide = { ...fits, inputs: [{ name: 'x', type: 'float32', shape: [-1, 9] }] }
    const files = [await put('model.onnx', JSON.stringify(wide))]
    const error = await refusal(s.registry.register(registration({ model: 'eta', files, entry: 'model.onnx' }), ana))
    expect(error).toMatchObject({ code: 'SX_SIGNATURE_MISMATCH' })
    // The same file is good enough for a model that nobody defines.
    await s.registry.register(registration({ files, entry: 'model.onnx' }), ana)
  })

  test.each([
    '../model.onnx',
    '/etc/passwd',
    'a/../../b',
    'a//b',
    './a',
    'a/.',
    'a\\b',
    'c:/x',
    'a\u0000b',
    'x'.repeat(300),
    '',
  ])('refuses a file called %j', async (path) => {
    const file = await put('model.onnx', JSON.stringify(fits))
    const error = await refusal(s.registry.register(registration({ files: [{ ...file, path }] }), ana))
    expect(error).toMatchObject({ code: 'SX_PATH_INVALID' })
    await nothing()
  })

  test('refuses files that are not stored, that are named twice, or that lie below a file', async () => {
    const file = await put('model.onnx', JSON.stringify(fits))
    for (const [files, code] of [
      [[{ ...file, sha256: 'f'.repeat(64) }], 'SX_ARTIFACT_INVALID'],
      [[file, file], 'SX_PATH_INVALID'],
      [[file, { ...file, path: 'model.onnx/x' }], 'SX_PATH_INVALID'],
    ] as const)
      expect(await refusal(s.registry.register(registration({ files }), ana))).toMatchObject({ code })
    expect(await refusal(s.registry.register(registration({ files: [file], entry: 'x' }), ana))).toMatchObject({
      code: 'SX_PATH_INVALID',
    })
    for (const model of ['', 'a/b', 'a:b', '..'])
      expect(await refusal(s.registry.register(registration({ model, files: [file] }), ana))).toMatchObject({
        code: 'SX_REQUEST_INVALID',
      })
    await nothing()
  })
})

describe('the files of a version', () => {
  test('are laid out once, checked each time, and laid out again where they are not what they were', async () => {
    const files = [await put('model.onnx', JSON.stringify(fits)), await put('w.data', 'weights')]
    const opened = versionFiles(join(s.folder, 'versions'), s.artifacts)
    const paths = await Promise.all(Array.from({ length: 8 }, () => opened.open({ files, entry: 'model.onnx' })))
    expect(new Set(paths).size).toBe(1)
    expect(await readdir(join(s.folder, 'versions'))).toHaveLength(1)
    const beside = join(paths[0]!, '..', 'w.data')
    await import('node:fs/promises').then(({ rm }) => rm(beside))
    await writeFile(beside, 'other')
    expect(await opened.open({ files, entry: 'model.onnx' })).toBe(paths[0])
    expect((await look(beside)).size).toBe('weights'.length)
    expect(await readdir(join(s.folder, 'versions'))).toHaveLength(1)
  })

  test('of a version without an ONNX file there is nothing to serve', async () => {
    const opened = versionFiles(join(s.folder, 'versions'), s.artifacts)
    const error = await refusal(opened.open({ files: [await put('a.pkl', 'x')], entry: null }))
    expect(error).toMatchObject({ code: 'SX_ARTIFACT_INVALID' })
  })
})
