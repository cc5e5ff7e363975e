/** Rows, each with the features of several views as of its own instant: what a training set is made of, and what a batch is scored by. */
import type { ViewPlan } from '../../aggregation/plan.ts'
import { planOf } from '../../aggregation/plan.ts'
import type { Model } from '../../definition/model.ts'
import { viewsOf } from '../../definition/model.ts'
import type { AnyView } from '../../definition/view.ts'
import type { Node } from '../../expression/node.ts'
import { compile } from '../../expression/targets/sql/compile.ts'
import type { Fragment, Writer } from '../../expression/targets/sql/writer.ts'
import type { Session } from './connection.ts'
import type { Resolve } from './door.ts'
import type { JoinedView, Labels } from './point-in-time.ts'
import { joinView } from './point-in-time.ts'

export interface Group {
  readonly group: string
  readonly view: AnyView
}

/** Where the parts of a row are. */
export interface RowColumns extends Labels {
  requestColumn(name: string): string
}

export interface Joined {
  /** A relation with all columns of the rows and those that the joins bring. */
  readonly base: string
  feature(writer: Writer, group: string, view: AnyView, feature: string): Fragment
}

export async function joinViews(
  db: Session,
  groups: readonly Group[],
  rows: RowColumns,
  resolve: Resolve,
): Promise<Joined> {
  const joined = new Map<string, { readonly join: JoinedView; readonly plan: ViewPlan }>()
  for (const { group, view } of groups) {
    const plan = planOf(view)
    const features = Object.values(view.features).map(({ node }) => node)
    joined.set(group, { join: await joinView(db, group, plan, view.role, features, rows, resolve), plan })
  }
  // A join carries along what the joins before it brought, so the widest comes last.
  const joins = [...joined.values()].map(({ join }) => join).sort((a, b) => a.columns.length - b.columns.length)
  return {
    base: `(SELECT ${['_l.*', ...joins.flatMap((join) => join.columns)].join(', ')} FROM ${rows.relation} _l ${joins.flatMap((join) => join.joins).join(' ')})`,
    feature: (writer, group, view, feature) =>
      compile(view.features[feature]!.node, writer, (leaf) =>
        leaf.kind === 'window' ? writer.once(joined.get(group)!.join.value(writer, leaf)) : writer.atom(rows.moment),
      ),
  }
}

/** What an expression over a model's inputs reads, as SQL. */
export function inputsOf(
  model: Model,
  writer: Writer,
  rows: RowColumns,
  feature: Joined['feature'],
): (leaf: Node) => Fragment {
  const views = new Map(viewsOf(model.inputs))
  return (leaf) => {
    if (leaf.kind !== 'input') return writer.atom(rows.moment)
    const view = views.get(leaf.group)
    if (view !== undefined) return writer.once(feature(writer, leaf.group, view, leaf.name))
    return writer.atom(leaf.group === 'keys' ? rows.keyColumn(leaf.name) : rows.requestColumn(leaf.name))
  }
}
