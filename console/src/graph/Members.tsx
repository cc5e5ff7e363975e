/** What a definition is made of: names, types, expressions, and how alike the engines compute them. */
import type { Member } from '../data/wire.ts'

const classes: { readonly [C in NonNullable<Member['equality']>]: string } = {
  identical: 'the same bits in every engine',
  bounded: 'floats added in another order differ within a stated bound',
  sketch: 'the same state in every engine, read with a stated error',
}

interface Props {
  readonly title: string
  readonly members: readonly Member[]
}

export function Members({ title, members }: Props) {
  const used = Object.entries(classes).filter(([name]) => members.some(({ equality }) => equality === name))
  return (
    <>
      <h4>
        {title} <span className="aside">{members.length}</span>
      </h4>
      <ul className="members">
        {members.map(({ name, type, text, equality }) => (
          <li key={name}>
            <span className="member-name">{name}</span>
            <span className="member-type">{type}</span>
            {equality !== null && <span className={`equality ${equality}`}>{equality}</span>}
            {text !== null && <code>{text}</code>}
          </li>
        ))}
      </ul>
      {used.length > 0 && (
        <dl className="classes">
          {used.map(([name, meaning]) => (
            <div key={name}>
              <dt className={`equality ${name}`}>{name}</dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  )
}
