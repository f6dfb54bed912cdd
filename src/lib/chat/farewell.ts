import type { Answer } from './answer.ts'

const PREFIX = 'shard-farewell/'

/** The part of Web Storage that is used; tests give their own. */
export type FarewellStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>

/**
 * What a page leaves behind when it goes away in mid-answer. Its database may not finish another write by then, but
 * local storage writes at once; the next page moves what it finds into the database.
 */
export class Farewell {
  constructor(private readonly storage: () => FarewellStorage) {}

  leave(message: string, answer: Answer): void {
    try {
      this.storage().setItem(PREFIX + message, JSON.stringify(answer))
    } catch {
      // Forbidden or full: the database has all but the last moment.
    }
  }

  /** What earlier pages left, by message id; it is gone from the storage afterwards. */
  take(): Map<string, Answer> {
    const found = new Map<string, Answer>()
    try {
      const storage = this.storage()
      const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '')
      for (const key of keys.filter((name) => name.startsWith(PREFIX))) {
        const text = storage.getItem(key)
        storage.removeItem(key)
        if (text != null) found.set(key.slice(PREFIX.length), JSON.parse(text) as Answer)
      }
    } catch {
      // Forbidden, or not what this version wrote: there is nothing to take.
    }
    return found
  }
}
