/** The laws of partitions: each is done by one, whoever had it before changes nothing, and what was tried is counted. */
import type { TakenPartition } from '../ports/batch-store.ts'
import type { inOpened } from './batch-store-tools.ts'
import { long, newRun, outputOf, parts, runOut, scoring, sha, taking } from './batch-store-tools.ts'
import type { ContractCase } from './contract.ts'
import { check, equal, rejects } from './contract.ts'

const error = { code: 'SX_X', message: 'broken' }

export function partitionCases({ named, beside }: ReturnType<typeof inOpened>): readonly ContractCase[] {
  return [
    beside('gives each partition to one of many workers, the first first', async (store, other) => {
      const { run } = await scoring(store, parts(60))
      const first = await taking(store, run.id)
      equal(
        [first.index, first.rows, first.input, first.state, first.attempts, first.holder],
        [0, 10, { part: 0 }, 'running', 1, 'worker'],
        'the first',
      )
      const taken: number[] = [first.index]
      const tokens: number[] = [first.lease.token]
      const work = async (worker: number): Promise<void> => {
        const own = worker % 2 === 0 ? store : other
        for (;;) {
          const partition = await own.take(run.id, `worker ${worker}`, long)
          if (partition === null) return
          taken.push(partition.index)
          tokens.push(partition.lease.token)
          if (worker % 3 === 0)
            check(await own.finish(run.id, partition, outputOf(`${partition.index}`)), 'it is not finished')
        }
      }
      await Promise.all(Array.from({ length: 12 }, (_, worker) => work(worker)))
      equal(
        taken.toSorted((a, b) => a - b),
        Array.from({ length: 60 }, (_, index) => index),
        'partitions that were taken',
      )
      equal(new Set(tokens).size, 60, 'tokens')
    }),

    beside('says who works on a run', async (store, other) => {
      const { run, lease } = await scoring(store, parts(20))
      await scoring(store, parts(1))
      const taken = [await taking(store, run.id, long, 'a')]
      for (let index = 1; index < 11; index += 1) taken.push(await taking(other, run.id, long, 'b'))
      await store.take(run.id, 'dead', 1, 19)
      await runOut(1)
      await store.release(taken[3]!.lease)
      const workers = await other.workers(run.id)
      equal(
        workers.map(({ holder, partition }) => `${holder} ${partition}`),
        ['worker null', 'a 0', 'b 1', 'b 2', 'b 4', 'b 5', 'b 6', 'b 7', 'b 8', 'b 9', 'b 10'],
        'who works on what',
      )
      check(
        workers.every(({ leftMs }) => leftMs > long / 2 && leftMs <= long),
        'not for how long',
      )
      await store.release(lease)
      equal((await store.workers(run.id))[0]?.partition, 0, 'whoever has the run itself')
      equal(await store.workers('none'), [], 'who works on no run')
    }),

    named('gives none of a run that is not scoring', async (store) => {
      const planning = await store.begin(newRun())
      equal(await store.take(planning.id, 'worker', long), null, 'of one that is being planned')
      const { run, lease } = await scoring(store, parts(2))
      await taking(store, run.id)
      await store.advance(run.id, lease, 'scoring', 'cancelled', {})
      equal(await store.take(run.id, 'worker', long), null, 'of one that was cancelled')
    }),

    named('gives the one that is asked for, or none', async (store) => {
      const { run } = await scoring(store, parts(4))
      const two = await store.take(run.id, 'worker', 1, 2)
      equal([two?.index, two?.attempts], [2, 1], 'the one asked for')
      const [, three] = [await taking(store, run.id), await store.take(run.id, 'worker', long, 3)]
      equal(three?.index, 3, 'another')
      for (const not of [3, 0, 9, -1]) equal(await store.take(run.id, 'worker', long, not), null, `partition ${not}`)
      await runOut(1)
      equal((await store.take(run.id, 'worker', long, 2))?.attempts, 2, 'the attempt of one whose lease ran out')
      equal((await store.take(run.id, 'worker', long))?.index, 1, 'what is left')
    }),

    beside('takes over what its holder left, who changes nothing any more', async (store, other) => {
      const { run } = await scoring(store, parts(2))
      const dead = await taking(store, run.id, 20, 'dead')
      equal((await taking(other, run.id)).index, 1, 'what is left while the first is had')
      equal(await other.take(run.id, 'heir', long), null, 'what is left then')
      await runOut(20)
      const heir = await taking(other, run.id, long, 'heir')
      equal([heir.index, heir.attempts, heir.holder], [0, 2, 'heir'], 'what is taken over')
      check(heir.lease.token > dead.lease.token, 'its token is no greater')
      const before = await store.partitions(run.id)
      equal(await store.renew(dead.lease, long), false, 'who lost it renews')
      equal(await store.finish(run.id, dead, outputOf('dead')), false, 'who lost it finishes')
      equal(await store.fail(run.id, dead, error, true), false, 'who lost it fails')
      await store.release(dead.lease)
      equal(await store.partitions(run.id), before, 'partitions')
      check(!(await other.lease(heir.lease.name, 'third', long)), 'what is had is given to a third')
      check(await other.finish(run.id, heir, outputOf('heir')), 'whoever has it cannot finish')
      equal(await store.finish(run.id, dead, outputOf('dead')), false, 'who lost it finishes after that')
      equal((await store.partitions(run.id))[0]?.output, outputOf('heir'), 'the output')
    }),

    named('lets whoever was late finish, where nobody took it over', async (store) => {
      const { run } = await scoring(store, parts(1))
      const late = await taking(store, run.id, 1)
      await runOut(1)
      check(await store.renew(late.lease, 1), 'what nobody took is not renewed')
      await runOut(1)
      check(await store.finish(run.id, late, outputOf('late')), 'what nobody took is not finished')
    }),

    beside('lets whoever had it last say what became of it, also after giving it back', async (store, other) => {
      const { run } = await scoring(store, parts(2))
      const [one, two] = [await taking(store, run.id), await taking(store, run.id)]
      for (const { lease } of [one, two]) await store.release(lease)
      check(await store.fail(run.id, one, error, true), 'what nobody took since does not fail')
      // What was given back can be taken at once.
      const heir = await taking(other, run.id)
      equal([heir.index, heir.attempts], [1, 2], 'what is taken')
      equal(await store.fail(run.id, two, error, true), false, 'who gave it back fails what another has')
      check(await other.finish(run.id, heir, outputOf('heir')), 'whoever has it cannot finish')
      equal(
        (await store.partitions(run.id)).map(({ state }) => state),
        ['failed', 'done'],
        'states',
      )
    }),

    named('writes down what was done, and answers the same when asked again', async (store) => {
      const { run } = await scoring(store, parts(3))
      const taken = await taking(store, run.id)
      for (let time = 0; time < 2; time += 1) check(await store.finish(run.id, taken, outputOf('a')), 'not finished')
      equal(await store.finish(run.id, taken, outputOf('b')), false, 'another output')
      equal(await store.fail(run.id, taken, error, false), false, 'that it failed after all')
      await store.release(taken.lease)
      const [done, next] = await store.partitions(run.id)
      equal(
        [done!.state, done!.output, done!.error, done!.attempts, done!.holder],
        ['done', outputOf('a'), null, 1, 'worker'],
        'the one that is done',
      )
      check(done!.beganAt !== null && done!.endedAt !== null && done!.endedAt >= done!.beganAt, 'not when it was done')
      equal([next!.state, next!.output, next!.beganAt], ['pending', null, null], 'the one that waits')
      const other = await taking(store, run.id)
      equal(await store.finish(run.id, { ...other, index: 2 }, outputOf('c')), false, 'under the lease of another')
      equal(await store.finish('none', other, outputOf('c')), false, 'of a run that is not there')
    }),

    named('counts attempts, and tries again until a failure is final', async (store) => {
      const { run } = await scoring(store, parts(2))
      const failing = async (final: boolean): Promise<TakenPartition> => {
        const taken = await taking(store, run.id)
        // Asked for twice, it failed once.
        for (let time = 0; time < 2; time += 1) check(await store.fail(run.id, taken, error, final), 'it does not fail')
        await store.release(taken.lease)
        return taken
      }
      for (const attempts of [1, 2]) {
        const { index, attempts: tried, error: why } = await failing(false)
        equal([index, tried, why], [0, attempts, attempts === 1 ? null : error], 'what is tried')
        const [state] = await store.partitions(run.id)
        equal([state?.state, state?.error, state?.attempts], ['pending', error, attempts], 'what failed')
      }
      equal((await failing(true)).attempts, 3, 'the last attempt')
      equal(
        (await store.partitions(run.id)).map(({ state }) => state),
        ['failed', 'pending'],
        'states',
      )
      equal((await taking(store, run.id)).index, 1, 'what is taken after a final failure')
      equal(await store.take(run.id, 'worker', long), null, 'what is taken then')
    }),

    named('lets what failed wait again when asked, its attempts forgotten', async (store) => {
      const { run, lease } = await scoring(store, parts(3))
      const [one, two] = [await taking(store, run.id), await taking(store, run.id)]
      await store.finish(run.id, one, outputOf('one'))
      await store.fail(run.id, two, error, true)
      equal((await store.again(run.id)).state, 'scoring', 'a run that was not given up')
      const three = await taking(store, run.id)
      equal([three.index, three.attempts, three.error], [1, 1, null], 'what is taken again')
      await store.fail(run.id, three, error, true)
      await store.advance(run.id, lease, 'scoring', 'failed', { error })
      const resumed = await store.again(run.id)
      equal([resumed.state, resumed.error, resumed.version], ['scoring', null, run.version], 'the run')
      equal(
        (await store.partitions(run.id)).map(({ state, attempts }) => `${state} ${attempts}`),
        ['done 1', 'pending 0', 'pending 0'],
        'partitions',
      )
      equal(await store.again(run.id), resumed, 'asked for again')
      const bare = await store.begin(newRun())
      const own = (await store.lease(`run/${bare.id}`, 'worker', long))!
      for (const state of ['failed', 'cancelled'] as const) {
        check(await store.advance(bare.id, own, 'planning', state, { error }), 'it is not moved')
        equal((await store.again(bare.id)).state, 'planning', `a run without partitions that was ${state}`)
      }
    }),

    named('does not begin to refer to what is being collected', async (store, { registry }) => {
      const { run } = await scoring(store, parts(1))
      const taken = await taking(store, run.id)
      const output = outputOf('a')
      equal(await registry.condemn([output.profile], Date.parse('2020-01-01')), [output.profile], 'condemned')
      const refused = await rejects(store.finish(run.id, taken, output), 'SX_ARTIFACT_CONDEMNED')
      equal(refused.details?.['artifacts'], [output.profile], 'what is condemned')
      equal([...(await registry.references())].includes(output.sha256), false, 'whether the other is referred to')
      equal((await store.partitions(run.id))[0]?.state, 'running', 'the partition')
      await registry.spare([output.profile], Date.parse('2021-01-01'))
      check(await store.finish(run.id, taken, output), 'it is not finished')
      const condemned = [output.profile, output.sha256, sha('model'), sha('free')]
      equal(await registry.condemn(condemned, 1), [sha('free')], 'what can be condemned')
    }),
  ]
}
