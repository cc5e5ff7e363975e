/** What the registry's terms are called on a page. */
import type { Entry, Stage } from '../data/registry.ts'

/** 'key:ci' is the holder of a key, 'local:ana' somebody at the command line, 'mlflow:ana' a client without a key. */
export const who = (actor: string): string => actor.replace(/^(key|local|mlflow):/, '')

export const via = (actor: string): string =>
  actor.startsWith('key:')
    ? 'by key'
    : actor.startsWith('local:')
      ? 'at the command line'
      : actor.startsWith('mlflow:')
        ? 'through MLflow, without a key'
        : ''

/** What a step is called where it can be taken. */
export function verbOf(from: Stage, to: Stage): string {
  if (to === 'archived') return 'Archive'
  if (to === 'production') return 'Promote to production'
  if (to === 'staging') return from === 'archived' ? 'Bring back to staging' : 'Promote to staging'
  return from === 'staging' ? 'Withdraw from staging' : 'Move on to validated'
}

const batchOf = (details: Entry['details']): string =>
  `Batch ‘${String(details['batch'])}’ version ${String(details['batchVersion'])}`

/** What an entry of the audit says, in a few words. */
export function saying({ action, version, details }: Pick<Entry, 'action' | 'version' | 'details'>): string {
  const text = (name: string): string => String(details[name] ?? '')
  switch (action) {
    case 'stage.changed':
      return details['rollback'] === true
        ? `Rolled back to version ${version}`
        : `${text('from')} → ${text('to')}${typeof details['replaces'] === 'number' ? `, in place of version ${details['replaces']}` : ''}`
    case 'version.registered':
      return 'Registered'
    case 'evidence.recorded':
      return details['passed'] === false ? 'Validated, and failed' : 'Validated'
    case 'approval.given':
      return `Approved for ${text('to')}`
    case 'alias.set':
      return `Alias ‘${text('alias')}’ set`
    case 'alias.deleted':
      return `Alias ‘${text('alias')}’ deleted`
    case 'batch.published':
      return `${batchOf(details)} ${details['rollback'] === true ? 'live again' : 'published'}${
        typeof details['replaces'] === 'number' ? `, in place of version ${details['replaces']}` : ''
      }${details['verdict'] === 'overridden' ? ', although the gate refused it' : ''}`
    case 'batch.refused': {
      const [first] = details['checks'] as readonly string[]
      return `${batchOf(details)} refused by its gate${first === undefined ? '' : `: ${first}`}`
    }
    case 'batch.cancelled':
      return `${batchOf(details)} cancelled`
    case 'batch.held':
      return `Batch ‘${text('batch')}’ held: nothing of it goes live by itself`
    case 'batch.released':
      return `Batch ‘${text('batch')}’ goes live by itself again`
    case 'batch.failed':
      return `${batchOf(details)} broke off: ${(details['error'] as { readonly message: string }).message}`
    default:
      return action.replace('.', ' ')
  }
}
