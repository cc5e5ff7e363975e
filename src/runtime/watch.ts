/**
 * Tells of changes in the files that definitions are made of: all scripts of the project's folder. Each folder is watched by itself,
 * because watching a tree would watch every file of node_modules; folders that are made later are found with the next change.
 */
import type { FSWatcher } from 'node:fs'
import { readdirSync, watch } from 'node:fs'
import { join, relative } from 'node:path'

/** Editors write a file in several steps, and version control many files at once. */
const settleMs = 150

/** Gives how to stop. */
export function watchScripts(folder: string, changed: (file: string) => void): () => void {
  const watchers = new Map<string, FSWatcher>()
  let timer: NodeJS.Timeout | undefined
  const heard = (within: string, file: string | null): void => {
    const before = watchers.size
    look()
    if (watchers.size === before && (file === null || !/\.(ts|mts|cts|js|mjs|cjs|json)$/.test(file))) return
    clearTimeout(timer)
    timer = setTimeout(() => changed(relative(folder, join(within, file ?? ''))), settleMs)
  }
  const look = (): void => {
    for (const found of foldersIn(folder)) {
      if (watchers.has(found)) continue
      const watcher = watch(found, (_, file) => heard(found, file))
      const forget = (): void => {
        watcher.close()
        watchers.delete(found)
      }
      watcher.on('error', forget)
      watchers.set(found, watcher)
    }
  }
  look()
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers.values()) watcher.close()
  }
}

/** Without packages, and without what begins with a dot: state, version control, caches. */
function foldersIn(folder: string): readonly string[] {
  try {
    return [
      folder,
      ...readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.')
          ? foldersIn(join(folder, entry.name))
          : [],
      ),
    ]
  } catch {
    return []
  }
}
