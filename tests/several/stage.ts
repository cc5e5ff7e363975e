/**
 * Several `sixfold serve` of the flights on one Redis, one PostgreSQL and one S3, behind the nginx of deploy/nginx: its
 * configuration as it is shipped, but for the port, the list of servers and where it logs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startNginx, startPostgres, startRedis, startS3 } from '../services/index.ts'

const root = join(import.meta.dirname, '../..')
const program = join(root, 'dist/runtime/bin.js')
const flights = join(root, 'examples/flights')

export interface OneServer {
  readonly url: string
  start(): Promise<void>
  /** SIGTERM; gives the exit code. */
  stop(): Promise<number | null>
}

export interface Stage {
  readonly servers: readonly OneServer[]
  /** Of nginx. */
  readonly url: string
  /** What nginx says of requests that failed, or took a second server. */
  complaints(): string
  close(): Promise<void>
}

export async function stage(count: number, through: string, now: string): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-several-'))
  const closing: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const close = async (): Promise<void> => {
    for (const one of closing.reverse()) await one()
  }
  try {
    const [redis, postgres, s3] = await Promise.all([startRedis(), startPostgres(), startS3()])
    closing.push(redis.close, postgres.close, s3.close)
    await s3.bucket('models')
    const shared: NodeJS.ProcessEnv = {
      SIXFOLD_ONLINE_URL: `${redis.url}?prefix=flights`,
      SIXFOLD_LOG_URL: postgres.url,
      SIXFOLD_METADATA_URL: postgres.url,
      SIXFOLD_ARTIFACTS_URL: `s3://models/flights?region=${s3.region}&endpoint=${s3.url}&pathStyle=true`,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    }
    await prepare({ ...shared, SIXFOLD_DATA: join(folder, 'prepare') }, through)
    const servers: OneServer[] = []
    for (let i = 0; i < count; i++) {
      const server = oneServer(await freePort(), { ...shared, SIXFOLD_DATA: join(folder, `server-${i}`) }, now)
      await server.start()
      closing.push(server.stop)
      servers.push(server)
    }
    const log = join(folder, 'failed.log')
    const nginx = await startNginx((port) => nginxConfiguration(port, servers, folder, log))
    closing.push(nginx.close)
    return { servers, url: nginx.url, complaints: () => readFileSync(log, 'utf8'), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** One server on embedded stores that begins with the same history, to compare with. */
export async function embedded(
  through: string,
  now: string,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-several-'))
  const environment = { SIXFOLD_DATA: folder }
  await prepare(environment, through)
  const server = oneServer(await freePort(), environment, now)
  await server.start()
  return {
    url: server.url,
    close: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** As the example's own start does. */
async function prepare(environment: NodeJS.ProcessEnv, through: string): Promise<void> {
  await command(environment, 'apply')
  await command(environment, 'materialize', '--through', through)
  await command(environment, 'model', 'add', 'late', join(flights, 'models/late.onnx'))
  await command(environment, 'model', 'add', 'late_linear', join(flights, 'models/late_linear.onnx'))
}

async function command(environment: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [program, '--project', flights, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`sixfold ${args.join(' ')} ended with ${code}:\n${said}`)
}

function oneServer(port: number, environment: NodeJS.ProcessEnv, now: string): OneServer {
  const url = `http://127.0.0.1:${port}`
  let stop = async (): Promise<number | null> => null
  return {
    url,
    stop: () => stop(),
    start: async () => {
      const child = spawn(
        process.execPath,
        [program, '--project', flights, 'serve', '--port', String(port), '--clock', now],
        { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] },
      )
      let said = ''
      child.stderr.on('data', (bytes: Buffer) => {
        said = (said + bytes.toString()).slice(-4_000)
      })
      const ended = once(child, 'exit') as Promise<[number | null]>
      stop = async () => {
        child.kill('SIGTERM')
        return (await ended)[0]
      }
      const isReady = (): Promise<boolean> =>
        fetch(`${url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        )
      while (!(await isReady())) {
        if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}:\n${said}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
  }
}

function nginxConfiguration(port: number, servers: readonly OneServer[], folder: string, log: string): string {
  const list = join(folder, 'servers.conf')
  // As deploy/nginx/servers.compose.conf, for servers that have an address instead of a name that is asked for.
  const [, parameters] = /^server sixfold:6006 resolve (.*);$/m.exec(shipped('servers.compose.conf'))!
  const lines = servers.map(({ url }) => `server ${new URL(url).host} ${parameters};\n`)
  writeFileSync(list, `zone sixfold 256k;\n${lines.join('')}`)
  return [
    ['listen 8080;', `listen 127.0.0.1:${port};`],
    ['include /etc/nginx/sixfold-servers.conf;', `include ${list};`],
    ['access_log /dev/stdout', `access_log ${log}`],
  ].reduce((text, [from, to]) => {
    if (text.split(from!).length !== 2) throw new Error(`deploy/nginx/nginx.conf does not say '${from}' once.`)
    return text.replace(from!, to!)
  }, shipped('nginx.conf'))
}

const shipped = (name: string): string => readFileSync(join(root, 'deploy/nginx', name), 'utf8')
