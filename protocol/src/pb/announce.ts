import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface Announcement {
  models: ServedModel[]
  slots: number
  active: number
  queued: number
  scoutsWanted: number
  addresses: Uint8Array<ArrayBuffer>[]
  speed: number
  leaving: boolean
}

export namespace Announcement {
  let _codec: Codec<Announcement>

  export const codec = (): Codec<Announcement> => {
    if (_codec == null) {
      _codec = message<Announcement>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.models != null && obj.models.length > 0) {
          for (const value of obj.models) {
            w.uint32(10)
            ServedModel.codec().encode(value, w)
          }
        }

        if ((obj.slots != null && obj.slots !== 0)) {
          w.uint32(16)
          w.uint32(obj.slots)
        }

        if ((obj.active != null && obj.active !== 0)) {
          w.uint32(24)
          w.uint32(obj.active)
        }

        if ((obj.queued != null && obj.queued !== 0)) {
          w.uint32(32)
          w.uint32(obj.queued)
        }

        if ((obj.scoutsWanted != null && obj.scoutsWanted !== 0)) {
          w.uint32(40)
          w.uint32(obj.scoutsWanted)
        }

        if (obj.addresses != null && obj.addresses.length > 0) {
          for (const value of obj.addresses) {
            w.uint32(50)
            w.bytes(value)
          }
        }

        if ((obj.speed != null && obj.speed !== 0)) {
          w.uint32(61)
          w.float(obj.speed)
        }

        if ((obj.leaving != null && obj.leaving !== false)) {
          w.uint32(64)
          w.bool(obj.leaving)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          models: [],
          slots: 0,
          active: 0,
          queued: 0,
          scoutsWanted: 0,
          addresses: [],
          speed: 0,
          leaving: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.models != null && obj.models.length === opts.limits.models) {
                throw new MaxLengthError('Decode error - repeated field "models" had too many elements')
              }

              obj.models.push(ServedModel.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.models$
              }))
              break
            }
            case 2: {
              obj.slots = reader.uint32()
              break
            }
            case 3: {
              obj.active = reader.uint32()
              break
            }
            case 4: {
              obj.queued = reader.uint32()
              break
            }
            case 5: {
              obj.scoutsWanted = reader.uint32()
              break
            }
            case 6: {
              if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
                throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
              }

              obj.addresses.push(reader.bytes())
              break
            }
            case 7: {
              obj.speed = reader.float()
              break
            }
            case 8: {
              obj.leaving = reader.bool()
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
          models: 0,
          addresses: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.models != null && obj.models === opts.limits.models) {
                throw new MaxLengthError('Streaming decode error - repeated field "models" had too many elements')
              }

              for (const evt of ServedModel.codec().stream(reader, reader.uint32(), `${prefix}.models[]`, {
                limits: opts.limits?.models$
              })) {
                yield {
                  ...evt,
                  index: obj.models
                }
              }

              obj.models++

              break
            }
            case 2: {
              yield {
                field: `${prefix}.slots`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.active`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.queued`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.scoutsWanted`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              if (opts.limits?.addresses != null && obj.addresses === opts.limits.addresses) {
                throw new MaxLengthError('Streaming decode error - repeated field "addresses" had too many elements')
              }

              yield {
                field: `${prefix}.addresses[]`,
                index: obj.addresses,
                value: reader.bytes()
              }

              obj.addresses++

              break
            }
            case 7: {
              yield {
                field: `${prefix}.speed`,
                value: reader.float()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.leaving`,
                value: reader.bool()
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

  export interface AnnouncementModelsManifestFieldEvent {
    field: '$.models[].manifest'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface AnnouncementModelsNameFieldEvent {
    field: '$.models[].name'
    value: string
    index: number
  }

  export interface AnnouncementSlotsFieldEvent {
    field: '$.slots'
    value: number
  }

  export interface AnnouncementActiveFieldEvent {
    field: '$.active'
    value: number
  }

  export interface AnnouncementQueuedFieldEvent {
    field: '$.queued'
    value: number
  }

  export interface AnnouncementScoutsWantedFieldEvent {
    field: '$.scoutsWanted'
    value: number
  }

  export interface AnnouncementAddressesFieldEvent {
    field: '$.addresses[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface AnnouncementSpeedFieldEvent {
    field: '$.speed'
    value: number
  }

  export interface AnnouncementLeavingFieldEvent {
    field: '$.leaving'
    value: boolean
  }

  export function encode (obj: Partial<Announcement>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Announcement.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Announcement>): Announcement {
    return decodeMessage(buf, Announcement.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Announcement>): Generator<AnnouncementModelsManifestFieldEvent | AnnouncementModelsNameFieldEvent | AnnouncementSlotsFieldEvent | AnnouncementActiveFieldEvent | AnnouncementQueuedFieldEvent | AnnouncementScoutsWantedFieldEvent | AnnouncementAddressesFieldEvent | AnnouncementSpeedFieldEvent | AnnouncementLeavingFieldEvent> {
    return streamMessage(buf, Announcement.codec(), opts)
  }
}

export interface ServedModel {
  manifest: Uint8Array<ArrayBuffer>
  name: string
}

export namespace ServedModel {
  let _codec: Codec<ServedModel>

  export const codec = (): Codec<ServedModel> => {
    if (_codec == null) {
      _codec = message<ServedModel>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.manifest != null && obj.manifest.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.manifest)
        }

        if ((obj.name != null && obj.name !== '')) {
          w.uint32(18)
          w.string(obj.name)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          manifest: uint8ArrayAlloc(0),
          name: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.manifest = reader.bytes()
              break
            }
            case 2: {
              obj.name = reader.string()
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
                field: `${prefix}.manifest`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.name`,
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

  export interface ServedModelManifestFieldEvent {
    field: '$.manifest'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ServedModelNameFieldEvent {
    field: '$.name'
    value: string
  }

  export function encode (obj: Partial<ServedModel>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ServedModel.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ServedModel>): ServedModel {
    return decodeMessage(buf, ServedModel.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ServedModel>): Generator<ServedModelManifestFieldEvent | ServedModelNameFieldEvent> {
    return streamMessage(buf, ServedModel.codec(), opts)
  }
}
