/** The command line. No logic: commands call what the composition root provides, and say what came of it. */
export { main } from './main.ts'
export type { ServeOptions, Serving, Tools } from './tools.ts'
