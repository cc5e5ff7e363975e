/** Who asks, and what they may: the same for every way in. */
export type { Access, Caller, Right } from '../access/index.ts'
export { roleFor, roles } from '../access/index.ts'
