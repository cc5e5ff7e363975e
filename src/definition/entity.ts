/** An entity: what features are about, named by a key of one or several parts. */

/** Floats cannot be keys: two engines need not agree that two of them are equal. */
export type KeyType = 'string' | 'int64' | 'boolean' | 'timestamp'
export interface KeyFields {
  readonly [name: string]: KeyType
}

export interface Entity<Name extends string = string, K extends KeyFields = KeyFields> {
  readonly kind: 'entity'
  readonly name: Name
  readonly key: K
  readonly description: string | null
}

export const entity = <const Name extends string, const K extends KeyFields>(
  name: Name,
  options: { readonly key: K; readonly description?: string },
): Entity<Name, K> =>
  Object.freeze({
    kind: 'entity',
    name,
    key: Object.freeze({ ...options.key }),
    description: options.description ?? null,
  })
