/** The environment of Evidently, which `setup.ts` makes. */
import { join } from 'node:path'

export const driftEnvironment = join(import.meta.dirname, '../../.peers/evidently')
export const driftPackages = ['evidently==0.7.23', 'scipy==1.17.1', 'numpy==2.4.6', 'pandas==2.3.3', 'pyarrow==26.0.1']
