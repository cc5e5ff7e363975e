/** audit list and audit verify: every change of the registry, and whether the record of them is whole. */
import type { AuditEntry, AuditVerification } from '../../api/index.ts'
import type { Command } from '../command.ts'
import { defineCommand } from '../command.ts'
import { entryTable } from '../entries.ts'
import { count } from '../text.ts'
import { numberOf, withRegistry } from './model.ts'

export const auditList = defineCommand<{ readonly entries: readonly AuditEntry[] }>({
  name: 'audit list',
  summary: 'Changes of the registry, the newest first: who, when, what and why.',
  options: [
    { flags: '--model <name>', description: 'only of this model' },
    { flags: '--limit <n>', description: 'so many; by default 50' },
    { flags: '--before <entry>', description: 'only entries before this one' },
  ],
  run: (context, _, options) =>
    withRegistry(context, async (registry) => ({
      entries: await registry.audit({
        limit: numberOf(options['limit'], '--limit', 50),
        ...(options['model'] === undefined ? {} : { model: String(options['model']) }),
        ...(options['before'] === undefined ? {} : { before: Number(options['before']) }),
      }),
    })),
  render: ({ entries }) => entryTable(entries),
})

export const auditVerify = defineCommand<AuditVerification>({
  name: 'audit verify',
  summary: 'Check every entry of the audit, and that what there is now is what they made.',
  examples: ['sixfold audit verify', 'sixfold audit verify --json'],
  run: (context) =>
    withRegistry(context, async (registry) => {
      const bar = context.progress('Reading the audit')
      try {
        return await registry.verifyAudit((done) => bar.set(done))
      } finally {
        bar.end()
      }
    }),
  render: ({ ok, entries, head, problems }) =>
    ok
      ? `The audit is whole: ${count(entries, 'entry', 'entries')}, and all that there is follows from them.\nThe newest has the hash ${head}: kept elsewhere, it shows later that nothing was cut off.`
      : [`✗ The audit is not the one that was written.`, ...problems.map((problem) => `  ${problem}`)].join('\n'),
})

export const auditCommands: readonly Command<unknown>[] = [auditList, auditVerify]
