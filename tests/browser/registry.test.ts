/**
 * The registry in the console, in a real browser before a real server: one visit, from the list of models to a promotion, a conflict, a roll
 * back and where it all stands written.
 */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumPath, launch, violations } from './chromium.ts'
import type { Flights } from './server.ts'
import { flights } from './server.ts'

const required = process.env['SIXFOLD_REQUIRE_ALL'] === '1'
const wide = { width: 1440, height: 900 }
const soon = { timeout: 10_000, interval: 100 }

describe.skipIf(chromiumPath === null && !required)('the registry in the console', () => {
  let browser: Browser
  let server: Flights
  let page: Page
  /** Whatever the page complains of, refuses to load, or loads from elsewhere; what a test provokes it takes out again. */
  const complaints: string[] = []

  beforeAll(async () => {
    ;[server, browser] = await Promise.all([
      flights({
        versions: [
          { to: 'staging', note: 'with what it was trained on', facts: { data: trainingData(221_034) } },
          { to: 'staging', facts: { data: trainingData(230_000) } },
          { to: 'registered', facts: {} },
        ],
      }),
      launch(),
    ])
    page = await open('#/models')
  })
  afterAll(async () => {
    await browser?.close()
    await server?.dispose()
  })

  const trainingData = (rows: number) => ({
    pointer: 'labels.parquet',
    hash: 'f'.repeat(64),
    rows,
    from: Date.parse('2013-01-01T00:00:00Z'),
    to: Date.parse('2013-06-01T00:00:00Z'),
    query: 'SELECT *\nFROM labels',
    artifact: null,
  })
  async function open(hash: string, viewport = wide, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const opened = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce' })
    opened.on('console', (message) => void complaints.push(`${message.type()}: ${message.text()}`))
    opened.on('pageerror', (error) => void complaints.push(error.message))
    opened.on('request', (request) => {
      if (!/^(data|blob|about):/.test(request.url()) && !request.url().startsWith(server.url))
        complaints.push(`elsewhere: ${request.url()}`)
    })
    await opened.addInitScript(`
      shifted = 0
      new PerformanceObserver((list) => { for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) shifted += value })
        .observe({ type: 'layout-shift', buffered: true })
      addEventListener('securitypolicyviolation', ({ violatedDirective }) => console.error('policy: ' + violatedDirective))
    `)
    await opened.goto(`${server.url}/${hash}`)
    await opened.locator('.page-head h2, .node, .gate').first().waitFor()
    return opened
  }
  const heading = (name: string) => page.getByRole('heading', { level: 2, name, exact: true })
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' })
  const dialog = () => page.getByRole('dialog')
  const goTo = async (hash: string, title: string): Promise<void> => {
    await page.goto(`${server.url}/${hash}`)
    await heading(title).waitFor()
  }
  const inProduction = async (): Promise<number | null> =>
    ((await server.get('/v1/registry/models/late')) as { readonly production: number | null }).production

  test('models: what each has in staging and production, and what is to be looked at', async () => {
    const row = (name: string) => page.getByRole('row', { name: new RegExp(`^${name}\\b`) })
    await row('late_linear').waitFor()
    expect(await row('late').first().getByRole('cell').allTextContents()).toEqual(
      expect.arrayContaining(['4', '32', '1']),
    )
    expect(await row('late_linear').textContent()).toContain('No version: the fallback answers')
    await page.getByRole('searchbox', { name: 'Search by name' }).fill('LINEAR')
    await expect.poll(() => page.locator('tbody tr').count(), soon).toBe(1)
    await page.getByRole('searchbox', { name: 'Search by name' }).fill('nothing like it')
    await expect.poll(() => page.locator('main').textContent(), soon).toContain('No name holds')
    await page.getByRole('searchbox', { name: 'Search by name' }).fill('')
    expect(await violations(page)).toEqual([])
  })

  test('a model, by keyboard: where its versions stand, what each gate asks, and all versions', async () => {
    const link = page.getByRole('link', { name: 'late', exact: true })
    await link.focus()
    await page.keyboard.press('Enter')
    await heading('late').waitFor()
    expect(await page.evaluate('document.activeElement.textContent')).toBe('late')
    const stop = (name: string) => page.locator('.rail-stop', { has: page.getByRole('heading', { name }) })
    await expect.poll(() => stop('Production').locator('.rail-versions').textContent(), soon).toBe('1')
    expect(await stop('Staging').locator('.rail-versions a').allTextContents()).toEqual(['3', '2'])
    expect(await stop('Validated').locator('.asks').textContent()).toContain('process of its own')
    const versions = page.getByRole('table', { name: 'Versions of late, newest first' })
    expect(await versions.locator('tbody th').allTextContents()).toEqual(['4', '3', '2', '1'])
    await page.getByRole('searchbox', { name: 'Search in the versions' }).fill('trained on')
    await expect.poll(() => versions.locator('tbody tr').count(), soon).toBe(1)
    await page.getByRole('searchbox', { name: 'Search in the versions' }).fill('')
    expect(await page.locator('.periods li').count()).toBe(1)
    expect(await violations(page)).toEqual([])
  })

  test('two versions are chosen and compared, fact by fact', async () => {
    await page.getByRole('checkbox', { name: 'Compare version 1' }).check()
    await page.getByRole('checkbox', { name: 'Compare version 2' }).check()
    await button('Compare 1 with 2').click()
    await heading('Version 1 and version 2').waitFor()
    const fact = (name: string) => page.getByRole('region', { name, exact: true })
    await expect.poll(() => fact('Training data').textContent(), soon).toContain('221034')
    expect(await fact('Training data').textContent()).toContain('2013-06-01 00:00:00')
    expect(await fact('Artifact').textContent()).toContain('equal')
    await button('Swap').click()
    await heading('Version 2 and version 1').waitFor()
    expect(await violations(page)).toEqual([])
  })

  test('a version: seven facts with what is missing named, evidence, files and history', async () => {
    await goTo('#/models/late/versions/1', 'Version 1')
    const facts = page.locator('.fact')
    await expect.poll(() => facts.count(), soon).toBe(7)
    const fact = (name: string) => page.getByRole('article', { name, exact: true })
    expect(await fact('Artifact').textContent()).toMatch(/[0-9a-f]{64}/)
    expect(await fact('Feature schema').textContent()).toContain('29 entries')
    expect(await fact('Training data').textContent()).toContain('Nobody recorded it.')
    expect(await fact('Dependencies').textContent()).toContain('Missing: packages')
    const checks = page.getByRole('list', { name: 'Checks' }).getByRole('listitem')
    expect((await checks.allTextContents()).join()).toContain('It loads, in a process of its own')
    expect(await page.getByRole('region', { name: 'Files', exact: true }).textContent()).toContain('model.onnx')
    expect(await page.locator('.history li').first().textContent()).toContain('staging → production')
    await page.evaluate(`document.querySelectorAll('details').forEach((details) => { details.open = true })`)
    expect(await violations(page)).toEqual([])
  })

  test('the model card is shown in a frame that may do nothing', async () => {
    await page.getByRole('link', { name: 'Model card' }).click()
    await heading('Model card').waitFor()
    const frame = page.locator('iframe.model-card')
    await frame.waitFor()
    expect(await frame.getAttribute('sandbox')).toBe('')
    expect(await frame.getAttribute('srcdoc')).toContain('late')
    expect(await page.frameLocator('iframe.model-card').locator('h1').first().textContent()).toContain('late')
  })

  test('before it is promoted it is said exactly what happens; a reason is asked for, and it happens', async () => {
    await goTo('#/models/late/versions/2', 'Version 2')
    await button('Promote to production …').click()
    await dialog().waitFor()
    await expect.poll(() => dialog().textContent(), soon).toContain('Version 1 no longer answers')
    expect(await dialog().textContent()).toContain('Version 2 answers every prediction of')
    expect(await dialog().getByRole('list', { name: 'Preconditions' }).getByRole('listitem').count()).toBeGreaterThan(3)
    expect(await violations(page)).toEqual([])

    const promote = dialog().getByRole('button', { name: 'Promote to production' })
    expect(await promote.getAttribute('aria-disabled')).toBe('true')
    await promote.click({ force: true })
    expect(await inProduction()).toBe(1)
    await page.keyboard.press('Escape')
    await expect.poll(() => dialog().count(), soon).toBe(0)
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Promote to production …')

    await button('Promote to production …').click()
    await dialog().getByRole('textbox').fill('better on rainy days')
    await expect.poll(() => promote.getAttribute('aria-disabled'), soon).toBe('false')
    await promote.click()
    await expect.poll(() => dialog().count(), soon).toBe(0)
    await expect.poll(inProduction, soon).toBe(2)
    const rail = page.locator('.rail-stop[aria-current="step"]')
    await expect.poll(() => rail.textContent(), soon).toContain('better on rainy days')
  })

  test('what somebody else changed meanwhile is told plainly, and nothing is done', async () => {
    await goTo('#/models/late/versions/3', 'Version 3')
    await button('Promote to production …').click()
    await expect.poll(() => dialog().textContent(), soon).toContain('Version 2 no longer answers')
    // What was shown stays on the page, while another goes back to version 1.
    await page.route('**/consider?*', (route) => route.abort())
    await server.post('/v1/registry/models/late/rollback', { to: 1, reason: 'by another' })
    await dialog().getByRole('textbox').fill('mine')
    await dialog().getByRole('button', { name: 'Promote to production' }).click()
    await expect.poll(() => dialog().getByRole('alert').first().textContent(), soon).toContain('SX_REGISTRY_CONFLICT')
    expect(await dialog().textContent()).toContain('Somebody else was first')
    expect(await inProduction()).toBe(1)
    await page.unrouteAll({ behavior: 'wait' })
    await expect.poll(() => dialog().textContent(), soon).toContain('Version 1 no longer answers')
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !/409|ERR_FAILED/.test(text)))
  })

  test('a roll back shows where it goes and what it does, and goes there', async () => {
    await goTo('#/models/late', 'late')
    await button('Roll back …').click()
    await dialog().waitFor()
    await expect.poll(() => dialog().textContent(), soon).toContain('Version 2 answers every prediction of')
    expect(await dialog().getByRole('radio').count()).toBe(1)
    expect(await violations(page)).toEqual([])
    await dialog().getByRole('textbox').fill('rain is over')
    await dialog().getByRole('button', { name: 'Roll back to version 2' }).click()
    await expect.poll(() => dialog().count(), soon).toBe(0)
    await expect.poll(inProduction, soon).toBe(2)
    await expect.poll(() => page.locator('.periods li').first().textContent(), soon).toContain('rain is over')
    expect(await page.locator('.periods li').first().textContent()).toContain('rolled back')
  })

  test('a version is validated from its page', async () => {
    await goTo('#/models/late/versions/4', 'Version 4')
    const validate = button(/^Validate/)
    await validate.click()
    await expect
      .poll(() => page.locator('.evidence').textContent(), { timeout: 60_000, interval: 200 })
      .toContain('Passed')
    await expect.poll(() => page.locator('.page-head .stage').textContent(), soon).toBe('Validated')
  })

  test('the audit trail tells all of it, with reasons, and is verified', async () => {
    await goTo('#/audit', 'Audit trail')
    const entries = page.locator('.audit li')
    await expect.poll(() => entries.count(), soon).toBeGreaterThan(10)
    const text = (await entries.allTextContents()).join('\n')
    for (const reason of ['better on rainy days', 'by another', 'rain is over']) expect(text).toContain(reason)
    expect(text).not.toContain('mine')
    await button('Verify the chain').click()
    await expect.poll(() => page.locator('.verified').textContent(), soon).toMatch(/Chain verified: \d+ entries/)
    const rolledBack = entries.filter({ hasText: 'rain is over' }).getByRole('button')
    await rolledBack.click()
    expect(await rolledBack.getAttribute('aria-expanded')).toBe('true')
    expect(await page.locator('.entry-details').textContent()).toContain('"rollback": true')
    await page.getByRole('combobox', { name: 'What' }).selectOption('stage.changed')
    expect((await entries.allTextContents()).every((entry) => /→|Rolled back/.test(entry))).toBe(true)
    await page.getByRole('searchbox', { name: 'Model' }).fill('late_linear')
    await button('Show').click()
    await expect.poll(() => page.locator('main').textContent(), soon).toContain('No entry is about ‘late_linear’')
    expect(await violations(page)).toEqual([])
  })

  test('lineage is a graph that the arrow keys follow, of a version and of a column', async () => {
    await goTo('#/lineage/version/late%2F2', 'Lineage')
    const node = (name: string) => page.locator('.lineage .node', { has: page.locator(`.name[title="${name}"]`) })
    await node('late 2').waitFor()
    await node('airline_punctuality.late_rate_30d').focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('.node:focus .name').getAttribute('title')).toBe('late 2')
    await page.keyboard.press('Enter')
    const panel = page.getByRole('complementary', { name: 'Details' })
    expect(await panel.locator('h3').textContent()).toBe('late 2')
    expect(await panel.getByRole('link', { name: 'The version' }).getAttribute('href')).toBe('#/models/late/versions/2')
    await page.getByRole('combobox', { name: 'Of' }).selectOption('column')
    await page.getByRole('searchbox', { name: 'Which' }).fill('landings.arr_delay')
    await button('Show').click()
    await expect.poll(() => page.locator('.says').textContent(), soon).toContain('late 2 answers in production')
    expect(await violations(page)).toEqual([])
  })

  test.each(['light', 'dark'] as const)(
    'every page fits a narrow screen, %s: nothing wrong, nothing jumps',
    async (scheme) => {
      for (const hash of [
        '#/models',
        '#/models/late',
        '#/models/late/versions/2',
        '#/models/late/compare/1/2',
        '#/audit',
        '#/lineage/version/late%2F2',
      ]) {
        const narrow = await open(hash, { width: 360, height: 740 }, scheme)
        await narrow.locator('.card, .lineage').first().waitFor()
        await narrow.waitForTimeout(1_200)
        expect(await narrow.evaluate('document.documentElement.scrollWidth <= innerWidth'), hash).toBe(true)
        expect(await narrow.evaluate('shifted'), hash).toBeLessThan(0.02)
        expect(await violations(narrow), hash).toEqual([])
        await narrow.close()
      }
    },
  )

  test('what is not there, and an address that means nothing, is said', async () => {
    await page.goto(`${server.url}/#/models/nobody`)
    await expect.poll(() => page.getByRole('alert').textContent(), soon).toContain('SX_UNKNOWN_MODEL')
    await page.goto(`${server.url}/#/models/%zz`)
    await heading('Nothing is here').waitFor()
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !/404/.test(text)))
  })

  test('while the store is away what was shown stays, and is said to be from before', async () => {
    await goTo('#/models/late', 'late')
    await page.locator('.versions-table').waitFor()
    await page.route('**/v1/registry/**', (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        json: {
          status: 503,
          code: 'SX_STORE_UNAVAILABLE',
          detail: 'The metadata store does not answer.',
          fix: 'Send again.',
        },
      }),
    )
    await expect.poll(() => page.getByRole('alert').textContent(), soon).toContain('What is shown is from before.')
    expect(await page.locator('.versions-table tbody tr').count()).toBe(4)
    await button('Roll back …').click()
    await expect.poll(() => dialog().textContent(), soon).toContain('It can be rolled back all the same')
    await page.keyboard.press('Escape')
    await page.unrouteAll({ behavior: 'wait' })
    await expect.poll(() => page.getByRole('alert').count(), soon).toBe(0)
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !/503/.test(text)))
  })

  test('nothing was complained of', () => expect(complaints).toEqual([]))

  test('where keys are needed the page asks for one, says whose it is, and bars what it may not do', async () => {
    const viewer = await server.createKey('vera', 'viewer')
    await server.stop()
    await server.start({ SIXFOLD_ACCESS: 'keys' })
    await page.close()
    page = await open('#/models/late/versions/2')
    await heading('This server wants a key').waitFor()
    expect(await violations(page)).toEqual([])
    await page.getByLabel('Key').fill('sxk_wrong')
    await button('Continue').click()
    await expect.poll(() => page.getByRole('alert').textContent(), soon).toContain('not a valid one')
    await page.getByLabel('Key').fill(viewer)
    await button('Continue').click()
    await heading('Version 2').waitFor()
    await expect.poll(() => page.locator('.identity').textContent(), soon).toContain('vera viewer')
    await expect.poll(() => button('Validate again').getAttribute('aria-disabled'), soon).toBe('true')
    expect(await button('Archive …').getAttribute('aria-disabled')).toBe('true')
    expect(await page.evaluate('sessionStorage.getItem("sixfold key")')).toBe(viewer)
    await button('Forget the key').click()
    await heading('This server wants a key').waitFor()
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
  })
})
