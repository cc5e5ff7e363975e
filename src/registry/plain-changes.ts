/** Changes before which no gate stands: what they are called with is looked at, and they are made. */
import type { Platform } from '../definition/graph.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { AuditEntry, Author, RegistryStore } from '../ports/registry-store.ts'
import { checkModelName } from './names.ts'
import { definitionOf } from './registration/register.ts'
import type { PlainChange } from './registry.ts'

const longestDescription = 100_000
const longestKey = 250
const longestValue = 100_000

export function changePlainly(
  change: PlainChange,
  author: Author,
  { store, platform }: { readonly store: RegistryStore; readonly platform: Platform },
): Promise<AuditEntry> {
  if (change.kind === 'model.created') {
    checkModelName(change.model)
    checkDescription(change.description)
    for (const [key, value] of Object.entries(change.tags)) checkTag(key, value)
  }
  if (change.kind === 'model.updated' || change.kind === 'version.updated') checkDescription(change.description)
  if (change.kind === 'model.tagged' || change.kind === 'version.tagged') checkTag(change.key, change.value)
  if (change.kind === 'model.renamed') {
    checkModelName(change.to)
    for (const name of [change.model, change.to])
      if (definitionOf(platform, name) !== null)
        throw new SixfoldError(
          'SX_MODEL_IN_USE',
          `The platform defines the model '${name}', and serves it by that name.`,
          {
            fix: 'Rename it in its definition, and register its versions under the new name.',
          },
        )
  }
  return store.change(change, author)
}

function checkDescription(text: string | null): void {
  if (text !== null && text.length > longestDescription)
    throw new SixfoldError(
      'SX_REQUEST_INVALID',
      `A description has at most ${longestDescription} characters; this one has ${text.length}.`,
    )
}

function checkTag(key: string, value: string): void {
  if (key === '' || key.length > longestKey)
    throw new SixfoldError(
      'SX_REQUEST_INVALID',
      `The key of a tag has 1 to ${longestKey} characters, not ${key.length}: '${shorten(key)}'.`,
    )
  if (value.length > longestValue)
    throw new SixfoldError(
      'SX_REQUEST_INVALID',
      `The value of a tag has at most ${longestValue} characters; that of '${shorten(key)}' has ${value.length}.`,
    )
}
