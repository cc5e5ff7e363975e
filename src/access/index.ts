/** Access: who asks, and what they may. Keys are kept by their hashes, and held in memory where requests come in. */
export type { KeyRing, KeyRingOptions } from './key-ring.ts'
export { keyRing } from './key-ring.ts'
export type { Keys, KeysOptions, ListedKey, WantedKey } from './keys.ts'
export { keysOf } from './keys.ts'
export type { Access, Caller, Right } from './rights.ts'
export { callerOf, roleFor, roles } from './rights.ts'
