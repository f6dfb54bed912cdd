import { Dexie, type EntityTable } from 'dexie'
import type { DraftPolicy } from '@shard/protocol/consume'
import { UNFINISHED, type Answer } from './answer.ts'

export interface ChatSettings {
  /** Instructions that stand before the conversation; '' for none. */
  system: string
  temperature: number
  /** Upper bound of an answer's tokens; 0: until the model ends. */
  maxTokens: number
  /** Undefined: a new one is drawn for every answer. */
  seed?: number
  policy: DraftPolicy
  /** The manifest's CID; undefined: the model that the app brings. */
  model?: string
}

export const DEFAULT_SETTINGS: ChatSettings = { system: '', temperature: 0.7, maxTokens: 512, policy: 'anyone' }

export interface Conversation {
  id: string
  title: string
  createdAt: number
  updatedAt: number
  settings: ChatSettings
  /** Deleted, but can still be brought back. */
  deletedAt?: number
}

export interface Message {
  id: string
  conversation: string
  /** Order within the conversation; ms since 1970, made unique. */
  at: number
  role: 'user' | 'assistant'
  content: string
  /** Of an assistant's message. `content` is empty then: the text is the answer's. */
  answer?: Answer
}

/** How long a deleted conversation can be brought back, in ms. */
export const UNDO_TIME = 10_000
const TITLE_LENGTH = 60

/** The conversations of this browser. Nothing of it leaves the device but what a question says. */
export class ChatDatabase extends Dexie {
  conversations!: EntityTable<Conversation, 'id'>
  messages!: EntityTable<Message, 'id'>

  constructor(name = 'shard-chat') {
    super(name)
    this.version(1).stores({
      conversations: 'id, updatedAt',
      messages: 'id, [conversation+at], answer.phase'
    })
  }

  /** Newest first, without the deleted ones. */
  async list(): Promise<Conversation[]> {
    return this.conversations
      .orderBy('updatedAt')
      .reverse()
      .filter((one) => one.deletedAt == null)
      .toArray()
  }

  async create(firstMessage: string, settings: ChatSettings, now = Date.now()): Promise<Conversation> {
    const conversation = {
      id: crypto.randomUUID(),
      title: titleOf(firstMessage),
      createdAt: now,
      updatedAt: now,
      settings
    }
    await this.conversations.add(conversation)
    return conversation
  }

  /** Messages in order; those before `before` (exclusive) if given. */
  async history(conversation: string, before: number = Number.MAX_SAFE_INTEGER): Promise<Message[]> {
    return this.messages
      .where('[conversation+at]')
      .between([conversation, 0], [conversation, before], true, false)
      .toArray()
  }

  /** Adds a message at the end of its conversation and moves the conversation to the top of the list. */
  async append(message: Omit<Message, 'id' | 'at'>, now = Date.now()): Promise<Message> {
    return this.transaction('rw', this.conversations, this.messages, async () => {
      const last = await this.messages
        .where('[conversation+at]')
        .between([message.conversation, 0], [message.conversation, Number.MAX_SAFE_INTEGER])
        .last()
      const stored = { ...message, id: crypto.randomUUID(), at: Math.max(now, (last?.at ?? 0) + 1) }
      await this.messages.add(stored)
      await this.conversations.update(message.conversation, { updatedAt: now })
      return stored
    })
  }

  async saveAnswer(id: string, answer: Answer): Promise<void> {
    await this.messages.update(id, { answer })
  }

  /** Takes the state that a page left when it went away, where it is newer than the stored one. */
  async completeAnswer(id: string, left: Answer): Promise<void> {
    await this.messages
      .where('id')
      .equals(id)
      .modify((message) => {
        const { answer } = message
        if (answer != null && UNFINISHED.includes(answer.phase) && left.tokens.length > answer.tokens.length)
          message.answer = left
      })
  }

  async rename(id: string, title: string): Promise<void> {
    const trimmed = title.trim()
    if (trimmed !== '') await this.conversations.update(id, { title: trimmed.slice(0, 200) })
  }

  async saveSettings(id: string, settings: ChatSettings): Promise<void> {
    await this.conversations.update(id, { settings })
  }

  async remove(id: string, now = Date.now()): Promise<void> {
    await this.conversations.update(id, { deletedAt: now })
  }

  async restore(id: string): Promise<void> {
    await this.conversations.update(id, { deletedAt: undefined })
  }

  /** Erases for good what was deleted at least {@link UNDO_TIME} ago. */
  async purge(now = Date.now()): Promise<void> {
    await this.transaction('rw', this.conversations, this.messages, async () => {
      const gone = await this.conversations
        .filter((one) => one.deletedAt != null && one.deletedAt <= now - UNDO_TIME)
        .primaryKeys()
      for (const id of gone) {
        await this.messages.where('[conversation+at]').between([id, 0], [id, Number.MAX_SAFE_INTEGER]).delete()
      }
      await this.conversations.bulkDelete(gone)
    })
  }

  /** Messages whose answer is being received, or was when its page went away. */
  async unfinished(): Promise<string[]> {
    return this.messages.where('answer.phase').anyOf(UNFINISHED).primaryKeys()
  }

  /** Marks an answer that nobody receives any more, so that it can be continued. */
  async markInterrupted(id: string): Promise<void> {
    await this.messages
      .where('id')
      .equals(id)
      .modify(({ answer }) => {
        if (answer != null && UNFINISHED.includes(answer.phase)) answer.phase = 'interrupted'
      })
  }
}

/** A title from the first line of what was asked, cut at a word. */
export function titleOf(text: string): string {
  const line = text.trim().split('\n', 1)[0]?.replace(/\s+/g, ' ').trim() ?? ''
  if (line.length <= TITLE_LENGTH) return line === '' ? 'New chat' : line
  const cut = line.slice(0, TITLE_LENGTH)
  const space = cut.lastIndexOf(' ')
  return `${cut.slice(0, space > TITLE_LENGTH / 2 ? space : TITLE_LENGTH)}…`
}
