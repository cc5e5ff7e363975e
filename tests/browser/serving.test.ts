/** How a model is served, in a real browser before a real server: its pages hold what the server did, and whoever reads them can. */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumPath, launch, violations } from './chromium.ts'
import type { Flights } from './server.ts'
import { flights } from './server.ts'

const required = process.env['SIXFOLD_REQUIRE_ALL'] === '1'
const wide = { width: 1440, height: 1000 }
const narrow = { width: 390, height: 844 }
const pictureOf = (...parts: readonly string[]): string => `${parts.join('-').replace(/\W+/g, '_')}.png`
const soon = { timeout: 5_000, interval: 100 }
/** Where the pictures go of whoever wants to look at them. */
const pictures = process.env['PICTURES'] ?? null

describe.skipIf(chromiumPath === null && !required)('serving, in the console', () => {
  let browser: Browser
  let server: Flights
  let page: Page
  const complaints: string[] = []

  beforeAll(async () => {
    ;[server, browser] = await Promise.all([flights(), launch()])
    page = await open(wide, 'light')
  })
  afterAll(async () => {
    await browser?.close()
    await server?.dispose()
  })

  async function open(viewport: typeof wide, colorScheme: 'light' | 'dark'): Promise<Page> {
    const opened = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce' })
    opened.on('console', (message) => void complaints.push(`${message.type()}: ${message.text()}`))
    opened.on('pageerror', (error) => void complaints.push(error.message))
    return opened
  }
  const visit = async (hash: string, of: Page = page): Promise<void> => {
    await of.goto(`${server.url}/#${hash}`)
    await of.locator('.page-title').waitFor()
    await expect.poll(() => of.locator('main').textContent(), soon).not.toContain('Asking')
  }
  const row = (table: string, name: string) =>
    page
      .getByRole('table', { name: table })
      .getByRole('row')
      .filter({ has: page.getByRole('rowheader', { name, exact: true }) })

  test('before anything was asked, it says so and what to do', async () => {
    await visit('/models/late_linear/serving')
    const text = await page.locator('main').textContent()
    expect(text).toContain('No version is in production: the fallback answers.')
    expect(text).toContain('sixfold model add late_linear FILE.onnx --to production')
    expect(text).toContain('Nothing was degraded, and nothing was turned away.')
    expect(text).toContain('No prediction yet.')
    await visit('/models/nobody/serving')
    expect(await page.locator('main').textContent()).toContain("This server does not serve 'nobody'.")
  })

  let ids: readonly string[] = []
  test('the time of each stage stands beside its share of the budget, and the network is said not to be seen', async () => {
    ids = await server.predict('late', 40)
    await visit('/models/late/serving')
    const table = 'Stages of late against the budget, in milliseconds'
    await expect.poll(() => row(table, 'total').locator('td').nth(1).textContent(), soon).not.toBe('–')
    expect(await row(table, 'network in').locator('td').allTextContents()).toEqual(['10.0', 'not seen', 'not seen'])
    const [share, median, p99] = (await row(table, 'inference').locator('td').allTextContents()).map(Number)
    expect(share).toBe(40)
    expect(median).toBeGreaterThan(0)
    expect(p99).toBeGreaterThanOrEqual(median!)
    const strips = page.locator('.strip')
    expect(await strips.count()).toBe(3)
    expect(await strips.nth(0).locator('.stage-network-in, .stage-network-out, .stage-buffer').count()).toBe(3)
    // Drawn to scale: the model has 40 milliseconds, the features 15.
    const width = async (stage: string): Promise<number> => (await strips.nth(0).locator(stage).boundingBox())!.width
    expect((await width('.stage-inference')) / (await width('.stage-features'))).toBeCloseTo(40 / 15, 1)
  })

  test('calls are counted by their rows, and rows wait in the open', async () => {
    const version = page.getByRole('article', { name: 'Version 1 of late' })
    // Where that is depends on what calls cost this machine just then.
    expect(await version.textContent()).toMatch(/Computed (on|in) [a-z]/)
    expect(await version.textContent()).toContain('Answers')
    const calls = (await version.locator('.batches tbody .number').allTextContents()).map(Number)
    expect(calls.reduce((sum, n) => sum + n)).toBeGreaterThan(0)
    await expect.poll(() => page.getByRole('img', { name: 'Rows of late that wait and run' }).count(), soon).toBe(1)
  })

  test('what was degraded stands with its reason and what to do; the last such predictions come first', async () => {
    const [id] = await server.predict('late_linear', 3)
    await visit('/models/late_linear/serving')
    await expect
      .poll(
        () => row('What was degraded or turned away at late_linear, and what to do', 'inference').textContent(),
        soon,
      )
      .toContain('no versionThe fallback3100.0 %No version is in production. Promote one')
    const recent = page.getByRole('table', { name: 'The last predictions of late_linear' })
    await expect.poll(() => recent.getByRole('row').count(), soon).toBe(1 + 3)
    await recent.getByRole('link', { name: id! }).click()
    await page.getByRole('heading', { name: id! }).waitFor()
    await expect
      .poll(() => page.locator('main').textContent(), soon)
      .toContain('inference: rule, because of no version')
    await visit('/models/late_linear')
    const notice = page.locator('.notice', { hasText: 'degraded' })
    await expect
      .poll(() => notice.textContent(), soon)
      .toContain(
        '100.0 % of 3 predictions on this server were degraded, most in inference: rule, because of no version.',
      )
    await notice.getByRole('link').click()
    await page.getByRole('heading', { name: 'Serving' }).waitFor()
  })

  test('a prediction is found by its id: features with their ages, the vector, and where its time went', async () => {
    await visit('/models/late/serving')
    await page.getByLabel('Id of a prediction').fill(ids[0]!)
    await page.getByRole('button', { name: 'Inspect' }).click()
    await page.getByRole('heading', { name: ids[0]! }).waitFor()
    await expect.poll(() => page.getByRole('table', { name: 'Vector' }).getByRole('row').count(), soon).toBe(1 + 29)
    const keys = page.getByRole('table', { name: 'Keys' })
    expect(await keys.getByRole('row').filter({ hasText: 'carrier' }).textContent()).toBe('carrierUA')
    const asked = page.getByRole('table', { name: 'Request' }).getByRole('row')
    expect(await asked.filter({ hasText: 'scheduled_departure' }).textContent()).toBe(
      'scheduled_departure2013-06-01 13:00:00',
    )
    expect(await page.getByRole('region', { name: 'Features of airline', exact: true }).textContent()).toContain(
      'view airline_punctuality',
    )
    await page.getByRole('button', { name: 'Take the answer apart' }).click()
    const shares = page.getByRole('table', { name: 'What each entry added' }).getByRole('row')
    await expect.poll(() => shares.count(), soon).toBe(1 + 29)
    expect(await violations(page)).toEqual([])
    if (pictures !== null) await page.screenshot({ path: join(pictures, 'shares.png'), fullPage: true })
    const time = row('Stages of this prediction against the budget, in milliseconds', 'total')
    expect(Number(await time.locator('td').nth(1).textContent())).toBeGreaterThan(0)
    await visit('/predictions/late-nothing')
    await expect.poll(() => page.getByRole('alert').textContent(), soon).toContain('SX_')
  })

  test.each([
    ['wide, light', wide, 'light'],
    ['wide, dark', wide, 'dark'],
    ['narrow, light', narrow, 'light'],
    ['narrow, dark', narrow, 'dark'],
  ] as const)('%s: nothing overflows, and axe finds nothing', async (name, viewport, scheme) => {
    const other = await open(viewport, scheme)
    for (const hash of [
      '/models/late/serving',
      '/models/late_linear/serving',
      '/models/late_linear',
      `/predictions/${ids[0]}`,
    ]) {
      await visit(hash, other)
      if (hash !== '/models/late_linear') await other.locator('.waterfall').waitFor()
      const [width, room] = (await other.evaluate(
        '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
      )) as [number, number]
      expect(width, `${hash} is wider than its window`).toBeLessThanOrEqual(room)
      expect(await violations(other), hash).toEqual([])
      if (pictures !== null) await other.screenshot({ path: join(pictures, pictureOf(name, hash)), fullPage: true })
    }
    await other.close()
  })

  test('the pages complain of nothing', () => {
    expect(complaints.filter((one) => !one.includes('404'))).toEqual([])
  })
})
