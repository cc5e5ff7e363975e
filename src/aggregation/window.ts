/**
 * What a window is, once for every engine. A window of length w at the moment t holds the events from floor(t - w, hop) on,
 * the edge itself included, up to the last that is visible at t. The far edge moves in steps of `hop`, so that online state
 * needs one tile a hop and a request reads a bounded number of them; the training join uses the same edge.
 */
import type { Node } from '../expression/node.ts'
import { durationMs } from '../kernel/duration.ts'

/** Milliseconds. A hop of 1 is an exact window, since instants are whole milliseconds. */
export interface Window {
  readonly lengthMs: number
  readonly hopMs: number
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** 5 minutes below 12 hours, 1 hour below 12 days, 1 day beyond; below 5 minutes exact, where a hop would exceed the window. */
export function standardHop(lengthMs: number): number {
  if (lengthMs < 5 * minute) return 1
  if (lengthMs < 12 * hour) return 5 * minute
  return lengthMs < 12 * day ? hour : day
}

/** Null: all that is known. */
export function windowOf({ length, hop }: Node<'window'>): Window | null {
  if (length === 'ever') return null
  const lengthMs = durationMs(length)
  return { lengthMs, hopMs: hop === null ? standardHop(lengthMs) : hop === '0' ? 1 : durationMs(hop) }
}

/** The start of the hop, counted from the epoch, in which an instant lies; rounded down before the epoch as well. */
export const floorTo = (instant: number, hopMs: number): number => Math.floor(instant / hopMs) * hopMs

/** The first instant whose events the window holds. */
export const leftEdge = (moment: number, { lengthMs, hopMs }: Window): number => floorTo(moment - lengthMs, hopMs)
