/**
 * Which servers share these stores: each says some times a minute that it runs, in one record of the online store. One that was
 * killed is forgotten after a while; one that stopped in order at once.
 */
import { hostname } from 'node:os'
import type { ServerInfo } from '../api/index.ts'
import { patientRead, prefixOf, space } from '../features/index.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import { version } from './version.ts'

const beatMs = 5_000
const forgottenMs = 30_000

export interface Servers {
  /** Where this one listens, once it does. */
  listens(url: string): void
  /** Says that this server runs, if it was not said lately. */
  beat(): Promise<void>
  all(): Promise<readonly ServerInfo[]>
  /** Without this one. */
  others(): Promise<readonly ServerInfo[]>
  /** Says that this server no longer runs. */
  leave(): Promise<void>
}

export function serversOf(store: OnlineStore, id: string, platform: string): Servers {
  const key = prefixOf(space.servers, 'servers')
  const startedAt = Date.now()
  let url: string | null = null
  let beaten = Number.NEGATIVE_INFINITY
  const decode = (bytes: Uint8Array | null): readonly ServerInfo[] =>
    bytes === null ? [] : (JSON.parse(new TextDecoder().decode(bytes)) as readonly ServerInfo[])
  const others = (bytes: Uint8Array | null): readonly ServerInfo[] =>
    decode(bytes).filter((server) => server.id !== id && server.seenAt > Date.now() - forgottenMs)
  const write = (own: readonly ServerInfo[]): Promise<void> =>
    store.update([key], ([bytes]) => [Buffer.from(JSON.stringify([...others(bytes!), ...own]))])
  const self = (): ServerInfo => ({
    id,
    host: hostname(),
    pid: process.pid,
    url,
    version,
    startedAt,
    seenAt: Date.now(),
    platform,
  })
  const readOthers = async (): Promise<readonly ServerInfo[]> => {
    let found: readonly ServerInfo[] = []
    await patientRead(store, [key], (_, bytes) => {
      found = others(bytes)
    })
    return found
  }
  return {
    listens: (where) => {
      url = where
      beaten = Number.NEGATIVE_INFINITY
    },
    beat: async () => {
      if (Date.now() - beaten < beatMs) return
      beaten = Date.now()
      await write([self()])
    },
    all: async () => [...(await readOthers()), self()].sort((a, b) => a.startedAt - b.startedAt),
    others: readOthers,
    leave: () => write([]),
  }
}
