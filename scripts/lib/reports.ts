/** What one run of a test runner came to. */
export interface Tally {
  passed: number
  failed: number
  /** Sentences about failures that no test of its own stands for. */
  notes: string[]
}

export interface RunnerEnd {
  /** The runner's JSON report; undefined if it wrote none, or none that can be read. */
  report: unknown
  /** Its exit code; undefined if it was killed. */
  code: number | undefined
  /** True if the person asked for some tests only, so that it is fine for others not to run. */
  filtered: boolean
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** Counts Vitest's JSON report. A file that could not be loaded has no test, and counts as one that failed. */
export function tallyVitest(end: RunnerEnd): Tally {
  return tally('Vitest', end, (report) => {
    const counts = {
      passed: number(report, 'numPassedTests'),
      failed: number(report, 'numFailedTests'),
      skipped: number(report, 'numPendingTests') + number(report, 'numTodoTests')
    }
    for (const file of list(report, 'testResults')) {
      const broken = field(file, 'status') === 'failed'
      const blamed = list(file, 'assertionResults').some((test) => field(test, 'status') === 'failed')
      if (broken && !blamed) counts.failed++
    }
    return counts
  })
}

/** Counts Playwright's JSON report. A test that passed only when it was tried again did not pass. */
export function tallyPlaywright(end: RunnerEnd): Tally {
  return tally('Playwright', end, (report) => {
    const stats = field(report, 'stats')
    return {
      passed: number(stats, 'expected'),
      failed: number(stats, 'unexpected') + number(stats, 'flaky'),
      skipped: number(stats, 'skipped')
    }
  })
}

function tally(runner: string, end: RunnerEnd, count: (report: unknown) => Counts): Tally {
  if (typeof end.report !== 'object' || end.report === null) {
    return { passed: 0, failed: 1, notes: [`${runner} ended without a report (exit code ${end.code ?? 'none'}).`] }
  }
  const { passed, failed, skipped } = count(end.report)
  const result: Tally = { passed, failed, notes: [] }
  if (skipped > 0 && !end.filtered) {
    result.failed += skipped
    result.notes.push(`${skipped} tests did not run. A test that does not run shows nothing, so it counts as failed.`)
  }
  if (passed + failed === 0 && !end.filtered) {
    result.failed++
    result.notes.push(`${runner} found no test.`)
  }
  if (end.code !== 0 && result.failed === 0) {
    result.failed++
    result.notes.push(`${runner} failed outside of any test (exit code ${end.code ?? 'none'}).`)
  }
  return result
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function number(value: unknown, name: string): number {
  const found = field(value, name)
  return typeof found === 'number' ? found : 0
}

function list(value: unknown, name: string): unknown[] {
  const found = field(value, name)
  return Array.isArray(found) ? found : []
}
