/** Bodies that come compressed are unpacked up to the limit, and no further: a small one may hold gigabytes. */
import { promisify } from 'node:util'
import { brotliDecompress, constants, deflate, gunzip, gzip, inflate } from 'node:zlib'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'

const unpackers: {
  readonly [encoding: string]: (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>
} = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  // In HTTP that is the form with a head and a sum: zlib.
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

/** Each may take as much memory as the largest body: so many at once, however many wait. */
const mostAtOnce = 8
let under = 0
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (under >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve))
  else under++
  try {
    return await work()
  } finally {
    // Whoever waits longest takes the place over.
    const next = waiting.shift()
    if (next === undefined) under--
    else next()
  }
}

/** Throws SX_MEDIA_TYPE, SX_REQUEST_MALFORMED, SX_REQUEST_TOO_LARGE. */
export async function unpacked(body: Buffer, encoding: string | undefined, most: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity'
  if (name === 'identity' || name === '') return body
  const unpack = Object.hasOwn(unpackers, name) ? unpackers[name]! : null
  if (unpack === null)
    throw new SixfoldError('SX_MEDIA_TYPE', `The body is encoded as '${shorten(name)}'.`, {
      fix: `Send it as it is, or as one of ${Object.keys(unpackers).join(', ')}.`,
    })
  try {
    return await inTurn(() => unpack(body, { maxOutputLength: most }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new SixfoldError('SX_REQUEST_TOO_LARGE', `The body is larger than ${most} bytes when it is unpacked.`)
    throw new SixfoldError('SX_REQUEST_MALFORMED', `The body is not ${name}, as its header says.`, { cause: error })
  }
}

const packers = {
  gzip: (bytes: Buffer) => promisify<Buffer, object, Buffer>(gzip)(bytes, { level: constants.Z_BEST_SPEED }),
  deflate: (bytes: Buffer) => promisify<Buffer, object, Buffer>(deflate)(bytes, { level: constants.Z_BEST_SPEED }),
}
/** Shorter ones gain nothing. */
const worthBytes = 1_024

/** Compressed as the client says it can read; as it is where it says nothing of it, or where it is short. */
export async function packed(
  body: string | Buffer,
  accepted: string | readonly string[] | undefined,
): Promise<{ readonly body: string | Buffer; readonly encoding: 'gzip' | 'deflate' | null }> {
  if (accepted === undefined || body.length < worthBytes) return { body, encoding: null }
  const names = String(accepted)
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => !/;\s*q=0(\.0*)?$/.test(part))
    .map((part) => part.split(';')[0]!.trim())
  const encoding = (['gzip', 'deflate'] as const).find((name) => names.includes(name)) ?? null
  if (encoding === null) return { body, encoding }
  return { body: await packers[encoding](Buffer.from(body as string)), encoding }
}
