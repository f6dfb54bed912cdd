/** What a tensor of one type takes: values that are stored together, and the bytes of such a block. */
export interface TensorType {
  block: number
  bytes: number
}

/**
 * The tensor types of ggml that a model's weights have, by their number in a GGUF file (ggml.h, ggml-common.h). Those
 * that ggml only computes with are left out.
 */
export const TENSOR_TYPES: ReadonlyMap<number, TensorType> = new Map(
  (
    [
      [0, 1, 4], // F32
      [1, 1, 2], // F16
      [2, 32, 18], // Q4_0
      [3, 32, 20], // Q4_1
      [6, 32, 22], // Q5_0
      [7, 32, 24], // Q5_1
      [8, 32, 34], // Q8_0
      [10, 256, 84], // Q2_K
      [11, 256, 110], // Q3_K
      [12, 256, 144], // Q4_K
      [13, 256, 176], // Q5_K
      [14, 256, 210], // Q6_K
      [16, 256, 66], // IQ2_XXS
      [17, 256, 74], // IQ2_XS
      [18, 256, 98], // IQ3_XXS
      [19, 256, 50], // IQ1_S
      [20, 32, 18], // IQ4_NL
      [21, 256, 110], // IQ3_S
      [22, 256, 82], // IQ2_S
      [23, 256, 136], // IQ4_XS
      [29, 256, 56], // IQ1_M
      [30, 1, 2], // BF16
      [34, 256, 54], // TQ1_0
      [35, 256, 66], // TQ2_0
      [39, 32, 17] // MXFP4
    ] as const
  ).map(([type, block, bytes]) => [type, { block, bytes }])
)

/** Types of metadata values, by their number in a GGUF file. */
export const GGUF_TYPE = {
  UINT8: 0,
  INT8: 1,
  UINT16: 2,
  INT16: 3,
  UINT32: 4,
  INT32: 5,
  FLOAT32: 6,
  BOOL: 7,
  STRING: 8,
  ARRAY: 9,
  UINT64: 10,
  INT64: 11,
  FLOAT64: 12
} as const

/** Bytes of each value type of fixed size; strings and arrays have none. */
export const VALUE_BYTES: ReadonlyMap<number, number> = new Map([
  [GGUF_TYPE.UINT8, 1],
  [GGUF_TYPE.INT8, 1],
  [GGUF_TYPE.UINT16, 2],
  [GGUF_TYPE.INT16, 2],
  [GGUF_TYPE.UINT32, 4],
  [GGUF_TYPE.INT32, 4],
  [GGUF_TYPE.FLOAT32, 4],
  [GGUF_TYPE.BOOL, 1],
  [GGUF_TYPE.UINT64, 8],
  [GGUF_TYPE.INT64, 8],
  [GGUF_TYPE.FLOAT64, 8]
])
