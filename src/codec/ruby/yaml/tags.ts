/**
 * What Psych makes of a mapping or list by its tag: the branches of `visit_Psych_Nodes_Mapping` and `…_Sequence` in
 * to_ruby.rb of Psych 4.0, in their order.
 */
type MappingKind =
  /** A Hash, also of a class of its own, in which the key `<<` merges. */
  | 'hash'
  /** A Hash in which `<<` is a key like others. */
  | 'unmerged'
  | 'hash-with-ivars'
  | 'string'
  | 'array'
  | 'struct'
  /** Of newer Psychs alone: its plain form is a Hash to older ones. */
  | 'data-with-ivars'
  | 'range'
  | 'exception'
  | 'marshalable'
  | 'object';

export interface ClassTag {
  readonly kind: MappingKind;
  /** Empty where none is named. */
  readonly className: string;
}

const YAML = 'tag:yaml.org,2002:';
const KINDS: readonly (readonly [MappingKind, RegExp])[] = [
  ['struct', /^!ruby\/struct:?(.*)$/],
  ['object', /^!ruby\/object:?(.*)$/],
  ['string', /^!(?:str|ruby\/string)(?::(.*))?$/],
  ['string', /^tag:yaml\.org,2002:str$/],
  ['array', /^!ruby\/array:(.*)$/],
  ['range', /^!ruby\/range$/],
  ['exception', /^!ruby\/exception:?(.*)$/],
  ['unmerged', /^(?:!|tag:yaml\.org,2002:)(?:set|omap)$/],
  ['hash-with-ivars', /^!ruby\/hash-with-ivars(?::(.*))?$/],
  ['marshalable', /^!ruby\/marshalable:(.*)$/],
  // psych/visitors/to_ruby.rb of Psych 5.2.3.
  ['data-with-ivars', /^!ruby\/data-with-ivars(?::(.*))?$/],
];

const HASH: ClassTag = { kind: 'hash', className: '' };

/** What a mapping is; a tag that is not one of Psych's means nothing. */
export const mappingTag = (tag: string | undefined): ClassTag => {
  if (tag === undefined) return HASH;
  for (const [kind, pattern] of KINDS) {
    const found = pattern.exec(tag);
    if (found === null) continue;
    const [, className = ''] = found;
    return kind === 'object' && className === 'Hash' ? HASH : { kind, className };
  }
  return HASH;
};

/** Whether a list is of pairs that are one hash, in order. */
export const isOrdered = (tag: string | undefined): boolean => tag === '!omap' || tag === `${YAML}omap`;

/** Whether a key with this tag is text, even where it is `<<`. */
export const isTextTag = (tag: string | undefined): boolean => tag === `${YAML}str`;
