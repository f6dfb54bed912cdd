export const GENERATE_PROTOCOL = '/shard/generate/1'
