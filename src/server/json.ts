/** JSON from strangers: UTF-8, no deeper than the limit, and without the member names that would reach into prototypes. */
import { isAscii } from 'node:buffer'
import { SixfoldError } from '../kernel/errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })
/** Where this does not occur, also not escaped, no member can have such a name. */
const suspicious = /__proto__|constructor|\\u/

const asItIs = (text: string): string => text

/** `prepare` makes JSON of what is nearly that. */
export function parseJson(body: Uint8Array, depthMax: number, prepare: (text: string) => string = asItIs): unknown {
  if (body.length === 0) throw new SixfoldError('SX_REQUEST_MALFORMED', 'The body is empty.')
  let text: string
  try {
    // Nearly all are ASCII, which is quicker to see than to decode.
    text = Buffer.isBuffer(body) && isAscii(body) ? body.toString('latin1') : decoder.decode(body)
  } catch (error) {
    throw new SixfoldError('SX_REQUEST_MALFORMED', 'The body is not UTF-8.', { cause: error })
  }
  // So few brackets cannot nest deeper: most bodies have a handful, and those are found many times as fast as bytes are looked at.
  if (opening(text, '{', depthMax) + opening(text, '[', depthMax) > depthMax) checkDepth(body, depthMax)
  let value: unknown
  try {
    value = JSON.parse(prepare(text))
  } catch (error) {
    throw new SixfoldError(
      'SX_REQUEST_MALFORMED',
      `The body is not JSON: ${error instanceof Error ? error.message.slice(0, 200) : ''}`,
      { cause: error },
    )
  }
  if (suspicious.test(text)) refusePrototypes(value)
  return value
}

/** How often it occurs, counted no further than one above `most`. */
function opening(text: string, bracket: string, most: number): number {
  let count = 0
  for (let at = text.indexOf(bracket); at !== -1 && count <= most; at = text.indexOf(bracket, at + 1)) count++
  return count
}

/** Brackets are counted outside strings only; in UTF-8 no part of another character looks like one. */
function checkDepth(body: Uint8Array, depthMax: number): void {
  // So few bytes cannot nest deeper than twice the limit, which nothing minds.
  if (body.length <= depthMax * 2) return
  let depth = 0
  let inString = false
  for (let i = 0; i < body.length; i++) {
    const byte = body[i]
    if (inString) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) inString = true
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > depthMax) throw new SixfoldError('SX_REQUEST_MALFORMED', `The body nests deeper than ${depthMax}.`)
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
}

function refusePrototypes(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    if (
      name === '__proto__' ||
      (name === 'constructor' && typeof member === 'object' && member !== null && 'prototype' in member)
    )
      throw new SixfoldError('SX_REQUEST_MALFORMED', `The body has a member '${name}', which is refused.`)
    refusePrototypes(member)
  }
}

/** What is to leave as JSON: 64-bit integers beyond 2^53 leave as text. */
export const toJson = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member)))
