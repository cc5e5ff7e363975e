/** Not a test by its name: tried by describe-with.test.ts, where the service is not installed. */
import { test } from 'vitest'
import { describeWith } from './index.ts'

describeWith(['s3'], 'objects', () => {
  test('are kept', () => {})
})
