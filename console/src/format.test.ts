import { expect, test } from 'vitest'
import { bytes, counted, figure, instant, milliseconds, percent, rate } from './format.ts'

test.each([
  [milliseconds(null), '–'],
  [milliseconds(0.0123), '0.012'],
  [milliseconds(1.234), '1.23'],
  [milliseconds(12.34), '12.3'],
  [milliseconds(1234.5), '1,235'],
  [rate(0), '0'],
  [rate(0.4), '0.40'],
  [rate(12.34), '12.3'],
  [rate(12_345.6), '12,346'],
  [percent(null), '–'],
  [percent(0), '0 %'],
  [percent(0.00002), '< 0.01 %'],
  [percent(0.0034), '0.34 %'],
  [percent(0.2412), '24.1 %'],
  [bytes(0), '0 B'],
  [bytes(999), '999 B'],
  [bytes(1_500_000), '1.4 MiB'],
  [figure(0.43219, 4), '0.4322'],
  [counted(1, 'entry', 'entries'), '1 entry'],
  [counted(1200, 'entry', 'entries'), '1,200 entries'],
  [instant(Date.UTC(2013, 5, 1, 12)), '2013-06-01 12:00:00'],
])('%s', (written, expected) => {
  expect(written).toBe(expected)
})
