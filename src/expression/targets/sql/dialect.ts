/**
 * What one SQL engine says differently from another. Everything that all of them can say alike is written once, in
 * `expression/functions/`; an engine is the small table below and nothing else.
 *
 * The common ground: inside compiled SQL an instant or a duration is a 64-bit integer of milliseconds, strings are UTF-8
 * compared by bytes, and floats are 64-bit. Every entry takes and gives SQL text; an argument may be used once only, so
 * that text never doubles with depth (`Writer.once` names what is needed twice).
 */
import type { Scalar } from '../../node.ts'

export type DialectName = 'duckdb' | 'spark' | 'flink'

export interface Dialect {
  readonly name: DialectName
  identifier(name: string): string
  literal(type: Scalar, value: string | number | boolean | null): string

  isFinite(float: string): string
  /** Missing on overflow of 64 bits. */
  addIntegers(a: string, b: string): string
  subtractIntegers(a: string, b: string): string
  multiplyIntegers(a: string, b: string): string
  /** Toward zero; the divisor is not zero; missing on overflow. */
  divideIntegers(a: string, b: string): string
  /** With the sign of the dividend; the divisor is not zero. */
  remainder(a: string, b: string): string
  /** Any result, also one that is not finite; never an error. */
  power(base: string, exponent: string): string
  exponential(x: string): string
  /** Of a positive number. */
  logarithm(x: string): string
  /** Of a number not below zero. */
  squareRoot(x: string): string
  /** The greatest whole float that is no greater; `x` may be used several times. */
  floor(x: string): string

  integerToFloat(x: string): string
  /** Of a float without a fraction; missing beyond 64 bits. */
  floatToInteger(x: string): string
  integerToText(x: string): string
  /** Of text that `matches` has accepted; missing when it does not fit. */
  textToInteger(x: string): string
  textToFloat(x: string): string
  /** Whether the whole text matches; the pattern uses only what every engine knows. */
  matches(x: string, pattern: string): string

  codePoints(x: string): string
  lower(x: string): string
  concat(a: string, b: string): string
  contains(x: string, part: string): string
  startsWith(x: string, prefix: string): string
  endsWith(x: string, suffix: string): string
  /** The first 52 bits of the MD5 of the UTF-8 bytes, as an integer. */
  hash52(x: string): string

  /** The calendar part, in UTC, of an instant in milliseconds. */
  datePart(part: 'year' | 'month' | 'day', x: string): string

  listSize(x: string): string
  /** The element at a constant position from 0; missing beyond the end. */
  listAt(x: string, index: number): string
}
