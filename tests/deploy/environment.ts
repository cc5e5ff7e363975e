/** Whether Sixfold takes an environment, by the readers that a server has; and whether every store in it is one to share. */
import { readEnvironment, urlVariable } from '../../src/runtime/environment.ts'
import { readStoreUrl } from '../../src/runtime/store-urls.ts'

const shared = ['online', 'log', 'metadata', 'artifacts'] as const

export function problemsOf(variables: { readonly [name: string]: string }): readonly string[] {
  const problems: string[] = []
  const say = (text: string): void => void problems.push(text)
  const { urls, passwords } = readEnvironment(variables, say)
  for (const port of shared) {
    const url = urls[port]
    if (url === undefined) say(`There is no ${urlVariable(port)}: each server would have its own.`)
    else
      readStoreUrl(
        port,
        {
          name: urlVariable(port),
          url,
          inFile: false,
          password: port === 'artifacts' ? null : (passwords[port] ?? null),
        },
        say,
      )
  }
  return problems
}
