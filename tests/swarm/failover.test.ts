import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TargetAlone } from './lib/alone.ts'
import { SwarmProcesses, type RunEvent } from './lib/processes.ts'
import type { Peer } from '../../scripts/lib/peer.ts'

const QUESTION = 'Tell me a long story about a dog.'
const SEED = 11
const OPTIONS = ['--temperature', '0.8', '--seed', String(SEED), '--max-tokens', '150']

describe('a Shard that is lost in mid-answer', () => {
  let swarm: SwarmProcesses

  beforeEach(async () => {
    swarm = await SwarmProcesses.start()
  })

  afterEach(async () => {
    await swarm.stop()
  })

  /** Kills the Shard that answers, without a goodbye, once `position` tokens are there. */
  function killer(shards: Array<{ process: Peer; peer: string }>, position: number): (event: RunEvent) => void {
    let answering: string | undefined
    let killed = false
    return (event) => {
      if (event.event === 'shard') answering = event.peer
      if (event.event === 'commit' && (event.position ?? 0) >= position && !killed) {
        const pid = shards.find(({ peer }) => peer === answering)?.process.pid
        if (pid != null) process.kill(pid, 'SIGKILL')
        killed = true
      }
    }
  }

  it('is replaced by the other one, and no token is lost or doubled', async () => {
    const alone = await TargetAlone.load()
    const truth = await alone.answer(QUESTION, { temperature: 0.8, seed: SEED }, 150)
    await alone.dispose()
    const shards = [await swarm.shard('a'), await swarm.shard('b')]
    // the Consumer may be told of one Shard first; both have to be known for the move
    const answer = await swarm.ask(QUESTION, OPTIONS, killer(shards, 10))

    expect(answer.exitCode).toBe(0)
    expect(answer.tokens).toEqual(truth)
    const peers = answer.events.filter(({ event }) => event === 'shard').map(({ peer }) => peer)
    expect(new Set(peers)).toEqual(new Set(shards.map(({ peer }) => peer)))
    expect(answer.events.some(({ event }) => event === 'moved')).toBe(true)
  })

  it('leaves a clear error where there is no other', async () => {
    const shards = [await swarm.shard('a')]
    const answer = await swarm.ask(QUESTION, OPTIONS, killer(shards, 10))

    expect(answer.exitCode).toBe(1)
    expect(answer.events.at(-1)).toMatchObject({ event: 'error', code: 'NO_SHARD' })
    expect(answer.events.at(-1)?.message).toContain('Try again')
  })
})
