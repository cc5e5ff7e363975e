/** How benchmarks count. */
import { describe, expect, it } from 'vitest'
import { equal, interleave, median, random, ratios } from '../../benchmarks/measure.ts'
import { lineOf, table } from '../../benchmarks/report.ts'

describe('measuring', () => {
  it('takes the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
  })

  it('turns ratios so that more is better', () => {
    expect(ratios([1, 2], [2, 2], 'less')).toEqual([2, 1])
    expect(ratios([100], [50], 'more')).toEqual([2])
  })

  it('lets the sides take turns, the order turning about', async () => {
    const order: string[] = []
    const side = (name: string) => () => {
      order.push(name)
      return order.length
    }
    const values = await interleave(3, { a: side('a'), b: side('b') })
    expect(order.join('')).toBe('abbaab')
    expect(values).toEqual({ a: [1, 4, 5], b: [2, 3, 6] })
  })

  it('ends a benchmark whose sides disagree', () => {
    expect(() => equal('rows', 1, 2)).toThrow('rows: ours is 1, theirs is 2.')
    expect(() => equal('rows', 'a', 'a')).not.toThrow()
  })

  it('gives the same numbers for the same seed, and different ones for another', () => {
    const draw = (seed: number): string => {
      const dice = random(seed)
      return Array.from({ length: 8 }, () => dice.below(1_000)).join()
    }
    expect(draw(1)).toBe(draw(1))
    expect(draw(1)).not.toBe(draw(2))
  })
})

describe('reporting', () => {
  const measure = {
    name: 'x',
    unit: 's',
    better: 'less',
    ours: [2, 2.5, 2],
    peer: 'them',
    floorIs: 'light',
    wanted: { ratio: 2, ofFloor: 0.9 },
  } as const

  it('says of both sides what they are', () => {
    const full = { ...measure, theirs: [4, 5, 4], floor: [1, 1, 1] }
    expect(lineOf(full)).toEqual({
      name: 'x',
      unit: 's',
      ours: 2,
      theirs: 4,
      peer: 'them',
      ratio: 2,
      floor: 1,
      of_floor: 0.5,
    })
    const text = table({ measures: [full], notes: ['a fact'] })
    expect(text).toContain('ratio 2 (2 to 2), aim ≥ 2: met')
    expect(text).toContain('aim ≥ 0.9: NOT met')
    expect(text).toContain('- a fact')
  })

  it('says so where a peer was not measured', () => {
    const alone = { ...measure, theirs: null, floor: null }
    expect(lineOf(alone)).toMatchObject({ theirs: null, ratio: null, floor: null, of_floor: null })
    expect(table({ measures: [alone], notes: [] })).toContain('not measured')
  })
})
