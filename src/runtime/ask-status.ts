/** The status of a server that runs, over HTTP: of the one named, or of the one that the configuration has listen on this machine. */
import type { Status } from '../api/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { Settings } from './config.ts'
import { loadSettings } from './config.ts'
import { readEnvironment } from './environment.ts'

const patienceMs = 5_000

/** Throws SX_NO_SERVER with the URL that was asked, and why it is no server; SX_UNAUTHENTICATED or SX_FORBIDDEN where it needs a key. */
export async function askStatus(project: string, url: string | null): Promise<Status> {
  const asked = url === null ? addressOf((await loadSettings(project)).settings.server) : addressIn(url)
  // From the environment alone: what stands on a command line is seen by everybody on the machine.
  const { key } = readEnvironment(process.env, () => {})
  const nobody = (why: string, cause?: unknown): SixfoldError =>
    new SixfoldError('SX_NO_SERVER', `No server answers at ${asked}: ${why}.`, { cause })
  let response: Response
  let answer: Partial<Status> | null
  try {
    response = await fetch(`${asked}/v1/status`, {
      signal: AbortSignal.timeout(patienceMs),
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
    })
    answer = response.ok ? ((await response.json()) as Partial<Status> | null) : null
  } catch (error) {
    throw nobody(whyOf(error), error)
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
  if (!response.ok) throw nobody(`it answers with ${response.status}`)
  if (!Array.isArray(answer?.servers) || !Array.isArray(answer.stores))
    throw nobody('what it answers is no status of this version of Sixfold')
  return answer as Status
}

function addressIn(text: string): string {
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
