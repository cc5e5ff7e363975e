/**
 * What an expression means, written for clarity: one plain definition for each function, integers as BigInt throughout, no sharing
 * with the engines under test but the tree itself.
 */
import { createHash } from 'node:crypto'
import type { Node, Type } from '../../../src/expression/node.ts'

/** Integers are always bigint here; instants and durations are numbers of milliseconds. */
export type Plain = null | boolean | number | bigint | string | readonly Plain[]

export function evaluate(node: Node, leaf: (leaf: Node) => Plain): Plain {
  if (node.kind === 'literal')
    return node.type === 'int64' && node.value !== null ? BigInt(node.value as string | number) : node.value
  if (node.kind !== 'call') return leaf(node)
  const type = typeOfNode(node.arguments[0]!)
  const operands = node.arguments.map((argument) => () => evaluate(argument, leaf))
  switch (node.function) {
    case 'and': {
      const values = operands.map((operand) => operand())
      return values.includes(false) ? false : values.includes(null) ? null : true
    }
    case 'or': {
      const values = operands.map((operand) => operand())
      return values.includes(true) ? true : values.includes(null) ? null : false
    }
    case 'choose':
      return operands[0]!() === true ? operands[1]!() : operands[2]!()
    case 'orElse': {
      const value = operands[0]!()
      return value === null ? operands[1]!() : value
    }
    case 'isMissing':
      return operands[0]!() === null
  }
  const values = operands.map((operand) => operand())
  return values.includes(null) ? null : tidy(strict(node.function, type, values), node.type)
}

const typeOfNode = (node: Node): Type => (node.kind === 'window' ? node.aggregate.type : node.type)

/** No NaN, no infinity, no -0, no integer beyond 64 bits. */
function tidy(value: Plain, type: Type): Plain {
  if (typeof value === 'bigint') return value >= -(2n ** 63n) && value < 2n ** 63n ? value : null
  if (typeof value === 'number')
    return Number.isFinite(value) ? (type === 'int64' ? BigInt(value) : value === 0 ? 0 : value) : null
  return value
}

