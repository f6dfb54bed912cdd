import type { Page } from '@playwright/test'

const CODE = `Use \`toSorted\`, which leaves the list as it is:

\`\`\`ts
const people = [{ name: 'Ada', age: 36 }, { name: 'Linus', age: 21 }]
const byAge = people.toSorted((a, b) => a.age - b.age)
\`\`\`

| method | changes the list |
| --- | --- |
| \`sort\` | **yes** |
| \`toSorted\` | no |

1. It is in every browser since 2023.
2. It takes the same function.`

const HOSTILE = `It keeps equal ones in their order. See [the page](https://example.org/stable).

<img src=x onerror="window.hacked=1">

![pixel](https://example.org/pixel.png) <script>window.hacked=1</script> [do not](javascript:window.hacked=1)`

/**
 * Writes a conversation with two answers into the app's database, as an earlier visit would have left it. The page must
 * be open; go to `/c/<id>` afterwards.
 *
 * @returns the conversation's id
 */
export async function seedConversation(page: Page, options: { lastPhase?: string } = {}): Promise<string> {
  const id = await page.evaluate(
    async ({ code, hostile, lastPhase }) => {
      const request = indexedDB.open('shard-chat')
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(new Error('The database could not be opened.'))
      })
      const settings = { system: '', temperature: 0.7, maxTokens: 512, policy: 'anyone' }
      const answer = (text: string, phase: string): object => ({
        phase,
        text,
        tokens: [1, 2, 3, 4],
        model: 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
        modelName: 'shard-tiny',
        seed: 42,
        maxTokens: 512,
        policy: 'anyone',
        peer: '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf',
        path: 'direct',
        attempt: 1,
        ahead: 0,
        prefilledTokens: 30,
        promptTokens: 30,
        drafts: { '12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5': 2 },
        draftedTokens: 3,
        moves: [],
        finish: phase === 'done' ? 'stop' : undefined,
        startedAt: 1000,
        firstTokenAt: 1200,
        lastTokenAt: 1300,
        timedTokens: 3
      })
      const conversation = crypto.randomUUID()
      const message = (at: number, role: string, content: string, extra = {}): object => ({
        id: crypto.randomUUID(),
        conversation,
        at,
        role,
        content,
        ...extra
      })
      const now = Date.now()
      const transaction = db.transaction(['conversations', 'messages'], 'readwrite')
      transaction
        .objectStore('conversations')
        .add({ id: conversation, title: 'Sorting in TypeScript', createdAt: now, updatedAt: now, settings })
      const messages = transaction.objectStore('messages')
      messages.add(message(1, 'user', 'How do I sort a list by age in TypeScript, without changing it?'))
      messages.add(message(2, 'assistant', '', { answer: answer(code, 'done') }))
      messages.add(message(3, 'user', 'Is that stable?'))
      messages.add(message(4, 'assistant', '', { answer: answer(hostile, lastPhase) }))
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve()
        transaction.onerror = () => reject(new Error('The conversation could not be written.'))
      })
      db.close()
      return conversation
    },
    { code: CODE, hostile: HOSTILE, lastPhase: options.lastPhase ?? 'done' }
  )
  await page.reload()
  await page.locator('main').waitFor()
  return id
}
