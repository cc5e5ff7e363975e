/** The flights example behind a real server, in a folder of its own, with a version of one of its two models. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../..')
const project = join(root, 'examples/flights')
const program = join(root, 'dist/runtime/bin.js')
const now = '2013-06-01T12:00:00Z'

export interface Flights {
  readonly url: string
  stop(): Promise<void>
  /** On the same port, with the same data. */
  start(): Promise<void>
  predict(model: string, times: number): Promise<readonly string[]>
  post(path: string, body: unknown): Promise<unknown>
  dispose(): Promise<void>
}

export async function flights(): Promise<Flights> {
  const data = await mkdtemp(join(tmpdir(), 'sixfold-browser-'))
  const env = { ...process.env, SIXFOLD_DATA: data }
  await promisify(execFile)(
    process.execPath,
    [program, '--project', project, 'model', 'add', 'late', join(project, 'models/late.onnx')],
    { env },
  )
  let port = '0'
  let url = ''
  let stop = async (): Promise<void> => {}
  const start = async (): Promise<void> => {
    const child = spawn(
      process.execPath,
      [program, '--project', project, '--json', 'serve', '--port', port, '--clock', now],
      { env, stdio: ['ignore', 'pipe', 'ignore'] },
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
