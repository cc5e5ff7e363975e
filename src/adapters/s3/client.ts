/**
 * One client of an S3 service. Credentials come from where AWS's own tools look for them: variables, files, the machine's role.
 *
 * A connection counts as lost also when it stays open and silent. Then all idle ones are given up with it, since whatever cut one
 * off will have cut them off too.
 */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client } from '@aws-sdk/client-s3'
import { SixfoldError } from '../../kernel/errors.ts'
import type { Asked } from './errors.ts'
import { failureOf } from './errors.ts'
import { patientRetries } from './retry.ts'

export interface S3Options {
  /** Null for the one that the environment names; with an endpoint of one's own, us-east-1. */
  readonly region: string | null
  /** Null for AWS. */
  readonly endpoint: string | null
  /** The bucket in the path instead of the host's name, as most services other than AWS want it. */
  readonly pathStyle: boolean
  readonly patienceMs: number
}

export interface S3 {
  readonly client: S3Client
  /** Null for AWS; without user and password. */
  readonly endpoint: string | null
  readonly patienceMs: number
  /** Given when it is closed. */
  readonly closing: AbortSignal
  /** What went wrong, in the catalogue's terms. */
  failure(error: unknown, asked: Asked): unknown
  close(): void
}

const connectMs = 3_000

export function openS3({ region, endpoint, pathStyle, patienceMs }: S3Options): S3 {
  const place = endpoint === null ? null : withoutUser(endpoint)
  const closing = new AbortController()
  const agents = [HttpAgent, HttpsAgent].map((Agent) => new Agent({ keepAlive: true, maxSockets: 50 }))
  const dropIdle = (): void => {
    for (const { freeSockets } of agents)
      for (const sockets of Object.values(freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  }
  const silenceMs = Math.max(100, Math.ceil(patienceMs / 2))
  const named = region ?? (endpoint === null ? null : 'us-east-1')
  const client = new S3Client({
    ...(named === null ? {} : { region: named }),
    ...(place === null ? {} : { endpoint: place }),
    forcePathStyle: pathStyle,
    requestHandler: {
      connectionTimeout: Math.min(connectMs, silenceMs),
      socketTimeout: silenceMs,
      // Fifty uploads at once wait for each other; that is no reason to write to the console.
      socketAcquisitionWarningTimeout: 2 ** 31 - 1,
      httpAgent: agents[0] as HttpAgent,
      httpsAgent: agents[1] as HttpsAgent,
    },
    retryStrategy: patientRetries({ patienceMs, silenceMs, lost: dropIdle, closing: closing.signal }),
    // Asked before each upload is whether it is there: what would be refused is refused then.
    expectContinueHeader: false,
    // Contents are checked by SHA-256, or read with If-Match and counted.
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return {
    client,
    endpoint: place,
    patienceMs,
    closing: closing.signal,
    failure: (error, asked) =>
      closing.signal.aborted
        ? new SixfoldError('SX_STORE_UNAVAILABLE', `S3 was closed while it was asked for ${asked.where}.`, {
            cause: error,
          })
        : failureOf(error, asked, { endpoint: place, patienceMs }),
    close: () => {
      closing.abort()
      client.destroy()
      for (const agent of agents) agent.destroy()
    },
  }
}

function withoutUser(endpoint: string): string {
  const url = new URL(endpoint)
  url.username = ''
  url.password = ''
  return url.href.replace(/\/$/, '')
}
