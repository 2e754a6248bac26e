/** What the schemas need to know of their surroundings to fill in defaults. */
export interface SchemaContext {
  readonly hostname: string;
  /** The top-level cluster, the default of every ingress. */
  readonly cluster: string;
  /** Whether the file has a section `claims`, by which every ingress shares unless it says otherwise. */
  readonly hasClaims: boolean;
  /** Makes a path absolute, relative to the configuration file. */
  readonly resolve: (path: string) => string;
}

/** Where a schema's defaults come from, for code that only asks what it reads. */
export const ANY_CONTEXT: SchemaContext = {
  hostname: 'h',
  cluster: 'c',
  hasClaims: false,
  resolve: (path) => path,
};
