/* eslint-disable require-yield */

import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface ScoutMessage {
  offer?: Offer
  draft?: Draft
  beat?: Beat
  fault?: Fault
}

export namespace ScoutMessage {
  let _codec: Codec<ScoutMessage>

  export const codec = (): Codec<ScoutMessage> => {
    if (_codec == null) {
      _codec = message<ScoutMessage>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.fault != null) {
          obj.beat = undefined
          obj.draft = undefined
          obj.offer = undefined
        }

        if (obj.beat != null) {
          obj.fault = undefined
          obj.draft = undefined
          obj.offer = undefined
        }

        if (obj.draft != null) {
          obj.fault = undefined
          obj.beat = undefined
          obj.offer = undefined
        }

        if (obj.offer != null) {
          obj.fault = undefined
          obj.beat = undefined
          obj.draft = undefined
        }

        if (obj.offer != null) {
          w.uint32(10)
          Offer.codec().encode(obj.offer, w)
        }

        if (obj.draft != null) {
          w.uint32(18)
          Draft.codec().encode(obj.draft, w)
        }

        if (obj.beat != null) {
          w.uint32(26)
          Beat.codec().encode(obj.beat, w)
        }

        if (obj.fault != null) {
          w.uint32(34)
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
              obj.offer = Offer.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.offer
              })
              break
            }
            case 2: {
              obj.draft = Draft.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.draft
              })
              break
            }
            case 3: {
              obj.beat = Beat.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.beat
              })
              break
            }
            case 4: {
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
          delete obj.beat
          delete obj.draft
          delete obj.offer
        }

        if (obj.beat != null) {
          delete obj.fault
          delete obj.draft
          delete obj.offer
        }

        if (obj.draft != null) {
          delete obj.fault
          delete obj.beat
          delete obj.offer
        }

        if (obj.offer != null) {
          delete obj.fault
          delete obj.beat
          delete obj.draft
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * Offer.codec().stream(reader, reader.uint32(), `${prefix}.offer`, {
                limits: opts.limits?.offer
              })

              break
            }
            case 2: {
              yield * Draft.codec().stream(reader, reader.uint32(), `${prefix}.draft`, {
                limits: opts.limits?.draft
              })

              break
            }
            case 3: {
              yield * Beat.codec().stream(reader, reader.uint32(), `${prefix}.beat`, {
                limits: opts.limits?.beat
              })

              break
            }
            case 4: {
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

  export interface ScoutMessageOfferModelFieldEvent {
    field: '$.offer.model'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ScoutMessageOfferTokenizerFieldEvent {
    field: '$.offer.tokenizer'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ScoutMessageOfferEngineFieldEvent {
    field: '$.offer.engine'
    value: string
  }

  export interface ScoutMessageDraftGenerationFieldEvent {
    field: '$.draft.generation'
    value: number
  }

  export interface ScoutMessageDraftChainFieldEvent {
    field: '$.draft.chain'
    value: number
  }

  export interface ScoutMessageDraftPositionFieldEvent {
    field: '$.draft.position'
    value: number
  }

  export interface ScoutMessageDraftTokensFieldEvent {
    field: '$.draft.tokens[]'
    index: number
    value: number
  }

  export interface ScoutMessageFaultCodeFieldEvent {
    field: '$.fault.code'
    value: number
  }

  export interface ScoutMessageFaultMessageFieldEvent {
    field: '$.fault.message'
    value: string
  }

  export function encode (obj: Partial<ScoutMessage>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ScoutMessage.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ScoutMessage>): ScoutMessage {
    return decodeMessage(buf, ScoutMessage.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ScoutMessage>): Generator<ScoutMessageOfferModelFieldEvent | ScoutMessageOfferTokenizerFieldEvent | ScoutMessageOfferEngineFieldEvent | ScoutMessageDraftGenerationFieldEvent | ScoutMessageDraftChainFieldEvent | ScoutMessageDraftPositionFieldEvent | ScoutMessageDraftTokensFieldEvent | ScoutMessageFaultCodeFieldEvent | ScoutMessageFaultMessageFieldEvent> {
    return streamMessage(buf, ScoutMessage.codec(), opts)
  }
}

export interface Offer {
  model: Uint8Array<ArrayBuffer>
  tokenizer: Uint8Array<ArrayBuffer>
  engine: string
}

export namespace Offer {
  let _codec: Codec<Offer>

  export const codec = (): Codec<Offer> => {
    if (_codec == null) {
      _codec = message<Offer>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.model != null && obj.model.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.model)
        }

        if ((obj.tokenizer != null && obj.tokenizer.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.tokenizer)
        }

        if ((obj.engine != null && obj.engine !== '')) {
          w.uint32(26)
          w.string(obj.engine)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          model: uint8ArrayAlloc(0),
          tokenizer: uint8ArrayAlloc(0),
          engine: ''
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
              obj.tokenizer = reader.bytes()
              break
            }
            case 3: {
              obj.engine = reader.string()
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
                field: `${prefix}.model`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.tokenizer`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.engine`,
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

  export interface OfferModelFieldEvent {
    field: '$.model'
    value: Uint8Array<ArrayBuffer>
  }

  export interface OfferTokenizerFieldEvent {
    field: '$.tokenizer'
    value: Uint8Array<ArrayBuffer>
  }

  export interface OfferEngineFieldEvent {
    field: '$.engine'
    value: string
  }

  export function encode (obj: Partial<Offer>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Offer.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Offer>): Offer {
    return decodeMessage(buf, Offer.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Offer>): Generator<OfferModelFieldEvent | OfferTokenizerFieldEvent | OfferEngineFieldEvent> {
    return streamMessage(buf, Offer.codec(), opts)
  }
}

export interface Draft {
  generation: number
  chain: number
  position: number
  tokens: number[]
}

export namespace Draft {
  let _codec: Codec<Draft>

  export const codec = (): Codec<Draft> => {
    if (_codec == null) {
      _codec = message<Draft>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.generation != null && obj.generation !== 0)) {
          w.uint32(8)
          w.uint32(obj.generation)
        }

        if ((obj.chain != null && obj.chain !== 0)) {
          w.uint32(16)
          w.uint32(obj.chain)
        }

        if ((obj.position != null && obj.position !== 0)) {
          w.uint32(24)
          w.uint32(obj.position)
        }

        if (obj.tokens != null && obj.tokens.length > 0) {
          for (const value of obj.tokens) {
            w.uint32(32)
            w.uint32(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          generation: 0,
          chain: 0,
          position: 0,
          tokens: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.generation = reader.uint32()
              break
            }
            case 2: {
              obj.chain = reader.uint32()
              break
            }
            case 3: {
              obj.position = reader.uint32()
              break
            }
            case 4: {
              if (opts.limits?.tokens != null && obj.tokens.length === opts.limits.tokens) {
                throw new MaxLengthError('Decode error - repeated field "tokens" had too many elements')
              }

              obj.tokens.push(reader.uint32())
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
                field: `${prefix}.generation`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.chain`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.position`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
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

  export interface DraftGenerationFieldEvent {
    field: '$.generation'
    value: number
  }

  export interface DraftChainFieldEvent {
    field: '$.chain'
    value: number
  }

  export interface DraftPositionFieldEvent {
    field: '$.position'
    value: number
  }

  export interface DraftTokensFieldEvent {
    field: '$.tokens[]'
    index: number
    value: number
  }

  export function encode (obj: Partial<Draft>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Draft.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Draft>): Draft {
    return decodeMessage(buf, Draft.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Draft>): Generator<DraftGenerationFieldEvent | DraftChainFieldEvent | DraftPositionFieldEvent | DraftTokensFieldEvent> {
    return streamMessage(buf, Draft.codec(), opts)
  }
}

export interface Beat {}

export namespace Beat {
  let _codec: Codec<Beat>

  export const codec = (): Codec<Beat> => {
    if (_codec == null) {
      _codec = message<Beat>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
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

  export function encode (obj: Partial<Beat>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Beat.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Beat>): Beat {
    return decodeMessage(buf, Beat.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Beat>): Generator<{}> {
    return streamMessage(buf, Beat.codec(), opts)
  }
}

export interface AssignmentMessage {
  welcome?: Welcome
  begin?: Begin
  committed?: Committed
  end?: End
  beat?: Beat
  fault?: Fault
}

export namespace AssignmentMessage {
  let _codec: Codec<AssignmentMessage>

  export const codec = (): Codec<AssignmentMessage> => {
    if (_codec == null) {
      _codec = message<AssignmentMessage>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.fault != null) {
          obj.beat = undefined
          obj.end = undefined
          obj.committed = undefined
          obj.begin = undefined
          obj.welcome = undefined
        }

        if (obj.beat != null) {
          obj.fault = undefined
          obj.end = undefined
          obj.committed = undefined
          obj.begin = undefined
          obj.welcome = undefined
        }

        if (obj.end != null) {
          obj.fault = undefined
          obj.beat = undefined
          obj.committed = undefined
          obj.begin = undefined
          obj.welcome = undefined
        }

        if (obj.committed != null) {
          obj.fault = undefined
          obj.beat = undefined
          obj.end = undefined
          obj.begin = undefined
          obj.welcome = undefined
        }

        if (obj.begin != null) {
          obj.fault = undefined
          obj.beat = undefined
          obj.end = undefined
          obj.committed = undefined
          obj.welcome = undefined
        }

        if (obj.welcome != null) {
          obj.fault = undefined
          obj.beat = undefined
          obj.end = undefined
          obj.committed = undefined
          obj.begin = undefined
        }

        if (obj.welcome != null) {
          w.uint32(10)
          Welcome.codec().encode(obj.welcome, w)
        }

        if (obj.begin != null) {
          w.uint32(18)
          Begin.codec().encode(obj.begin, w)
        }

        if (obj.committed != null) {
          w.uint32(26)
          Committed.codec().encode(obj.committed, w)
        }

        if (obj.end != null) {
          w.uint32(34)
          End.codec().encode(obj.end, w)
        }

        if (obj.beat != null) {
          w.uint32(42)
          Beat.codec().encode(obj.beat, w)
        }

        if (obj.fault != null) {
          w.uint32(50)
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
              obj.welcome = Welcome.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.welcome
              })
              break
            }
            case 2: {
              obj.begin = Begin.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.begin
              })
              break
            }
            case 3: {
              obj.committed = Committed.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.committed
              })
              break
            }
            case 4: {
              obj.end = End.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.end
              })
              break
            }
            case 5: {
              obj.beat = Beat.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.beat
              })
              break
            }
            case 6: {
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
          delete obj.beat
          delete obj.end
          delete obj.committed
          delete obj.begin
          delete obj.welcome
        }

        if (obj.beat != null) {
          delete obj.fault
          delete obj.end
          delete obj.committed
          delete obj.begin
          delete obj.welcome
        }

        if (obj.end != null) {
          delete obj.fault
          delete obj.beat
          delete obj.committed
          delete obj.begin
          delete obj.welcome
        }

        if (obj.committed != null) {
          delete obj.fault
          delete obj.beat
          delete obj.end
          delete obj.begin
          delete obj.welcome
        }

        if (obj.begin != null) {
          delete obj.fault
          delete obj.beat
          delete obj.end
          delete obj.committed
          delete obj.welcome
        }

        if (obj.welcome != null) {
          delete obj.fault
          delete obj.beat
          delete obj.end
          delete obj.committed
          delete obj.begin
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * Welcome.codec().stream(reader, reader.uint32(), `${prefix}.welcome`, {
                limits: opts.limits?.welcome
              })

              break
            }
            case 2: {
              yield * Begin.codec().stream(reader, reader.uint32(), `${prefix}.begin`, {
                limits: opts.limits?.begin
              })

              break
            }
            case 3: {
              yield * Committed.codec().stream(reader, reader.uint32(), `${prefix}.committed`, {
                limits: opts.limits?.committed
              })

              break
            }
            case 4: {
              yield * End.codec().stream(reader, reader.uint32(), `${prefix}.end`, {
                limits: opts.limits?.end
              })

              break
            }
            case 5: {
              yield * Beat.codec().stream(reader, reader.uint32(), `${prefix}.beat`, {
                limits: opts.limits?.beat
              })

              break
            }
            case 6: {
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

  export interface AssignmentMessageWelcomeMaxDraftTokensFieldEvent {
    field: '$.welcome.maxDraftTokens'
    value: number
  }

  export interface AssignmentMessageWelcomeMaxRunAheadFieldEvent {
    field: '$.welcome.maxRunAhead'
    value: number
  }

  export interface AssignmentMessageBeginGenerationFieldEvent {
    field: '$.begin.generation'
    value: number
  }

  export interface AssignmentMessageBeginPromptFieldEvent {
    field: '$.begin.prompt[]'
    index: number
    value: number
  }

  export interface AssignmentMessageBeginCommittedFieldEvent {
    field: '$.begin.committed[]'
    index: number
    value: number
  }

  export interface AssignmentMessageBeginMaxTokensFieldEvent {
    field: '$.begin.maxTokens'
    value: number
  }

  export interface AssignmentMessageCommittedGenerationFieldEvent {
    field: '$.committed.generation'
    value: number
  }

  export interface AssignmentMessageCommittedPositionFieldEvent {
    field: '$.committed.position'
    value: number
  }

  export interface AssignmentMessageCommittedTokensFieldEvent {
    field: '$.committed.tokens[]'
    index: number
    value: number
  }

  export interface AssignmentMessageCommittedAcceptedFieldEvent {
    field: '$.committed.accepted'
    value: number
  }

  export interface AssignmentMessageEndGenerationFieldEvent {
    field: '$.end.generation'
    value: number
  }

  export interface AssignmentMessageFaultCodeFieldEvent {
    field: '$.fault.code'
    value: number
  }

  export interface AssignmentMessageFaultMessageFieldEvent {
    field: '$.fault.message'
    value: string
  }

  export function encode (obj: Partial<AssignmentMessage>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, AssignmentMessage.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AssignmentMessage>): AssignmentMessage {
    return decodeMessage(buf, AssignmentMessage.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AssignmentMessage>): Generator<AssignmentMessageWelcomeMaxDraftTokensFieldEvent | AssignmentMessageWelcomeMaxRunAheadFieldEvent | AssignmentMessageBeginGenerationFieldEvent | AssignmentMessageBeginPromptFieldEvent | AssignmentMessageBeginCommittedFieldEvent | AssignmentMessageBeginMaxTokensFieldEvent | AssignmentMessageCommittedGenerationFieldEvent | AssignmentMessageCommittedPositionFieldEvent | AssignmentMessageCommittedTokensFieldEvent | AssignmentMessageCommittedAcceptedFieldEvent | AssignmentMessageEndGenerationFieldEvent | AssignmentMessageFaultCodeFieldEvent | AssignmentMessageFaultMessageFieldEvent> {
    return streamMessage(buf, AssignmentMessage.codec(), opts)
  }
}

export interface Welcome {
  maxDraftTokens: number
  maxRunAhead: number
}

export namespace Welcome {
  let _codec: Codec<Welcome>

  export const codec = (): Codec<Welcome> => {
    if (_codec == null) {
      _codec = message<Welcome>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.maxDraftTokens != null && obj.maxDraftTokens !== 0)) {
          w.uint32(8)
          w.uint32(obj.maxDraftTokens)
        }

        if ((obj.maxRunAhead != null && obj.maxRunAhead !== 0)) {
          w.uint32(16)
          w.uint32(obj.maxRunAhead)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          maxDraftTokens: 0,
          maxRunAhead: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.maxDraftTokens = reader.uint32()
              break
            }
            case 2: {
              obj.maxRunAhead = reader.uint32()
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
                field: `${prefix}.maxDraftTokens`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.maxRunAhead`,
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

  export interface WelcomeMaxDraftTokensFieldEvent {
    field: '$.maxDraftTokens'
    value: number
  }

  export interface WelcomeMaxRunAheadFieldEvent {
    field: '$.maxRunAhead'
    value: number
  }

  export function encode (obj: Partial<Welcome>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Welcome.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Welcome>): Welcome {
    return decodeMessage(buf, Welcome.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Welcome>): Generator<WelcomeMaxDraftTokensFieldEvent | WelcomeMaxRunAheadFieldEvent> {
    return streamMessage(buf, Welcome.codec(), opts)
  }
}

export interface Begin {
  generation: number
  prompt: number[]
  committed: number[]
  maxTokens: number
}

export namespace Begin {
  let _codec: Codec<Begin>

  export const codec = (): Codec<Begin> => {
    if (_codec == null) {
      _codec = message<Begin>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.generation != null && obj.generation !== 0)) {
          w.uint32(8)
          w.uint32(obj.generation)
        }

        if (obj.prompt != null && obj.prompt.length > 0) {
          for (const value of obj.prompt) {
            w.uint32(16)
            w.uint32(value)
          }
        }

        if (obj.committed != null && obj.committed.length > 0) {
          for (const value of obj.committed) {
            w.uint32(24)
            w.uint32(value)
          }
        }

        if ((obj.maxTokens != null && obj.maxTokens !== 0)) {
          w.uint32(32)
          w.uint32(obj.maxTokens)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          generation: 0,
          prompt: [],
          committed: [],
          maxTokens: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.generation = reader.uint32()
              break
            }
            case 2: {
              if (opts.limits?.prompt != null && obj.prompt.length === opts.limits.prompt) {
                throw new MaxLengthError('Decode error - repeated field "prompt" had too many elements')
              }

              obj.prompt.push(reader.uint32())
              break
            }
            case 3: {
              if (opts.limits?.committed != null && obj.committed.length === opts.limits.committed) {
                throw new MaxLengthError('Decode error - repeated field "committed" had too many elements')
              }

              obj.committed.push(reader.uint32())
              break
            }
            case 4: {
              obj.maxTokens = reader.uint32()
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
          prompt: 0,
          committed: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.generation`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              if (opts.limits?.prompt != null && obj.prompt === opts.limits.prompt) {
                throw new MaxLengthError('Streaming decode error - repeated field "prompt" had too many elements')
              }

              yield {
                field: `${prefix}.prompt[]`,
                index: obj.prompt,
                value: reader.uint32()
              }

              obj.prompt++

              break
            }
            case 3: {
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
            case 4: {
              yield {
                field: `${prefix}.maxTokens`,
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

  export interface BeginGenerationFieldEvent {
    field: '$.generation'
    value: number
  }

  export interface BeginPromptFieldEvent {
    field: '$.prompt[]'
    index: number
    value: number
  }

  export interface BeginCommittedFieldEvent {
    field: '$.committed[]'
    index: number
    value: number
  }

  export interface BeginMaxTokensFieldEvent {
    field: '$.maxTokens'
    value: number
  }

  export function encode (obj: Partial<Begin>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Begin.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Begin>): Begin {
    return decodeMessage(buf, Begin.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Begin>): Generator<BeginGenerationFieldEvent | BeginPromptFieldEvent | BeginCommittedFieldEvent | BeginMaxTokensFieldEvent> {
    return streamMessage(buf, Begin.codec(), opts)
  }
}

export interface Committed {
  generation: number
  position: number
  tokens: number[]
  accepted: number
}

export namespace Committed {
  let _codec: Codec<Committed>

  export const codec = (): Codec<Committed> => {
    if (_codec == null) {
      _codec = message<Committed>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.generation != null && obj.generation !== 0)) {
          w.uint32(8)
          w.uint32(obj.generation)
        }

        if ((obj.position != null && obj.position !== 0)) {
          w.uint32(16)
          w.uint32(obj.position)
        }

        if (obj.tokens != null && obj.tokens.length > 0) {
          for (const value of obj.tokens) {
            w.uint32(24)
            w.uint32(value)
          }
        }

        if ((obj.accepted != null && obj.accepted !== 0)) {
          w.uint32(32)
          w.uint32(obj.accepted)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          generation: 0,
          position: 0,
          tokens: [],
          accepted: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.generation = reader.uint32()
              break
            }
            case 2: {
              obj.position = reader.uint32()
              break
            }
            case 3: {
              if (opts.limits?.tokens != null && obj.tokens.length === opts.limits.tokens) {
                throw new MaxLengthError('Decode error - repeated field "tokens" had too many elements')
              }

              obj.tokens.push(reader.uint32())
              break
            }
            case 4: {
              obj.accepted = reader.uint32()
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
                field: `${prefix}.generation`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.position`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
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
            case 4: {
              yield {
                field: `${prefix}.accepted`,
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

  export interface CommittedGenerationFieldEvent {
    field: '$.generation'
    value: number
  }

  export interface CommittedPositionFieldEvent {
    field: '$.position'
    value: number
  }

  export interface CommittedTokensFieldEvent {
    field: '$.tokens[]'
    index: number
    value: number
  }

  export interface CommittedAcceptedFieldEvent {
    field: '$.accepted'
    value: number
  }

  export function encode (obj: Partial<Committed>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Committed.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Committed>): Committed {
    return decodeMessage(buf, Committed.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Committed>): Generator<CommittedGenerationFieldEvent | CommittedPositionFieldEvent | CommittedTokensFieldEvent | CommittedAcceptedFieldEvent> {
    return streamMessage(buf, Committed.codec(), opts)
  }
}

export interface End {
  generation: number
}

export namespace End {
  let _codec: Codec<End>

  export const codec = (): Codec<End> => {
    if (_codec == null) {
      _codec = message<End>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.generation != null && obj.generation !== 0)) {
          w.uint32(8)
          w.uint32(obj.generation)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          generation: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.generation = reader.uint32()
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
                field: `${prefix}.generation`,
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

  export interface EndGenerationFieldEvent {
    field: '$.generation'
    value: number
  }

  export function encode (obj: Partial<End>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, End.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<End>): End {
    return decodeMessage(buf, End.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<End>): Generator<EndGenerationFieldEvent> {
    return streamMessage(buf, End.codec(), opts)
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
