/** What LMDB needs of the folder it lies in: a disk of this machine that can be written to. And what it says where it is not so. */
import { mkdirSync, statfsSync } from 'node:fs'
import { SixfoldError } from '../../kernel/errors.ts'
import { storageError } from '../../kernel/files.ts'

/** By the numbers that Linux gives to file systems. Locks and shared memory mean nothing between machines. */
const networks: { readonly [type: number]: string } = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'SMB',
  4266872130: 'SMB',
  12805120: 'Ceph',
  198183888: 'Lustre',
  1397113167: 'AFS',
}

export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw storageError(error, folder)
  }
  const network = networks[statfsSync(folder).type]
  if (network !== undefined)
    throw new SixfoldError('SX_CONFIG_INVALID', `'${folder}' lies on a network file system (${network}).`, {
      fix: 'Name a folder on a disk of this machine with SIXFOLD_DATA, or keep online state in Redis.',
    })
}

/** LMDB's errors have the system's numbers for codes. */
export function lmdbError(error: unknown, folder: string): unknown {
  const { code } = error as { readonly code?: unknown }
  if (typeof code !== 'number') return error
  // A page that is written in part, as the last one of a full disk is, counts as an error of the device.
  const known = code === inputOutput && isFull(folder) ? 'ENOSPC' : names[code]
  if (known === undefined) return error
  const cause = error instanceof Error ? error.message : String(error)
  return storageError(Object.assign(new Error(cause), { code: known }), folder)
}

const inputOutput = 5
const names: { readonly [code: number]: string } = {
  1: 'EPERM',
  13: 'EACCES',
  28: 'ENOSPC',
  30: 'EROFS',
  122: 'EDQUOT',
  // MDB_MAP_FULL: the file could not be made longer.
  [-30792]: 'ENOSPC',
}

function isFull(folder: string): boolean {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize < 1024 * 1024
}

/** Why a commit failed. The driver gives it after the fact, as a promise that it rejects. */
export async function commitError(error: unknown): Promise<unknown> {
  const { commitError: later } = error as { readonly commitError?: Promise<never> }
  if (later === undefined) return error
  return Promise.race([
    later.catch((reason: unknown) => reason),
    new Promise((resolve) => setImmediate(() => resolve(error))),
  ])
}
