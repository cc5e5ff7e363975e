/** The built program with a model that it defines, in a folder of its own, for clients that speak MLflow. */
import { readFile } from 'node:fs/promises'
import { project } from '../cli/project.ts'

const definitions = `
import { model, platform } from 'sixfold'

const late = model('late', {
  inputs: { request: { a: 'float64', b: 'float64', c: 'float64', d: 'float64' } },
  vector: ({ request: { a, b, c, d } }) => ({ a, b, c, d }),
  output: { late: 'probability' },
  fallback: () => ({ late: 0.25 }),
})

export default platform({ late })
`

export interface TrackingServer {
  readonly url: string
  readonly folder: string
  /** Resident memory of the process, in bytes; and the most that it ever had. */
  memory(): Promise<{ readonly now: number; readonly most: number }>
  /** Whether it is the process that was started. */
  alive(): boolean
  close(): Promise<void>
}

export async function trackingServer(variables: { readonly [name: string]: string } = {}): Promise<TrackingServer> {
  const p = await project(definitions)
  const applied = await p.runWith(variables, 'apply')
  if (applied.code !== 0) throw new Error(`apply ended with ${applied.code}: ${applied.err}`)
  const server = p.startWith(variables, '--json', 'serve')
  const [, url] = await server.says(/"url":"([^"]+)"/)
  return {
    url: url!,
    folder: p.folder,
    memory: async () => {
      const status = await readFile(`/proc/${server.child.pid}/status`, 'utf8')
      const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)![1])
      return { now: kib('VmRSS') * 1024, most: kib('VmHWM') * 1024 }
    },
    alive: () => server.child.exitCode === null && server.child.signalCode === null,
    close: () => p.dispose(),
  }
}
