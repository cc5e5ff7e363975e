/** Tests that need real services: skipped where one is not installed, unless all tests were required. */
import { describe, test } from 'vitest'
import type { ServiceName } from '../../scripts/installed.mjs'
import { missing } from '../../scripts/installed.mjs'

export function describeWith(services: readonly ServiceName[], name: string, body: () => void): void {
  const reasons = services.map(missing).filter((reason) => reason !== null)
  if (reasons.length === 0) {
    describe(name, body)
  } else if (process.env['SIXFOLD_REQUIRE_ALL'] === '1') {
    describe(name, () => {
      test('has the services that it needs', () => {
        throw new Error(reasons.join('\n'))
      })
    })
  } else {
    process.stderr.write(`Skipped: ${name}.\n${reasons.map((reason) => `  ${reason}\n`).join('')}`)
    describe.skip(name, body)
  }
}
