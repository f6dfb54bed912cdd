import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TargetAlone } from './lib/alone.ts'
import { scoutStats, SwarmProcesses } from './lib/processes.ts'
import type { Peer } from '../../scripts/lib/peer.ts'

const QUESTIONS = ['Tell me a short story.', 'How do I make a cup of tea?']
const TEMPERATURES = [0, 0.8]
const MAX_TOKENS = 80
const SEED = 20_26

/** Everybody is a process of their own: one relay, two Shards, up to three Scouts, two Consumers at a time. */
describe('answers of a swarm', () => {
  let swarm: SwarmProcesses
  let shards: Array<{ process: Peer; peer: string }>
  const truth = new Map<string, number[]>()

  beforeAll(async () => {
    const alone = await TargetAlone.load()
    for (const temperature of TEMPERATURES) {
      for (const question of QUESTIONS) {
        truth.set(`${temperature} ${question}`, await alone.answer(question, { temperature, seed: SEED }, MAX_TOKENS))
      }
    }
    await alone.dispose()
    swarm = await SwarmProcesses.start()
    shards = [await swarm.shard('a'), await swarm.shard('b')]
  })

  afterAll(async () => {
    await swarm.stop()
  })

  /** Two Consumers ask at once, for each temperature; returns how many tokens Scouts drafted. */
  async function expectTheTruth(): Promise<number> {
    let accepted = 0
    for (const temperature of TEMPERATURES) {
      const options = ['--temperature', String(temperature), '--seed', String(SEED), '--max-tokens', String(MAX_TOKENS)]
      const answers = await Promise.all(QUESTIONS.map(async (question) => swarm.ask(question, options)))
      answers.forEach((answer, index) => {
        expect(answer.exitCode).toBe(0)
        expect(answer.tokens).toEqual(truth.get(`${temperature} ${QUESTIONS[index] ?? ''}`))
        // what the Shard found in the text itself names no Scout
        accepted += answer.events.reduce((sum, { scout, drafted }) => sum + (scout == null ? 0 : (drafted ?? 0)), 0)
      })
    }
    return accepted
  }

  async function busyScouts(count: number): Promise<Peer[]> {
    const scouts = await Promise.all(Array.from({ length: count }, async () => swarm.scout()))
    for (const scout of scouts) {
      await expect.poll(() => scoutStats(scout)?.shards.length ?? 0, { timeout: 30_000 }).toBe(shards.length)
    }
    return scouts
  }

  it('are the target’s own without Scouts', async () => {
    expect(await expectTheTruth()).toBe(0)
  })

  it('are the same with one Scout, which drafts some of them', async () => {
    const scouts = await busyScouts(1)
    expect(await expectTheTruth()).toBeGreaterThan(0)
    await Promise.all(scouts.map(async (scout) => scout.stop()))
  })

  it('are the same with three Scouts', async () => {
    const scouts = await busyScouts(3)
    expect(await expectTheTruth()).toBeGreaterThan(0)
    await Promise.all(scouts.map(async (scout) => scout.stop()))
  })

  it.each(['wrong', 'stale', 'beyond', 'oversized', 'malformed', 'flood'])(
    'are the same with a Scout that sends %s drafts',
    async (behaviour) => {
      const scout = await swarm.hostileScout(behaviour)
      await expectTheTruth()
      await scout.stop()
    }
  )

  it('streams in more than one piece, and says who answered', async () => {
    const answer = await swarm.ask('Tell me a short story.', ['--temperature', '0'])
    expect(answer.events.filter(({ event, text }) => event === 'commit' && text !== '').length).toBeGreaterThan(3)
    expect(shards.map(({ peer }) => peer)).toContain(answer.events.find(({ event }) => event === 'shard')?.peer)
  })
})
