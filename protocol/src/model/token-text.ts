import type { Vocabulary } from './vocabulary.ts'

/**
 * The text of a stream of tokens. Characters that several tokens make up come out whole, with the token that completes
 * them; control tokens give no text. Fed with the same tokens in other pieces, another instance gives the same text in
 * total. Bytes that are no UTF-8 become U+FFFD, as the Encoding Standard says.
 */
export class TokenText {
  private readonly vocabulary: Vocabulary
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary
  }

  /**
   * What the tokens add to the text; empty while a character is not complete.
   *
   * @throws ShardError MALFORMED if the vocabulary lacks one of the tokens; none of them is taken then
   */
  push(tokens: readonly number[]): string {
    const visible = tokens.filter((token) => !this.vocabulary.isControl(token))
    return this.decoder.decode(this.vocabulary.bytes(visible), { stream: true })
  }

  /** The rest: U+FFFD if the tokens ended within a character. The instance can be used anew after it. */
  flush(): string {
    return this.decoder.decode()
  }
}
