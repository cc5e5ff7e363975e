export { distanceChecks } from './distances.ts'
export type { Day, Earlier, Evidence } from './evidence.ts'
export { judge } from './judge.ts'
export { reportPage } from './report.ts'
