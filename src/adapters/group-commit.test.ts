import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { GroupCommit } from './group-commit.ts'

function buffer(writeMs: number) {
  const written: number[][] = []
  let waiting: number[] = []
  let underWay = 0
  const commit = new GroupCommit(() => {
    if (waiting.length === 0) return null
    const batch = waiting
    waiting = []
    return (async () => {
      expect(++underWay).toBe(1)
      await sleep(writeMs)
      underWay--
      written.push(batch)
    })()
  })
  const append = (value: number, withinMs = 0): void => {
    waiting.push(value)
    commit.within(withinMs)
  }
  return { written, append, commit }
}

test('what one turn appends goes together, and so does what comes while it is written', async () => {
  const { written, append, commit } = buffer(30)
  append(1)
  append(2)
  await Promise.resolve().then(() => append(3))
  await sleep(10)
  append(4)
  append(5, 10_000)
  await commit.running
  expect(written).toEqual([
    [1, 2, 3],
    [4, 5],
  ])
  expect(commit.running).toBeNull()
})

test('what may wait goes with what may not, else when its time is up', async () => {
  const { written, append, commit } = buffer(0)
  append(1, 10_000)
  append(2)
  await commit.running
  append(3, 100)
  append(4, 100)
  await sleep(40)
  expect(written).toEqual([[1, 2]])
  await expect
    .poll(() => written)
    .toEqual([
      [1, 2],
      [3, 4],
    ])
})

test('nothing is left behind, whenever it comes', async () => {
  const { written, append, commit } = buffer(0)
  for (let i = 0; i < 300; i++) {
    append(i)
    // A few steps later, also in the very step in which the write before it ends.
    for (let step = 0; step < i % 7; step++) await (step % 3 === 0 ? new Promise(setImmediate) : null)
    if (i % 11 === 0) void commit.running?.then(() => append(1_000 + i))
  }
  await expect.poll(() => written.flat().length).toBe(300 + 28)
})

test('what is forgotten is written with what comes next', async () => {
  const { written, append, commit } = buffer(0)
  append(1, 10)
  commit.forget()
  await sleep(50)
  expect(written).toEqual([])
  append(2)
  await commit.running
  expect(written).toEqual([[1, 2]])
})
