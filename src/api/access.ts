/** Who asks, and what they may: the same for every way in. */
import type { Role } from '../ports/registry-store.ts'

/**
 * 'read': look. 'predict': ask for predictions and features. 'write': push events and outcomes, log runs, register and validate versions.
 * 'approve': move stages and aliases, roll back. 'admin': keys, webhooks, deletion, the audit.
 */
export type Right = 'read' | 'predict' | 'write' | 'approve' | 'admin'

export interface Caller {
  /** As the audit names it: 'key:ci', 'local:ana', 'anyone'. */
  readonly actor: string
  readonly role: Role
  /** `model` null: of nothing in particular. */
  may(right: Right, model: string | null): boolean
}

export interface Access {
  /** False on loopback without keys: everybody may everything, and is named by what they say of themselves. */
  readonly required: boolean
  /** Throws SX_UNAUTHENTICATED. `authorization` is the header, Bearer or Basic; `user` is how an unauthenticated caller names itself. */
  identify(authorization: string | undefined, user: string | null): Caller
}
