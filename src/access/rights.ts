/** Who may do what: four roles, each with all that the one before it may, and keys that are confined to some models. */
import type { Rate } from '../kernel/rate.ts'
import type { Role } from '../ports/registry-store.ts'

/**
 * 'read': look. 'predict': ask for predictions and features. 'write': push events and outcomes, log runs, register and validate versions.
 * 'approve': move stages and aliases, roll back. 'admin': keys, webhooks, deletion, the audit.
 */
export type Right = 'read' | 'predict' | 'write' | 'approve' | 'admin'

export interface Caller {
  /** As the audit names it: 'key:ci', 'local:ana', 'anyone'. */
  readonly actor: string
  /** The id of the key that was sent; null where none was. */
  readonly key: string | null
  /** How often it may ask; null: as often as the server says of all. */
  readonly rate: Rate | null
  readonly role: Role
  /** The models to which it is confined; empty: to none, it may whatever its role may. */
  readonly models: readonly string[]
  /** `model` null: of nothing in particular. Then only the role counts; what belongs to all models asks `everywhere` as well. */
  may(right: Right, model: string | null): boolean
  /** True: it is not confined. */
  readonly everywhere: boolean
}

export interface Access {
  /** False on loopback without keys: everybody may everything, and is named by what they say of themselves. */
  readonly required: boolean
  /** Throws SX_UNAUTHENTICATED. `authorization` is the header, Bearer or Basic; of Basic the password is the key. */
  identify(authorization: string | undefined): Caller
}

export const roles = ['viewer', 'editor', 'approver', 'admin'] as const satisfies readonly Role[]

const rightsOf: { readonly [R in Role]: readonly Right[] } = {
  viewer: ['read', 'predict'],
  editor: ['read', 'predict', 'write'],
  approver: ['read', 'predict', 'write', 'approve'],
  admin: ['read', 'predict', 'write', 'approve', 'admin'],
}

/** The least role that has the right. */
export const roleFor = (right: Right): Role => roles.find((role) => rightsOf[role].includes(right))!

export function callerOf(
  actor: string,
  role: Role,
  models: readonly string[],
  { key = null, rate = null }: Partial<Pick<Caller, 'key' | 'rate'>> = {},
): Caller {
  const rights = new Set(rightsOf[role])
  const confined = models.length === 0 ? null : new Set(models)
  return {
    actor,
    key,
    rate,
    role,
    models,
    everywhere: confined === null,
    may: (right, model) => rights.has(right) && (model === null || confined === null || confined.has(model)),
  }
}
