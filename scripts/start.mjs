/** `npm start`: from a fresh clone to the flights example, live. Arguments go to examples/flights/start.ts. */
import { bin, build, install, run } from './prepare.mjs'

install()
build()
run(...bin('jiti', 'examples/flights/start.ts', ...process.argv.slice(2)))
