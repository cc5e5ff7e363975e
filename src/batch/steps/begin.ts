/** A run begins: for an instant, with the version of the model that is in production then. */
import { randomBytes } from 'node:crypto'
import { hashOfDefinition } from '../../definition/describe.ts'
import { batchNamed } from '../../definition/graph.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { formatInstant, isInstant } from '../../kernel/instant.ts'
import type { BatchRun } from '../../ports/batch-store.ts'
import type { BatchContext } from '../context.ts'
import { inProduction } from '../context.ts'
import { instantBefore, lastDue } from '../schedule/instants.ts'
import type { BeginOptions } from '../service.ts'
import { checkTable } from './table.ts'

export async function begin(context: BatchContext, name: string, options: BeginOptions): Promise<BatchRun> {
  const batch = batchNamed(context.platform, name)
  const { schedule } = batch
  const now = context.now()
  const at = options.at ?? (schedule === null ? now : (lastDue(schedule, now) ?? now))
  if (!isInstant(at) || at > now)
    throw new SixfoldError(
      'SX_REQUEST_INVALID',
      `A run of '${name}' for ${isInstant(at) ? formatInstant(at) : String(at)}: that is ${isInstant(at) ? 'after now' : 'no instant'}.`,
      { fix: 'Name an instant that has passed: 2026-11-24T20:00:00Z.' },
    )
  const version = await inProduction(context, batch.model.name)
  const file = version.files.find(({ path }) => path === version.entry)
  if (file === undefined)
    throw new SixfoldError('SX_MODEL_UNREADY', `Version ${version.version} of '${version.model}' has no file to run.`, {
      fix: 'Put a version with an ONNX file in production.',
    })
  await checkTable(context, batch)
  const id = randomBytes(16).toString('hex')
  const reason = options.reason ?? 'manual'
  return context.store.begin({
    id,
    batch: name,
    environment: context.environment,
    occasion: options.occasion ?? (reason === 'schedule' ? `schedule ${formatInstant(at)}` : id),
    at,
    from: schedule === null ? null : instantBefore(schedule, at),
    reason,
    actor: options.actor,
    engine: options.engine ?? 'local',
    definition: hashOfDefinition(batch),
    model: version.model,
    modelVersion: version.version,
    modelFile: file.sha256,
  })
}
