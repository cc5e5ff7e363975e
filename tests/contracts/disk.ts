/** A disk in memory, for what a store does on one that is full or may not be written to. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export interface Disk {
  readonly folder: string
  /** With other options: 'ro', 'size=16m'. */
  remount(how: string): void
}

/** Until the test has finished. */
export function disk(megabytes: number): Disk {
  const folder = mounted(megabytes)
  onTestFinished(() => unmount(folder))
  return { folder, remount: (how) => mount('-o', `remount,${how}`, folder) }
}

/** To mount one takes Linux, root, and a container that lets root do so. */
export const canMount: boolean = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    unmount(mounted(1))
    return true
  } catch {
    return false
  }
})()

function mounted(megabytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-disk-'))
  try {
    mount('-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder)
    return folder
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  }
}

function unmount(folder: string): void {
  // SQLite's driver lets go of its files only when its statements are collected.
  execFileSync('umount', ['--lazy', folder])
  rmSync(folder, { recursive: true })
}

function mount(...args: readonly string[]): void {
  execFileSync('mount', args, { stdio: 'ignore' })
}
