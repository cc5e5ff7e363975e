/** Rows of text with a head of names, as columns. */
import { parse } from 'csv-parse/sync'
import { SixfoldError } from '../../kernel/errors.ts'
import { bounds } from '../../kernel/limits.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Columns } from './faces.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

const malformed = (problem: string, cause?: unknown): SixfoldError =>
  new SixfoldError('SX_REQUEST_MALFORMED', problem, {
    fix: 'Send a line of names, and a line of values for each row.',
    cause,
  })

/** An empty field is null. No more than `most` rows are read, and one more. Throws SX_REQUEST_MALFORMED. */
export function columnsOfCsv(body: Buffer, most: number): { readonly columns: Columns; readonly rows: number } {
  let lines: readonly (readonly string[])[]
  try {
    const text = decoder.decode(body)
    lines = parse(text, { bom: true, skip_empty_lines: true, to: most + 2, max_record_size: body.length + 1 })
  } catch (error) {
    throw malformed(`The body is no CSV: ${shorten(error instanceof Error ? error.message : '', 200)}`, error)
  }
  const [names, ...rows] = lines
  if (names === undefined) throw malformed('The body is empty.')
  if (names.length > bounds.entriesPerVector)
    throw malformed(`The body has more than ${bounds.entriesPerVector} columns.`)
  const columns = new Map(names.map((name, i) => [name, rows.map((row) => (row[i] === '' ? null : row[i]!))]))
  if (columns.size < names.length) throw malformed('A column is there twice.')
  return { columns, rows: rows.length }
}
