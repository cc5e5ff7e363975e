/** The flights example behind a real server, in a folder of its own, with a version of one of its two models. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../..')
const project = join(root, 'examples/flights')
const program = join(root, 'dist/runtime/bin.js')
const now = '2013-06-01T12:00:00Z'
const afterEvenings = '2013-06-10T12:00:00Z'

export interface Flights {
  readonly url: string
  stop(): Promise<void>
  /** On the same port, with the same data. */
  start(environment?: Readonly<Record<string, string>>): Promise<void>
  predict(model: string, times: number): Promise<readonly string[]>
  get(path: string): Promise<unknown>
  post(path: string, body: unknown): Promise<unknown>
  /** Gives the key. */
  createKey(name: string, role: string): Promise<string>
  dispose(): Promise<void>
}

export interface FlightsOptions {
  /** More versions of `late`, of the same file: each goes as far as it says. */
  readonly versions?: readonly { readonly to: string; readonly note?: string; readonly facts: object }[]
  /** Seven evenings' batches were run, of which one was refused; it is the day after. */
  readonly evenings?: boolean
}

export async function flights({ versions = [], evenings = false }: FlightsOptions = {}): Promise<Flights> {
  const data = await mkdtemp(join(tmpdir(), 'sixfold-browser-'))
  const env = { ...process.env, SIXFOLD_DATA: data }
  const run = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [program, '--project', project, ...args], { env })).stdout
  const add = ['model', 'add', 'late', join(project, 'models/late.onnx')]
  await run(...add)
  for (const { to, note, facts } of versions) {
    const file = join(data, 'facts.json')
    await writeFile(file, JSON.stringify(facts))
    await run(...add, '--to', to, '--facts', file, ...(note === undefined ? [] : ['--note', note]))
  }
  if (evenings)
    await promisify(execFile)(
      process.execPath,
      [join(root, 'node_modules/jiti/lib/jiti-cli.mjs'), join(project, 'evening.ts')],
      { cwd: root, env },
    )
  let port = '0'
  let url = ''
  let stop = async (): Promise<void> => {}
  const start = async (more: Readonly<Record<string, string>> = {}): Promise<void> => {
    const child = spawn(
      process.execPath,
      [program, '--project', project, '--json', 'serve', '--port', port, '--clock', evenings ? afterEvenings : now],
      { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'ignore'] },
    )
    const ended = once(child, 'exit')
    stop = async () => {
      stop = async () => {}
      child.kill('SIGTERM')
      await ended
    }
    const [line] = (await Promise.race([
      once(child.stdout, 'data'),
      ended.then(([code]) => Promise.reject(new Error(`The server ended with ${code}.`))),
    ])) as [Buffer]
    url = (JSON.parse(line.toString()) as { readonly url: string }).url
    port = new URL(url).port
  }
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return response.json()
  }
  await start()
  return {
    url,
    get: async (path) => (await fetch(url + path)).json(),
    createKey: async (name, role) => {
      const { key } = JSON.parse(await run('--json', 'key', 'create', name, '--role', role)) as { readonly key: string }
      return key
    },
    start,
    stop: () => stop(),
    post,
    predict: async (model, times) => {
      const answers = await Promise.all(
        Array.from({ length: times }, (_, i) =>
          post(`/v1/models/${model}/predict`, {
            keys: { carrier: i % 2 === 0 ? 'UA' : 'EV', origin: 'EWR', dest: 'SFO', tailnum: `N${i}` },
            request: {
              distance: 200 + 60 * i,
              scheduled_departure: '2013-06-01T13:00:00Z',
              scheduled_arrival: '2013-06-01T19:00:00Z',
            },
          }),
        ),
      )
      return (answers as readonly { readonly id: string }[]).map(({ id }) => id)
    },
    dispose: async () => {
      await stop()
      await rm(data, { recursive: true, force: true })
    },
  }
}
