import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/** Unit tests see the sources of @shard/protocol, so that none of them says anything about an old build. */
function protocolSources(): Array<{ find: RegExp; replacement: string }> {
  const { exports } = JSON.parse(readFileSync(path('protocol/package.json'), 'utf8')) as {
    exports: Record<string, { import: string }>
  }
  return Object.entries(exports).map(([name, { import: built }]) => ({
    find: new RegExp(`^@shard/protocol${name.slice(1)}$`),
    replacement: path(built.replace('./dist/', 'protocol/src/').replace(/\.js$/, '.ts'))
  }))
}

const shared = {
  environment: 'node',
  restoreMocks: true,
  unstubGlobals: true,
  expect: { requireAssertions: true }
} as const

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias: protocolSources() },
        test: {
          ...shared,
          name: 'unit',
          include: ['{protocol,relay,node-shard}/src/**/*.test.ts', 'tests/{house,fuzz}/**/*.test.ts'],
          testTimeout: 30_000
        }
      },
      {
        // The app's own code: runes in *.svelte.ts need the compiler, and Svelte's browser build to react at all.
        plugins: [svelte({ configFile: false })],
        resolve: { alias: protocolSources(), conditions: ['browser'] },
        test: { ...shared, name: 'app', include: ['src/**/*.test.ts'], testTimeout: 30_000 }
      },
      {
        // Real processes of the built packages; two files at a time would measure each other's load.
        test: {
          ...shared,
          name: 'swarm',
          include: ['tests/swarm/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000
        }
      },
      {
        // Official clients of other makers against a real Shard.
        test: {
          ...shared,
          name: 'conformance',
          include: ['tests/conformance/**/*.test.ts'],
          globalSetup: 'tests/conformance/lib/setup.ts',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000
        }
      }
    ]
  }
})
