/** Batches in a real browser, before a real server and seven evenings of real flights, of which one was refused. */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumPath, launch, violations } from './chromium.ts'
import type { Flights } from './server.ts'
import { flights } from './server.ts'

const required = process.env['SIXFOLD_REQUIRE_ALL'] === '1'
const wide = { width: 1440, height: 1000 }
const narrow = { width: 390, height: 844 }
const soon = { timeout: 15_000, interval: 100 }
/** Where the pictures go of whoever wants to look at them. */
const pictures = process.env['PICTURES'] ?? null

describe.skipIf(chromiumPath === null && !required)('batches, in the console', () => {
  let browser: Browser
  let server: Flights
  let page: Page
  const complaints: string[] = []

  beforeAll(async () => {
    ;[server, browser] = await Promise.all([flights({ evenings: true }), launch()])
    page = await open(wide, 'light')
  }, 300_000)
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
    await expect.poll(() => of.locator('main').textContent(), soon).not.toContain('Asking for')
  }
  const text = (): Promise<string | null> => page.locator('main').textContent()
  const step = async (button: string, reason: string): Promise<void> => {
    await page.getByRole('button', { name: button }).first().click()
    const dialog = page.getByRole('dialog')
    const send = dialog.locator('button[type=submit]')
    expect(await send.getAttribute('aria-disabled')).toBe('true')
    await dialog.getByLabel(/^Why\?/).fill(reason)
    await send.click()
    await expect.poll(() => page.getByRole('dialog').count(), soon).toBe(0)
  }

  test('what is live, and when the next is due', async () => {
    await visit('/batches')
    const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: /^next_day/ }) })
    expect(await row.locator('td').nth(0).textContent()).toBe('7')
    expect(await row.locator('td').nth(2).textContent()).toBe('7, published')
    expect(await row.locator('td').nth(3).textContent()).toContain('2013-06-11 02:00')
  })

  test('the calendar has a square for each evening, and the refused one says so', async () => {
    await visit('/batches/next_day')
    const calendar = page.getByRole('table', { name: 'Runs of next_day by the day that they are for' })
    expect(await calendar.locator('a.square').count()).toBe(7)
    const refused = calendar.locator('a.square.refused')
    expect(await refused.count()).toBe(1)
    expect(await refused.textContent()).toContain('version 5 refused')
    const runs = page.getByRole('table', { name: 'Runs of next_day, newest first' })
    expect(await runs.getByRole('row').count()).toBe(8)
    expect(await runs.getByRole('row').nth(3).textContent()).toContain('refused')
    // By the keyboard alone.
    await refused.focus()
    await page.keyboard.press('Enter')
    await expect.poll(text, soon).toContain('Version 5')
  })

  test('a refusal has its evidence, with old and new laid over each other', async () => {
    await visit('/batches/next_day/runs/5')
    await expect.poll(text, soon).toContain("'distance' is 0 in every row")
    const figures = page.locator('figure.overlay')
    expect(await figures.count()).toBeGreaterThan(0)
    const first = figures.first().locator('svg')
    expect(await first.locator('rect.after').count()).toBeGreaterThan(1)
    expect((await first.locator('path.before').getAttribute('d'))!.length).toBeGreaterThan(20)
    expect(await page.locator('.timeline li').count()).toBeGreaterThan(0)
  })

  test('a key is looked up, and one that nobody has is answered from below', async () => {
    await visit('/batches/next_day')
    const look = async (carrier: string): Promise<string | null> => {
      await page.getByLabel('carrier').fill(carrier)
      await page.getByLabel('origin').fill('EWR')
      await page.getByLabel('dest').fill('SFO')
      await page.getByRole('button', { name: 'Look up' }).click()
      const said = page.locator('section:has(form.lookup) [role=status]')
      await expect.poll(() => said.textContent(), soon).toContain('answered by')
      return said.textContent()
    }
    expect(await look('UA')).toContain('version 7')
    await visit('/batches')
    await visit('/batches/next_day')
    expect(await look('ZZ')).toContain('popular')
  })

  test('back to the version before, and to one that is named; and a refused one all the same', async () => {
    await visit('/batches/next_day')
    await step('Roll back', 'the newest looks odd')
    await visit('/batches/next_day/runs/6')
    await expect.poll(() => page.locator('.page-title').textContent(), soon).toContain('live')
    await visit('/batches/next_day/runs/2')
    await step('Back to this version', 'a test')
    await expect.poll(() => page.locator('.page-title').textContent(), soon).toContain('live')
    await visit('/batches/next_day/runs/5')
    await step('Publish all the same', 'distances do not matter today')
    await expect.poll(text, soon).toContain('Published all the same by')
    const audit = JSON.stringify(await server.get('/v1/registry/audit'))
    expect(audit).toContain('distances do not matter today')
  })

  test('what is held says so, until it is released', async () => {
    await visit('/batches/next_day')
    await step('Hold', 'a look at the weather')
    await expect.poll(text, soon).toContain('‘a look at the weather’')
    await visit('/batches')
    await expect.poll(text, soon).toContain('Held')
    await visit('/batches/next_day')
    await step('Release', 'it was fine')
    await expect.poll(text, soon).not.toContain('a look at the weather')
  })

  test('nothing is wrong with the pages, for whoever does not see them or has a small screen', async () => {
    for (const [size, scheme] of [
      [wide, 'light'],
      [wide, 'dark'],
      [narrow, 'dark'],
    ] as const) {
      const other = await open(size, scheme)
      for (const hash of ['/batches', '/batches/next_day', '/batches/next_day/runs/5', '/batches/nothing']) {
        await visit(hash, other)
        if (pictures !== null)
          await other.screenshot({
            path: join(pictures, `${hash}-${scheme}-${size.width}.png`.replaceAll('/', '_')),
            fullPage: true,
          })
        const found = await violations(other)
        expect(found, `${hash} ${scheme}`).toEqual([])
        const over = await other.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect(over, `${hash} at ${size.width}`).toBeLessThanOrEqual(0)
      }
      await other.close()
    }
    // What the browser itself says of an answer that is an error.
    expect(complaints.filter((words) => !words.includes('Failed to load resource'))).toEqual([])
  }, 120_000)
})
