/** What clients of several servers do, what was acknowledged to them, and what they saw that they should not have. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { linearModel } from '../tests/cli/onnx.ts'
import type { Random } from './random.ts'
import type { RunningServer } from './server.ts'
import { tell } from './server.ts'
import type { History, Payment, Spending, Windows } from './several-oracle.ts'
import { expected, historyAccounts } from './several-oracle.ts'

const own = Array.from({ length: 16 }, (_, i) => `account-${i}`)
/** Accounts that have a history and go on. */
const both = Array.from({ length: 16 }, (_, i) => `h-${i}`)
const accounts = [...own, ...both]

interface Answer {
  readonly status: number
  readonly body: { readonly [name: string]: unknown }
}

interface Pushed {
  readonly accepted: number
  readonly duplicates: number
  readonly covered: number
}

export class SeveralWork {
  half = 0
  /** Until when what was acknowledged may be missing, since Redis has lost it and the servers take it in again. */
  disturbed = 0
  readonly #servers: readonly (RunningServer | null)[]
  readonly #environment: NodeJS.ProcessEnv
  readonly #folder: string
  readonly #random: Random
  /** Until each step. */
  readonly #history: readonly ReadonlyMap<string, History>[]
  readonly #say: (text: string) => void
  /** By account, what was sent, and what was acknowledged. */
  readonly #sent = new Map<string, number>()
  readonly #pushed = new Map<string, Payment[]>()
  readonly #instants = new Set<number>()
  readonly #outcomes = new Map<string, boolean>()
  readonly #versions: AddedVersion[] = []
  /** Additions that broke off. */
  #unsure = 0
  #events = 0
  #reads = 0
  #conflicts = 0
  #nextPayment = 0
  #lost = 0
  #doubled = 0
  #said = 0
  #ended = false
  #loops: Promise<void>[] = []

  constructor(
    servers: readonly (RunningServer | null)[],
    environment: NodeJS.ProcessEnv,
    folder: string,
    random: Random,
    history: readonly ReadonlyMap<string, History>[],
    say: (text: string) => void,
  ) {
    this.#servers = servers
    this.#environment = environment
    this.#folder = folder
    this.#random = random
    this.#history = history
    this.#say = say
  }

  counts() {
    return {
      events: this.#events,
      outcomes: this.#outcomes.size,
      conflicts: this.#conflicts,
      versions: this.#versions.length,
      reads: this.#reads,
    }
  }

  begin(): void {
    for (let i = 0; i < 4; i++) this.#loops.push(this.#push())
    for (let i = 0; i < 3; i++) this.#loops.push(this.#tellOutcomes())
    for (let i = 0; i < 2; i++) this.#loops.push(this.#watchHistory(), this.#watchPushes(), this.#addVersions(i))
  }

