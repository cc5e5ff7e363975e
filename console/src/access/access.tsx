/** Who the reader is to the server, and what it lets them do. */
import type { ReactNode } from 'react'
import { createContext, useContext } from 'react'
import type { Access, Right } from '../data/registry.ts'
import { at } from '../data/registry.ts'
import type { Refusal } from '../data/server.ts'
import { useAsked } from '../data/useAsked.ts'

export interface Standing {
  readonly access: Access | null
  readonly refusal: Refusal | null
  /** Null where it may; else why not. Until the server has said who asks, nothing is forbidden: it is the server that decides. */
  readonly hinders: (right: Right, model: string | null) => string | null
}

const Context = createContext<Standing>({ access: null, refusal: null, hinders: () => null })
export const useStanding = (): Standing => useContext(Context)

export function AccessProvider({ children }: { readonly children: ReactNode }) {
  const { value: access, refusal } = useAsked<Access>(at.access, 30_000)
  const hinders: Standing['hinders'] = (right, model) => {
    if (access === null) return null
    if (!access.rights.includes(right)) return `Your role, ${access.role}, may not do this.`
    if (model !== null && access.models.length > 0 && !access.models.includes(model))
      return 'Your key is confined to other models.'
    return null
  }
  return <Context value={{ access, refusal, hinders }}>{children}</Context>
}
