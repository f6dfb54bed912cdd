/**
 * @packageDocumentation
 *
 * A Consumer: finds a Shard for a question, streams its answer, and moves to another Shard when that one is lost. The
 * same code runs in the app, the command line and the OpenAI shim.
 *
 * @example
 *
 * ```ts
 * const consumer = new Consumer(libp2p.services)
 * for await (const event of consumer.ask({ model, messages: [{ role: 'user', content: 'Hello!' }] })) {
 *   if (event.type === 'commit') process.stdout.write(event.text)
 * }
 * ```
 */

export { Consumer } from './consumer.ts'
export type { ConsumerInit } from './consumer.ts'
export type { AnswerEvent, AnswerFigures, AnswerPath, ChatMessage, DraftPolicy, Question } from './events.ts'