  async end(): Promise<void> {
    this.#ended = true
    await Promise.all(this.#loops)
  }

  // --- pushes

  async #push(): Promise<void> {
    while (!this.#ended) {
      const payments = Array.from({ length: 1 + this.#random.below(40) }, () => this.#payment())
      for (const { account } of payments) this.#sent.set(account, (this.#sent.get(account) ?? 0) + 1)
      const answers: Pushed[] = []
      let unanswered = 0
      while (answers.length === 0) {
        const [one, other] = this.#two()
        const tries = this.#random.next() < 0.3 ? [one, other] : [one]
        for (const answer of await Promise.all(tries.map((i) => this.#sendEvents(i, payments))))
          if (answer === null) unanswered++
          else answers.push(answer)
        if (answers.length === 0) await sleep(50)
      }
      this.#events += payments.length
      for (const payment of payments)
        this.#pushed.set(payment.account, [...(this.#pushed.get(payment.account) ?? []), payment])
      // Whoever is not sure sends it again.
      if (this.#random.next() < 0.1) {
        const again = await this.#sendEvents(this.#two()[0], payments)
        if (again !== null) answers.push(again)
      }
      this.#checkAnswers(payments.length, answers, unanswered)
      await sleep(10)
    }
  }

  async #sendEvents(server: number, events: readonly Payment[]): Promise<Pushed | null> {
    const answer = await this.#send(server, '/v1/events/payments', { events })
    if (answer === null || answer.status >= 500) return null
    if (answer.status !== 200) throw new Error(`A push was refused: ${JSON.stringify(answer.body)}`)
    return answer.body as unknown as Pushed
  }

  /** Each event is accepted by one of the pushes that sent it, and a duplicate in all others. */
  #checkAnswers(events: number, answers: readonly Pushed[], unanswered: number): void {
    const accepted = answers.reduce((sum, answer) => sum + answer.accepted, 0)
    for (const answer of answers) {
      const { duplicates } = answer
      if (answer.accepted + duplicates !== events) this.#wrong('lost', 1, `answered ${JSON.stringify(answer)}`)
    }
    if (accepted > events) this.#wrong('doubled', accepted - events, `accepted ${accepted} of ${events} events`)
    if (unanswered === 0 && accepted < events)
      this.#wrong('lost', events - accepted, `accepted ${accepted} of ${events} events`)
  }

  #payment(): Payment {
    let at: number
    do at = Date.now() - this.#random.below(90 * 60_000)
    while (this.#instants.has(at))
    this.#instants.add(at)
    return {
      id: `p${this.#nextPayment++}`,
      account: accounts[this.#random.below(accounts.length)]!,
      amount: this.#random.below(1000) - 300,
      shop: `shop-${this.#random.below(40)}`,
      at: new Date(at).toISOString(),
    }
  }

  // --- outcomes

  async #tellOutcomes(): Promise<void> {
    while (!this.#ended) {
      await sleep(20)
      const [asked, one, other] = [this.#two()[0], ...this.#two()]
      const keys = { account: accounts[this.#random.below(accounts.length)]! }
      const answer = await this.#send(asked, '/v1/models/risky/predict', { keys })
      const id = answer?.status === 200 ? (answer.body['id'] as string | null) : null
      if (id === null) continue
      await sleep(30)
      const first = this.#random.next() < 0.5
      const second = this.#random.next() < 0.5
      const told = await Promise.all([this.#outcome(one, id, first), this.#outcome(other, id, second)])
      this.#checkOutcomes(id, [first, second], told)
    }
  }

  #checkOutcomes(id: string, values: readonly boolean[], told: readonly Told[]): void {
    const heard = told.filter(({ status }) => status === 200)
    // A prediction that a killed server had not written has no outcome to lose; but then nobody knows it.
    if (heard.length === 0 && told.every(({ status }) => status === 404)) return
    const agreed = told.findIndex(({ status }) => status === 200)
    if (agreed < 0) {
      this.#wrong('lost', 1, `of ${id} no outcome counts: ${JSON.stringify(told)}`)
      return
    }
    this.#outcomes.set(id, values[agreed]!)
    const same = values[0] === values[1]
    if (!same) this.#conflicts++
    const wanted = same ? 2 : 1
    const others = told.filter(({ status }) => status === (same ? 200 : 409)).length
    if (heard.length !== wanted || (!same && others !== 1))
      this.#wrong(heard.length > wanted ? 'doubled' : 'lost', 1, `${id}, ${values}: ${JSON.stringify(told)}`)
    const accepted = heard.reduce((sum, one) => sum + one.accepted, 0)
    const unanswered = told.some((one) => one.unanswered > 0)
    if (accepted > 1) this.#wrong('doubled', 1, `${id} was accepted twice`)
    if (accepted < 1 && !unanswered) this.#wrong('lost', 1, `${id} was never accepted: ${JSON.stringify(told)}`)
    if (heard.some((one) => one.accepted + one.duplicates !== 1))
      this.#wrong('lost', 1, `${id} was answered with ${JSON.stringify(told)}`)
  }

  /** Until it is known what became of it; by another server where this one does not answer. */
  async #outcome(first: number, id: string, risky: boolean): Promise<Told> {
    let server = first
    let unanswered = 0
    for (let unknown = 0; ; ) {
      const answer = await this.#send(server, '/v1/outcomes', { id, outcome: { risky } })
      if (answer !== null && answer.status === 404 && unknown++ < 5) await sleep(200)
      else if (answer !== null && answer.status < 500) {
        const { accepted = 0, duplicates = 0 } = answer.body as { accepted?: number; duplicates?: number }
        return { status: answer.status, accepted, duplicates, unanswered }
      } else {
        unanswered++
        server = this.#two()[0]
        await sleep(50)
      }
    }
  }

  // --- versions

  async #addVersions(process: number): Promise<void> {
    const path = join(this.#folder, `risky-${process}.onnx`)
    for (let next = 0; !this.#ended; next++) {
      // No two files are the same.
      writeFileSync(path, linearModel('risky', [0, 0], 0.1 + 0.001 * (2 * next + process)))
      const began = performance.now()
      for (let added = false; !added; ) {
        const { ended, said } = await tell(null, this.#environment, 'model', 'add', 'risky', path)
        added = ended === 'well'
        if (!added) {
          // It may have been registered before it broke off; what is told again gets another number where somebody else's came between.
          this.#unsure++
          await sleep(100)
          continue
        }
        const { version } = (JSON.parse(said) as { version: { version: number } }).version
        this.#versions.push({ version, began, ended: performance.now() })
      }
      await sleep(2_000)
    }
  }

  // --- readers

  /** Of an account without pushes: what it was until one of the steps. */
  async #watchHistory(): Promise<void> {
    while (!this.#ended) {
      await sleep(2)
      const account = `h-${both.length + this.#random.below(historyAccounts - both.length)}`
      const seen = await this.#read(this.#two()[0], account)
      if (seen === null) continue
      const fits = this.#history.some((history) => same(seen, expected(history.get(account), [], Date.now())))
      if (fits) continue
      this.half++
      if (this.half < 10) this.#say(`half: ${account} has ${JSON.stringify(seen)}`)
    }
  }

  /** What was acknowledged before is there, and nothing that was not sent. */
  async #watchPushes(): Promise<void> {
    while (!this.#ended) {
      await sleep(2)
      const account = accounts[this.#random.below(accounts.length)]!
      const calm = performance.now() > this.disturbed
      const atLeast = (this.#history[0]!.get(account)?.payments ?? 0) + (this.#pushed.get(account)?.length ?? 0)
      const seen = await this.#read(this.#two()[0], account)
      if (seen === null) continue
      const atMost = (this.#history.at(-1)!.get(account)?.payments ?? 0) + (this.#sent.get(account) ?? 0)
      if ((!calm || performance.now() < this.disturbed || seen.payments >= atLeast) && seen.payments <= atMost) continue
      this.half++
      if (this.half < 10)
        this.#say(`half: ${account} has ${seen.payments} payments, of at least ${atLeast} and at most ${atMost}`)
    }
  }

  async #read(server: number, account: string, at?: string): Promise<Spending | null> {
    const answer = await this.#send(server, '/v1/views/spending/read', { keys: { account }, at })
    if (answer === null || answer.status !== 200) return null
    this.#reads++
    return answer.body['features'] as unknown as Spending
  }

  // --- the end

  async compare(): Promise<{ lost: number; doubled: number; checked: number }> {
    // Each server takes in what others did within a second or two.
    await sleep(3_000)
    const at = Date.now()
    for (const i of this.#servers.keys()) {
      for (let h = 0; h < historyAccounts; h++) await this.#compareAccount(i, `h-${h}`, at)
      for (const account of own) await this.#compareAccount(i, account, at)
    }
    await this.#compareFigures()
    for (const [id, risky] of this.#outcomes) {
      const [server] = this.#two()
      const answer = await this.#get(server, `/v1/predictions/${id}`)
      const found = (answer['outcome'] as { values: { risky: boolean } } | null)?.values.risky
      if (found !== risky) this.#wrong('lost', 1, `server ${server}: the outcome of ${id} is ${found}, not ${risky}`)
    }
    return {
      lost: this.#lost,
      doubled: this.#doubled,
      checked: this.#events + this.#outcomes.size + this.#versions.length + this.#servers.length * historyAccounts,
    }
  }

  async #compareAccount(server: number, account: string, at: number): Promise<void> {
    const wanted = expected(this.#history.at(-1)!.get(account), this.#pushed.get(account) ?? [], at)
    let seen = await this.#read(server, account, new Date(at).toISOString())
    // A read gives up soon where the machine is busy; then it is asked again.
    for (let i = 0; seen === null && i < 20; i++) {
      await sleep(100)
      seen = await this.#read(server, account, new Date(at).toISOString())
    }
    const missing = wanted.payments - (seen?.payments ?? 0)
    const what = `server ${server}, ${account}: ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`
    if (missing < 0) this.#wrong('doubled', -missing, what)
    else if (missing > 0 || !same(seen!, wanted)) this.#wrong('lost', Math.max(1, missing), what)
  }

  async #compareFigures(): Promise<void> {
    const versions = this.#versions.map(({ version }) => version).sort((a, b) => a - b)
    if (new Set(versions).size < versions.length) this.#wrong('doubled', 1, `versions ${versions}`)
    if (versions.at(-1)! - versions.length > this.#unsure)
      this.#wrong('lost', 1, `versions ${versions}, and ${this.#unsure} of which nobody was told`)
    const { list } = (await this.#get(0, '/v1/registry/models/risky')) as unknown as {
      readonly list: readonly { readonly version: number }[]
    }
    for (const version of versions)
      if (!list.some((one) => one.version === version)) this.#wrong('lost', 1, `version ${version} is not there`)
    // Of versions that were added at the same time either may have come into force last.
    const latest = Math.max(...this.#versions.map(({ began }) => began))
    const last = this.#versions.filter(({ ended }) => ended >= latest).map(({ version }) => String(version))
    const all: string[] = []
    const answering = new Set<string>()
    for (const i of this.#servers.keys()) {
      const status = (await this.#get(i, '/v1/status')) as unknown as {
        models: readonly { version: string; quality: { outcomes: number } }[]
      }
      const { version, quality } = status.models[0]!
      answering.add(version)
      if (!last.includes(version))
        this.#wrong('lost', 1, `server ${i} answers with version ${version}, where ${last.join(' or ')} came last`)
      const missing = this.#outcomes.size - quality.outcomes
      if (missing !== 0)
        this.#wrong(
          missing > 0 ? 'lost' : 'doubled',
          Math.abs(missing),
          `server ${i} counts ${quality.outcomes} outcomes of ${this.#outcomes.size}`,
        )
      // Sums of fractions depend on their order, which is one within a partition only.
      all.push(
        JSON.stringify(quality, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(9)) : value)),
      )
    }
    if (answering.size !== 1) this.#wrong('lost', 1, `versions ${[...answering].join(' and ')} answer`)
    if (new Set(all).size !== 1) this.#wrong('lost', 1, `figures differ: ${all.join(' ')}`)
  }

  #wrong(what: 'lost' | 'doubled', count: number, why: string): void {
    if (what === 'lost') this.#lost += count
    else this.#doubled += count
    if (this.#said++ < 100) this.#say(`${what} ${count}: ${why}`)
  }

  // --- servers

  #two(): readonly [number, number] {
    const one = this.#random.below(this.#servers.length)
    return [one, (one + 1 + this.#random.below(this.#servers.length - 1)) % this.#servers.length]
  }

  /** Null where no answer came. */
  async #send(server: number, path: string, body: unknown): Promise<Answer | null> {
    const url = this.#servers[server]?.url
    if (url === undefined) return null
    try {
      const response = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      })
      return { status: response.status, body: (await response.json()) as Answer['body'] }
    } catch {
      return null
    }
  }

  async #get(server: number, path: string): Promise<Answer['body']> {
    return (await (await fetch(`${this.#servers[server]!.url}${path}`)).json()) as Answer['body']
  }
}

/** When its addition began and was acknowledged, by the clock of this process. */
interface AddedVersion {
  readonly version: number
  readonly began: number
  readonly ended: number
}

interface Told {
  readonly status: number
  readonly accepted: number
  readonly duplicates: number
  readonly unanswered: number
}

/** History alone has nothing in its windows, which end today. */
const same = (seen: Spending & Partial<Windows>, wanted: Spending & Windows): boolean =>
  (Object.keys(wanted) as (keyof typeof wanted)[]).every((name) => seen[name] === wanted[name])
