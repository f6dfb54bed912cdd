import { ShardError } from '@shard/protocol/errors'
import { JinjaTemplateChatWrapper } from 'node-llama-cpp'
import type { ChatMessage } from '@shard/protocol/generate'
import type { ChatHistoryItem, LlamaModel } from 'node-llama-cpp'

/**
 * A prompt's tokens. The model's own chat template is rendered with placeholders for the messages' texts, so that text
 * which looks like a control token stays text; control tokens come from the template only.
 */
export class PromptTokenizer {
  readonly #model: LlamaModel
  readonly #chat?: JinjaTemplateChatWrapper

  constructor(model: LlamaModel) {
    this.#model = model
    const template = model.fileInfo.metadata.tokenizer?.chat_template
    if (template != null) {
      this.#chat = new JinjaTemplateChatWrapper({ template, tokenizer: model.tokenizer })
    }
  }

  /** A raw prompt; control tokens that it spells out are meant. */
  text(prompt: string): number[] {
    return [...this.#begin(), ...this.#model.tokenize(prompt, true)]
  }

  /** @throws ShardError INVALID_REQUEST where the model has no chat template */
  chat(messages: readonly ChatMessage[]): number[] {
    if (this.#chat == null) {
      throw new ShardError('INVALID_REQUEST', 'This model has no chat template; give it a prompt instead of messages.')
    }
    const chatHistory = messages.map(toHistoryItem)
    const { contextText } = this.#chat.generateContextState({
      chatHistory: [...chatHistory, { type: 'model', response: [] }]
    })
    return [...this.#begin(), ...contextText.tokenize(this.#model.tokenizer)]
  }

  #begin(): number[] {
    const { shouldPrependBosToken, bos } = this.#model.tokens
    return shouldPrependBosToken && bos != null ? [bos] : []
  }
}

function toHistoryItem({ role, content }: ChatMessage): ChatHistoryItem {
  if (role === 'assistant') {
    return { type: 'model', response: [content] }
  }
  return { type: role === 'system' ? 'system' : 'user', text: content }
}
