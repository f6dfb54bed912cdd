import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newAnswer, type AnswerPhase } from './answer.ts'
import { ChatDatabase, DEFAULT_SETTINGS, titleOf, UNDO_TIME } from './db.ts'

let db: ChatDatabase

beforeEach(() => {
  db = new ChatDatabase('test')
})
afterEach(async () => {
  await db.delete()
})

async function withAnswer(conversation: string, phase: AnswerPhase): Promise<string> {
  const answer = { ...newAnswer({ model: 'm', seed: 1, maxTokens: 0, policy: 'anyone' as const }, 0), phase }
  return (await db.append({ conversation, role: 'assistant', content: '', answer })).id
}

describe('ChatDatabase', () => {
  it('lists the newest conversation first, and a new message moves one up', async () => {
    const first = await db.create('First', DEFAULT_SETTINGS, 1)
    const second = await db.create('Second', DEFAULT_SETTINGS, 2)
    expect((await db.list()).map(({ id }) => id)).toEqual([second.id, first.id])
    await db.append({ conversation: first.id, role: 'user', content: 'Again' }, 3)
    expect((await db.list()).map(({ id }) => id)).toEqual([first.id, second.id])
  })

  it('keeps messages in the order in which they were added, also within one millisecond or when the clock goes back', async () => {
    const { id } = await db.create('Order', DEFAULT_SETTINGS, 10)
    for (const [content, now] of [
      ['a', 10],
      ['b', 10],
      ['c', 5],
      ['d', 11]
    ] as const) {
      await db.append({ conversation: id, role: 'user', content }, now)
    }
    expect((await db.history(id)).map(({ content }) => content)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('gives the history before a message, and only that of its conversation', async () => {
    const { id } = await db.create('Mine', DEFAULT_SETTINGS)
    const other = await db.create('Other', DEFAULT_SETTINGS)
    await db.append({ conversation: id, role: 'user', content: 'a' })
    await db.append({ conversation: other.id, role: 'user', content: 'x' })
    const last = await db.append({ conversation: id, role: 'user', content: 'b' })
    expect((await db.history(id, last.at)).map(({ content }) => content)).toEqual(['a'])
  })

  it('brings a deleted conversation back until it is purged, then its messages are gone too', async () => {
    const { id } = await db.create('Gone', DEFAULT_SETTINGS)
    await db.append({ conversation: id, role: 'user', content: 'a' })
    await db.remove(id, 1_000)
    expect(await db.list()).toEqual([])
    await db.purge(1_000 + UNDO_TIME - 1)
    await db.restore(id)
    expect(await db.list()).toHaveLength(1)
    await db.remove(id, 1_000)
    await db.purge(1_000 + UNDO_TIME)
    expect(await db.conversations.count()).toBe(0)
    expect(await db.messages.count()).toBe(0)
  })

  it('renames, but not to nothing', async () => {
    const { id } = await db.create('Old', DEFAULT_SETTINGS)
    await db.rename(id, '  New name ')
    await db.rename(id, '   ')
    expect((await db.conversations.get(id))?.title).toBe('New name')
  })

  it('stores an answer as it grows', async () => {
    const { id } = await db.create('Grow', DEFAULT_SETTINGS)
    const message = await withAnswer(id, 'streaming')
    const stored = await db.messages.get(message)
    await db.saveAnswer(message, { ...stored!.answer!, text: 'Par', tokens: [1, 2] })
    expect((await db.messages.get(message))?.answer).toMatchObject({ text: 'Par', tokens: [1, 2] })
  })

  it('finds unfinished answers, and marks one as interrupted unless it has ended since', async () => {
    const { id } = await db.create('Tabs', DEFAULT_SETTINGS)
    const streaming = await withAnswer(id, 'streaming')
    const searching = await withAnswer(id, 'searching')
    const done = await withAnswer(id, 'done')
    expect((await db.unfinished()).sort()).toEqual([streaming, searching].sort())
    for (const message of [streaming, done]) await db.markInterrupted(message)
    const phases = await Promise.all(
      [streaming, searching, done].map(async (message) => (await db.messages.get(message))?.answer?.phase)
    )
    expect(phases).toEqual(['interrupted', 'searching', 'done'])
  })

  it('takes what a page left, but only where that is more', async () => {
    const { id } = await db.create('Left', DEFAULT_SETTINGS)
    const message = await withAnswer(id, 'streaming')
    const stored = (await db.messages.get(message))!.answer!
    await db.completeAnswer(message, { ...stored, text: 'More', tokens: [1, 2] })
    await db.completeAnswer(message, { ...stored, text: 'Less', tokens: [1] })
    expect((await db.messages.get(message))?.answer).toMatchObject({ text: 'More', tokens: [1, 2] })
    await db.saveAnswer(message, { ...stored, phase: 'done', text: 'Mo', tokens: [1] })
    await db.completeAnswer(message, { ...stored, text: 'Old', tokens: [1, 2, 3] })
    expect((await db.messages.get(message))?.answer?.text).toBe('Mo')
  })
})

describe('titleOf', () => {
  it('takes the first line', () => {
    expect(titleOf('  What is   this?\nMore text')).toBe('What is this?')
    expect(titleOf(' \n ')).toBe('New chat')
  })

  it('cuts a long line at a word', () => {
    const title = titleOf('word '.repeat(40))
    expect(title.length).toBeLessThanOrEqual(61)
    expect(title).toMatch(/word…$/)
    expect(titleOf('x'.repeat(200))).toHaveLength(61)
  })
})
