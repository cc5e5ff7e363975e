/** Training put together for a process: with its stores, and an address to which the command can log. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { callerOf } from '../access/index.ts'
import type { Access, ReproduceAsked, Reproduction, TrainAsked, Trained, Watching } from '../api/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { sha256 } from '../kernel/hash.ts'
import { userName } from '../kernel/user.ts'
import { versionFiles } from '../registry/index.ts'
import { httpServer } from '../server/index.ts'
import type { ReproductionOptions, TrackingAddress } from '../training/index.ts'
import { reproduce, train } from '../training/index.ts'
import { addressIn } from './ask-server.ts'
import { readEnvironment } from './environment.ts'
import type { Opened } from './open.ts'
import { version } from './version.ts'

const patienceMs = 2_000

export const trainModel = (opened: Opened, model: string, asked: TrainAsked, watching: Watching): Promise<Trained> =>
  train(model, asked.until, optionsFor(opened, asked), watching)

export const reproduceVersion = (
  opened: Opened,
  model: string,
  which: string,
  asked: ReproduceAsked,
  watching: Watching,
): Promise<Reproduction> => reproduce(model, which, asked.check, optionsFor(opened, asked), watching)

function optionsFor(
  opened: Opened,
  { url, actor }: { readonly url: string | null; readonly actor: string },
): ReproductionOptions {
  const { platform, stores, registry, models, clock, project, data } = opened
  const { offline, artifacts, metadata } = stores
  return {
    ...{ platform, offline, artifacts, registry, models, clock, project, actor },
    tracking: metadata.tracking,
    store: metadata.registry,
    files: versionFiles(join(data, 'versions'), artifacts),
    folders: join(data, 'training'),
    scratch: join(data, 'tmp'),
    own: [data],
    environment: process.env,
    user: userName(),
    by: version,
    address: () => addressFor(opened, url, actor),
  }
}

/** The server that is named; else one of this project on this machine that takes what is logged; else one of this process, for the command alone. */
async function addressFor(opened: Opened, url: string | null, actor: string): Promise<TrackingAddress> {
  const { key } = readEnvironment(process.env, () => {})
  const token = process.env['MLFLOW_TRACKING_TOKEN'] ?? key
  const at = (found: string): TrackingAddress => ({ url: found, token, close: async () => {} })
  if (url !== null) {
    const named = addressIn(url)
    if (await takes(named, token)) return at(named)
    throw new SixfoldError('SX_NO_SERVER', `No server that takes what a training logs answers at ${named}.`, {
      fix: 'Start one with `sixfold serve`, set SIXFOLD_KEY where it needs a key, or leave --url out.',
    })
  }
  for (const server of await opened.servers.others())
    if (server.url !== null && server.host === hostname() && (await takes(server.url, token))) return at(server.url)
  return ownServer(opened, actor)
}

/** Whether the default experiment, which is always there, is to be had. */
async function takes(url: string, token: string | null): Promise<boolean> {
  try {
    const { ok } = await fetch(`${url}/api/2.0/mlflow/experiments/get?experiment_id=0`, {
      signal: AbortSignal.timeout(patienceMs),
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
    })
    return ok
  } catch {
    return false
  }
}

/** On a free port of this machine, for whoever knows a word that is in the command's environment only. */
async function ownServer(opened: Opened, actor: string): Promise<TrackingAddress> {
  const token = randomBytes(24).toString('base64url')
  const server = httpServer({
    services: opened,
    access: onlyFor(token, actor),
    hosts: [],
    console: null,
    logger: opened.logger,
    version,
  })
  const { url } = await server.listen(0, '127.0.0.1')
  return { url, token, close: () => server.close() }
}

/** Whoever started the training works on the stores without a server as well, and so may do here what they may there. */
function onlyFor(token: string, actor: string): Access {
  const known = Buffer.from(sha256(`Bearer ${token}`))
  const caller = callerOf(actor, 'admin', [])
  return {
    required: true,
    identify: (authorization) => {
      if (authorization !== undefined && timingSafeEqual(Buffer.from(sha256(authorization)), known)) return caller
      throw new SixfoldError('SX_UNAUTHENTICATED', 'This server is for the command of a training alone.')
    },
  }
}
