import { describe, expect, it } from 'vitest'
import { tallyPlaywright, tallyVitest } from '../../scripts/lib/reports.ts'

const vitest = (passed: number, failed: number, skipped = 0, testResults: object[] = []) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: skipped,
  numTodoTests: 0,
  testResults
})
const playwright = (expected: number, unexpected: number, skipped = 0, flaky = 0) => ({
  stats: { expected, unexpected, skipped, flaky }
})

describe.each([
  ['tallyVitest', tallyVitest, vitest],
  ['tallyPlaywright', tallyPlaywright, playwright]
])('%s', (_name, tally, report) => {
  it('counts what passed and what failed', () => {
    expect(tally({ report: report(3, 0), code: 0, filtered: false })).toEqual({ passed: 3, failed: 0, notes: [] })
    expect(tally({ report: report(3, 2), code: 1, filtered: false })).toEqual({ passed: 3, failed: 2, notes: [] })
  })

  it('counts a test that did not run as failed, unless a filter left it out', () => {
    expect(tally({ report: report(3, 0, 2), code: 0, filtered: false })).toMatchObject({ passed: 3, failed: 2 })
    expect(tally({ report: report(3, 0, 2), code: 0, filtered: true })).toMatchObject({ passed: 3, failed: 0 })
  })

  it('counts a run without a test as a failure, unless a filter asked for others', () => {
    expect(tally({ report: report(0, 0), code: 0, filtered: false })).toMatchObject({ passed: 0, failed: 1 })
    expect(tally({ report: report(0, 0), code: 0, filtered: true })).toMatchObject({ passed: 0, failed: 0 })
  })

  it('counts an error outside of every test', () => {
    expect(tally({ report: report(3, 0), code: 1, filtered: true })).toMatchObject({ passed: 3, failed: 1 })
    expect(tally({ report: report(3, 0), code: undefined, filtered: false })).toMatchObject({ passed: 3, failed: 1 })
  })

  it.each([undefined, null, 'text'])('counts a runner without a report (%s) as one failure', (broken) => {
    expect(tally({ report: broken, code: 0, filtered: false })).toMatchObject({ passed: 0, failed: 1 })
  })
})

describe('tallyVitest', () => {
  it('counts a file that could not be loaded', () => {
    const files = [
      { status: 'failed', assertionResults: [] },
      { status: 'failed', assertionResults: [{ status: 'passed' }] },
      { status: 'failed', assertionResults: [{ status: 'failed' }] },
      { status: 'passed', assertionResults: [{ status: 'passed' }] }
    ]
    expect(tallyVitest({ report: vitest(2, 1, 0, files), code: 1, filtered: false })).toMatchObject({
      passed: 2,
      failed: 3
    })
  })
})

describe('tallyPlaywright', () => {
  it('counts a test that passed only the second time as failed', () => {
    expect(tallyPlaywright({ report: playwright(1, 0, 0, 1), code: 0, filtered: false })).toMatchObject({
      passed: 1,
      failed: 1
    })
  })
})
