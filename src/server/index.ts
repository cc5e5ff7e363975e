/** HTTP: our API, health, the console. No logic: what is asked for is done by the patterns. */
export type { ConsoleFiles } from './console.ts'
export { readConsole } from './console.ts'
export type { RateLimits } from './gateway/rates.ts'
export { rateLimits } from './gateway/rates.ts'
export type { Server } from './http.ts'
export { httpServer } from './http.ts'
export { openApi } from './openapi/index.ts'
