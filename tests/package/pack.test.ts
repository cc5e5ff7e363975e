/** The package as a user gets it: packed, installed in an empty folder, imported, type-checked, and its new project run. */
import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
/** Without what npm tells its own scripts: this is another project. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|SIXFOLD_|INIT_CWD)/i.test(name))),
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^npm_config_(registry|cache|.*proxy)$/i.test(name)),
  ),
}
const run = async (folder: string, program: string, ...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(program, args, { cwd: folder, env: { ...env, ONNXRUNTIME_NODE_INSTALL: 'skip' } })).stdout

let folder: string
let tarball: string
let packed: readonly string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sixfold-package-'))
  const [pack] = JSON.parse(await run(root, 'npm', 'pack', '--json', '--pack-destination', folder)) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ]
  tarball = join(folder, pack.filename)
  packed = pack.files.map(({ path }) => path)
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  await run(folder, 'npm', 'install', ...quiet, tarball)
}, 180_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the tarball holds what runs, the console, the template and the documents, and nothing else', () => {
  expect(packed).toEqual(
    expect.arrayContaining([
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'docs/README.md',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/client/index.js',
      'dist/runtime/bin.js',
      'dist/adapters/onnx/child.js',
      'dist/console/index.html',
      'python/convert_model.py',
      'python/spark_batch.py',
      'python/sixfold_convert/kind.py',
      'templates/start/platform.ts',
      'templates/start/_gitignore',
      'templates/start/models/eta.onnx',
    ]),
  )
  const known = [
    /^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
    /^docs\/.+\.(md|svg|png)$/,
    /^dist\/(?!console\/).+\.(js|d\.ts)$/,
    /^dist\/console\/(index\.html|favicon\.svg|assets\/.+\.(js|css|woff2))$/,
    /^python\/(convert_model|spark_batch|sixfold_convert\/[a-z_]+)\.py$/,
    /^templates\/start\//,
  ]
  expect(packed.filter((path) => !known.some((pattern) => pattern.test(path)))).toEqual([])
  expect(packed.filter((path) => /\.test\.|fixture|\.map$|\.sixfold|node_modules/.test(path))).toEqual([])
})

test('it is imported as ESM, and the client loads nothing but itself', async () => {
  const script = `
    const { sixfold, entity } = await import('sixfold')
    const { connect, isSixfoldError } = await import('sixfold/client')
    const { version } = (await import('sixfold/package.json', { with: { type: 'json' } })).default
    console.log(typeof sixfold, typeof entity, typeof connect, typeof isSixfoldError, version)`
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string }
  expect(await run(folder, process.execPath, '--no-warnings', '--input-type=module', '-e', script)).toBe(
    `function function function function ${version}\n`,
  )
})

test('its types reach a user: what fits is taken, and a misspelt feature is an error', async () => {
  const types = join(folder, 'types')
  await mkdir(types)
  const compilerOptions = {
    ...{ strict: true, module: 'nodenext', target: 'es2023', noEmit: true },
    typeRoots: [join(root, 'node_modules/@types')],
    types: ['node'],
  }
  await writeFile(join(types, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  await writeFile(
    join(types, 'uses.ts'),
    `import { count, entity, model, platform, sixfold, source, view } from 'sixfold'
    import { connect } from 'sixfold/client'
    const user = entity('user', { key: { user: 'string' } })
    const visits = source('visits', { fields: { user: 'string', at: 'timestamp' }, time: 'at' })
    const activity = view('activity', { entity: user, source: visits, features: () => ({ visits: count().ever() }) })
    const buys = model('buys', {
      inputs: { activity },
      vector: ({ activity }) => ({ visits: activity.visits }),
      output: { buys: 'probability' },
      fallback: () => ({ buys: 0.5 }),
    })
    const all = platform({ user, visits, activity, buys })
    export const share: number = (await sixfold(all).predict('buys', { user: 'ann' })).buys
    export const visited: number = (await connect<typeof all>('http://localhost').features.activity.read({ user: 'ann' })).visits
    // @ts-expect-error
    view('wrong', { entity: user, source: visits, features: ({ minuts }) => ({ minuts: minuts.isMissing() }) })
    // @ts-expect-error
    await sixfold(all).predict('buys', { usr: 'ann' })`,
  )
  await run(types, join(root, 'node_modules/.bin/tsc'), '-p', '.').catch((error: { readonly stdout: string }) => {
    throw new Error(error.stdout)
  })
}, 60_000)

test('a new project is installed, checked and started, and shows a prediction, its outcome and its quality', async () => {
  const shop = join(folder, 'shop')
  const wrote = await run(folder, 'npx', 'sixfold', 'init', 'shop')
  expect(wrote).toContain('npm install\n  npm start')
  expect((await readdir(shop)).sort()).toEqual([
    '.gitignore',
    '.npmrc',
    'README.md',
    'models',
    'package.json',
    'platform.ts',
    'simulation.ts',
    'sixfold.config.ts',
    'start.ts',
    'tsconfig.json',
  ])
  expect(await readFile(join(shop, '.gitignore'), 'utf8')).toContain('.sixfold/')
  // This version is in no registry yet: the tarball stands in for it, and what was unpacked once for what npm would unpack again.
  await rename(join(folder, 'node_modules'), join(shop, 'node_modules'))
  await run(shop, 'npm', 'install', ...quiet, tarball)
  expect(await run(shop, 'npm', 'run', 'check')).toContain('1 entity, 1 source, 1 view, 1 model, sound.')

  const { code, said } = await startUntil(shop, /The console is at (\S+),/)
  expect(said).toMatch(/140 pushed/)
  expect(said).toMatch(/ann, 3\.2 km: 1[3-8]\.\d minutes, answered in/)
  expect(said).toMatch(/100 outcomes: root mean square error 1\.\d minutes/)
  expect(code).toBe(0)
  expect(await run(shop, join(shop, 'node_modules/.bin/sixfold'), 'model', 'list', 'eta')).toMatch(/^1 /m)
}, 180_000)

/** `npm start`, and Ctrl-C as soon as it has said that. */
async function startUntil(
  cwd: string,
  pattern: RegExp,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn(process.execPath, [join(cwd, 'node_modules/.bin/jiti'), 'start.ts'], {
    cwd,
    env: { ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      const before = pattern.test(said)
      said += chunk.toString()
      if (!before && pattern.test(said)) child.kill('SIGINT')
    })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, said })))
}
