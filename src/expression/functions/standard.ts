/** The standard library, by name. Typed over every method of every face: a method without an entry does not compile. */
import type { Method } from '../faces.ts'
import { arithmetic } from './arithmetic.ts'
import { cast } from './cast.ts'
import { encoding } from './encoding.ts'
import { list } from './list.ts'
import { logic } from './logic.ts'
import type { FunctionSpec } from './spec.ts'
import { text } from './text.ts'
import { time } from './time.ts'

export const standard: { readonly [M in Method]: FunctionSpec } = Object.freeze({
  ...arithmetic,
  ...logic,
  ...text,
  ...time,
  ...cast,
  ...encoding,
  ...list,
})

export const isStandard = (name: string): name is Method => Object.hasOwn(standard, name)
