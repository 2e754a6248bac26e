export { decodeMarshal } from './marshal/decode.ts';
export { encodeMarshal } from './marshal/encode.ts';
export * from './value.ts';
export { decodeYaml } from './yaml/decode.ts';
export { encodeYaml } from './yaml/encode.ts';
export { DEFAULT_YAML_LIMITS } from './yaml/limits.ts';
