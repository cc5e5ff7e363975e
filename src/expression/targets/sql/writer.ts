/**
 * SQL text that grows in layers. An expression that is needed twice (the guard `CASE WHEN isfinite(x) THEN x END` needs x
 * twice) is given a name in a sub-select below, so that text and work stay proportional to the expression; written out in
 * place, both would double with every level of depth.
 *
 * A fragment at level n may use the names of the layers below n. Layer 0 reads the base relation.
 */
import type { Dialect } from './dialect.ts'

export interface Fragment {
  readonly text: string
  /** How many layers must stand below the select that uses this text. */
  readonly level: number
  /** A column, a name or a literal: free to repeat. */
  readonly atomic: boolean
}

export class Writer {
  readonly dialect: Dialect
  readonly #layers: Map<string, string>[] = []
  readonly #prefix: string

  /** `prefix` begins every name that the writer makes; it must not begin any column of the base relation. */
  constructor(dialect: Dialect, prefix = '_e') {
    this.dialect = dialect
    this.#prefix = prefix
  }

  atom(text: string): Fragment {
    return { text, level: 0, atomic: true }
  }

  /** A text made of operands, each used once; it must bring its own parentheses where precedence could matter. */
  of(operands: readonly Fragment[], build: (...texts: string[]) => string): Fragment {
    return {
      text: build(...operands.map(({ text }) => text)),
      level: Math.max(0, ...operands.map(({ level }) => level)),
      atomic: false,
    }
  }

  /** The same value as text that may be repeated. */
  once(fragment: Fragment): Fragment {
    if (fragment.atomic) return fragment
    while (this.#layers.length <= fragment.level) this.#layers.push(new Map())
    const layer = this.#layers[fragment.level]!
    let name = layer.get(fragment.text)
    if (name === undefined) {
      name = this.dialect.identifier(`${this.#prefix}${fragment.level}_${layer.size}`)
      layer.set(fragment.text, name)
    }
    return { text: name, level: fragment.level + 1, atomic: true }
  }

  /** Like `of`, for a text that uses its operands any number of times. */
  repeat(operands: readonly Fragment[], build: (...texts: string[]) => string): Fragment {
    return this.of(
      operands.map((operand) => this.once(operand)),
      build,
    )
  }

  /** Missing unless finite. */
  finite(fragment: Fragment): Fragment {
    return this.repeat([fragment], (x) => `(CASE WHEN ${this.dialect.isFinite(x)} THEN ${x} END)`)
  }

  /** `SELECT keep, outputs FROM base`, with the layers that the outputs need between. */
  select(
    base: string,
    keep: readonly string[],
    outputs: readonly { readonly name: string; readonly value: Fragment }[],
  ): string {
    const deepest = Math.max(0, ...outputs.map(({ value }) => value.level))
    let from = base
    for (const layer of this.#layers.slice(0, deepest)) {
      const named = [...layer].map(([text, name]) => `${text} AS ${name}`)
      from = `(SELECT *, ${named.join(', ')} FROM ${from})`
    }
    const kept = keep.map((name) => this.dialect.identifier(name))
    const made = outputs.map(({ name, value }) => `${value.text} AS ${this.dialect.identifier(name)}`)
    return `SELECT ${[...kept, ...made].join(', ')} FROM ${from}`
  }
}
