/** Tests that start the built program, or import `sixfold` by name, must meet the sources as they are. */
import { build } from './prepare.mjs'

export default build
