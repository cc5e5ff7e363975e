export type * from './documents.ts'
export { rungs } from './documents.ts'
export type * from './service.ts'
export { exitOfRefusal } from './service.ts'
