/** JSON Schemas, of draft 2020-12 as OpenAPI 3.1 has it: of the types that definitions are written in, and of what all answers share. */
import type { FieldShape } from '../../definition/field.ts'
import type { Output } from '../../definition/model.ts'
import { bounds } from '../../kernel/limits.ts'

export type Schema = { readonly [keyword: string]: unknown }

export const text: Schema = { type: 'string' }
export const whole: Schema = { type: 'integer' }
export const number: Schema = { type: 'number' }
export const yes: Schema = { type: 'boolean' }
export const anything: Schema = {}
export const instant: Schema = { type: 'string', format: 'date-time' }
export const list = (items: Schema, more: Schema = {}): Schema => ({ type: 'array', items, ...more })
export const orNull = (schema: Schema): Schema =>
  typeof schema['type'] === 'string' && schema['enum'] === undefined
    ? { ...schema, type: [schema['type'], 'null'] }
    : { anyOf: [schema, { type: 'null' }] }
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
export const mapOf = (schema: Schema): Schema => ({ type: 'object', additionalProperties: schema })

/** An object of these members: all are there but those named as optional. */
export const object = (
  properties: { readonly [member: string]: Schema },
  { optional = [], open = true }: { readonly optional?: readonly string[]; readonly open?: boolean } = {},
): Schema => {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return {
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    ...(open ? {} : { additionalProperties: false }),
  }
}

/** 64-bit integers beyond 2^53 are texts in both directions. */
const int64: Schema = {
  anyOf: [
    { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
    { type: 'string', pattern: '^-?[0-9]{1,19}$' },
  ],
}

/** What a field takes. */
export function schemaOfField({ type, nullable, range, oneOf }: FieldShape): Schema {
  const schema = ((): Schema => {
    switch (type) {
      case 'boolean':
        return yes
      case 'float64':
        return range === null ? number : { ...number, minimum: range[0], maximum: range[1] }
      case 'int64':
        return range === null ? int64 : { ...whole, minimum: range[0], maximum: range[1] }
      case 'timestamp':
        return instant
      default:
        return oneOf === null ? { ...text, maxLength: Math.floor(bounds.stringBytes / 4) } : { ...text, enum: oneOf }
    }
  })()
  return nullable ? orNull(schema) : schema
}

/** What an output is in an answer. */
export function schemaOfOutput(kind: Output): Schema {
  if (kind === 'number') return number
  if (kind === 'probability') return { ...number, minimum: 0, maximum: 1 }
  return 'label' in kind
    ? { ...text, enum: kind.label }
    : list(number, { minItems: kind.vector, maxItems: kind.vector })
}

/** What may be told of an output afterwards. */
export const schemaOfOutcome = (kind: Output): Schema =>
  kind === 'probability' ? { anyOf: [yes, { ...number, enum: [0, 1] }] } : schemaOfOutput(kind)
