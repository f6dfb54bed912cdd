import { defineConfig } from '@playwright/test'

/** `npm test` finds or installs Chromium and names it here; `npm run test:browser -- chat` runs the files that match. */
const executablePath = process.env.CHROME_PATH

export default defineConfig({
  testDir: 'tests/browser',
  testMatch: '**/*.spec.ts',
  outputDir: 'test-results',
  // Each test runs a whole swarm on this machine.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  use: {
    browserName: 'chromium',
    headless: true,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath,
      args: [
        // Chromium's sandbox needs what containers and root do not have.
        '--no-sandbox',
        // Nothing of a test leaves the loopback interface.
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync'
      ]
    }
  }
})
