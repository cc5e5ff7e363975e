import { expect, test } from 'vitest'
import { atEndOfTurn } from './turn.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what a turn leads to is done after it, before the next begins', async () => {
  const done: string[] = []
  atEndOfTurn(() => {
    done.push('a')
    atEndOfTurn(() => done.push('c'))
  })
  atEndOfTurn(() => done.push('b'))
  setImmediate(() => done.push('next'))
  expect(done).toEqual([])
  await nextTurn()
  expect(done).toEqual(['a', 'b', 'c', 'next'])
})

test('what throws keeps nobody else from their turn', async () => {
  const done: string[] = []
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
  const listeners = process.listeners('uncaughtException')
  for (const listener of listeners.slice(0, -1)) process.off('uncaughtException', listener)
  atEndOfTurn(() => {
    throw new Error('mine')
  })
  atEndOfTurn(() => done.push('other'))
  expect(await thrown).toMatchObject({ message: 'mine' })
  for (const listener of listeners.slice(0, -1)) process.on('uncaughtException', listener)
  await nextTurn()
  await nextTurn()
  expect(done).toEqual(['other'])
})
