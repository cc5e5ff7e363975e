/** What a server that runs is asked over HTTP: the one named, or the one that the configuration has listen on this machine. */
import type { RolledBack, Status } from '../api/index.ts'
import type { ErrorCode } from '../kernel/errors.ts'
import { catalogue, SixfoldError } from '../kernel/errors.ts'
import type { Settings } from './config.ts'
import { loadSettings } from './config.ts'
import { readEnvironment } from './environment.ts'

const patienceMs = 5_000

export async function askStatus(project: string, url: string | null): Promise<Status> {
  const { asked, answer } = await ask(project, url, '/v1/status', null)
  const status = answer as Partial<Status> | null
  if (!Array.isArray(status?.servers) || !Array.isArray(status.stores))
    throw nobody(asked, 'what it answers is no status of this version of Sixfold')
  return status as Status
}

/** A server has at hand what a roll back needs, also while the metadata store is away. */
export async function askRollback(
  project: string,
  url: string | null,
  model: string,
  version: number | null,
  reason: string | null,
): Promise<RolledBack> {
  const body = { ...(version === null ? {} : { to: version }), ...(reason === null ? {} : { reason }) }
  const { asked, answer } = await ask(project, url, `/v1/registry/models/${encodeURIComponent(model)}/rollback`, body)
  if (typeof (answer as Partial<RolledBack> | null)?.to !== 'number')
    throw nobody(asked, 'what it answers is none of this version of Sixfold')
  return answer as RolledBack
}

const nobody = (asked: string, why: string, cause?: unknown): SixfoldError =>
  new SixfoldError('SX_NO_SERVER', `No server answers at ${asked}: ${why}.`, { cause })

/** Throws SX_NO_SERVER with the URL that was asked, and why it is no server; else what the server says is wrong. */
async function ask(
  project: string,
  url: string | null,
  path: string,
  body: object | null,
): Promise<{ readonly asked: string; readonly answer: unknown }> {
  const asked = url === null ? addressOf((await loadSettings(project)).settings.server) : addressIn(url)
  // From the environment alone: what stands on a command line is seen by everybody on the machine.
  const { key } = readEnvironment(process.env, () => {})
  let response: Response
  let answer: unknown
  try {
    response = await fetch(`${asked}${path}`, {
      signal: AbortSignal.timeout(patienceMs),
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === null ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === null ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
    answer = response.ok || body !== null ? await response.json() : null
  } catch (error) {
    throw nobody(asked, whyOf(error), error)
  }
  if (response.status === 401)
    throw new SixfoldError(
      'SX_UNAUTHENTICATED',
      `The server at ${asked} needs a key, and ${key === null ? 'SIXFOLD_KEY is not set' : 'takes none like SIXFOLD_KEY'}.`,
      {
        fix: 'Set SIXFOLD_KEY; an admin makes keys with `sixfold key create`.',
      },
    )
  if (response.status === 403)
    throw new SixfoldError('SX_FORBIDDEN', `The server at ${asked} refuses the key in SIXFOLD_KEY.`)
  if (response.ok) return { asked, answer }
  const problem = answer as { readonly code?: string; readonly detail?: string; readonly fix?: string } | null
  if (problem?.code !== undefined && Object.hasOwn(catalogue, problem.code))
    throw new SixfoldError(
      problem.code as ErrorCode,
      problem.detail ?? '',
      problem.fix === undefined ? {} : { fix: problem.fix },
    )
  throw nobody(asked, `it answers with ${response.status}`)
}

/** What stands behind --url. Throws SX_USAGE. */
export function addressIn(text: string): string {
  if (!/^https?:\/\/[^/?#@\s]+(\/[^?#@\s]*)?$/.test(text))
    throw new SixfoldError('SX_USAGE', '--url is not the address of a server.', {
      fix: 'Write it as http://127.0.0.1:6006.',
    })
  return text.replace(/\/+$/, '')
}

/** As this machine can ask it. */
function addressOf({ host, port }: Settings['server']): string {
  if (port === 0)
    throw new SixfoldError('SX_USAGE', 'The server takes any port that is free: the configuration does not know it.', {
      fix: 'Name the address that `sixfold serve` greeted with, with --url.',
    })
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}

/** A fetch that failed says why in its cause. */
function whyOf(error: unknown): string {
  const { name, cause } = error as Partial<Error>
  if (name === 'TimeoutError') return `it was silent for ${patienceMs / 1000} s`
  if (name === 'SyntaxError') return 'what it answers is no JSON'
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? 'the connection failed'
}
