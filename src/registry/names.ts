/** What models and aliases may be called: what MLflow's clients take and refuse. */
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'

const longestModel = 256
const longestAlias = 255

/** Throws SX_REQUEST_INVALID. */
export function checkModelName(name: string): void {
  const problem =
    name === ''
      ? 'A model has a name.'
      : name.length > longestModel
        ? `The name of a model has at most ${longestModel} characters; this one has ${name.length}.`
        : // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
          /[/:\u0000-\u001f\u007f]/.test(name) || name === '.' || name === '..'
          ? `A model cannot be called '${shorten(name)}'.`
          : null
  if (problem !== null)
    throw new SixfoldError('SX_REQUEST_INVALID', problem, {
      fix: "Use a name without '/', ':' and control characters.",
    })
}

/** Throws SX_REQUEST_INVALID. */
export function checkAliasName(alias: string): void {
  const problem =
    alias === ''
      ? 'An alias has a name.'
      : alias.length > longestAlias
        ? `An alias has at most ${longestAlias} characters; this one has ${alias.length}.`
        : /^latest$/i.test(alias)
          ? "'latest' names the newest version, whatever it is."
          : /^v\d+$/i.test(alias)
            ? `'${alias}' would be taken for the number of a version.`
            : !/^[\p{L}\p{N}_-]+$/u.test(alias)
              ? `An alias cannot be called '${shorten(alias)}'.`
              : null
  if (problem !== null)
    throw new SixfoldError('SX_REQUEST_INVALID', problem, { fix: 'Use letters, digits, _ and -: champion.' })
}
