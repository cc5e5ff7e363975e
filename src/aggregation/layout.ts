/** Where the state of a view's aggregates lies: accumulators in tiles, tiles in groups, and what a read folds of them. */
import type { Node, Scalar, Value } from '../expression/node.ts'
import type { Accumulator, Cells } from './accumulator.ts'
import type { Window } from './window.ts'

/** Something computed from every event: an operand or a condition of an aggregate. */
export interface Argument {
  readonly node: Node
  readonly type: Scalar
}

/** An accumulator in its place within a tile. */
export interface Cell {
  readonly accumulator: Accumulator
  /** The condition that an event must meet; an argument. */
  readonly where: number | null
  /** The argument that must not be missing. */
  readonly present: number | null
  /** Where the cell begins in a tile, after the tile's start. */
  readonly f: number
  readonly r: number
}

/** Tiles of one width. The lifetime is a tile of infinite width, the only one of its group. */
export interface Group {
  readonly hopMs: number
  readonly cells: readonly Cell[]
  /** Numbers of a tile, its start included. */
  readonly stride: number
  readonly rich: number
  /** The windows that read the group; of the lifetime none. A tile that no window can reach any more is dropped. */
  readonly windows: readonly Window[]
}

/** A cell over a window: what one fold of tiles comes to. */
export interface Unit {
  readonly group: number
  readonly cell: Cell
  readonly window: Window | null
  /** Its place in the reader's scratch. */
  readonly f: number
  readonly r: number
  readonly needsRich: boolean
}

/** Where the state of a unit is to be found during one read: in scratch, or in the record itself. */
export interface Located {
  cells: Cells
  f: number
  r: number
}

/** The value of a window from its units. `since` is the window's far edge, -Infinity for a lifetime. */
export type WindowValue = (units: readonly Located[], moment: number, since: number) => Value

export interface Reading {
  readonly units: readonly number[]
  /** For the newest events the edge is checked here; every other window was folded within it. */
  readonly window: Window | null
  readonly value: WindowValue
}
