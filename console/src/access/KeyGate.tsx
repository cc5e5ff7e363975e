/** Where the server wants a key: asked for once, and kept in this tab. */
import { useState } from 'react'
import type { Refusal } from '../data/server.ts'
import { setKey, useKey } from '../data/server.ts'

export function KeyGate({ refusal }: { readonly refusal: Refusal }) {
  const sent = useKey()
  const [given, setGiven] = useState('')
  return (
    <form
      className="card gate"
      onSubmit={(event) => {
        event.preventDefault()
        if (given.trim() !== '') setKey(given.trim())
      }}
    >
      <h2>This server wants a key</h2>
      <p className="calm">
        An admin makes one with <code>sixfold key create</code>. It stays in this tab and is forgotten with it.
      </p>
      <label>
        <span>Key</span>
        <input
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={given}
          placeholder="sxk_…"
          aria-describedby="key-refused"
          onChange={({ target }) => setGiven(target.value)}
        />
      </label>
      <p id="key-refused" role="alert" className="refused">
        {sent === null ? '' : refusal.message}
      </p>
      <button type="submit" className="button primary" disabled={given.trim() === ''}>
        Continue
      </button>
    </form>
  )
}
