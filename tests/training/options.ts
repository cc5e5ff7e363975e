/** A training as the program makes it of what is open, but for the address: whoever needs none has none. */

import { versionFiles } from '../../src/registry/index.ts'
import type { Opened } from '../../src/runtime/open.ts'
import type { ReproductionOptions, Watching } from '../../src/training/index.ts'

export function optionsFor(opened: Opened): ReproductionOptions {
  const { stores, clock, platform, registry, models, project, data } = opened
  return {
    ...{ platform, registry, models, clock, project },
    offline: stores.offline,
    artifacts: stores.artifacts,
    tracking: stores.metadata.tracking,
    store: stores.metadata.registry,
    files: versionFiles(`${data}/versions`, stores.artifacts),
    own: [data],
    folders: `${data}/training`,
    scratch: `${data}/tmp`,
    environment: { PATH: process.env['PATH'] },
    user: 'ana',
    actor: 'local:ana',
    by: '0.0.0',
    address: async () => ({ url: 'http://127.0.0.1:1', token: null, close: async () => {} }),
  }
}

export function watching(
  signal: Watching['signal'] = new AbortController().signal,
): Watching & { readonly written: string[] } {
  const written: string[] = []
  return {
    signal,
    written,
    output: (chunk) => void written.push(Buffer.from(chunk).toString()),
    step: () => {},
    progress: () => {},
  }
}

export const shell = (script: string): readonly string[] => ['sh', '-c', script]
