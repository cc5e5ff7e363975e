/** Entries of the audit, a line each, in words. */
import type { AuditEntry } from '../api/index.ts'
import { shorten } from '../kernel/shorten.ts'
import { instant, table } from './text.ts'

export const entryTable = (entries: readonly AuditEntry[]): string =>
  entries.length === 0
    ? 'No change is recorded.'
    : table(
        ['entry', 'at', 'by', 'change', 'of', 'what', 'why'],
        entries.map(({ number, at, actor, action, model, version, environment, reason, details }) => [
          String(number),
          instant(at),
          actor,
          action,
          model === null ? '–' : version === null ? model : `${model} ${version}`,
          whatOf(action, details, environment),
          reason ?? '',
        ]),
      )

/** One line of a table. */
const brief = (text: string): string => shorten(text.replaceAll(/\s+/g, ' '), 120)
const batchOf = ({ batch, batchVersion }: AuditEntry['details']): string => `${batch} ${batchVersion}`

function whatOf(action: AuditEntry['action'], details: AuditEntry['details'], environment: string | null): string {
  const told = (name: string): string => String(details[name] ?? '')
  switch (action) {
    case 'stage.changed':
      return `${told('from')} → ${told('to')} in '${environment}'${details['rollback'] === true ? ', rolled back' : ''}`
    case 'approval.given':
      return `${told('to')} in '${environment}'`
    case 'alias.set':
    case 'alias.deleted':
      return told('alias')
    case 'model.renamed':
      return `now ${told('to')}`
    case 'batch.published':
      return `${batchOf(details)} ${details['rollback'] === true ? 'is live again' : 'is live'} in '${environment}'${
        details['replaces'] === null ? '' : `, in place of ${told('replaces')}`
      }${details['verdict'] === 'overridden' ? ', although it was refused' : ''}`
    case 'batch.refused':
      return `${batchOf(details)} in '${environment}': ${brief((details['checks'] as readonly string[])[0] ?? 'see its report')}`
    case 'batch.cancelled':
      return `${batchOf(details)} in '${environment}'`
    case 'batch.held':
    case 'batch.released':
      return `${told('batch')} in '${environment}'`
    case 'batch.failed':
      return `${batchOf(details)} in '${environment}': ${brief((details['error'] as { readonly message: string }).message)}`
    default:
      return ''
  }
}
