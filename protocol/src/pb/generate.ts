import { decodeMessage, encodeMessage, enumeration, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface GenerateRequest {
  ask?: Ask
  fault?: Fault
}

export namespace GenerateRequest {
  let _codec: Codec<GenerateRequest>

  export const codec = (): Codec<GenerateRequest> => {
    if (_codec == null) {
      _codec = message<GenerateRequest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.fault != null) {
          obj.ask = undefined
        }

        if (obj.ask != null) {
          obj.fault = undefined
        }

        if (obj.ask != null) {
          w.uint32(10)
          Ask.codec().encode(obj.ask, w)
        }

        if (obj.fault != null) {
          w.uint32(18)
          Fault.codec().encode(obj.fault, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.ask = Ask.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.ask
              })
              break
            }
            case 2: {
              obj.fault = Fault.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.fault
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.fault != null) {
          delete obj.ask
        }

        if (obj.ask != null) {
          delete obj.fault
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * Ask.codec().stream(reader, reader.uint32(), `${prefix}.ask`, {
                limits: opts.limits?.ask
              })

              break
            }
            case 2: {
              yield * Fault.codec().stream(reader, reader.uint32(), `${prefix}.fault`, {
                limits: opts.limits?.fault
              })

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface GenerateRequestAskModelFieldEvent {
    field: '$.ask.model'
    value: Uint8Array<ArrayBuffer>
  }

  export interface GenerateRequestAskMessagesRoleFieldEvent {
    field: '$.ask.messages[].role'
    value: string
    index: number
  }

  export interface GenerateRequestAskMessagesContentFieldEvent {
    field: '$.ask.messages[].content'
    value: string
    index: number
  }

  export interface GenerateRequestAskPromptFieldEvent {
    field: '$.ask.prompt'
    value: string
  }

  export interface GenerateRequestAskSamplingTemperatureFieldEvent {
    field: '$.ask.sampling.temperature'
    value: number
  }

  export interface GenerateRequestAskSamplingTopKFieldEvent {
    field: '$.ask.sampling.topK'
    value: number
  }

  export interface GenerateRequestAskSamplingTopPFieldEvent {
    field: '$.ask.sampling.topP'
    value: number
  }

  export interface GenerateRequestAskSamplingMinPFieldEvent {
    field: '$.ask.sampling.minP'
    value: number
  }

  export interface GenerateRequestAskSamplingRepetitionPenaltyFieldEvent {
    field: '$.ask.sampling.repetitionPenalty'
    value: number
  }

  export interface GenerateRequestAskSamplingPresencePenaltyFieldEvent {
    field: '$.ask.sampling.presencePenalty'
    value: number
  }

  export interface GenerateRequestAskSamplingFrequencyPenaltyFieldEvent {
    field: '$.ask.sampling.frequencyPenalty'
    value: number
  }

  export interface GenerateRequestAskSamplingSeedFieldEvent {
    field: '$.ask.sampling.seed'
    value: number
  }

  export interface GenerateRequestAskMaxTokensFieldEvent {
    field: '$.ask.maxTokens'
    value: number
  }

  export interface GenerateRequestAskStopFieldEvent {
    field: '$.ask.stop[]'
    index: number
    value: string
  }

  export interface GenerateRequestAskCommittedFieldEvent {
    field: '$.ask.committed[]'
    index: number
    value: number
  }

  export interface GenerateRequestAskDraftPolicyFieldEvent {
    field: '$.ask.draftPolicy'
    value: DraftPolicy
  }

  export interface GenerateRequestFaultCodeFieldEvent {
    field: '$.fault.code'
    value: number
  }

  export interface GenerateRequestFaultMessageFieldEvent {
    field: '$.fault.message'
    value: string
  }

  export function encode (obj: Partial<GenerateRequest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, GenerateRequest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<GenerateRequest>): GenerateRequest {
    return decodeMessage(buf, GenerateRequest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<GenerateRequest>): Generator<GenerateRequestAskModelFieldEvent | GenerateRequestAskMessagesRoleFieldEvent | GenerateRequestAskMessagesContentFieldEvent | GenerateRequestAskPromptFieldEvent | GenerateRequestAskSamplingTemperatureFieldEvent | GenerateRequestAskSamplingTopKFieldEvent | GenerateRequestAskSamplingTopPFieldEvent | GenerateRequestAskSamplingMinPFieldEvent | GenerateRequestAskSamplingRepetitionPenaltyFieldEvent | GenerateRequestAskSamplingPresencePenaltyFieldEvent | GenerateRequestAskSamplingFrequencyPenaltyFieldEvent | GenerateRequestAskSamplingSeedFieldEvent | GenerateRequestAskMaxTokensFieldEvent | GenerateRequestAskStopFieldEvent | GenerateRequestAskCommittedFieldEvent | GenerateRequestAskDraftPolicyFieldEvent | GenerateRequestFaultCodeFieldEvent | GenerateRequestFaultMessageFieldEvent> {
    return streamMessage(buf, GenerateRequest.codec(), opts)
  }
}

export interface Ask {
  model: Uint8Array<ArrayBuffer>
  messages: ChatMessage[]
  prompt?: string
  sampling?: SamplingParameters
  maxTokens: number
  stop: string[]
  committed: number[]
  draftPolicy: DraftPolicy
}

export namespace Ask {
  let _codec: Codec<Ask>

  export const codec = (): Codec<Ask> => {
    if (_codec == null) {
      _codec = message<Ask>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.model != null && obj.model.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.model)
        }

        if (obj.messages != null && obj.messages.length > 0) {
          for (const value of obj.messages) {
            w.uint32(18)
            ChatMessage.codec().encode(value, w)
          }
        }

        if (obj.prompt != null) {
          w.uint32(26)
          w.string(obj.prompt)
        }

        if (obj.sampling != null) {
          w.uint32(34)
          SamplingParameters.codec().encode(obj.sampling, w)
        }

        if ((obj.maxTokens != null && obj.maxTokens !== 0)) {
          w.uint32(40)
          w.uint32(obj.maxTokens)
        }

        if (obj.stop != null && obj.stop.length > 0) {
          for (const value of obj.stop) {
            w.uint32(50)
            w.string(value)
          }
        }

        if (obj.committed != null && obj.committed.length > 0) {
          for (const value of obj.committed) {
            w.uint32(56)
            w.uint32(value)
          }
        }

        if (obj.draftPolicy != null && __DraftPolicyValues[obj.draftPolicy] !== 0) {
          w.uint32(64)
          DraftPolicy.codec().encode(obj.draftPolicy, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          model: uint8ArrayAlloc(0),
          messages: [],
          maxTokens: 0,
          stop: [],
          committed: [],
          draftPolicy: DraftPolicy.OWN
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.model = reader.bytes()
              break
            }
            case 2: {
              if (opts.limits?.messages != null && obj.messages.length === opts.limits.messages) {
                throw new MaxLengthError('Decode error - repeated field "messages" had too many elements')
              }

              obj.messages.push(ChatMessage.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.messages$
              }))
              break
            }
            case 3: {
              obj.prompt = reader.string()
              break
            }
            case 4: {
              obj.sampling = SamplingParameters.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.sampling
              })
              break
            }
            case 5: {
              obj.maxTokens = reader.uint32()
              break
            }
            case 6: {
              if (opts.limits?.stop != null && obj.stop.length === opts.limits.stop) {
                throw new MaxLengthError('Decode error - repeated field "stop" had too many elements')
              }

              obj.stop.push(reader.string())
              break
            }
            case 7: {
              if (opts.limits?.committed != null && obj.committed.length === opts.limits.committed) {
                throw new MaxLengthError('Decode error - repeated field "committed" had too many elements')
              }

              obj.committed.push(reader.uint32())
              break
            }
            case 8: {
              obj.draftPolicy = DraftPolicy.codec().decode(reader)
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          messages: 0,
          stop: 0,
          committed: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.model`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              if (opts.limits?.messages != null && obj.messages === opts.limits.messages) {
                throw new MaxLengthError('Streaming decode error - repeated field "messages" had too many elements')
              }

              for (const evt of ChatMessage.codec().stream(reader, reader.uint32(), `${prefix}.messages[]`, {
                limits: opts.limits?.messages$
              })) {
                yield {
                  ...evt,
                  index: obj.messages
                }
              }

              obj.messages++

              break
            }
            case 3: {
              yield {
                field: `${prefix}.prompt`,
                value: reader.string()
              }
              break
            }
            case 4: {
              yield * SamplingParameters.codec().stream(reader, reader.uint32(), `${prefix}.sampling`, {
                limits: opts.limits?.sampling
              })

              break
            }
            case 5: {
              yield {
                field: `${prefix}.maxTokens`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              if (opts.limits?.stop != null && obj.stop === opts.limits.stop) {
                throw new MaxLengthError('Streaming decode error - repeated field "stop" had too many elements')
              }

              yield {
                field: `${prefix}.stop[]`,
                index: obj.stop,
                value: reader.string()
              }

              obj.stop++

              break
            }
            case 7: {
              if (opts.limits?.committed != null && obj.committed === opts.limits.committed) {
                throw new MaxLengthError('Streaming decode error - repeated field "committed" had too many elements')
              }

              yield {
                field: `${prefix}.committed[]`,
                index: obj.committed,
                value: reader.uint32()
              }

              obj.committed++

              break
            }
            case 8: {
              yield {
                field: `${prefix}.draftPolicy`,
                value: DraftPolicy.codec().decode(reader)
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface AskModelFieldEvent {
    field: '$.model'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AskMessagesRoleFieldEvent {
    field: '$.messages[].role'
    value: string
    index: number
  }

  export interface AskMessagesContentFieldEvent {
    field: '$.messages[].content'
    value: string
    index: number
  }

  export interface AskPromptFieldEvent {
    field: '$.prompt'
    value: string
  }

  export interface AskSamplingTemperatureFieldEvent {
    field: '$.sampling.temperature'
    value: number
  }

  export interface AskSamplingTopKFieldEvent {
    field: '$.sampling.topK'
    value: number
  }

  export interface AskSamplingTopPFieldEvent {
    field: '$.sampling.topP'
    value: number
  }

  export interface AskSamplingMinPFieldEvent {
    field: '$.sampling.minP'
    value: number
  }

  export interface AskSamplingRepetitionPenaltyFieldEvent {
    field: '$.sampling.repetitionPenalty'
    value: number
  }

  export interface AskSamplingPresencePenaltyFieldEvent {
    field: '$.sampling.presencePenalty'
    value: number
  }

  export interface AskSamplingFrequencyPenaltyFieldEvent {
    field: '$.sampling.frequencyPenalty'
    value: number
  }

  export interface AskSamplingSeedFieldEvent {
    field: '$.sampling.seed'
    value: number
  }

  export interface AskMaxTokensFieldEvent {
    field: '$.maxTokens'
    value: number
  }

  export interface AskStopFieldEvent {
    field: '$.stop[]'
    index: number
    value: string
  }

  export interface AskCommittedFieldEvent {
    field: '$.committed[]'
    index: number
    value: number
  }

  export interface AskDraftPolicyFieldEvent {
    field: '$.draftPolicy'
    value: DraftPolicy
  }

  export function encode (obj: Partial<Ask>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Ask.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Ask>): Ask {
    return decodeMessage(buf, Ask.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Ask>): Generator<AskModelFieldEvent | AskMessagesRoleFieldEvent | AskMessagesContentFieldEvent | AskPromptFieldEvent | AskSamplingTemperatureFieldEvent | AskSamplingTopKFieldEvent | AskSamplingTopPFieldEvent | AskSamplingMinPFieldEvent | AskSamplingRepetitionPenaltyFieldEvent | AskSamplingPresencePenaltyFieldEvent | AskSamplingFrequencyPenaltyFieldEvent | AskSamplingSeedFieldEvent | AskMaxTokensFieldEvent | AskStopFieldEvent | AskCommittedFieldEvent | AskDraftPolicyFieldEvent> {
    return streamMessage(buf, Ask.codec(), opts)
  }
}

export interface ChatMessage {
  role: string
  content: string
}

export namespace ChatMessage {
  let _codec: Codec<ChatMessage>

  export const codec = (): Codec<ChatMessage> => {
    if (_codec == null) {
      _codec = message<ChatMessage>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.role != null && obj.role !== '')) {
          w.uint32(10)
          w.string(obj.role)
        }

        if ((obj.content != null && obj.content !== '')) {
          w.uint32(18)
          w.string(obj.content)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          role: '',
          content: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.role = reader.string()
              break
            }
            case 2: {
              obj.content = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.role`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.content`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ChatMessageRoleFieldEvent {
    field: '$.role'
    value: string
  }

  export interface ChatMessageContentFieldEvent {
    field: '$.content'
    value: string
  }

  export function encode (obj: Partial<ChatMessage>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ChatMessage.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ChatMessage>): ChatMessage {
    return decodeMessage(buf, ChatMessage.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ChatMessage>): Generator<ChatMessageRoleFieldEvent | ChatMessageContentFieldEvent> {
    return streamMessage(buf, ChatMessage.codec(), opts)
  }
}

export interface SamplingParameters {
  temperature: number
  topK: number
  topP: number
  minP: number
  repetitionPenalty: number
  presencePenalty: number
  frequencyPenalty: number
  seed: number
}

export namespace SamplingParameters {
  let _codec: Codec<SamplingParameters>

  export const codec = (): Codec<SamplingParameters> => {
    if (_codec == null) {
      _codec = message<SamplingParameters>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.temperature != null && obj.temperature !== 0)) {
          w.uint32(9)
          w.double(obj.temperature)
        }

        if ((obj.topK != null && obj.topK !== 0)) {
          w.uint32(16)
          w.uint32(obj.topK)
        }

        if ((obj.topP != null && obj.topP !== 0)) {
          w.uint32(25)
          w.double(obj.topP)
        }

        if ((obj.minP != null && obj.minP !== 0)) {
          w.uint32(33)
          w.double(obj.minP)
        }

        if ((obj.repetitionPenalty != null && obj.repetitionPenalty !== 0)) {
          w.uint32(41)
          w.double(obj.repetitionPenalty)
        }

        if ((obj.presencePenalty != null && obj.presencePenalty !== 0)) {
          w.uint32(49)
          w.double(obj.presencePenalty)
        }

        if ((obj.frequencyPenalty != null && obj.frequencyPenalty !== 0)) {
          w.uint32(57)
          w.double(obj.frequencyPenalty)
        }

        if ((obj.seed != null && obj.seed !== 0)) {
          w.uint32(64)
          w.uint64Number(obj.seed)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          temperature: 0,
          topK: 0,
          topP: 0,
          minP: 0,
          repetitionPenalty: 0,
          presencePenalty: 0,
          frequencyPenalty: 0,
          seed: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.temperature = reader.double()
              break
            }
            case 2: {
              obj.topK = reader.uint32()
              break
            }
            case 3: {
              obj.topP = reader.double()
              break
            }
            case 4: {
              obj.minP = reader.double()
              break
            }
            case 5: {
              obj.repetitionPenalty = reader.double()
              break
            }
            case 6: {
              obj.presencePenalty = reader.double()
              break
            }
            case 7: {
              obj.frequencyPenalty = reader.double()
              break
            }
            case 8: {
              obj.seed = reader.uint64Number()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.temperature`,
                value: reader.double()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.topK`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.topP`,
                value: reader.double()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.minP`,
                value: reader.double()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.repetitionPenalty`,
                value: reader.double()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.presencePenalty`,
                value: reader.double()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.frequencyPenalty`,
                value: reader.double()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.seed`,
                value: reader.uint64Number()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface SamplingParametersTemperatureFieldEvent {
    field: '$.temperature'
    value: number
  }

  export interface SamplingParametersTopKFieldEvent {
    field: '$.topK'
    value: number
  }

  export interface SamplingParametersTopPFieldEvent {
    field: '$.topP'
    value: number
  }

  export interface SamplingParametersMinPFieldEvent {
    field: '$.minP'
    value: number
  }

  export interface SamplingParametersRepetitionPenaltyFieldEvent {
    field: '$.repetitionPenalty'
    value: number
  }

  export interface SamplingParametersPresencePenaltyFieldEvent {
    field: '$.presencePenalty'
    value: number
  }

  export interface SamplingParametersFrequencyPenaltyFieldEvent {
    field: '$.frequencyPenalty'
    value: number
  }

  export interface SamplingParametersSeedFieldEvent {
    field: '$.seed'
    value: number
  }

  export function encode (obj: Partial<SamplingParameters>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, SamplingParameters.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SamplingParameters>): SamplingParameters {
    return decodeMessage(buf, SamplingParameters.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SamplingParameters>): Generator<SamplingParametersTemperatureFieldEvent | SamplingParametersTopKFieldEvent | SamplingParametersTopPFieldEvent | SamplingParametersMinPFieldEvent | SamplingParametersRepetitionPenaltyFieldEvent | SamplingParametersPresencePenaltyFieldEvent | SamplingParametersFrequencyPenaltyFieldEvent | SamplingParametersSeedFieldEvent> {
    return streamMessage(buf, SamplingParameters.codec(), opts)
  }
}

export enum DraftPolicy {
  OWN = 'OWN',
  ANYONE = 'ANYONE'
}

enum __DraftPolicyValues {
  OWN = 0,
  ANYONE = 1
}

export namespace DraftPolicy {
  export const codec = (): Codec<DraftPolicy> => {
    return enumeration<DraftPolicy>(__DraftPolicyValues)
  }
}

export interface GenerateResponse {
  progress?: Progress
  accepted?: Accepted
  commit?: Commit
  done?: Done
  fault?: Fault
}

export namespace GenerateResponse {
  let _codec: Codec<GenerateResponse>

  export const codec = (): Codec<GenerateResponse> => {
    if (_codec == null) {
      _codec = message<GenerateResponse>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.fault != null) {
          obj.done = undefined
          obj.commit = undefined
          obj.accepted = undefined
          obj.progress = undefined
        }

        if (obj.done != null) {
          obj.fault = undefined
          obj.commit = undefined
          obj.accepted = undefined
          obj.progress = undefined
        }

        if (obj.commit != null) {
          obj.fault = undefined
          obj.done = undefined
          obj.accepted = undefined
          obj.progress = undefined
        }

        if (obj.accepted != null) {
          obj.fault = undefined
          obj.done = undefined
          obj.commit = undefined
          obj.progress = undefined
        }

        if (obj.progress != null) {
          obj.fault = undefined
          obj.done = undefined
          obj.commit = undefined
          obj.accepted = undefined
        }

        if (obj.progress != null) {
          w.uint32(10)
          Progress.codec().encode(obj.progress, w)
        }

        if (obj.accepted != null) {
          w.uint32(18)
          Accepted.codec().encode(obj.accepted, w)
        }

        if (obj.commit != null) {
          w.uint32(26)
          Commit.codec().encode(obj.commit, w)
        }

        if (obj.done != null) {
          w.uint32(34)
          Done.codec().encode(obj.done, w)
        }

        if (obj.fault != null) {
          w.uint32(42)
          Fault.codec().encode(obj.fault, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.progress = Progress.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.progress
              })
              break
            }
            case 2: {
              obj.accepted = Accepted.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.accepted
              })
              break
            }
            case 3: {
              obj.commit = Commit.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.commit
              })
              break
            }
            case 4: {
              obj.done = Done.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.done
              })
              break
            }
            case 5: {
              obj.fault = Fault.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.fault
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.fault != null) {
          delete obj.done
          delete obj.commit
          delete obj.accepted
          delete obj.progress
        }

        if (obj.done != null) {
          delete obj.fault
          delete obj.commit
          delete obj.accepted
          delete obj.progress
        }

        if (obj.commit != null) {
          delete obj.fault
          delete obj.done
          delete obj.accepted
          delete obj.progress
        }

        if (obj.accepted != null) {
          delete obj.fault
          delete obj.done
          delete obj.commit
          delete obj.progress
        }

        if (obj.progress != null) {
          delete obj.fault
          delete obj.done
          delete obj.commit
          delete obj.accepted
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * Progress.codec().stream(reader, reader.uint32(), `${prefix}.progress`, {
                limits: opts.limits?.progress
              })

              break
            }
            case 2: {
              yield * Accepted.codec().stream(reader, reader.uint32(), `${prefix}.accepted`, {
                limits: opts.limits?.accepted
              })

              break
            }
            case 3: {
              yield * Commit.codec().stream(reader, reader.uint32(), `${prefix}.commit`, {
                limits: opts.limits?.commit
              })

              break
            }
            case 4: {
              yield * Done.codec().stream(reader, reader.uint32(), `${prefix}.done`, {
                limits: opts.limits?.done
              })

              break
            }
            case 5: {
              yield * Fault.codec().stream(reader, reader.uint32(), `${prefix}.fault`, {
                limits: opts.limits?.fault
              })

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface GenerateResponseProgressQueuePositionFieldEvent {
    field: '$.progress.queuePosition'
    value: number
  }

  export interface GenerateResponseProgressPrefilledTokensFieldEvent {
    field: '$.progress.prefilledTokens'
    value: number
  }

  export interface GenerateResponseAcceptedPromptTokensFieldEvent {
    field: '$.accepted.promptTokens'
    value: number
  }

  export interface GenerateResponseCommitPositionFieldEvent {
    field: '$.commit.position'
    value: number
  }

  export interface GenerateResponseCommitTokensFieldEvent {
    field: '$.commit.tokens[]'
    index: number
    value: number
  }

  export interface GenerateResponseCommitTextFieldEvent {
    field: '$.commit.text'
    value: string
  }

  export interface GenerateResponseCommitDraftedFieldEvent {
    field: '$.commit.drafted'
    value: number
  }

  export interface GenerateResponseCommitScoutFieldEvent {
    field: '$.commit.scout'
    value: Uint8Array<ArrayBuffer>
  }

  export interface GenerateResponseDoneReasonFieldEvent {
    field: '$.done.reason'
    value: FinishReason
  }

  export interface GenerateResponseDoneTextFieldEvent {
    field: '$.done.text'
    value: string
  }

  export interface GenerateResponseDonePromptTokensFieldEvent {
    field: '$.done.promptTokens'
    value: number
  }

  export interface GenerateResponseDoneCompletionTokensFieldEvent {
    field: '$.done.completionTokens'
    value: number
  }

  export interface GenerateResponseDoneDraftedTokensFieldEvent {
    field: '$.done.draftedTokens'
    value: number
  }

  export interface GenerateResponseDoneAcceptedTokensFieldEvent {
    field: '$.done.acceptedTokens'
    value: number
  }

  export interface GenerateResponseDoneRoundsFieldEvent {
    field: '$.done.rounds'
    value: number
  }

  export interface GenerateResponseDonePrefillMsFieldEvent {
    field: '$.done.prefillMs'
    value: number
  }

  export interface GenerateResponseDoneDecodeMsFieldEvent {
    field: '$.done.decodeMs'
    value: number
  }

  export interface GenerateResponseFaultCodeFieldEvent {
    field: '$.fault.code'
    value: number
  }

  export interface GenerateResponseFaultMessageFieldEvent {
    field: '$.fault.message'
    value: string
  }

  export function encode (obj: Partial<GenerateResponse>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, GenerateResponse.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<GenerateResponse>): GenerateResponse {
    return decodeMessage(buf, GenerateResponse.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<GenerateResponse>): Generator<GenerateResponseProgressQueuePositionFieldEvent | GenerateResponseProgressPrefilledTokensFieldEvent | GenerateResponseAcceptedPromptTokensFieldEvent | GenerateResponseCommitPositionFieldEvent | GenerateResponseCommitTokensFieldEvent | GenerateResponseCommitTextFieldEvent | GenerateResponseCommitDraftedFieldEvent | GenerateResponseCommitScoutFieldEvent | GenerateResponseDoneReasonFieldEvent | GenerateResponseDoneTextFieldEvent | GenerateResponseDonePromptTokensFieldEvent | GenerateResponseDoneCompletionTokensFieldEvent | GenerateResponseDoneDraftedTokensFieldEvent | GenerateResponseDoneAcceptedTokensFieldEvent | GenerateResponseDoneRoundsFieldEvent | GenerateResponseDonePrefillMsFieldEvent | GenerateResponseDoneDecodeMsFieldEvent | GenerateResponseFaultCodeFieldEvent | GenerateResponseFaultMessageFieldEvent> {
    return streamMessage(buf, GenerateResponse.codec(), opts)
  }
}

export interface Progress {
  queuePosition: number
  prefilledTokens: number
}

export namespace Progress {
  let _codec: Codec<Progress>

  export const codec = (): Codec<Progress> => {
    if (_codec == null) {
      _codec = message<Progress>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.queuePosition != null && obj.queuePosition !== 0)) {
          w.uint32(8)
          w.uint32(obj.queuePosition)
        }

        if ((obj.prefilledTokens != null && obj.prefilledTokens !== 0)) {
          w.uint32(16)
          w.uint32(obj.prefilledTokens)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          queuePosition: 0,
          prefilledTokens: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.queuePosition = reader.uint32()
              break
            }
            case 2: {
              obj.prefilledTokens = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.queuePosition`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.prefilledTokens`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ProgressQueuePositionFieldEvent {
    field: '$.queuePosition'
    value: number
  }

  export interface ProgressPrefilledTokensFieldEvent {
    field: '$.prefilledTokens'
    value: number
  }

  export function encode (obj: Partial<Progress>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Progress.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Progress>): Progress {
    return decodeMessage(buf, Progress.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Progress>): Generator<ProgressQueuePositionFieldEvent | ProgressPrefilledTokensFieldEvent> {
    return streamMessage(buf, Progress.codec(), opts)
  }
}

export interface Accepted {
  promptTokens: number
}

export namespace Accepted {
  let _codec: Codec<Accepted>

  export const codec = (): Codec<Accepted> => {
    if (_codec == null) {
      _codec = message<Accepted>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.promptTokens != null && obj.promptTokens !== 0)) {
          w.uint32(8)
          w.uint32(obj.promptTokens)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          promptTokens: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.promptTokens = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.promptTokens`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface AcceptedPromptTokensFieldEvent {
    field: '$.promptTokens'
    value: number
  }

  export function encode (obj: Partial<Accepted>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Accepted.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Accepted>): Accepted {
    return decodeMessage(buf, Accepted.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Accepted>): Generator<AcceptedPromptTokensFieldEvent> {
    return streamMessage(buf, Accepted.codec(), opts)
  }
}

export interface Commit {
  position: number
  tokens: number[]
  text: string
  drafted: number
  scout: Uint8Array<ArrayBuffer>
}

export namespace Commit {
  let _codec: Codec<Commit>

  export const codec = (): Codec<Commit> => {
    if (_codec == null) {
      _codec = message<Commit>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.position != null && obj.position !== 0)) {
          w.uint32(8)
          w.uint32(obj.position)
        }

        if (obj.tokens != null && obj.tokens.length > 0) {
          for (const value of obj.tokens) {
            w.uint32(16)
            w.uint32(value)
          }
        }

        if ((obj.text != null && obj.text !== '')) {
          w.uint32(26)
          w.string(obj.text)
        }

        if ((obj.drafted != null && obj.drafted !== 0)) {
          w.uint32(32)
          w.uint32(obj.drafted)
        }

        if ((obj.scout != null && obj.scout.byteLength > 0)) {
          w.uint32(42)
          w.bytes(obj.scout)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          position: 0,
          tokens: [],
          text: '',
          drafted: 0,
          scout: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.position = reader.uint32()
              break
            }
            case 2: {
              if (opts.limits?.tokens != null && obj.tokens.length === opts.limits.tokens) {
                throw new MaxLengthError('Decode error - repeated field "tokens" had too many elements')
              }

              obj.tokens.push(reader.uint32())
              break
            }
            case 3: {
              obj.text = reader.string()
              break
            }
            case 4: {
              obj.drafted = reader.uint32()
              break
            }
            case 5: {
              obj.scout = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          tokens: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.position`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              if (opts.limits?.tokens != null && obj.tokens === opts.limits.tokens) {
                throw new MaxLengthError('Streaming decode error - repeated field "tokens" had too many elements')
              }

              yield {
                field: `${prefix}.tokens[]`,
                index: obj.tokens,
                value: reader.uint32()
              }

              obj.tokens++

              break
            }
            case 3: {
              yield {
                field: `${prefix}.text`,
                value: reader.string()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.drafted`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.scout`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface CommitPositionFieldEvent {
    field: '$.position'
    value: number
  }

  export interface CommitTokensFieldEvent {
    field: '$.tokens[]'
    index: number
    value: number
  }

  export interface CommitTextFieldEvent {
    field: '$.text'
    value: string
  }

  export interface CommitDraftedFieldEvent {
    field: '$.drafted'
    value: number
  }

  export interface CommitScoutFieldEvent {
    field: '$.scout'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Commit>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Commit.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Commit>): Commit {
    return decodeMessage(buf, Commit.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Commit>): Generator<CommitPositionFieldEvent | CommitTokensFieldEvent | CommitTextFieldEvent | CommitDraftedFieldEvent | CommitScoutFieldEvent> {
    return streamMessage(buf, Commit.codec(), opts)
  }
}

export enum FinishReason {
  STOP = 'STOP',
  LENGTH = 'LENGTH'
}

enum __FinishReasonValues {
  STOP = 0,
  LENGTH = 1
}

export namespace FinishReason {
  export const codec = (): Codec<FinishReason> => {
    return enumeration<FinishReason>(__FinishReasonValues)
  }
}

export interface Done {
  reason: FinishReason
  text: string
  promptTokens: number
  completionTokens: number
  draftedTokens: number
  acceptedTokens: number
  rounds: number
  prefillMs: number
  decodeMs: number
}

export namespace Done {
  let _codec: Codec<Done>

  export const codec = (): Codec<Done> => {
    if (_codec == null) {
      _codec = message<Done>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.reason != null && __FinishReasonValues[obj.reason] !== 0) {
          w.uint32(8)
          FinishReason.codec().encode(obj.reason, w)
        }

        if ((obj.text != null && obj.text !== '')) {
          w.uint32(18)
          w.string(obj.text)
        }

        if ((obj.promptTokens != null && obj.promptTokens !== 0)) {
          w.uint32(24)
          w.uint32(obj.promptTokens)
        }

        if ((obj.completionTokens != null && obj.completionTokens !== 0)) {
          w.uint32(32)
          w.uint32(obj.completionTokens)
        }

        if ((obj.draftedTokens != null && obj.draftedTokens !== 0)) {
          w.uint32(40)
          w.uint32(obj.draftedTokens)
        }

        if ((obj.acceptedTokens != null && obj.acceptedTokens !== 0)) {
          w.uint32(48)
          w.uint32(obj.acceptedTokens)
        }

        if ((obj.rounds != null && obj.rounds !== 0)) {
          w.uint32(56)
          w.uint32(obj.rounds)
        }

        if ((obj.prefillMs != null && obj.prefillMs !== 0)) {
          w.uint32(65)
          w.double(obj.prefillMs)
        }

        if ((obj.decodeMs != null && obj.decodeMs !== 0)) {
          w.uint32(73)
          w.double(obj.decodeMs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          reason: FinishReason.STOP,
          text: '',
          promptTokens: 0,
          completionTokens: 0,
          draftedTokens: 0,
          acceptedTokens: 0,
          rounds: 0,
          prefillMs: 0,
          decodeMs: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.reason = FinishReason.codec().decode(reader)
              break
            }
            case 2: {
              obj.text = reader.string()
              break
            }
            case 3: {
              obj.promptTokens = reader.uint32()
              break
            }
            case 4: {
              obj.completionTokens = reader.uint32()
              break
            }
            case 5: {
              obj.draftedTokens = reader.uint32()
              break
            }
            case 6: {
              obj.acceptedTokens = reader.uint32()
              break
            }
            case 7: {
              obj.rounds = reader.uint32()
              break
            }
            case 8: {
              obj.prefillMs = reader.double()
              break
            }
            case 9: {
              obj.decodeMs = reader.double()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.reason`,
                value: FinishReason.codec().decode(reader)
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.text`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.promptTokens`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.completionTokens`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.draftedTokens`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.acceptedTokens`,
                value: reader.uint32()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.rounds`,
                value: reader.uint32()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.prefillMs`,
                value: reader.double()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.decodeMs`,
                value: reader.double()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface DoneReasonFieldEvent {
    field: '$.reason'
    value: FinishReason
  }

  export interface DoneTextFieldEvent {
    field: '$.text'
    value: string
  }

  export interface DonePromptTokensFieldEvent {
    field: '$.promptTokens'
    value: number
  }

  export interface DoneCompletionTokensFieldEvent {
    field: '$.completionTokens'
    value: number
  }

  export interface DoneDraftedTokensFieldEvent {
    field: '$.draftedTokens'
    value: number
  }

  export interface DoneAcceptedTokensFieldEvent {
    field: '$.acceptedTokens'
    value: number
  }

  export interface DoneRoundsFieldEvent {
    field: '$.rounds'
    value: number
  }

  export interface DonePrefillMsFieldEvent {
    field: '$.prefillMs'
    value: number
  }

  export interface DoneDecodeMsFieldEvent {
    field: '$.decodeMs'
    value: number
  }

  export function encode (obj: Partial<Done>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Done.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Done>): Done {
    return decodeMessage(buf, Done.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Done>): Generator<DoneReasonFieldEvent | DoneTextFieldEvent | DonePromptTokensFieldEvent | DoneCompletionTokensFieldEvent | DoneDraftedTokensFieldEvent | DoneAcceptedTokensFieldEvent | DoneRoundsFieldEvent | DonePrefillMsFieldEvent | DoneDecodeMsFieldEvent> {
    return streamMessage(buf, Done.codec(), opts)
  }
}

export interface Fault {
  code: number
  message: string
}

export namespace Fault {
  let _codec: Codec<Fault>

  export const codec = (): Codec<Fault> => {
    if (_codec == null) {
      _codec = message<Fault>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.code != null && obj.code !== 0)) {
          w.uint32(8)
          w.uint32(obj.code)
        }

        if ((obj.message != null && obj.message !== '')) {
          w.uint32(18)
          w.string(obj.message)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          code: 0,
          message: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.code = reader.uint32()
              break
            }
            case 2: {
              obj.message = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.code`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.message`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface FaultCodeFieldEvent {
    field: '$.code'
    value: number
  }

  export interface FaultMessageFieldEvent {
    field: '$.message'
    value: string
  }

  export function encode (obj: Partial<Fault>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Fault.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Fault>): Fault {
    return decodeMessage(buf, Fault.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Fault>): Generator<FaultCodeFieldEvent | FaultMessageFieldEvent> {
    return streamMessage(buf, Fault.codec(), opts)
  }
}