function strict(name: string, type: Type, values: readonly Plain[]): Plain {
  const [a, b, c] = values
  if (type === 'int64') {
    const [x, y, z] = values as [bigint, bigint, bigint]
    switch (name) {
      case 'plus':
        return x + y
      case 'minus':
        return x - y
      case 'times':
        return x * y
      case 'floorDividedBy':
        return y === 0n ? null : floorDivide(x, y)
      case 'modulo':
        return y === 0n ? null : x - floorDivide(x, y) * y
      case 'negate':
        return -x
      case 'absolute':
        return x < 0n ? -x : x
      case 'sign':
        return x < 0n ? -1n : x > 0n ? 1n : 0n
      case 'round':
      case 'floor':
      case 'ceiling':
      case 'toInteger':
        return x
      case 'least':
        return x < y ? x : y
      case 'greatest':
        return x > y ? x : y
      case 'clamp':
        return x < y ? y : x > z ? z : x
      case 'toFloat':
        return Number(x)
      case 'toText':
        return x.toString()
      case 'toTimestamp':
        return x >= -62135596800000n && x <= 253402300799999n ? Number(x) : null
    }
  }
  if (type === 'float64') {
    const [x, y, z] = values as [number, number, number]
    switch (name) {
      case 'plus':
        return x + y
      case 'minus':
        return x - y
      case 'times':
        return x * y
      case 'dividedBy':
        return y === 0 ? null : x / y
      case 'floorDividedBy':
        return y === 0 ? null : Math.floor(x / y)
      case 'modulo': {
        if (y === 0) return null
        const rest = x % y
        return rest !== 0 && Math.sign(rest) !== Math.sign(y) ? rest + y : rest
      }
      case 'negate':
        return -x
      case 'absolute':
        return Math.abs(x)
      case 'sign':
        return Math.sign(x)
      case 'round': {
        const whole = Math.floor(Math.abs(x))
        return Math.sign(x) * (Math.abs(x) - whole >= 0.5 ? whole + 1 : whole)
      }
      case 'floor':
        return Math.floor(x)
      case 'ceiling':
        return Math.ceil(x)
      case 'squareRoot':
        return x < 0 ? null : Math.sqrt(x)
      case 'least':
        return Math.min(x, y)
      case 'greatest':
        return Math.max(x, y)
      case 'clamp':
        return Math.min(Math.max(x, y), z)
      case 'standardize':
        return (x - y) / z
      case 'rescale':
        return (x - y) / (z - y)
      case 'toFloat':
        return x
      case 'toInteger':
        return BigInt(Math.floor(x))
    }
  }
  switch (name) {
    case 'gt':
      return a! > b!
    case 'gte':
      return a! >= b!
    case 'lt':
      return a! < b!
    case 'lte':
      return a! <= b!
    case 'eq':
      return a === b
    case 'ne':
      return a !== b
    case 'before':
      return a! < b!
    case 'after':
      return a! > b!
    case 'between':
      return a! >= b! && a! <= c!
    case 'oneOf':
      return values.slice(1).includes(a!)
    case 'bucket':
      return BigInt(values.slice(1).filter((edge) => edge! <= a!).length)
    case 'ordinal': {
      const at = values.slice(1).indexOf(a!)
      return at < 0 ? null : BigInt(at)
    }
    case 'not':
      return !a
    case 'toBoolean':
      return Number(a) !== 0
    case 'toText':
      return a ? 'true' : 'false'
    case 'since':
      return (a as number) - (b as number)
    case 'size':
      return BigInt((a as readonly Plain[]).length)
    case 'at':
      return (a as readonly Plain[])[Number(b)] ?? null
  }
  if (type === 'boolean') return name === 'toInteger' ? (a ? 1n : 0n) : a ? 1 : 0
  if (type === 'duration')
    return (a as number) / { seconds: 1e3, minutes: 6e4, hours: 36e5, days: 864e5 }[name as 'days']!
  if (type === 'timestamp') return ofInstant(name, new Date(a as number))
  return ofText(name, a as string, b ?? null)
}

function floorDivide(x: bigint, y: bigint): bigint {
  const quotient = x / y
  return quotient * y !== x && x < 0n !== y < 0n ? quotient - 1n : quotient
}

function ofInstant(name: string, date: Date): Plain {
  switch (name) {
    case 'year':
      return BigInt(date.getUTCFullYear())
    case 'month':
      return BigInt(date.getUTCMonth() + 1)
    case 'day':
      return BigInt(date.getUTCDate())
    case 'weekday':
      return BigInt(date.getUTCDay() === 0 ? 7 : date.getUTCDay())
    case 'hour':
      return BigInt(date.getUTCHours())
    case 'minute':
      return BigInt(date.getUTCMinutes())
    case 'toInteger':
      return BigInt(date.getTime())
  }
  throw new Error(`The oracle does not know ${name} of an instant.`)
}

function ofText(name: string, text: string, other: Plain): Plain {
  switch (name) {
    case 'lower':
      return [...text].map((letter) => (letter === 'İ' ? 'i' : letter.toLowerCase())).join('')
    case 'length':
      return BigInt([...text].length)
    case 'concat':
      return text + (other as string)
    case 'contains':
      return text.includes(other as string)
    case 'startsWith':
      return text.startsWith(other as string)
    case 'endsWith':
      return text.endsWith(other as string)
    case 'hashBucket':
      return BigInt(`0x${createHash('md5').update(text).digest('hex').slice(0, 13)}`) % (other as bigint)
    case 'toInteger':
      return /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace('+', '')) : null
    case 'toFloat':
      return /^[+-]?\d+(\.\d+)?(e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : null
  }
  throw new Error(`The oracle does not know ${name} of a string.`)
}
