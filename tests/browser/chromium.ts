/** Chromium as the machine has it: where SIXFOLD_CHROMIUM says, or where systems put it. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { chromium } from 'playwright-core'

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:/Program Files/Google/Chrome/Application/chrome.exe',
]

/** Null where there is none. */
export const chromiumPath: string | null = process.env['SIXFOLD_CHROMIUM'] || (places.find(existsSync) ?? null)

export const launch = (): Promise<Browser> => {
  if (chromiumPath === null)
    throw new Error('There is no Chromium on this machine. Install it, or name it with SIXFOLD_CHROMIUM.')
  return chromium.launch({
    executablePath: chromiumPath,
    // Its sandbox refuses to run as root, which is what containers run as.
    args: ['--disable-dev-shm-usage', '--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  })
}

/** What axe finds wrong, as `rule: elements`. */
export async function violations(page: Page): Promise<readonly string[]> {
  // Evaluated, not inserted as a script: the page's own policy would refuse that.
  await page.evaluate(axeSource)
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
  }
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
