/**
 * Named places at which a drill may end the process. Nothing, unless whoever started the process has put a function in the place of
 * the hook: `globalThis[Symbol.for('sixfold.failpoint')]`, which is given the name.
 */
const hook: unique symbol = Symbol.for('sixfold.failpoint') as never

export function failpoint(name: string): void {
  const listening = (globalThis as { readonly [hook]?: unknown })[hook]
  if (typeof listening === 'function') listening(name)
}
