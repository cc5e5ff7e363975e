import { expect, test } from 'vitest'
import { hasAlready } from './etag.ts'

test.each([
  ['"7"', '"7"', true],
  ['W/"7"', '"7"', true],
  ['"7"', 'W/"7"', true],
  ['"6", W/"7" , "8"', '"7"', true],
  ['*', '"7"', true],
  ['"6"', '"7"', false],
  ['7', '"7"', false],
  ['', '"7"', false],
  [undefined, '"7"', false],
])('%s of %s: %s', (given, tag, expected) => {
  expect(hasAlready(given, tag)).toBe(expected)
})
