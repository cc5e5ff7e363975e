/** The gate looks at what was scored. Whatever it finds, what is live stays live. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { failpoint } from '../../kernel/failpoint.ts'
import { hashOf } from '../../kernel/hash.ts'
import type { BatchRun } from '../../ports/batch-store.ts'
import { referring } from '../../registry/index.ts'
import type { BatchContext } from '../context.ts'
import { definitionOf, filesOf, folderOf, ofRun } from '../context.ts'
import { costOf } from '../cost.ts'
import type { PlanDocument, Verdict } from '../documents.ts'
import { evidenceFor } from '../evidence.ts'
import { judge, reportPage } from '../gate/index.ts'
import { lostError, underLease } from '../lease.ts'
import { mergeProfiles } from '../profile-set.ts'

export async function audit(context: BatchContext, run: BatchRun, signal?: AbortSignal): Promise<void> {
  const { store, artifacts } = context
  const batch = definitionOf(context, run)
  await underLease(context, `run/${run.id}`, signal, async (lease) => {
    const partitions = await store.partitions(run.id)
    const files = await filesOf(context, run)
    const parts: unknown[] = []
    for (const { output } of partitions)
      parts.push(JSON.parse(readFileSync(await artifacts.open(output!.profile), 'utf8')))
    const profiles = mergeProfiles(batch, parts).toJSON()
    const evidence = await evidenceFor(context, batch, run, profiles, files)
    const verdict = await judge(evidence)
    failpoint('audit: judged')
    const texts = {
      profile: JSON.stringify(profiles),
      report: reportPage({ batch, run, plan: run.plan as PlanDocument, verdict, days: evidence.days }),
    }
    const cost = costOf(partitions, context.now() - run.beganAt, context.rates)
    failpoint('audit: before it is written down')
    await withFiles(context, run, texts, async (stored) => {
      // What was found is there before the run moves on: then a refusal, its entry in the audit and its alarm come together.
      const change = { verdict, cost, artifacts: stored }
      const to = verdict.passed ? 'passed' : 'auditing'
      if (!(await store.advance(run.id, lease, 'auditing', to, change))) throw lostError(lease)
    })
    failpoint('audit: after it is written down')
    if (!verdict.passed) await refuse(context, run, verdict)
    failpoint('audit: after it is told')
  })
}

/** Told to webhooks, with its entry in the audit: whoever answers for the batch is to look. */
async function refuse({ registry, now }: BatchContext, run: BatchRun, verdict: Verdict): Promise<void> {
  const refusals = verdict.checks.filter(({ outcome }) => outcome === 'refused')
  await registry.change(
    { kind: 'batch.refused', ...ofRun(run), checks: refusals.slice(0, 20).map(({ words }) => words) },
    // The same refusal, told again because whoever told it died, stands there once.
    { id: hashOf(['batch', run.id, 'refused']).slice(0, 32), actor: 'sixfold', reason: null, at: now() },
  )
}

/** Texts as artifacts, which lie here until `refer` has made them known. */
async function withFiles(
  context: BatchContext,
  run: BatchRun,
  texts: { readonly [name: string]: string },
  refer: (stored: { readonly [name: string]: string }) => Promise<void>,
): Promise<void> {
  const { artifacts, registry } = context
  const folder = join(folderOf(context, run), `audit-${context.holder.replaceAll(/\W+/g, '-')}`)
  mkdirSync(folder, { recursive: true })
  try {
    const put = new Map<string, string>()
    const stored: { [name: string]: string } = {}
    for (const [name, text] of Object.entries(texts)) {
      const path = join(folder, name)
      writeFileSync(path, text)
      stored[name] = (await artifacts.put(path)).sha256
      put.set(stored[name], path)
    }
    await referring(
      registry,
      () => refer(stored),
      async (sha256) => put.has(sha256) && (await artifacts.put(put.get(sha256)!)).sha256 === sha256,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
