/** A server of two is told to end while 32 connections ask all the time: nobody is cut off, and who is told to go elsewhere does. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const body = JSON.stringify({ keys: { account: 'a' } })

interface Told {
  readonly status: number
  readonly closes: boolean
  readonly text: string
}

/** Rejects with ECONNREFUSED where nobody listens any more. */
const ask = (url: string, agent: Agent): Promise<Told> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request(`${url}/v1/models/risky/predict`, { agent, method: 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('aborted', () => reject(new Error('The answer broke off.')))
      response.on('end', () =>
        resolve({ status: response.statusCode!, closes: response.headers.connection === 'close', text }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })

test('SIGTERM under load: every request is answered whole, by this server or the next', {
  timeout: 60_000,
}, async () => {
  const data = await mkdtemp(join(tmpdir(), 'sixfold-closing-'))
  const start = async (name: string) => {
    const child = spawn(
      process.execPath,
      [join(root, 'dist/runtime/bin.js'), '--project', join(root, 'drills/project'), '--json', 'serve', '--port', '0'],
      { env: { ...process.env, SIXFOLD_DATA: join(data, name) }, stdio: ['ignore', 'pipe', 'ignore'] },
    )
    const exited = once(child, 'exit') as Promise<[number | null, string | null]>
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    return { child, exited, url: (JSON.parse(line.toString().split('\n')[0]!) as { readonly url: string }).url }
  }
  const servers = [await start('a'), await start('b')]
  let ending = false
  let over = false
  const failures: string[] = []
  const answered = [0, 0]
  /** As a balancer's: the first server as long as it takes connections. */
  const client = async (): Promise<void> => {
    let at = 0
    const agents = servers.map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
    while (!over) {
      try {
        const { status, closes, text } = await ask(servers[at]!.url, agents[at]!)
        if (status !== 200 || !text.endsWith('}')) failures.push(`${status} ${text}`)
        else answered[at]!++
        if (closes && at === 0) at = 1
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ECONNREFUSED' && at === 0 && ending) at = 1
        else failures.push(String(error))
      }
    }
    for (const agent of agents) agent.destroy()
  }
  try {
    const clients = Array.from({ length: 32 }, client)
    await sleep(1_500)
    expect(answered[0]).toBeGreaterThan(500)
    ending = true
    servers[0]!.child.kill('SIGTERM')
    expect(await servers[0]!.exited).toEqual([0, null])
    await sleep(500)
    over = true
    await Promise.all(clients)
    expect(failures).toEqual([])
    expect(answered[1]).toBeGreaterThan(100)
  } finally {
    over = true
    for (const { child } of servers) child.kill('SIGKILL')
    await Promise.all(servers.map(({ exited }) => exited))
    await rm(data, { recursive: true, force: true })
  }
})
